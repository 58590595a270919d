//! Nothing that the agent says is lost on the way, whatever a newer agent adds; nothing that can be
//! asked is missing; a bad listener harms itself alone.
#![allow(clippy::unwrap_used)]

mod listening;
mod tolerance;

use crate::*;
use deputy_protocol::control::Response;
use deputy_protocol::model;
use deputy_protocol::remote::{Ask, Rights};
use serde_json::{Value, json};

/// A run as the agent says it.
fn run() -> Value {
    json!({
        "id": "r1", "automation": "a1", "state": "waiting", "waiting_for": "approval",
        "waiting_until": "2026-01-02T03:04:05.678Z", "failure_class": "in_doubt",
        "failure": "why", "script_version": 2, "contract_version": 3, "input": "i1", "attempt": 4,
        "due_at": "2026-01-02T03:04:05.000Z", "started_at": "2026-01-02T03:04:05.001Z",
        "ended_at": null, "duration_ms": 1.5, "steps": 6, "cost_micros": 7, "result": {"x": [1]},
    })
}

fn automation() -> Value {
    json!({
        "id": "a1", "name": "n", "purpose": "p", "state": "active", "paused_because": "because",
        "contract_version": 1, "script_version": 2, "timezone": "UTC",
        "next_due_at": "2026-01-02T03:04:05.000Z", "last_run": "r1", "last_run_state": "failed",
        "last_run_at": null, "needs_open": 3, "cost_micros": 4,
        "created_at": "2026-01-02T03:04:05.000Z",
    })
}

fn clause() -> Value {
    json!({"kind": "capability", "text": "may", "enforced": true, "wide": true})
}

fn diff() -> Value {
    let change = json!({"path": "a.b", "text": "more", "effect": "wider"});
    json!({"verdict": "both", "changes": [change]})
}

fn need() -> Value {
    json!({
        "id": "n1", "kind": "approval", "title": "t", "automation": "a1", "run": "r1",
        "state": "open", "choices": [{"id": "approve", "label": "l"}],
        "detail": {
            "call": {"tool": "mail.send", "title": "sends", "args": {"to": "x"}},
            "rule": {"message": "the contract wants it"}, "always": diff(),
        },
        "answer": "approve", "answered_by": "cli", "created_at": "2026-01-02T03:04:05.000Z",
    })
}

fn event() -> Value {
    json!({
        "seq": 9, "at": "2026-01-02T03:04:05.000Z", "kind": "run_ended", "automation": "a1",
        "run": "r1", "data": {"state": "failed"},
    })
}

fn input() -> Value {
    json!({
        "id": "i1", "automation": "a1", "source": "webhook", "topic": "in", "title": "t",
        "state": "claimed", "due_at": "2026-01-02T03:04:05.000Z", "payload": {"a": 1}, "run": "r1",
        "caused_by": "i0", "reason": "why",
    })
}

fn output() -> Value {
    json!({
        "id": "o1", "automation": "a1", "run": "r1", "tool": "mail.send", "effect_key": "k",
        "state": "in_doubt", "title": "t", "caused_by": "i1", "at": "2026-01-02T03:04:05.000Z",
    })
}

fn with(mut thing: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    thing.as_object_mut().unwrap().extend(more);
    thing
}

