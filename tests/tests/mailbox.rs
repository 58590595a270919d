//! Reading mail: a real mail server delivers into a mailbox that a real IMAP server shows.
#![allow(clippy::unwrap_used)]

use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::Run;
use deputy_tests::{
    Agent, Certificate, Fault, Home, ImapServer, Launch, SmtpProxy, SmtpServer, bundle, wait_until,
};
use serde_json::{Value, json};

const USER: &str = "me";
const PASSWORD: &str = "correct horse";

/// Makes the connection `mail` to both servers.
fn connect(home: &Home, smtp: u16, imap: &ImapServer, password: &str) -> deputy_tests::Output {
    home.connect_mailbox(smtp, imap, USER, password)
}

fn mail(subject: &str, from: &str, more: &str) -> String {
    format!(
        "From: {from}\r\nTo: me@example.test\r\nSubject: {subject}\r\nDate: Fri, 27 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{}@example.test>\r\n{more}\r\n\r\ntext of {subject}\r\n",
        fastrand::u64(..)
    )
}

/// Runs a script once and gives its result.
#[track_caller]
fn run(home: &Home, name: &str, script: &str) -> Value {
    let contract = json!({"capabilities": {
        "mail.search": {"connections": ["mail"]}, "mail.get": {"connections": ["mail"]}}});
    let automation = home.install(bundle(name, contract, script));
    let run = home.cli(&["automation", "run", &automation]);
    assert_eq!(run.text("state"), "succeeded", "{}", run.json);
    run.json["result"].clone()
}

/// An automation that follows the inbox and keeps a note of each mail.
fn follow(home: &Home, folder: &str) -> String {
    let contract = json!({
        "triggers": [{"mail": {"connection": "mail", "folder": folder}}],
        "capabilities": {"notify.send": {}, "mail.get": {"connections": ["mail"]}},
    });
    let script = "export default async (ctx) => { \
        const {connection, folder, id} = ctx.input; \
        const mail = await tools.mail.get({connection, folder, id}); \
        await tools.notify.send({title: mail.subject, body: mail.text.trim(), once: id}); \
        return ctx.input; };";
    home.install(bundle("follow", contract, script))
}

/// What was told, in order.
fn told(home: &Home, automation: &str) -> Vec<String> {
    let chat = home.cli(&["chat", automation]).done();
    let lines = chat.json.as_array().unwrap().iter();
    lines
        .filter(|line| line["kind"] == "notification")
        .map(|line| line["data"]["title"].as_str().unwrap().to_owned())
        .collect()
}

fn wait_told(home: &Home, automation: &str, expected: &[&str]) {
    wait_until("what arrived to be told", || {
        let told = told(home, automation);
        assert!(told.len() <= expected.len(), "{told:?}");
        (told == expected).then_some(())
    });
}

