//! Answers that are still to come, that cannot be kept, or that make others be forgotten.

use super::world::{World, run_ask, status};
use super::*;
use deputy_protocol::remote::Down;
use serde_json::json;

#[test]
fn what_was_asked_and_not_answered_is_not_fresh() {
    let mut world = World::new();
    world.client.watch(status(), world.now).unwrap();
    world.settle();
    world.pass(2_000);
    world.restart();
    world.client.watch(status(), world.now).unwrap();
    world.agent.deaf = true;
    world.settle();
    assert_eq!(world.client.state(), LineState::Open);
    let view = world.client.view(&status()).unwrap();
    assert!(view.answer.is_some() && !view.is_fresh(), "{view:?}");
    world.agent.deaf = false;
    world.cut();
    world.pass(40_000);
    assert!(world.client.view(&status()).unwrap().is_fresh());
    // The answer may be the same; that it is fresh is told all the same.
    assert!(world.notices.contains(&Notice::View(status())));
}

#[test]
fn an_answer_that_nests_too_deep_to_be_kept_loses_no_command() {
    for depth in [99, 100, 101, 120, 124, 125, 126] {
        let mut world = World::new();
        world.client.watch(status(), world.now).unwrap();
        world.agent.answers_late = true;
        let id = world.client.command(run_ask("a1"), world.now).unwrap();
        world.settle();
        let mut deep = json!(1);
        for _ in 0..depth {
            deep = json!([deep]);
        }
        for id in [id.clone(), "#1".to_owned(), "#2".to_owned()] {
            world.tell(&Down::Answer {
                id,
                ok: Some(deep.clone()),
                error: None,
            });
        }
        world.pass(2_000);
        assert!(matches!(world.fate(&id), CommandState::Applied { .. }));
        // Says what is wrong with what was kept, if anything is.
        world.restart();
        assert!(matches!(world.fate(&id), CommandState::Applied { .. }));
    }
}

#[test]
fn an_old_command_that_is_answered_last_is_still_told_of() {
    let mut world = World::new();
    world.agent.is_there = false;
    let old = world.client.command(run_ask("old"), world.now).unwrap();
    let newer: Vec<String> = (0..65)
        .map(|n| {
            let ask = run_ask(&format!("a{n}"));
            world.client.command(ask, world.now).unwrap()
        })
        .collect();
    world.agent.answers_late = true;
    world.agent.is_there = true;
    world.pass(40_000);
    let done = json!({"type": "done", "value": {"id": "x", "message": "done"}});
    let answer = |id: &String| Down::Answer {
        id: id.clone(),
        ok: Some(done.clone()),
        error: None,
    };
    for id in newer.iter().chain([&old]) {
        world.tell(&answer(id));
    }
    world.settle();
    assert!(matches!(world.fate(&old), CommandState::Applied { .. }));
    // Those that made room for others are not shown any more.
    for id in &newer[..2] {
        assert!(world.notices.contains(&Notice::Forgotten(id.clone())));
    }
    assert_eq!(world.client.commands().len(), 64);
}
