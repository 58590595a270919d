//! Calendars, on a real CalDAV server: what is in them, and what is put there once.
#![allow(clippy::unwrap_used)]

use deputy_tests::{Agent, CalendarServer, Home, Launch, Output, bundle, wait_until};
use serde_json::{Value, json};

const USER: &str = "me";
const PASSWORD: &str = "correct horse";

fn start() -> (Home, CalendarServer) {
    let server = CalendarServer::start(USER, PASSWORD, &["Work", "Bücher & Kino"]);
    (Home::new(), server)
}

fn connect(home: &Home, url: &str, password: &str) -> Output {
    let words = [
        "connect",
        "calendar",
        "--url",
        url,
        "--username",
        USER,
        "--password-stdin",
    ];
    home.cli_with_input(&words, password)
}

/// A contract for the calendar `Work`.
fn contract(zone: &str) -> Value {
    let granted = json!({"connections": ["calendar"], "calendars": ["Work"]});
    let operations = ["list", "get", "create", "update", "delete"];
    let all = operations.map(|operation| (format!("calendar.{operation}"), granted.clone()));
    json!({"timezone": zone, "capabilities": serde_json::Map::from_iter(all)})
}

/// Runs a script once, for Berlin, to its end.
fn run(home: &Home, name: &str, body: &str) -> Value {
    home.cli(&["automation", "run", &installed(home, name, body)])
        .json
}

/// Begins to.
fn begun(home: &Home, name: &str, body: &str) -> Value {
    home.cli(&[
        "automation",
        "run",
        &installed(home, name, body),
        "--no-wait",
    ])
    .json
}

fn installed(home: &Home, name: &str, body: &str) -> String {
    let script = format!(
        "export default async (ctx) => {{ const at = {{connection: 'calendar', calendar: 'Work'}}; const c = tools.calendar; {body} }};"
    );
    home.install(bundle(name, contract("Europe/Berlin"), &script))
}

#[track_caller]
fn result(home: &Home, name: &str, body: &str) -> Value {
    let run = run(home, name, body);
    assert_eq!(run["state"], "succeeded", "{run}");
    run["result"].clone()
}

/// An event without what none of these tests is about.
fn event(uid: &str, title: &str, more: &str) -> String {
    format!(
        "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T000000Z\nSUMMARY:{title}\n{more}END:VEVENT\n"
    )
}

/// Into the other calendar.
fn put_film(server: &CalendarServer) {
    let times = "DTSTART:20261205T190000Z\nDTEND:20261205T210000Z\n";
    server.put(USER, 1, "film.ics", &event("5", "Film", times));
}

const DECEMBER: &str = "{...at, from: '2026-12-01', to: '2027-01-01'}";

