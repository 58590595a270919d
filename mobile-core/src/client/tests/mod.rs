//! The client on a clock that the test moves, against an agent's side that speaks the real session.
//!
//! `world.rs` is that agent, the lines to it, and the disk of the device; `storm.rs` breaks lines at
//! random; `answers.rs` is about answers that do not come, or cannot be kept; `pairing.rs` about a
//! device that is not known yet.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod pairing;
mod storm;
mod world;

use super::*;
use deputy_protocol::link::RefusalCode;
use deputy_protocol::remote::{Down, Right, Rights};
use serde_json::json;
use world::{World, pause, run_ask, status};

#[test]
fn a_view_is_asked_when_the_line_opens_and_again_after_what_happened_but_not_too_often() {
    let mut world = World::new();
    world.client.watch(status(), world.now).unwrap();
    world.settle();
    assert_eq!(world.client.state(), LineState::Open);
    assert_eq!(world.agent.asked("status"), 1);
    assert!(world.client.view(&status()).unwrap().is_fresh());
    for n in 1..=50 {
        world.agent.happens("run_started", n);
        world.settle();
    }
    // Fifty things at one time are not fifty questions.
    assert_eq!(world.agent.asked("status"), 1);
    assert!(!world.client.view(&status()).unwrap().is_fresh());
    world.pass(250);
    assert_eq!(world.agent.asked("status"), 2);
    world.pass(60_000);
    // Nothing has happened since; the line itself was tried once.
    assert_eq!(world.agent.asked("status"), 2);
    assert_eq!(world.agent.pinged, 1);
    assert_eq!(world.events(), (1..=50).collect::<Vec<_>>());
}

/// slopus/happy #1308, #1418: a phone misses what came while it was in the background.
#[test]
fn what_was_missed_is_told_in_order_and_nothing_twice() {
    let mut world = World::new();
    world.settle();
    world.agent.happens("need_opened", 1);
    world.agent.happens("need_opened", 2);
    world.settle();
    world.cut();
    world.agent.happens("need_opened", 3);
    world.agent.happens("need_opened", 4);
    world.pass(1_000);
    assert_eq!(world.events(), [1, 2, 3, 4]);
    // A new start from the disk goes on where it was.
    world.pass(2_000);
    world.restart();
    world.agent.happens("need_opened", 5);
    world.pass(1_000);
    assert_eq!(world.events(), [5]);
}

#[test]
fn a_command_is_kept_before_it_is_sent_and_sent_until_it_is_answered() {
    let mut world = World::new();
    world.agent.deaf = true;
    world.settle();
    let id = world.client.command(run_ask("a1"), world.now).unwrap();
    let mut effects = Vec::new();
    while let Some(effect) = world.client.next_effect() {
        effects.push(effect);
    }
    let keep = effects
        .iter()
        .position(|e| matches!(e, Effect::Keep(Kept::Commands, _)));
    let send = effects
        .iter()
        .position(|e| matches!(e, Effect::Send { .. }));
    assert!(keep.unwrap() < send.unwrap(), "{effects:?}");
    for effect in effects {
        world.apply(effect);
    }
    assert_eq!(world.fate(&id), CommandState::Sent);
    assert!(!world.client.withdraw(&id));
    // Nothing is heard: the line is given up, and the same id goes over the next.
    world.agent.deaf = false;
    world.pass(21_000);
    assert!(matches!(world.fate(&id), CommandState::Applied { .. }));
    assert_eq!(world.agent.applied, std::slice::from_ref(&id));
    assert!(world.client.forget(&id));
    assert!(world.client.commands().is_empty());
}

#[test]
fn a_command_said_without_a_line_waits_can_be_withdrawn_and_outlives_the_app() {
    let mut world = World::new();
    world.agent.is_there = false;
    world.settle();
    let gone = world.client.command(run_ask("a1"), world.now).unwrap();
    let stays = world.client.command(pause("a2"), world.now).unwrap();
    world.settle();
    assert_eq!(world.fate(&gone), CommandState::Waiting);
    assert!(world.client.withdraw(&gone));
    world.settle();
    world.restart();
    assert_eq!(world.fate(&stays), CommandState::Waiting);
    world.agent.is_there = true;
    world.pass(40_000);
    assert!(matches!(world.fate(&stays), CommandState::Applied { .. }));
    assert_eq!(world.agent.applied, [stays]);
}