/// One answer of each kind that a device is given, with everything in it.
fn answers() -> Vec<Value> {
    let step = json!({
        "seq": 1, "tool": "mail.send", "effect_class": "opaque", "effect_key": "k", "state": "done",
        "started_at": "2026-01-02T03:04:05.000Z", "duration_ms": 0.5, "attempt": 1,
        "args": {"to": "x"}, "outcome": {"ok": true}, "reused": true,
    });
    let preview = json!({
        "state": "failed", "effects": [{"tool": "t", "title": "e", "args": []}], "reads": ["r"],
        "result": 1, "error": "e", "error_code": "syntax",
    });
    let proposal = json!({
        "id": "p1", "automation": "a1", "name": "n", "state": "proposed", "contract": {"contract": 1},
        "plain_words": [clause()], "preview": preview, "doubts": [{"id": "D", "message": "m"}],
        "diff": diff(), "question": {"question": "q", "choices": ["c"], "item": "n1"},
    });
    let status = json!({
        "version": "1", "pid": 2, "home": "/h", "started_at": "2026-01-02T03:04:05.000Z",
        "listen": "http://x", "automations": {"draft": 1, "active": 2, "paused": 3, "archived": 4},
        "inputs_pending": 5, "runs_active": 6, "runs_waiting": 7, "needs_open": 8,
        "next_due_at": "2026-01-02T03:04:05.000Z", "model": true,
    });
    let line = json!({
        "seq": 3, "at": "2026-01-02T03:04:05.000Z", "automation": "a1", "kind": "need_opened",
        "author": "deputy", "data": {"title": "t", "text": "x", "need": "n1"},
    });
    let version = json!({
        "id": "a1", "version": 2, "created_at": "2026-01-02T03:04:05.000Z", "contract": {"c": 1},
        "plain_words": [clause()],
    });
    let connection = json!({
        "id": "c1", "kind": "mail", "name": "n", "state": "failing", "config": {"host": "h"},
        "message": "m", "checked_at": "2026-01-02T03:04:05.000Z",
    });
    let device = json!({
        "id": "d1", "name": "n", "rights": ["view", "approve"],
        "created_at": "2026-01-02T03:04:05.000Z", "revoked_at": null, "is_here": true,
    });
    let detail = json!({
        "contract": {"c": 1}, "plain_words": [clause()], "script": "s", "webhooks": [],
        "runs": [run()],
    });
    let of_run = json!({"events": [event()], "journal": [step], "needs": [need()]});
    let of_input = json!({"runs": [run()], "outputs": [output()], "emitted": [input()]});
    let kinds = [
        ("status", status),
        ("needs", json!([need()])),
        ("need", need()),
        ("chat", json!([line])),
        ("automations", json!([automation()])),
        ("automation", with(automation(), detail)),
        ("automation_changed", automation()),
        ("contract", version),
        ("contract_diff", diff()),
        ("proposal", proposal),
        ("runs", json!([run()])),
        ("run_detail", with(run(), of_run)),
        ("run", run()),
        ("inputs", json!([input()])),
        ("input", with(input(), of_input)),
        ("outputs", json!([output()])),
        ("costs", json!([{"id": "a1", "calls": 1, "cost_micros": 2}])),
        ("connections", json!([connection])),
        ("devices", json!([device])),
        ("done", json!({"id": "t1", "message": "m"})),
    ];
    { kinds.into_iter() }
        .map(|(kind, value)| json!({"type": kind, "value": value}))
        .collect()
}

/// What an app was given, as the agent would say it.
fn said(answer: Answer) -> Value {
    let value = match answer {
        Answer::StatusNow(it) => serde_json::to_value(it),
        Answer::Needs(it) => serde_json::to_value(it),
        Answer::OneNeed(it) => serde_json::to_value(it),
        Answer::Chat(it) => serde_json::to_value(it),
        Answer::Automations(it) => serde_json::to_value(it),
        Answer::OneAutomation(it) => serde_json::to_value(it),
        Answer::AutomationChanged(it) => serde_json::to_value(it),
        Answer::Contract(it) => serde_json::to_value(it),
        Answer::ContractChanges(it) => serde_json::to_value(it),
        Answer::OneProposal(it) => serde_json::to_value(it),
        Answer::Runs(it) => serde_json::to_value(it),
        Answer::OneRun(it) => serde_json::to_value(it),
        Answer::RunChanged(it) => serde_json::to_value(it),
        Answer::Inputs(it) => serde_json::to_value(it),
        Answer::OneInput(it) => serde_json::to_value(it),
        Answer::Outputs(it) => serde_json::to_value(it),
        Answer::Costs(it) => serde_json::to_value(it),
        Answer::Connections(it) => serde_json::to_value(it),
        Answer::Devices(it) => serde_json::to_value(it),
        Answer::Finished(it) => serde_json::to_value(it),
        Answer::Other(it) => panic!("not known: {it:?}"),
    };
    value.unwrap()
}

