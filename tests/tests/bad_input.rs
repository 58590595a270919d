//! Bad input through the command line: each time a clear error with a code and a hint, the right
//! exit code, and nothing lost or half done.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use deputy_tests::{Home, HttpServer, Output, Page, SmtpServer, bundle, wait_until};
use serde_json::{Value, json};

fn install(home: &Home, bundle: &Value) -> Output {
    let file = home.write_bundle(bundle);
    home.cli(&["install", &file.display().to_string(), "--yes"])
}

/// Refused with this code, and nothing of it is there.
#[track_caller]
fn is_refused(bundle: &Value, code: &str) -> Output {
    let home = Home::new();
    let _agent = home.start();
    let output = install(&home, bundle).refused(1, code);
    assert_eq!(home.cli(&["automations", "--all"]).done().json, json!([]));
    output
}

#[test]
fn a_contract_with_an_unknown_key_is_refused_with_the_key_that_was_meant() {
    let bundle = bundle(
        "typo",
        json!({"capabilites": {}}),
        "export default async () => 1;",
    );
    let output = is_refused(&bundle, "unknown_key");
    assert!(
        output.error["hint"]
            .as_str()
            .unwrap()
            .contains("capabilities"),
        "{}",
        output.error
    );
}

#[test]
fn a_script_that_does_not_parse_is_refused_with_its_place() {
    let output = is_refused(
        &bundle(
            "broken",
            json!({}),
            "export default async () => {\n  let = ;\n",
        ),
        "script_invalid",
    );
    assert!(
        output.error["message"].as_str().unwrap().contains(":2"),
        "{}",
        output.error
    );
}

#[test]
fn a_bundle_of_a_newer_version_is_refused() {
    let mut newer = bundle("newer", json!({}), "export default async () => 1;");
    newer["bundle"] = json!(99);
    let output = is_refused(&newer, "bundle_version");
    assert!(
        output.error["hint"].as_str().unwrap().contains("update"),
        "{}",
        output.error
    );
}

#[test]
fn a_cron_that_never_fires_is_refused() {
    let never = json!({"triggers": [{"cron": "0 0 30 2 *"}]});
    is_refused(
        &bundle("never", never, "export default async () => 1;"),
        "cron_never_fires",
    );
}

#[test]
fn a_file_that_is_not_json_or_not_there_is_a_usage_error() {
    let home = Home::new();
    let file = home.path().with_extension("txt");
    std::fs::write(&file, "no json").unwrap();
    home.cli(&["install", &file.display().to_string()])
        .refused(2, "bundle_invalid");
    home.cli(&["install", "/nowhere/at/all.json"])
        .refused(2, "unreadable");
    home.cli(&["instal"]).refused(2, "usage");
}

#[test]
fn without_an_agent_every_command_says_how_to_start_one() {
    let home = Home::new();
    for words in [
        &["status"][..],
        &["automations"],
        &["needs"],
        &["delegate", "remind me"],
    ] {
        let output = home.cli(words).refused(3, "agent_not_running");
        assert!(
            output.error["hint"].as_str().unwrap().contains("deputy up"),
            "{}",
            output.error
        );
    }
}

/// Runs a script that cannot go on, and gives the item that somebody is asked.
#[track_caller]
fn asks(home: &Home, contract: Value, script: &str, kind: &str, code: &str) -> (String, Value) {
    let automation = home.install(bundle("bad", contract, script));
    home.cli(&["automation", "run", &automation]);
    let needs = home.needs();
    assert_eq!(needs.len(), 1, "{needs:?}");
    assert_eq!(needs[0].kind.as_str(), kind, "{needs:?}");
    assert_eq!(needs[0].detail["failure"]["code"], code, "{needs:?}");
    (automation, json!(needs[0]))
}