#[test]
fn commands_about_one_thing_are_applied_in_the_order_in_which_they_were_said() {
    let mut world = World::new();
    world.agent.is_there = false;
    world.settle();
    let first = world.client.command(pause("a1"), world.now).unwrap();
    let other = world.client.command(pause("a2"), world.now).unwrap();
    let second = world.client.command(run_ask("a1"), world.now).unwrap();
    world.agent.is_there = true;
    world.agent.answers_late = true;
    world.pass(1_000);
    // What is about another thing does not wait.
    assert_eq!(world.agent.applied, [first.clone(), other.clone()]);
    assert_eq!(world.fate(&second), CommandState::Waiting);
    world.agent.answers_late = false;
    world.settle();
    assert_eq!(world.agent.applied, [first, other, second]);
}

#[test]
fn a_command_that_may_be_forgotten_at_the_agent_is_not_sent_again() {
    let mut world = World::new();
    world.agent.deaf = true;
    world.settle();
    let sent = world.client.command(run_ask("a1"), world.now).unwrap();
    world.settle();
    world.agent.is_there = false;
    world.cut();
    let waiting = world.client.command(run_ask("a2"), world.now).unwrap();
    world.settle();
    world.now.unix_ms += 6 * 86_400_000 + 1;
    world.restart();
    assert!(matches!(world.fate(&sent), CommandState::Unknown { .. }));
    world.agent.is_there = true;
    world.agent.deaf = false;
    world.pass(40_000);
    // What was never sent cannot have been applied, however old it is.
    assert_eq!(world.agent.applied, [waiting]);
}

#[test]
fn an_answer_that_was_lost_is_applied_and_a_refusal_is_not() {
    let mut world = World::new();
    world.settle();
    world.agent.refuse_with = Some("answer_lost");
    let lost = world.client.command(run_ask("a1"), world.now).unwrap();
    world.settle();
    assert_eq!(
        world.fate(&lost),
        CommandState::Applied {
            answer: serde_json::Value::Null
        }
    );
    world.agent.refuse_with = Some("not_found");
    let refused = world.client.command(run_ask("a9"), world.now).unwrap();
    world.settle();
    assert!(matches!(world.fate(&refused), CommandState::Refused { .. }));
}

#[test]
fn relays_that_have_changed_are_told_to_be_kept_and_used_from_then_on() {
    let mut world = World::new();
    world.settle();
    let mut relays = world.device.relays.clone();
    relays[0].address = "another:443".to_owned();
    world.tell(&Down::Relays {
        relays: relays.clone(),
        device: None,
        rights: None,
    });
    world.settle();
    let told = world.notices.iter().find_map(|notice| match notice {
        Notice::Device(device) => Some(device.relays.clone()),
        _ => None,
    });
    assert_eq!(told, Some(relays));
    world.cut();
    world.pass(1_000);
    assert_eq!(world.dials.last().map(String::as_str), Some("another:443"));
}

/// n0-computer/iroh #2971: ten thousand clients that come back at once.
#[test]
fn every_relay_is_tried_at_once_and_then_the_waits_grow_until_something_changes() {
    let mut world = World::with_relays(2);
    world.relay_is_there = false;
    world.settle();
    assert_eq!(world.dials.len(), 2);
    assert_ne!(world.dials[0], world.dials[1]);
    assert!(matches!(
        world.client.state(),
        LineState::Away {
            why: Why::NoRelay(_),
            ..
        }
    ));
    world.pass(250);
    assert_eq!(world.dials.len(), 4);
    world.pass(600_000);
    let in_ten_minutes = world.dials.len();
    assert!((40..100).contains(&in_ten_minutes), "{in_ten_minutes}");
    world.relay_is_there = true;
    world.client.network_changed(world.now);
    world.settle();
    assert_eq!(world.client.state(), LineState::Open);
    assert_eq!(world.dials.len(), in_ten_minutes + 1);
}

#[test]
fn an_agent_that_is_off_is_told_from_a_relay_that_is() {
    let mut world = World::new();
    world.agent.is_there = false;
    world.settle();
    assert!(matches!(
        world.client.state(),
        LineState::Away {
            why: Why::Offline(_),
            ..
        }
    ));
}

#[test]
fn a_revoked_device_stops_looking_until_it_is_asked_to() {
    let mut world = World::new();
    world.settle();
    world.revoke();
    assert_eq!(world.client.state(), LineState::NotKnown);
    let dials = world.dials.len();
    world.pass(3_600_000);
    assert_eq!(world.dials.len(), dials);
    world.client.resume(world.now);
    world.settle();
    assert_eq!(world.dials.len(), dials + 1);
}