#[test]
fn mails_are_found_and_read_and_stay_as_new_as_they_were() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let mut imap = ImapServer::new(USER, PASSWORD);
    let home = Home::new();
    let _agent = home.start();
    let wrong = connect(&home, smtp.port, &imap, "wrong");
    assert_eq!((wrong.code, wrong.text("state")), (Some(1), "auth"));
    let right = connect(&home, smtp.port, &imap, PASSWORD).done();
    assert!(right.text("message").contains("0 mails"), "{right:?}");
    imap.deliver("INBOX", &mail("Invoice 1", "Shop <billing@shop.test>", ""));
    imap.deliver("INBOX", &mail("Hello", "Ann <ann@example.test>", ""));
    imap.deliver(
        "INBOX",
        &mail(
            "=?UTF-8?Q?Rechnung_f=C3=BCr_M=C3=A4rz?=",
            "=?UTF-8?Q?L=C3=A4den?= <rechnung@laden.test>",
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=march.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--",
        ),
    );
    let subjects = |messages: &Value| -> Vec<String> {
        let all = messages["messages"].as_array().unwrap().iter();
        all.map(|m| m["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    let search = |name: &str, which: &str| {
        let script = format!(
            "export default async () => tools.mail.search({{connection: 'mail', {which}}});"
        );
        run(&home, name, &script)
    };
    let all = search("all", "");
    assert_eq!(subjects(&all), ["Rechnung für März", "Hello", "Invoice 1"]);
    assert_eq!(all["more"], false);
    assert!(all["messages"][0]["unread"].as_bool().unwrap());
    assert_eq!(all["messages"][2]["from"]["address"], "billing@shop.test");
    // What is ASCII is the server's to compare, the rest is compared here.
    assert_eq!(
        subjects(&search("from", "from: 'SHOP.test'")),
        ["Invoice 1"]
    );
    let march = search("subject", "subject: 'FÜR mär', from: 'läden'");
    assert_eq!(subjects(&march), ["Rechnung für März"]);
    assert_eq!(
        subjects(&search("text", "text: 'text of hello'")),
        ["Hello"]
    );
    assert!(subjects(&search("none", "to: 'nobody'")).is_empty());
    let some = search("limit", "limit: 2, unread: true");
    assert_eq!(subjects(&some), ["Rechnung für März", "Hello"]);
    assert_eq!(some["more"], true);
    assert_eq!(
        search("quote", r#"subject: 'a" UNSEEN ("'"#)["messages"],
        json!([])
    );
    assert!(subjects(&search("later", "since: '2100-01-01'")).is_empty());
    assert_eq!(
        subjects(&search(
            "earlier",
            "since: '2020-01-01', before: '2100-01-01'"
        ))
        .len(),
        3
    );
    let id = march["messages"][0]["id"].as_str().unwrap();
    let got = run(
        &home,
        "get",
        &format!(
            "export default async () => {{ \
             const mail = await tools.mail.get({{connection: 'mail', id: '{id}', attachments: true}}); \
             return {{text: mail.text, name: mail.attachments[0].name, bytes: mail.attachments[0].bytes.length}}; }};"
        ),
    );
    assert_eq!(got["name"], "march.pdf");
    assert_eq!(got["bytes"], 5);
    assert!(got["text"].as_str().unwrap().contains("see the file"));
    assert_eq!(imap.read(), 0, "nothing was marked as read");
    let gone = run(
        &home,
        "gone",
        "export default async () => { \
         try { await tools.mail.get({connection: 'mail', id: '1-1'}); } catch (e) { return e.code; } };",
    );
    assert_eq!(gone, "gone");
}

#[test]
fn what_is_missing_asks_and_what_is_not_allowed_is_not_read() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let imap = ImapServer::new(USER, PASSWORD);
    let home = Home::new();
    let _agent = home.start();
    connect(&home, smtp.port, &imap, PASSWORD).done();
    let script =
        "export default async () => tools.mail.search({connection: 'mail', folder: 'Nowhere'});";
    let missing = home.install(bundle(
        "missing",
        json!({"capabilities": {"mail.search": {"connections": ["mail"]}}}),
        script,
    ));
    let run = home.cli(&["automation", "run", &missing]);
    assert_eq!(run.text("waiting_for"), "precondition", "{}", run.json);
    assert!(home.wait_for_need("precondition").title.contains("Nowhere"));
    let other = home.install(bundle(
        "other",
        json!({"capabilities": {"mail.search": {"connections": ["work"]}}}),
        "export default async () => tools.mail.search({connection: 'mail'});",
    ));
    let run = home.cli(&["automation", "run", &other]);
    assert_eq!(run.text("waiting_for"), "permission", "{}", run.json);
}

#[test]
fn each_mail_that_arrives_is_told_once_whatever_is_restarted() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let mut imap = ImapServer::new(USER, PASSWORD);
    imap.deliver("INBOX", &mail("before", "a@example.test", ""));
    let home = Home::new();
    let agent = home.start();
    connect(&home, smtp.port, &imap, PASSWORD).done();
    // A mailbox tells whole seconds: what came in this one could be taken for new.
    let second = this_second();
    wait_until("the next second", || (this_second() > second).then_some(()));
    let automation = follow(&home, "INBOX");
    imap.deliver("INBOX", &mail("one", "a@example.test", ""));
    wait_told(&home, &automation, &["one"]);
    imap.deliver("INBOX", &mail("two", "a@example.test", ""));
    wait_told(&home, &automation, &["one", "two"]);
    let input = &home.runs(Some(&automation))[0].result;
    assert_eq!(input.as_ref().unwrap()["subject"], "two");
    // Killed, and mail comes meanwhile.
    agent.kill9();
    imap.deliver("INBOX", &mail("three", "a@example.test", ""));
    let _agent = home.start();
    wait_told(&home, &automation, &["one", "two", "three"]);
    // The mailbox's server goes away, and mail comes meanwhile.
    imap.stop();
    imap.deliver("INBOX", &mail("four", "a@example.test", ""));
    let is_told = || {
        home.cli(&["connection", "check", "mail"]);
        let findings = home.cli(&["doctor"]);
        findings.json.to_string().contains("\"mailbox\"")
    };
    assert!(is_told());
    imap.start();
    assert!(!is_told());
    wait_told(&home, &automation, &["one", "two", "three", "four"]);
    // Paused by the user: what comes is kept for later.
    home.cli(&["automation", "pause", &automation]).done();
    imap.deliver("INBOX", &mail("five", "a@example.test", ""));
    home.cli(&["automation", "resume", &automation]).done();
    let all = ["one", "two", "three", "four", "five"];
    wait_told(&home, &automation, &all);
    // The server has lost its books: old mails have new numbers, and are the same.
    let second = this_second();
    wait_until("the next second", || (this_second() > second).then_some(()));
    imap.number_anew();
    imap.deliver("INBOX", &mail("six", "a@example.test", ""));
    let all = ["one", "two", "three", "four", "five", "six"];
    wait_told(&home, &automation, &all);
    assert_eq!(imap.read(), 0);
    assert!(home.needs().is_empty(), "{:?}", home.needs());
}