#[test]
fn events_are_found_with_each_of_their_times_in_the_zone_that_they_are_in() {
    let (home, server) = start();
    let _agent = home.start();
    let connected = connect(&home, &server.url(), PASSWORD).done();
    assert_eq!(connected.text("message"), "Calendars: Bücher & Kino, Work.");
    let put = |name: &str, uid: &str, title: &str, more: &str| {
        server.put(USER, 0, name, &event(uid, title, more));
    };
    put(
        "dentist.ics",
        "1",
        "Dentist",
        "DTSTART;TZID=Europe/Berlin:20261203T090000\nDURATION:PT45M\nLOCATION:Main Street 1\\, 2nd floor\nDESCRIPTION:bring\\nthe card\n",
    );
    put(
        "trip.ics",
        "2",
        "Trip",
        "DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270102\nSTATUS:TENTATIVE\n",
    );
    put(
        "old.ics",
        "3",
        "Long ago",
        "DTSTART:20200101T000000Z\nDTEND:20200101T010000Z\n",
    );
    // Weekly since years, over a change of the clocks; one is left out, one is moved.
    let weekly = event(
        "4",
        "Team",
        "DTSTART;TZID=Europe/Berlin:20250602T100000\nDTEND;TZID=Europe/Berlin:20250602T103000\nRRULE:FREQ=WEEKLY\nEXDATE;TZID=Europe/Berlin:20261214T100000\nORGANIZER:mailto:boss@example.test\nATTENDEE:MAILTO:me@example.test\n",
    );
    let moved = event(
        "4",
        "Team\\, later",
        "RECURRENCE-ID;TZID=Europe/Berlin:20261221T100000\nDTSTART;TZID=Europe/Berlin:20261222T150000\nDTEND;TZID=Europe/Berlin:20261222T153000\n",
    );
    server.put(USER, 0, "team.ics", &(weekly + &moved));
    put_film(&server);

    let listed = result(&home, "list", &format!("return c.list({DECEMBER});"));
    assert_eq!(listed["more"], false, "{listed}");
    let seen: Vec<[&str; 3]> = { listed["events"].as_array().unwrap().iter() }
        .map(|e| ["title", "starts_at", "ends_at"].map(|field| e[field].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ["Dentist", "2026-12-03T08:00:00Z", "2026-12-03T08:45:00Z"],
            ["Team", "2026-12-07T09:00:00Z", "2026-12-07T09:30:00Z"],
            [
                "Team, later",
                "2026-12-22T14:00:00Z",
                "2026-12-22T14:30:00Z"
            ],
            ["Team", "2026-12-28T09:00:00Z", "2026-12-28T09:30:00Z"],
            ["Trip", "2026-12-30", "2027-01-02"],
        ]
    );
    let dentist = &listed["events"][0];
    assert_eq!(
        (
            &dentist["location"],
            &dentist["description"],
            &dentist["repeats"]
        ),
        (
            &json!("Main Street 1, 2nd floor"),
            &json!("bring\nthe card"),
            &json!(false)
        )
    );
    let trip = &listed["events"][4];
    assert_eq!(
        (&trip["all_day"], &trip["status"]),
        (&json!(true), &json!("TENTATIVE"))
    );
    let team = &listed["events"][1];
    assert_eq!(
        (&team["repeats"], &team["organizer"], &team["attendees"]),
        (
            &json!(true),
            &json!("boss@example.test"),
            &json!(["me@example.test"])
        )
    );
    // In summer ten o'clock is another time for all clocks.
    let summer = "return (await c.list({...at, from: '2026-07-06', to: '2026-07-07'})).events.map((e) => e.starts_at);";
    assert_eq!(
        result(&home, "summer", summer),
        json!(["2026-07-06T08:00:00Z"])
    );
    let got = result(&home, "get", "return c.get({...at, id: 'dentist.ics'});");
    assert_eq!(&got, dentist);
    let some = result(
        &home,
        "some",
        &format!("return c.list({{...{DECEMBER}, limit: 2}});"),
    );
    assert_eq!(
        (some["events"].as_array().unwrap().len(), &some["more"]),
        (2, &json!(true))
    );
    // The account's own address, and a calendar's, lead there, too.
    for path in ["/me/", "/me/c0/"] {
        let at = format!("{}{path}", server.url());
        let connected = connect(&home, &at, PASSWORD).done();
        assert!(connected.text("message").contains("Work"), "{connected:?}");
    }
    assert_eq!(
        result(
            &home,
            "again",
            "return (await c.get({...at, id: 'trip.ics'})).title;"
        ),
        "Trip"
    );
}