#[test]
fn an_answer_that_takes_long_is_waited_for_while_the_agent_gives_signs_of_life() {
    let mut world = World::new();
    world.settle();
    world.agent.answers_late = true;
    let id = world.client.command(run_ask("a1"), world.now).unwrap();
    world.pass(600_000);
    assert_eq!(world.dials.len(), 1);
    assert_eq!(world.fate(&id), CommandState::Sent);
    world.agent.answers_late = false;
    world.settle();
    assert!(matches!(world.fate(&id), CommandState::Applied { .. }));
}

#[test]
fn a_line_that_died_in_silence_is_found_out_by_trying_it() {
    let mut world = World::new();
    world.settle();
    world.agent.deaf = true;
    world.pass(45_000);
    assert_eq!(world.client.state(), LineState::Open);
    world.agent.deaf = false;
    world.pass(21_000);
    assert_eq!(world.client.state(), LineState::Open);
    assert_eq!(world.dials.len(), 2);
}

/// Found by fuzzing: the length before a piece is all that is not sealed of it.
#[test]
fn a_relay_that_announces_a_piece_that_never_comes_makes_nobody_deaf() {
    let mut world = World::new();
    world.settle();
    world.client.received(1, &[0xff, 0xff], world.now);
    // The agent's answer is swallowed as part of that piece, and yet it is a sign of life.
    let id = world.client.command(run_ask("a1"), world.now).unwrap();
    world.pass(29_999);
    assert_eq!(world.fate(&id), CommandState::Sent);
    assert_eq!(world.dials.len(), 1);
    assert_eq!(world.agent.applied.len(), 1);
    world.pass(2_000);
    assert!(matches!(world.fate(&id), CommandState::Applied { .. }));
    assert_eq!(world.agent.applied, [id]);
    assert_eq!(world.dials.len(), 2);
}

/// Found by fuzzing: the answer that says so is not sealed, and an agent may be updated.
#[test]
fn an_agent_of_another_version_is_asked_again_after_a_while() {
    let mut world = World::new();
    world.hold_dials = true;
    world.settle();
    world.client.connected(1, world.now);
    world.client.received(1, &[1, 1, 9], world.now);
    world.settle();
    assert_eq!(world.client.state(), LineState::OtherVersion);
    world.hold_dials = false;
    world.pass(599_999);
    assert_eq!(world.client.state(), LineState::OtherVersion);
    world.pass(1);
    assert_eq!(world.client.state(), LineState::Open);
}

/// A slow line is none that is meddled with: each piece has its own time.
#[test]
fn a_long_answer_over_a_slow_line_is_waited_for_piece_by_piece() {
    let mut world = World::new();
    world.settle();
    world.agent.happens(&"x".repeat(200_000), 1);
    let sealed = world.sealed_for(1);
    assert!(sealed.len() > 3 * 65_535);
    for (n, bytes) in sealed.chunks(4_000).enumerate() {
        assert!(world.events().is_empty(), "after {n}");
        world.pass(1_500);
        world.client.received(1, bytes, world.now);
    }
    world.settle();
    assert_eq!(world.events(), [1]);
    assert_eq!(world.dials.len(), 1);
}

/// slopus/happy #1208, #1308: stale until it is reopened.
#[test]
fn an_app_that_rests_lets_go_and_is_up_to_date_at_once_when_it_is_seen_again() {
    let mut world = World::new();
    world.client.watch(status(), world.now).unwrap();
    world.settle();
    world.client.suspend();
    world.settle();
    assert_eq!(world.client.state(), LineState::Resting);
    assert!(world.agent.heard_goodbye);
    world.agent.happens("need_opened", 1);
    world.pass(3_600_000);
    assert_eq!(world.dials.len(), 1);
    world.client.resume(world.now);
    world.settle();
    assert_eq!(world.events(), [1]);
    assert_eq!(world.agent.asked("status"), 2);
}

#[test]
fn without_a_line_there_is_what_was_seen_last_with_its_date() {
    let mut world = World::new();
    world.client.watch(status(), world.now).unwrap();
    world.settle();
    world.pass(2_000);
    world.agent.is_there = false;
    let as_of = world.now.unix_ms - 2_000;
    world.restart();
    let view = world.client.view(&status()).unwrap();
    assert_eq!(view.answer.as_ref().unwrap()["type"], "status");
    assert_eq!(view.as_of_ms, Some(as_of));
    assert!(!view.is_fresh());
}