#[test]
fn a_feed_that_is_a_web_page_pauses_and_goes_on_when_it_is_a_feed_again() {
    let server = HttpServer::new();
    server.put("/feed", Page::html("<!doctype html><title>Sorry</title>"));
    let home = Home::new();
    let _agent = home.start();
    let contract = json!({"params": {"url": server.url("/feed")}, "capabilities": {"feeds.read": {"hosts": [server.host()]}}});
    let script = "export default async (ctx) => (await tools.feeds.read({url: ctx.params.url})).items.length;";
    let (automation, need) = asks(&home, contract, script, "precondition", "not_a_feed");
    assert!(
        need["title"].as_str().unwrap().contains("web page"),
        "{need}"
    );
    assert_eq!(
        home.cli(&["automation", "show", &automation]).text("state"),
        "paused"
    );
    server.put("/feed", Page::feed(&[("1", "one"), ("2", "two")]));
    home.cli(&[
        "need",
        "answer",
        need["id"].as_str().unwrap(),
        "check_again",
    ])
    .done();
    wait_until("the run to go on", || {
        (home.runs(None)[0].result == Some(json!(2))).then_some(())
    });
    assert_eq!(
        home.cli(&["automation", "show", &automation]).text("state"),
        "active"
    );
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_not_swallowed() {
    let server = HttpServer::new();
    server.put(
        "/big",
        Page {
            more: 100 << 20,
            ..Page::new("text/plain", "")
        },
    );
    let home = Home::new();
    let _agent = home.start();
    let contract = json!({"params": {"url": server.url("/big")}, "capabilities": {"web.fetch": {"hosts": [server.host()]}}});
    let script =
        "export default async (ctx) => (await tools.web.fetch({url: ctx.params.url})).status;";
    let (_, need) = asks(&home, contract, script, "limit", "too_large");
    assert!(
        need["title"].as_str().unwrap().contains("larger than"),
        "{need}"
    );
    home.cli(&["status"]).done();
}

#[test]
fn a_folder_that_does_not_exist_pauses_until_it_is_there() {
    let home = Home::new();
    let _agent = home.start();
    let folder = home.path().with_extension("later");
    let path = folder.display().to_string();
    let contract =
        json!({"params": {"path": path}, "capabilities": {"files.list": {"folders": [path]}}});
    let script = "export default async (ctx) => (await tools.files.list({path: ctx.params.path})).entries.length;";
    let (_, need) = asks(&home, contract, script, "precondition", "not_found");
    assert!(need["title"].as_str().unwrap().contains(&path), "{need}");
    std::fs::create_dir(&folder).unwrap();
    home.cli(&[
        "need",
        "answer",
        need["id"].as_str().unwrap(),
        "check_again",
    ])
    .done();
    wait_until("the run to go on", || {
        (home.runs(None)[0].result == Some(json!(0))).then_some(())
    });
}

#[test]
fn a_wrong_password_is_one_item_however_many_runs_and_mending_it_resumes_them_all() {
    let server = SmtpServer::with_password("me", "right");
    let home = Home::new();
    let _agent = home.start();
    let connect = |password: &str| {
        let also = ["--username", "me", "--password-stdin"];
        home.connect_mail(server.port, &also, password)
    };
    assert_eq!(connect("wrong").text("state"), "auth");
    let contract = json!({"capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["you@example.test"]}}});
    let script = |n: u32| {
        format!(
            "export default async () => tools.mail.send({{connection: 'mail', to: ['you@example.test'], subject: 'mail {n}', text: ''}});"
        )
    };
    for n in 0..5 {
        let automation = home.install(bundle(&format!("m{n}"), contract.clone(), &script(n)));
        let run = home.cli(&["automation", "run", &automation]);
        assert_eq!(
            (run.code, run.text("waiting_for")),
            (Some(4), "auth"),
            "{run:?}"
        );
    }
    let needs = home.needs();
    assert_eq!(needs.len(), 1, "{needs:?}");
    assert_eq!(needs[0].kind.as_str(), "auth");
    assert!(
        !json!(needs).to_string().contains("wrong"),
        "the password is not shown"
    );
    assert!(server.letters().is_empty());
    connect("right").done();
    home.cli(&["need", "answer", &needs[0].id, "retry"]).done();
    wait_until("all runs to end well", || {
        home.runs(None)
            .iter()
            .all(|run| run.state.as_str() == "succeeded")
            .then_some(())
    });
    let mut subjects: Vec<String> = server.letters().into_iter().map(|l| l.subject).collect();
    subjects.sort();
    assert_eq!(subjects, ["mail 0", "mail 1", "mail 2", "mail 3", "mail 4"]);
    assert!(home.needs().is_empty());
    let active = home.cli(&["automations"]).done();
    assert!(
        active
            .json
            .as_array()
            .unwrap()
            .iter()
            .all(|a| a["state"] == "active"),
        "{}",
        active.json
    );
}

#[test]
fn a_second_agent_on_the_same_directory_is_told_of_the_first() {
    let home = Home::new();
    let agent = home.start();
    let link = home.path().with_extension("link");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    for other in [Home::at(home.path()), Home::at(link)] {
        let second = deputy_tests::Agent::start(&other, &deputy_tests::Launch::default());
        let refused = second.err().unwrap().refused(1, "already_running");
        let message = refused.error["message"].as_str().unwrap();
        assert!(message.contains(&agent.pid().to_string()), "{message}");
    }
    home.cli(&["status"]).done();
}