fn this_second() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_password_that_is_refused_is_not_tried_again_until_somebody_says_so() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let mut imap = ImapServer::new(USER, PASSWORD);
    let home = Home::new();
    let _agent = home.start();
    connect(&home, smtp.port, &imap, PASSWORD).done();
    imap.set_password("another");
    wait_until("the old password to be refused", || {
        (home.cli(&["connection", "check", "mail"]).text("state") == "auth").then_some(())
    });
    let (first, second) = (follow(&home, "INBOX"), follow(&home, "Sent"));
    let paused = |id: &str| {
        let shown = home.cli(&["automation", "show", id]).done();
        shown.text("state") == "paused"
    };
    wait_until("both to be paused", || {
        (paused(&first) && paused(&second)).then_some(())
    });
    let needs = home.needs();
    assert_eq!(needs.len(), 1, "{needs:?}");
    assert_eq!(needs[0].kind.as_str(), "auth");
    assert!(!json!(needs).to_string().contains(PASSWORD));
    imap.deliver("INBOX", &mail("one", "a@example.test", ""));
    smtp.set_password(USER, "another");
    wait_until("the new password to be taken", || {
        (connect(&home, smtp.port, &imap, "another").text("state") == "ok").then_some(())
    });
    home.cli(&["need", "answer", &needs[0].id, "retry"]).done();
    wait_told(&home, &first, &["one"]);
    imap.deliver("Sent", &mail("two", "a@example.test", ""));
    wait_told(&home, &second, &["two"]);
}

#[test]
fn a_folder_that_is_not_there_asks_and_is_followed_once_it_is() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let imap = ImapServer::new(USER, PASSWORD);
    let home = Home::new();
    let _agent = home.start();
    connect(&home, smtp.port, &imap, PASSWORD).done();
    let automation = follow(&home, "Entwürfe");
    let need = home.wait_for_need("precondition");
    assert!(need.title.contains("Entwürfe"), "{}", need.title);
    let mut imap = imap;
    // As the server itself names it.
    imap.make("Entw&APw-rfe");
    imap.deliver("Entw&APw-rfe", &mail("draft", "a@example.test", ""));
    home.cli(&["need", "answer", &need.id, "check_again"])
        .done();
    wait_told(&home, &automation, &["draft"]);
}