#[test]
fn what_is_kept_is_sealed_and_what_is_damaged_is_said() {
    let mut world = World::new();
    world.client.command(run_ask("a-name"), world.now).unwrap();
    world.settle();
    let kept = world.disk.get(&Kept::Commands).unwrap().clone();
    assert!(!String::from_utf8_lossy(&kept).contains("a-name"));
    let open = |device: &PairedDevice, kept: &[u8], what| {
        Client::open(device.clone(), &[(what, kept.to_vec())], world.now).1
    };
    assert_eq!(open(&world.device, &kept, Kept::Commands), None);
    for at in 0..kept.len() {
        let mut changed = kept.clone();
        changed[at] ^= 1;
        assert!(
            open(&world.device, &changed, Kept::Commands).is_some(),
            "{at}"
        );
        assert!(open(&world.device, &kept[..at], Kept::Commands).is_some());
    }
    let damaged = Some(KeptError::Damaged);
    assert_eq!(open(&world.device, &kept, Kept::Views), damaged);
    let other = World::new();
    assert_eq!(open(&other.device, &kept, Kept::Commands), damaged);
}

#[test]
fn a_question_is_answered_within_its_patience_whatever_happens() {
    let mut world = World::new();
    world.agent.is_there = false;
    world.settle();
    let token = world.client.ask(status(), 5_000, world.now).unwrap();
    world.pass(4_999);
    assert_eq!(world.answer(token), None);
    world.pass(1);
    assert_eq!(world.answer(token), Some(Err(Trouble::Unreachable)));
    world.agent.is_there = true;
    world.pass(40_000);
    let token = world.client.ask(status(), 5_000, world.now).unwrap();
    world.settle();
    assert!(matches!(world.answer(token), Some(Ok(_))));
    // What a newer agent says is handed on as it is.
    world.agent.speaks_newer = true;
    let token = world.client.ask(status(), 5_000, world.now).unwrap();
    world.settle();
    let newer = json!({"type": "of a newer version"});
    assert_eq!(world.answer(token), Some(Ok(newer)));
}

#[test]
fn a_question_that_nobody_waits_for_any_more_is_not_asked() {
    let mut world = World::new();
    world.agent.is_there = false;
    world.settle();
    let gone = world.client.ask(status(), 600_000, world.now).unwrap();
    let kept = world.client.ask(status(), 600_000, world.now).unwrap();
    world.client.drop_question(gone);
    world.agent.is_there = true;
    world.pass(60_000);
    assert_eq!(world.agent.asked("status"), 1);
    assert!(matches!(world.answer(kept), Some(Ok(_))));
    // Nor is anybody told that it was not answered in time.
    world.pass(600_000);
    assert_eq!(world.answer(gone), None);
}

#[test]
fn what_a_device_may_not_do_is_not_even_sent_and_kinds_are_not_mixed_up() {
    let mut world = World::new();
    world.device.rights = Rights::of([Right::View]);
    world.restart();
    world.settle();
    let refused = world.client.command(run_ask("a1"), world.now);
    assert_eq!(refused, Err(CommandError::NotAllowed));
    assert_eq!(
        world.client.ask(run_ask("a1"), 1, world.now),
        Err(CommandError::NotAQuestion)
    );
    let mut world = World::new();
    assert_eq!(
        world.client.command(status(), world.now),
        Err(CommandError::NotACommand)
    );
    world.agent.is_there = false;
    for n in 0..256 {
        world
            .client
            .command(run_ask(&format!("a{n}")), world.now)
            .unwrap();
    }
    let full = world.client.command(run_ask("one more"), world.now);
    assert_eq!(full, Err(CommandError::Full));
}

#[test]
fn a_chat_is_asked_only_for_what_is_new() {
    let chat = Ask::Chat {
        automation: None,
        after: 0,
        limit: 100,
    };
    let mut world = World::new();
    world.agent.chat = vec![1, 2, 3];
    world.client.watch(chat.clone(), world.now).unwrap();
    world.settle();
    world.agent.chat.push(4);
    world.agent.happens("chat", 1);
    world.pass(300);
    let answer = world.client.view(&chat).unwrap().answer.clone().unwrap();
    let lines = answer["value"].as_array().unwrap();
    let seqs: Vec<i64> = lines.iter().map(|l| l["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(world.agent.questions.last().unwrap()["after"], json!(3));
}

#[test]
fn a_dial_that_was_given_up_cannot_come_back_as_another() {
    let mut world = World::new();
    world.hold_dials = true;
    world.settle();
    world.client.network_changed(world.now);
    world.settle();
    assert_eq!(world.dials.len(), 2);
    // The first succeeds after all: it is hung up, and the second goes on.
    world.client.connected(1, world.now);
    world.settle();
    assert!(world.hung_up.contains(&1));
    world
        .client
        .failed(1, Some(RefusalCode::Offline), "late", world.now);
    world.client.ended(1, Some(4), world.now);
    world.client.received(1, b"noise", world.now);
    assert_eq!(world.client.state(), LineState::Connecting);
}