#[test]
fn events_are_made_changed_and_deleted_and_what_is_not_ours_stays() {
    let (home, server) = start();
    let _agent = home.start();
    connect(&home, &server.url(), PASSWORD).done();
    let made = result(
        &home,
        "make",
        "const input = {...at, title: 'Invoice; due, today', starts_at: '2026-12-10T09:00', ends_at: '2026-12-10T09:30', location: 'Küche', description: 'two\\nlines', once: 'invoice 1'}; \
         const first = await c.create(input), second = await c.create(input); \
         await c.create({...at, title: 'Days', starts_at: '2026-12-24', once: 'days'}); \
         return [first.id, second.id, await c.get({...at, id: first.id})];",
    );
    let id = made[0].as_str().unwrap().to_owned();
    assert_eq!(made[0], made[1]);
    assert_eq!(made[2]["starts_at"], "2026-12-10T08:00:00Z");
    assert_eq!(made[2]["title"], "Invoice; due, today");
    assert_eq!(made[2]["description"], "two\nlines");
    let all = server.events(USER, 0);
    assert_eq!(all.len(), 2, "{all:?}");
    let text = |all: &[(String, String)], id: &str| {
        all.iter().find(|(name, _)| name == id).unwrap().1.clone()
    };
    assert!(
        text(&all, &id).contains("SUMMARY:Invoice\\; due\\, today\n"),
        "{all:?}"
    );
    assert!(
        all.iter()
            .any(|(_, text)| text.contains("DTSTART;VALUE=DATE:20261224\n")
                && text.contains("DTEND;VALUE=DATE:20261225\n")),
        "{all:?}"
    );

    // Another program adds to it; what it added stays when the time is changed.
    server.put(USER, 0, "lunch.ics", &event(
        "lunch",
        "Lunch",
        "DTSTART;TZID=Europe/Berlin:20261211T120000\nDTEND;TZID=Europe/Berlin:20261211T130000\nX-COLOUR:blue\nLOCATION:Café\nSEQUENCE:3\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:go\nEND:VALARM\n",
    ));
    let changed = result(
        &home,
        "change",
        "return c.update({...at, id: 'lunch.ics', title: 'Late lunch', starts_at: '2026-12-11T13:00', ends_at: '2026-12-11T14:00', location: ''});",
    );
    assert_eq!(changed["starts_at"], "2026-12-11T12:00:00Z");
    assert_eq!(changed["location"], Value::Null);
    let lunch = text(&server.events(USER, 0), "lunch.ics");
    for kept in [
        "X-COLOUR:blue\n",
        "BEGIN:VALARM\n",
        "TRIGGER:-PT15M\n",
        "SEQUENCE:4\n",
        "SUMMARY:Late lunch\n",
        "UID:lunch\n",
    ] {
        assert!(lunch.contains(kept), "{kept} in {lunch}");
    }
    result(
        &home,
        "delete",
        &format!(
            "await c.delete({{...at, id: '{id}'}}); await c.delete({{...at, id: '{id}'}}); return 1;"
        ),
    );
    assert_eq!(server.events(USER, 0).len(), 2);

    // Others would hear of it, or more would change than was meant.
    server.put(
        USER,
        0,
        "meeting.ics",
        &event(
            "m",
            "Meeting",
            "DTSTART:20261212T120000Z\nDTEND:20261212T130000Z\nATTENDEE:mailto:you@example.test\n",
        ),
    );
    server.put(
        USER,
        0,
        "daily.ics",
        &event(
            "d",
            "Daily",
            "DTSTART:20261212T120000Z\nDTEND:20261212T121500Z\nRRULE:FREQ=DAILY\n",
        ),
    );
    let before = server.events(USER, 0);
    for call in [
        "c.update({...at, id: 'meeting.ics', title: 'x'})",
        "c.delete({...at, id: 'meeting.ics'})",
        "c.update({...at, id: 'daily.ics', title: 'x'})",
        "c.delete({...at, id: 'daily.ics'})",
        "c.get({...at, id: 'nothing.ics'})",
        "c.update({...at, id: 'nothing.ics', title: 'x'})",
    ] {
        let said = result(
            &home,
            call,
            &format!("try {{ await {call}; return 'done'; }} catch (e) {{ return e.code; }}"),
        );
        let code = if call.contains("nothing") {
            "gone"
        } else {
            "refused"
        };
        assert_eq!(said, code, "{call}");
    }
    assert_eq!(server.events(USER, 0), before);
    result(
        &home,
        "series",
        "await c.delete({...at, id: 'daily.ics', series: true});",
    );
    assert_eq!(server.events(USER, 0).len(), before.len() - 1);
}