#[test]
fn a_mail_in_doubt_that_lies_in_the_mailbox_was_sent_and_is_not_sent_again() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let imap = ImapServer::over(&smtp.maildir(), USER, PASSWORD);
    let proxy = SmtpProxy::new(smtp.port, 0, 1);
    let home = Home::new();
    let _agent = home.start();
    connect(&home, proxy.port, &imap, PASSWORD).done();
    let contract = json!({"capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["me@example.test"]}}});
    let script = "export default async () => tools.mail.send({connection: 'mail', to: ['me@example.test'], subject: 'once', text: ''});";
    let automation = home.install(bundle("once", contract, script));
    // The server takes it and delivers it, and the line breaks before it says so.
    proxy.plan(&[Fault::ReplyHeldBack]);
    let run = home.cli(&["automation", "run", &automation]);
    assert_eq!(run.text("state"), "succeeded", "{}", run.json);
    let letters = smtp.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(run.json["result"]["message_id"], letters[0].message_id);
    // What never arrived is not there, which proves nothing: a person is asked.
    proxy.plan(&[Fault::ResetInData]);
    let run = home.cli(&["automation", "run", &automation]);
    assert_eq!(run.text("waiting_for"), "in_doubt", "{}", run.json);
    assert_eq!(smtp.letters().len(), 1);
}

#[test]
fn a_mailbox_is_read_over_tls_only_when_its_certificate_is_trusted() {
    let certificate = Certificate::new();
    for (tls, is_implicit) in [("starttls", false), ("implicit", true)] {
        let mut imap = ImapServer::new(USER, PASSWORD).with_tls(&certificate, is_implicit);
        imap.deliver("INBOX", &mail("sealed", "a@example.test", ""));
        let home = Home::new();
        let port = imap.port.to_string();
        let connect = || {
            // Nobody takes mail there: only what is read counts here.
            let words = [
                "connect",
                "mail",
                "--smtp-host",
                "127.0.0.1",
                "--smtp-port",
                "1",
                "--tls",
                tls,
                "--from",
                "me@example.test",
                "--imap-host",
                "127.0.0.1",
                "--imap-port",
                &port,
                "--username",
                USER,
                "--password-stdin",
            ];
            home.cli_with_input(&words, PASSWORD)
        };
        let search = || {
            let contract = json!({"capabilities": {"mail.search": {"connections": ["mail"]}}});
            let script = "export default async () => (await tools.mail.search({connection: 'mail'})).messages.map(m => m.subject);";
            let automation = home.install(bundle("search", contract, script));
            home.cli(&["automation", "run", &automation])
        };
        let agent = home.start();
        connect();
        let refused = search();
        assert_eq!(
            refused.text("waiting_for"),
            "precondition",
            "{}",
            refused.json
        );
        agent.terminate();
        let trusted = certificate.path().join("chain.pem");
        let launch = Launch::default().env("SSL_CERT_FILE", trusted.display());
        let _agent = home.start_with(&launch);
        let read = search();
        assert_eq!(
            read.json["result"],
            json!(["sealed"]),
            "{tls}: {}",
            read.json
        );
    }
}

/// An automation that marks each mail that arrives, files it and drafts an answer.
fn file(home: &Home) -> String {
    let through = json!({"connections": ["mail"]});
    let contract = json!({
        "triggers": [{"mail": {"connection": "mail", "folder": "INBOX"}}],
        "capabilities": {"mail.label": through, "mail.move": through, "mail.draft": through},
    });
    let script = "export default async (ctx) => { \
        const {connection, id, subject} = ctx.input; \
        await tools.mail.label({connection, id, add: ['read', 'flagged', 'Deputy'], remove: ['flagged']}); \
        await tools.mail.move({connection, id, to: 'Invoices'}); \
        await tools.mail.draft({connection, subject: `Re: ${subject}`, text: 'thanks'}); };";
    home.install(bundle("file", contract, script))
}

/// How many runs there are, once all have succeeded; none of an agent that is not there.
fn succeeded(home: &Home, automation: &str) -> Option<usize> {
    let request = Request::Runs {
        automation: Some(automation.to_owned()),
        state: None,
        before: None,
        limit: 1_000,
    };
    let Ok(Response::Runs(runs)) = home.ask(request) else {
        return None;
    };
    let is_done = |run: &Run| run.state.as_str() == "succeeded";
    runs.iter().all(is_done).then_some(runs.len())
}

/// That each mail was marked and filed once, and answered with one draft.
#[track_caller]
fn assert_filed(imap: &ImapServer, subjects: &[String]) {
    let sorted = |folder: &str| {
        let mails = imap.mails(folder);
        let mut subjects: Vec<String> = { mails.iter() }
            .filter_map(|(mail, _)| mail.lines().find_map(|line| line.strip_prefix("Subject: ")))
            .map(str::to_owned)
            .collect();
        subjects.sort();
        subjects
    };
    let mut expected = subjects.to_vec();
    expected.sort();
    assert_eq!(sorted("Invoices"), expected);
    for (_, flags) in imap.mails("Invoices") {
        assert!(flags.contains('S') && !flags.contains('F'), "{flags}");
        assert!(
            flags.contains('a'),
            "the word of one's own is kept: {flags}"
        );
    }
    let mut drafts: Vec<String> = expected.iter().map(|s| format!("Re: {s}")).collect();
    drafts.sort();
    assert_eq!(sorted("Outlines"), drafts);
    assert!(imap.mails("INBOX").is_empty());
}

#[test]
fn mails_are_marked_moved_and_drafted_by_servers_that_can_move_and_by_those_that_cannot() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    for can in ["IDLE MOVE UIDPLUS", "IDLE UIDPLUS"] {
        let mut imap = ImapServer::new(USER, PASSWORD).that_can(can);
        imap.make("Invoices");
        let home = Home::new();
        let _agent = home.start();
        connect(&home, smtp.port, &imap, PASSWORD).done();
        let automation = file(&home);
        let subjects: Vec<String> = (1..=3).map(|n| format!("invoice {n}")).collect();
        for subject in &subjects {
            imap.deliver("INBOX", &mail(subject, "shop@example.test", ""));
        }
        wait_until("all to be filed", || {
            (succeeded(&home, &automation) == Some(3)).then_some(())
        });
        assert_filed(&imap, &subjects);
        assert!(home.needs().is_empty(), "{:?}", home.needs());
    }
}