#[test]
fn every_field_of_every_answer_reaches_the_app() {
    for answer in answers() {
        // What the protocol itself makes of it: a field that it has and this list lacks shows here.
        let read: Response = serde_json::from_value(answer.clone()).unwrap();
        let mut whole = serde_json::to_value(read).unwrap();
        assert_eq!(whole, answer);
        // Webhooks' tokens are for no device.
        if answer["type"] == "automation" {
            whole["value"].as_object_mut().unwrap().remove("webhooks");
        }
        assert_eq!(said(Answer::read(answer).unwrap()), whole["value"]);
    }
}

#[test]
fn what_a_person_decides_by_is_read_out_of_an_item() {
    let Answer::OneNeed(need) = Answer::read(json!({"type": "need", "value": need()})).unwrap()
    else {
        panic!("not an item");
    };
    assert_eq!(need.because.as_deref(), Some("the contract wants it"));
    assert_eq!(need.call.unwrap().tool, "mail.send");
    assert_eq!(need.always.unwrap().verdict, ContractEffect::Both);
    assert_eq!(need.diff, None);
}

/// Every ask there is. Another one does not compile in `Question.read` and `Act.read`.
fn asks() -> Vec<Ask> {
    let id = || "x1".to_owned();
    let some = || Some("x2".to_owned());
    vec![
        Ask::Status,
        Ask::Needs { all: true },
        Ask::Need { item: id() },
        Ask::Chat {
            automation: some(),
            after: 3,
            limit: 4,
        },
        Ask::Automations { archived: true },
        Ask::Automation { automation: id() },
        Ask::Contract {
            automation: id(),
            version: Some(2),
        },
        Ask::ContractDiff {
            automation: id(),
            from: 1,
            to: 2,
        },
        Ask::Proposal { proposal: id() },
        Ask::Runs {
            automation: some(),
            state: some(),
            before: some(),
            limit: 5,
        },
        Ask::Run { run: id() },
        Ask::Inputs {
            automation: some(),
            state: some(),
            limit: 6,
        },
        Ask::Input { input: id() },
        Ask::Outputs {
            automation: some(),
            limit: 7,
        },
        Ask::Costs {
            by: id(),
            since_ms: Some(8),
        },
        Ask::Connections,
        Ask::Devices,
        Ask::AutomationPause { automation: id() },
        Ask::AutomationResume { automation: id() },
        Ask::AutomationArchive { automation: id() },
        Ask::AutomationRun { automation: id() },
        Ask::RunCancel { run: id() },
        Ask::InputSkip { input: id() },
        Ask::Say {
            text: id(),
            automation: some(),
            timezone: some(),
        },
        Ask::ProposalAccept {
            proposal: id(),
            confirm: vec![id()],
        },
        Ask::ProposalDecline { proposal: id() },
        Ask::NeedAnswer {
            item: id(),
            choice: id(),
            note: some(),
        },
        Ask::InputAgain {
            input: id(),
            effects_again: true,
        },
    ]
}

#[test]
fn whatever_can_be_asked_is_a_question_or_an_act_and_stays_what_it_is() {
    for ask in asks() {
        let back: Ask = match (Question::read(ask.clone()), Act::read(ask.clone())) {
            (Some(question), None) if !ask.is_command() => question.into(),
            (None, Some(act)) if ask.is_command() => act.into(),
            other => panic!("{ask:?} is {other:?}"),
        };
        assert_eq!(back, ask);
    }
}

#[test]
fn a_device_without_rights_has_none_and_one_with_all_has_all() {
    assert_eq!(crate::status::rights(Rights::default()), []);
    let all = crate::status::rights(Rights::ALL);
    assert_eq!(all, [Right::View, Right::Control, Right::Approve]);
}

#[test]
fn an_event_is_the_agents() {
    let event: model::Event = serde_json::from_value(event()).unwrap();
    let told = Event::from(event.clone());
    assert_eq!(
        serde_json::to_value(told).unwrap(),
        serde_json::to_value(event).unwrap()
    );
}