#[test]
fn what_a_day_has_is_told_without_a_model() {
    let (home, server) = start();
    let _agent = home.start();
    connect(&home, &server.url(), PASSWORD).done();
    let script = "const {time} = await tools.time.startOf({time: new Date().toISOString(), zone: 'Europe/Berlin', unit: 'day'}); \
        const starts_at = (await tools.time.add({time, zone: 'Europe/Berlin', hours: 15})).time; \
        await c.create({...at, title: 'Tea', location: 'Kitchen', starts_at, once: 'tea'});";
    result(&home, "tea", script);
    let words = "tell me every weekday at 7 what is in my calendar Work";
    let proposed = home.cli(&["delegate", words, "--timezone", "Europe/Berlin"]);
    assert_eq!(proposed.code, Some(4), "{proposed:?}");
    let accepted = home
        .cli(&["proposal", "accept", proposed.text("id")])
        .done();
    let automation = accepted.text("automation").to_owned();
    let run = home.cli(&["automation", "run", &automation]).json;
    assert_eq!(run["result"], json!({"told": 1}), "{run}");
    let chat = home.cli(&["chat", &automation]).done().json;
    let told = { chat.as_array().unwrap().iter() }.find(|line| line["kind"] == "notification");
    let told = &told.unwrap()["data"];
    assert_eq!(
        (&told["title"], &told["text"]),
        (&json!("Work: 1 today"), &json!("15:00  Tea (Kitchen)"))
    );
}

#[test]
fn a_contract_names_the_calendar_and_nothing_leads_out_of_it() {
    let (home, server) = start();
    let _agent = home.start();
    connect(&home, &server.url(), PASSWORD).done();
    let other = run(
        &home,
        "other",
        "return c.list({...at, calendar: 'Bücher & Kino', from: '2026-12-01', to: '2026-12-02'});",
    );
    assert_eq!(other["waiting_for"], "permission", "{other}");
    put_film(&server);
    for id in [
        "../c1/film.ics",
        "%2e%2e/c1/film.ics",
        "..%2fc1%2ffilm.ics",
        "/me/c1/film.ics",
        ".",
    ] {
        let run = run(
            &home,
            id,
            &format!(
                "try {{ return await c.get({{...at, id: '{id}'}}); }} catch (e) {{ return e.code; }}"
            ),
        );
        assert_eq!(run["result"], "invalid_input", "{id}: {run}");
    }
    for wrong in [
        "{...at, from: '2026-12-02', to: '2026-12-01'}",
        "{...at, from: 'tomorrow', to: '2026-12-01'}",
    ] {
        let run = run(
            &home,
            wrong,
            &format!("try {{ return await c.list({wrong}); }} catch (e) {{ return e.code; }}"),
        );
        assert_eq!(run["result"], "invalid_input", "{wrong}: {run}");
    }
    let missing = bundle(
        "missing",
        json!({"capabilities": {"calendar.list": {"connections": ["calendar"], "calendars": ["Nowhere"]}}}),
        "export default async () => tools.calendar.list({connection: 'calendar', calendar: 'Nowhere', from: '2026-12-01', to: '2026-12-02'});",
    );
    let automation = home.install(missing);
    let run = home.cli(&["automation", "run", &automation]).json;
    assert_eq!(run["waiting_for"], "precondition", "{run}");
    let needs = home.cli(&["needs"]).done().json.to_string();
    assert!(needs.contains("Work"), "it says which there are: {needs}");
}