/// Killed at every third point that its data pass, while it does it.
#[test]
fn a_mail_is_filed_once_and_has_one_draft_whenever_the_agent_is_killed() {
    let smtp = SmtpServer::with_password(USER, PASSWORD);
    let mut imap = ImapServer::new(USER, PASSWORD).that_can("IDLE UIDPLUS");
    imap.make("Invoices");
    let home = Home::new();
    let agent = home.start();
    connect(&home, smtp.port, &imap, PASSWORD).done();
    let automation = file(&home);
    agent.terminate();
    let (mut subjects, mut kills) = (Vec::new(), 0);
    for n in (1..).step_by(3) {
        subjects.push(format!("invoice {n}"));
        imap.deliver(
            "INBOX",
            &mail(&subjects[subjects.len() - 1], "shop@example.test", ""),
        );
        let launch = Launch::with_faults().env("DEPUTY_FAULT_KILL", n);
        let is_killed = match Agent::start(&home, &launch) {
            Err(_) => true,
            Ok(mut agent) => wait_until("the kill, or the end of the work", || {
                if !agent.alive() {
                    return Some(true);
                }
                let done = succeeded(&home, &automation) == Some(subjects.len());
                done.then_some(false)
            }),
        };
        kills += usize::from(is_killed);
        let agent = home.start();
        wait_until("all to be filed", || {
            (succeeded(&home, &automation) == Some(subjects.len())).then_some(())
        });
        agent.terminate();
        if !is_killed {
            break;
        }
    }
    assert!(kills > 10, "killed {kills} times only");
    assert_filed(&imap, &subjects);
}
