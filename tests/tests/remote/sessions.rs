//! Pairing, rights, questions and events, by the real commands on both sides.

use crate::house::{House, remote};
use deputy_mobile_core::{ClientError, RemoteAgent};
use deputy_protocol::control::Response;
use deputy_protocol::remote::Ask;
use deputy_tests::{Home, bundle, wait_until};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_device_is_paired_delegates_and_is_out_once_it_is_revoked() {
    let house = House::open();
    let there = house.pair("Ann's laptop", "view,control,approve");
    let devices = house.home.cli(&["devices"]).done();
    assert_eq!(devices.json[0]["name"], "Ann's laptop");

    remote(&there, &["status"]).done();
    let proposed = remote(
        &there,
        &["delegate", "remind me every weekday at 9 to stand up"],
    );
    assert_eq!(proposed.code, Some(4), "{proposed:?}");
    let id = proposed.text("id").to_owned();
    remote(&there, &["proposal", "accept", &id]).done();
    let automations = house.home.cli(&["automations"]).done();
    assert_eq!(automations.json[0]["state"], "active");
    assert_eq!(
        remote(&there, &["automations"]).done().json,
        automations.json
    );

    // What a device can never ask.
    for words in [
        &["config", "set", "k", "1"][..],
        &["stop"],
        &["export", "a1"],
        &["model", "remove"],
        &["vault", "rotate"],
    ] {
        remote(&there, words).refused(1, "not_allowed");
    }

    house.home.cli(&["device", "revoke", "d1"]).done();
    let refused = remote(&there, &["status"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(
        matches!(refused.error_code(), "not_known" | "unreachable"),
        "{refused:?}"
    );
}

#[test]
fn a_link_is_good_once_and_a_phrase_that_differs_lets_nobody_in() {
    let house = House::open();
    let (id, link) = house.begin("view");
    let (first, second) = (Home::new(), Home::new());
    let (path, typed) = (first.path().to_owned(), link.clone());
    let typing = std::thread::spawn(move || Home::at(path).cli(&["remote", "--link", &typed]));
    let compare = house.home.cli(&["pair", "--id", &id]);
    assert_eq!(compare.text("state"), "compare", "{compare:?}");
    // Somebody else with the same link.
    let late = second.cli(&["remote", "--link", &link]);
    assert_ne!(late.code, Some(0), "{late:?}");

    let refused = house.home.cli(&["pair", "--id", &id, "--different"]);
    assert_eq!(refused.text("state"), "refused", "{refused:?}");
    let ended = typing.join().unwrap();
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(!first.path().join("remote.json").exists());
    assert_eq!(house.home.cli(&["devices"]).done().json, json!([]));
}

#[test]
fn mistyped_expired_and_foreign_links_are_told_apart() {
    let there = Home::new();
    there
        .cli(&["remote", "--link", "https://example.org/"])
        .refused(1, "link");
    remote(&there, &["status"]).refused(1, "not_paired");
    let house = House::open();
    let (_, link) = house.begin("view");
    let cut = &link[..link.len() - 2];
    there.cli(&["remote", "--link", cut]).refused(1, "link");
}

#[test]
fn a_device_may_do_what_it_was_given_and_no_more() {
    let house = House::open();
    let script = "export default async () => 1";
    let contract = json!({"triggers": [{"manual": true}, {"webhook": "in"}]});
    house.home.install(bundle("one", contract, script));
    let there = house.pair("a screen in the hall", "view");
    remote(&there, &["automations"]).done();
    // Seeing everything is not holding the secret of another program on the agent's machine.
    let here = house.home.cli(&["automation", "show", "a1"]).done();
    assert!(here.json["webhooks"][0]["token"].is_string(), "{here:?}");
    let afar = remote(&there, &["automation", "show", "a1"]).done();
    assert_eq!(afar.json["webhooks"], json!([]), "{afar:?}");
    for words in [
        &["automation", "pause", "a1"][..],
        &["automation", "run", "a1"],
        &["delegate", "remind me every weekday at 9 to stand up"],
    ] {
        remote(&there, words).refused(1, "not_allowed");
    }
    let shown = house.home.cli(&["automation", "show", "a1"]).done();
    assert_eq!(shown.text("state"), "active");
}

#[test]
fn a_command_that_is_sent_twice_is_applied_once_whatever_happened_in_between() {
    let mut house = House::open();
    let script = "export default async () => 1";
    house.home.install(bundle("one", json!({}), script));
    let there = house.pair("phone", "view,control,approve");
    let device = house.device(&there);
    let start = Ask::AutomationRun {
        automation: "a1".to_owned(),
    };
    let ask = |house: &House| {
        house.runtime.block_on(async {
            let mut agent = RemoteAgent::connect(&device).await?;
            let answer = agent.ask("the-same-id", &start).await;
            agent.close().await;
            answer
        })
    };
    let first = ask(&house).unwrap();
    assert!(matches!(first, Response::Run(_)), "{first:?}");
    wait_until("the run to end", || {
        let runs = house.home.runs(None);
        (runs.len() == 1 && runs[0].ended_at.is_some()).then_some(())
    });
    ask(&house).unwrap();
    house.agent.take().unwrap().kill9();
    house.agent = Some(house.home.start_with(&house.launch));
    // The link comes back by itself, and the device is known without being paired again.
    wait_until("the agent is linked again", || ask(&house).ok());
    assert_eq!(house.home.runs(None).len(), 1);
}

#[test]
fn an_agent_whose_vault_key_is_lost_works_on_and_devices_pair_again() {
    let mut house = House::open();
    let there = house.pair("phone", "view,control,approve");
    remote(&there, &["status"]).done();
    house.agent.take().unwrap().kill9();
    std::fs::remove_file(house.home.path().join("vault.key")).unwrap();
    house.agent = Some(house.home.start_with(&house.launch));
    house.home.cli(&["status"]).done();
    let devices = house.home.cli(&["devices"]).done();
    assert!(devices.json[0]["revoked_at"].is_string(), "{devices:?}");
    let refused = remote(&there, &["status"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let again = house.pair("the same phone", "view");
    remote(&again, &["status"]).done();
}

#[test]
fn events_come_in_order_with_those_that_were_missed_and_end_when_the_device_is_revoked() {
    let house = House::open();
    let script = "export default async () => { await tools.notify.send({title: 't', body: 'b'}); }";
    house.home.install(bundle(
        "one",
        json!({"capabilities": {"notify.send": {}}}),
        script,
    ));
    let there = house.pair("phone", "view");
    house.home.cli(&["automation", "run", "a1"]).done();
    let device = house.device(&there);
    house.runtime.block_on(async {
        let mut agent = RemoteAgent::connect(&device).await.unwrap();
        agent.follow(0).await.unwrap();
        let (mut last, mut kinds) = (0, Vec::new());
        while !kinds.iter().any(|kind| kind == "run_ended") {
            let event = agent.event().await.unwrap();
            assert!(event.seq > last, "{event:?}");
            last = event.seq;
            kinds.push(event.kind);
        }
        // In the middle of it.
        let revoking = tokio::task::spawn_blocking({
            let path = house.home.path().to_owned();
            move || Home::at(path).cli(&["device", "revoke", "d1"]).done()
        });
        let ended = async {
            loop {
                if let Err(error) = agent.event().await {
                    return error;
                }
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(30), ended).await;
        let error = error.expect("the session ends");
        assert!(
            matches!(
                error,
                ClientError::NotKnown | ClientError::Unreachable(_) | ClientError::Session(_)
            ),
            "{error}"
        );
        revoking.await.unwrap();
    });
}