#[test]
fn a_refused_password_asks_once_and_a_server_that_is_away_is_waited_for() {
    let (home, mut server) = start();
    let _agent = home.start();
    let wrong = connect(&home, &server.url(), "wrong");
    assert_eq!(
        (wrong.code, wrong.text("state")),
        (Some(1), "auth"),
        "{wrong:?}"
    );
    connect(&home, &server.url(), PASSWORD).done();
    server.set_password(USER, "another");
    server.stop();
    server.go_on();
    let waits = run(
        &home,
        "refused",
        &format!("return (await c.list({DECEMBER})).events.length;"),
    );
    assert_eq!(waits["waiting_for"], "auth", "{waits}");
    connect(&home, &server.url(), "another").done();
    let need = home.cli(&["needs"]).done().json[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    home.cli(&["need", "answer", &need, "retry"]).done();
    let id = waits["id"].as_str().unwrap();
    wait_until("the run to go on", || {
        (home.cli(&["run", "show", id]).json["state"] == "succeeded").then_some(())
    });
    server.stop();
    let away = begun(
        &home,
        "away",
        "return c.create({...at, title: 'x', starts_at: '2026-12-01', once: 'x'});",
    );
    let id = away["id"].as_str().unwrap();
    wait_until("the run to wait", || {
        (home.cli(&["run", "show", id]).json["waiting_for"] == "retry").then_some(())
    });
    server.go_on();
    wait_until("the event to be made", || {
        (home.cli(&["run", "show", id]).json["state"] == "succeeded").then_some(())
    });
    assert_eq!(server.events(USER, 0).len(), 1);
}

/// Killed at every third point that its data pass, while it makes, changes and deletes events.
#[test]
fn each_event_is_made_once_whenever_the_agent_is_killed() {
    let (home, server) = start();
    let agent = home.start();
    connect(&home, &server.url(), PASSWORD).done();
    let script = "export default async (ctx) => { \
        const at = {connection: 'calendar', calendar: 'Work'}; const c = tools.calendar; \
        const {id} = await c.create({...at, title: `event ${ctx.input.n}`, starts_at: '2026-12-01'}); \
        await c.update({...at, id, description: 'changed'}); \
        const other = await c.create({...at, title: 'passing', starts_at: '2026-12-02'}); \
        await c.delete({...at, id: other.id}); };";
    let mut contract = contract("UTC");
    contract["triggers"] = json!([{"event": "go"}]);
    let automation = home.install(bundle("events", contract, script));
    agent.terminate();
    let (mut n, mut kills) = (0, 0);
    for point in (1..).step_by(4) {
        n += 1;
        let payload = json!({"n": n}).to_string();
        let key = format!("k{n}");
        let send = || {
            let words = [
                "event",
                "send",
                &automation,
                "go",
                "--json-payload",
                &payload,
                "--id",
                &key,
            ];
            home.cli(&words)
        };
        let launch = Launch::with_faults().env("DEPUTY_FAULT_KILL", point);
        let was_killed = match Agent::start(&home, &launch) {
            Err(_) => true,
            Ok(mut agent) => {
                // Whoever was told nothing sends it again.
                send();
                wait_until("the kill, or the end of the work", || {
                    if !agent.alive() {
                        return Some(true);
                    }
                    idle(&home, &automation, n).then_some(false)
                })
            }
        };
        kills += usize::from(was_killed);
        let agent = home.start();
        send().done();
        wait_until("all to be done", || {
            assert!(home.needs().is_empty(), "{:?}", home.needs());
            idle(&home, &automation, n).then_some(())
        });
        agent.terminate();
        if !was_killed {
            break;
        }
    }
    let _agent = home.start();
    assert!(kills > 5, "{kills}");
    let events = server.events(USER, 0);
    let mut titles: Vec<String> = { events.iter() }
        .map(|(_, text)| {
            assert!(text.contains("DESCRIPTION:changed"), "{text}");
            let title = text.lines().find_map(|line| line.strip_prefix("SUMMARY:"));
            title.unwrap().to_owned()
        })
        .collect();
    titles.sort();
    let mut expected: Vec<String> = (1..=n).map(|i| format!("event {i}")).collect();
    expected.sort();
    assert_eq!(titles, expected);
    assert!(home.needs().is_empty(), "{:?}", home.needs());
}

/// Whether so many runs have succeeded, and none is under way.
fn idle(home: &Home, automation: &str, n: usize) -> bool {
    let runs = home.cli(&["runs", "--automation", automation, "--limit", "1000"]);
    let Some(runs) = runs.json.as_array() else {
        return false;
    };
    runs.len() == n && runs.iter().all(|run| run["state"] == "succeeded")
}
