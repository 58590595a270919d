//! A relay that works against its users learns nothing, and can do nothing but refuse to work.

use crate::client::{App, start};
use crate::house::House;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use deputy_protocol::remote::Ask;
use deputy_tests::{DishonestRelay, Home, Launch, Meddling, bundle, connected_length, wait_until};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// A house whose relay is the dishonest one.
fn house() -> (House, DishonestRelay) {
    let mut house = House::open();
    let relay = house.runtime.block_on(async { DishonestRelay::start() });
    let place = format!(
        "127.0.0.1:{}#{}",
        relay.port,
        URL_SAFE_NO_PAD.encode(relay.hash)
    );
    house.agent.take().unwrap().kill9();
    house.launch = Launch {
        args: vec!["--relay".to_owned(), place],
        ..Launch::default()
    };
    house.home = Home::new();
    house.agent = Some(house.home.start_with(&house.launch));
    let script = "export default async () => { await tools.notify.send({title: 'TITLE-OF-A-NOTICE', body: 'b'}); }";
    let contract = json!({"capabilities": {"notify.send": {}}});
    house
        .home
        .install(bundle("NAME-OF-AN-ERRAND", contract, script));
    (house, relay)
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn it_sees_no_word_no_name_no_key_and_nobody_twice() {
    let (house, relay) = house();
    let there = house.pair("NAME-OF-A-DEVICE", "view,control,approve");
    let app = App::open(&house, &there);
    wait_until("the line", || app.is_open().then_some(()));
    let automations = Ask::Automations { archived: false };
    house
        .runtime
        .block_on(app.agent.ask(automations, 20_000))
        .unwrap();
    let id = house.runtime.block_on(app.agent.command(start())).unwrap();
    wait_until("the command", || app.is_applied(&house, &id).then_some(()));

    let saw = relay.saw();
    let device = house.device(&there);
    let kept = std::fs::read_to_string(there.path().join("remote.json")).unwrap();
    let secret: Vec<u8> = serde_json::from_str::<serde_json::Value>(&kept).unwrap()["secret"]
        .as_array()
        .unwrap()
        .iter()
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect();
    let keys = [
        device.agent.0.to_vec(),
        device.key().public().0.to_vec(),
        secret,
    ];
    for key in keys {
        for shown in [
            key.clone(),
            URL_SAFE_NO_PAD.encode(&key).into_bytes(),
            STANDARD.encode(&key).into_bytes(),
            format!("{key:?}").into_bytes(),
        ] {
            assert!(!holds(&saw, &shown), "it saw a key");
        }
    }
    for word in [
        "NAME-OF-A-DEVICE",
        "NAME-OF-AN-ERRAND",
        "TITLE-OF-A-NOTICE",
        "automation_run",
        "run_started",
        "view,control",
        id.as_str(),
        "\"type\":\"ask\"",
    ] {
        assert!(!holds(&saw, word.as_bytes()), "it saw {word}");
    }
    // What it must see, to pass anything on at all.
    assert!(
        holds(&saw, device.relays[0].route.to_string().as_bytes())
            || holds(&saw, &device.relays[0].route.0)
    );
}

#[test]
fn two_devices_have_nothing_in_common_that_it_could_see() {
    let (house, relay) = house();
    let first = house.device(&house.pair("first", "view"));
    let second = house.device(&house.pair("second", "view"));
    assert_ne!(first.relays[0].route, second.relays[0].route);
    assert_ne!(first.key().public(), second.key().public());
    drop(relay);
}

/// A meddling with its name.
type Named = (&'static str, fn() -> Meddling);

/// What may be done to the chunks of a session; each is to be found out.
fn meddlings() -> Vec<Named> {
    // The opening, the handshake and what follows come in chunks of their own; the first of the
    // agent's is the link's own word.
    fn nth(at: usize, change: impl Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + 'static) -> Meddling {
        let mut count = 0;
        Box::new(move |chunk| {
            count += 1;
            if count == at {
                change(chunk)
            } else {
                vec![chunk]
            }
        })
    }
    fn held(
        at: usize,
        give: impl Fn(Vec<u8>, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Meddling {
        let (mut count, mut kept) = (0, None);
        Box::new(move |chunk| {
            count += 1;
            match kept.take() {
                None if count == at => {
                    kept = Some(chunk);
                    Vec::new()
                }
                None => vec![chunk],
                Some(first) => give(first, chunk),
            }
        })
    }
    vec![
        ("a bit of the handshake", || {
            nth(1, |mut c| {
                let at = c.len() - 1;
                c[at] ^= 1;
                vec![c]
            })
        }),
        ("a bit of a message", || {
            nth(3, |mut c| {
                let at = c.len() - 1;
                c[at] ^= 1;
                vec![c]
            })
        }),
        ("its length", || {
            nth(3, |mut c| {
                c[1] ^= 1;
                vec![c]
            })
        }),
        ("said twice", || nth(3, |c| vec![c.clone(), c])),
        ("left out", || nth(3, |_| Vec::new())),
        ("cut off", || nth(3, |c| vec![c[..c.len() / 2].to_vec()])),
        ("in another order", || {
            held(3, |first, second| vec![second, first])
        }),
        ("something of its own", || {
            nth(3, |c| {
                vec![
                    c,
                    vec![
                        0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                        20,
                    ],
                ]
            })
        }),
    ]
}

#[test]
fn whatever_it_changes_is_found_out_and_nothing_is_applied_twice_or_lost() {
    std::thread::scope(|scope| {
        for (what, make) in meddlings() {
            scope.spawn(move || is_found_out(what, make));
        }
    });
}

fn is_found_out(what: &str, make: fn() -> Meddling) {
    let (house, relay) = house();
    let there = house.pair("phone", "view,control,approve");
    // Once: after that it is honest, or nothing would ever get through.
    let is_done: Arc<Mutex<bool>> = Arc::default();
    let done = Arc::clone(&is_done);
    relay.meddle(Box::new(move || {
        let honest: fn() -> Meddling = || Box::new(|chunk| vec![chunk]);
        let meddling = match std::mem::replace(&mut *done.lock().unwrap(), true) {
            true => honest(),
            false => make(),
        };
        (meddling, honest())
    }));
    let app = App::open(&house, &there);
    let ids: Vec<String> = (0..3)
        .map(|_| house.runtime.block_on(app.agent.command(start())).unwrap())
        .collect();
    wait_until(what, || {
        ids.iter()
            .all(|id| app.is_applied(&house, id))
            .then_some(())
    });
    assert!(*is_done.lock().unwrap(), "{what}");
    assert!(
        app.times_opened() >= 2 || what == "a bit of the handshake",
        "{what} was not found out"
    );
    assert_eq!(house.home.runs(None).len(), ids.len(), "{what}");
}

#[test]
fn a_session_that_it_recorded_and_plays_again_says_nothing_and_does_nothing() {
    let (house, relay) = house();
    let there = house.pair("phone", "view,control,approve");
    let recorded: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let tape = Arc::clone(&recorded);
    relay.meddle(Box::new(move || {
        let tape = Arc::clone(&tape);
        let record: Meddling = Box::new(move |chunk| {
            tape.lock().unwrap().push(chunk.clone());
            vec![chunk]
        });
        (record, Box::new(|chunk| vec![chunk]))
    }));
    let app = App::open(&house, &there);
    let id = house.runtime.block_on(app.agent.command(start())).unwrap();
    wait_until("the command", || app.is_applied(&house, &id).then_some(()));
    drop(app);
    let tape = std::mem::take(&mut *recorded.lock().unwrap());
    assert!(tape.len() > 1);
    // Instead of what the device says now, the agent hears what it said then.
    let heard: Arc<Mutex<usize>> = Arc::default();
    let answers = Arc::clone(&heard);
    relay.meddle(Box::new(move || {
        let mut tape = Some(tape.clone());
        let replay: Meddling = Box::new(move |_| tape.take().unwrap_or_default());
        let answers = Arc::clone(&answers);
        let count: Meddling = Box::new(move |chunk| {
            *answers.lock().unwrap() += chunk.len();
            vec![chunk]
        });
        (replay, count)
    }));
    let app = App::open(&house, &there);
    wait_until("the agent's answer to the handshake", || {
        (*heard.lock().unwrap() > connected_length()).then_some(())
    });
    wait_until("the end of that line", || (!app.is_open()).then_some(()));
    assert_eq!(house.home.runs(None).len(), 1);
    relay.behave();
    let id = house.runtime.block_on(app.agent.command(start())).unwrap();
    wait_until("the command", || app.is_applied(&house, &id).then_some(()));
    assert_eq!(house.home.runs(None).len(), 2);
}
