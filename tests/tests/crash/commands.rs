//! A command that is sent again because nobody heard an answer.

use crate::reckon::quiet;
use deputy_protocol::control::{Request, Response};
use deputy_tests::{Agent, AskError, Home, Launch, bundle, wait_until};
use serde_json::json;

fn start() -> Request {
    Request::AutomationRun {
        automation: "a1".to_owned(),
        input: None,
        wait: false,
    }
}

/// A home with one automation that does nothing.
fn home() -> Home {
    let home = Home::new();
    let agent = home.start();
    home.install(bundle("one", json!({}), "export default async () => 1"));
    agent.kill9();
    home
}

fn is_about_a_run(answer: &Response) -> bool {
    matches!(answer, Response::Run(_))
}

#[test]
fn a_command_sent_again_after_a_kill_at_any_point_is_applied_exactly_once() {
    let home = home();
    let (mut survived, mut unheard, mut lost) = (0, 0, 0);
    let mut sent = 0;
    // Writes that happen to share a transaction pass fewer points; so look twice.
    for n in 1.. {
        if survived == 2 {
            break;
        }
        let launch = Launch::with_faults().env("DEPUTY_FAULT_KILL", n);
        let Ok(mut agent) = Agent::start(&home, &launch) else {
            continue;
        };
        let id = format!("command-{n}");
        sent += 1;
        let first = home.ask_as(&id, start());
        if let Ok(answer) = &first {
            assert!(is_about_a_run(answer), "{answer:?}");
        }
        wait_until("the kill, or the end of the work", || {
            (!agent.alive() || quiet(&home).unwrap_or(false)).then_some(())
        });
        survived = if agent.alive() { survived + 1 } else { 0 };
        unheard += u64::from(first.is_err());
        drop(agent);
        let agent = home.start();
        match home.ask_as(&id, start()) {
            Ok(answer) => assert!(is_about_a_run(&answer), "{answer:?}"),
            // It is known to have been applied; only what it said is not.
            Err(AskError::Refused(error)) if error.code == "answer_lost" => {
                assert!(first.is_err(), "an answer that was heard is forgotten");
                lost += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
        wait_until("the work to come to rest", || quiet(&home).filter(|q| *q));
        assert_eq!(home.runs(None).len(), sent, "after a kill at point {n}");
        agent.kill9();
    }
    println!("{sent} commands, {unheard} unheard, {lost} with their answer lost");
    assert!(unheard > 0 && lost > 0, "{unheard} {lost}");
}

#[test]
fn a_command_sent_many_times_at_once_is_applied_once_and_answered_every_time() {
    let home = home();
    let agent = home.start();
    for round in 1..=20 {
        let id = format!("at-once-{round}");
        let answers: Vec<String> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| home.ask_as(&id, start()).unwrap()))
                .collect();
            asked
                .into_iter()
                .map(|thread| match thread.join().unwrap() {
                    Response::Run(run) => run.id,
                    other => panic!("{other:?}"),
                })
                .collect()
        });
        assert!(answers.iter().all(|id| *id == answers[0]), "{answers:?}");
        assert_eq!(home.runs(None).len(), round);
    }
    agent.kill9();
}
