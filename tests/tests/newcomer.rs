//! A newcomer's first quarter of an hour: words in, results out, with real feeds, pages, folders
//! and mail.
#![allow(clippy::unwrap_used)]

use deputy_tests::{Home, HttpServer, ImapServer, Output, Page, SmtpServer, wait_until};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Says what should happen and accepts what is proposed; gives the automation.
#[track_caller]
fn delegate(home: &Home, words: &str) -> String {
    let proposed = home.cli(&["delegate", words, "--timezone", "UTC"]);
    assert_eq!(
        (proposed.code, proposed.text("state")),
        (Some(4), "proposed"),
        "{proposed:?}"
    );
    let accepted = home
        .cli(&["proposal", "accept", proposed.text("id")])
        .done();
    assert_eq!(accepted.text("state"), "accepted");
    accepted.text("automation").to_owned()
}

#[track_caller]
fn run(home: &Home, automation: &str) -> Value {
    let run = home.cli(&["automation", "run", automation]).done();
    assert_eq!(run.text("state"), "succeeded", "{}", run.json);
    run.json
}

fn titles(lines: &Output) -> Vec<String> {
    let told = lines.json.as_array().unwrap().iter();
    told.filter(|line| line["kind"] == "notification")
        .map(|line| {
            line["data"]["title"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn notifications(home: &Home, automation: &str) -> Vec<String> {
    titles(&home.cli(&["chat", automation]).done())
}

#[test]
fn a_feed_is_watched_from_the_first_words_to_the_second_notification() {
    let web = HttpServer::new();
    web.put(
        "/feed.xml",
        Page::feed(&[("2", "Gardening"), ("1", "Rust 2.0 is out")]),
    );
    let home = Home::new();
    let _agent = home.start();
    let words = format!(
        "tell me when the feed at {} mentions rust, every second",
        web.url("/feed.xml")
    );
    let proposed = home.cli(&["delegate", &words]);
    assert_eq!(proposed.code, Some(4), "{proposed:?}");
    assert!(!proposed.json["plain_words"].as_array().unwrap().is_empty());
    let effects = proposed.json["preview"]["effects"].as_array().unwrap();
    assert_eq!(
        effects.len(),
        1,
        "the dry run shows what would happen: {effects:?}"
    );
    let before = home.cli(&["chat"]).done();
    assert!(
        titles(&before).is_empty(),
        "nothing happens before it is accepted"
    );
    let accepted = home
        .cli(&["proposal", "accept", proposed.text("id")])
        .done();
    let automation = accepted.text("automation");

    wait_until("the first notification", || {
        (notifications(&home, automation) == ["Rust 2.0 is out"]).then_some(())
    });
    let outputs = home.cli(&["outputs", "--automation", automation]).done();
    assert_eq!(outputs.json.as_array().unwrap().len(), 1);
    assert_eq!(
        (&outputs.json[0]["tool"], &outputs.json[0]["state"]),
        (&json!("notify.send"), &json!("done"))
    );
    let shown = home
        .cli(&["run", "show", outputs.json[0]["run"].as_str().unwrap()])
        .done();
    let tools: Vec<&Value> = shown.json["journal"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["tool"])
        .collect();
    assert_eq!(tools, ["feeds.read", "notify.send"]);

    web.put(
        "/feed.xml",
        Page::feed(&[
            ("3", "Why RUST?"),
            ("2", "Gardening"),
            ("1", "Rust 2.0 is out (corrected)"),
        ]),
    );
    wait_until("the second notification", || {
        (notifications(&home, automation).len() > 1).then_some(())
    });
    let hits = web.hits("/feed.xml");
    wait_until("two more looks", || {
        (web.hits("/feed.xml") >= hits + 2).then_some(())
    });
    assert_eq!(
        notifications(&home, automation),
        ["Rust 2.0 is out", "Why RUST?"]
    );
    assert!(home.needs().is_empty());
}

#[test]
fn what_cannot_be_planned_without_a_model_is_said() {
    let home = Home::new();
    let _agent = home.start();
    let refused = home
        .cli(&["delegate", "make me a sandwich"])
        .refused(1, "cannot_plan");
    assert!(
        refused.error["message"]
            .as_str()
            .unwrap()
            .contains("watch a feed"),
        "{}",
        refused.error
    );
    assert_eq!(home.cli(&["automations"]).json, json!([]));
}

#[test]
fn mails_are_told_of_as_they_come_and_together_when_a_time_was_said() {
    let smtp = SmtpServer::with_password("me", "secret");
    let mut imap = ImapServer::new("me", "secret");
    let home = Home::new();
    let _agent = home.start();
    home.connect_mailbox(smtp.port, &imap, "me", "secret")
        .done();
    let each = delegate(&home, "tell me when a mail from billing@shop.test arrives");
    let together = delegate(
        &home,
        "every weekday at 8, mail you@example.test the new invoices from this inbox",
    );
    let mail = |from: &str, subject: &str| {
        format!("From: {from}\r\nTo: me@example.test\r\nSubject: {subject}\r\n\r\ntext\r\n")
    };
    imap.deliver("INBOX", &mail("Ann <ann@example.test>", "Hello"));
    imap.deliver("INBOX", &mail("Shop <billing@shop.test>", "Invoice 17"));
    let told = wait_until("the mail to be told", || {
        Some(notifications(&home, &each)).filter(|told| !told.is_empty())
    });
    assert_eq!(told, ["Invoice 17, from Shop"]);
    assert_eq!(run(&home, &together)["result"]["told"], json!(1));
    assert_eq!(run(&home, &together)["result"]["told"], json!(0));
    let letters = smtp.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].subject, "Invoice 17, from Shop");
}

#[test]
fn a_feed_is_mailed() {
    let (web, mail) = (HttpServer::new(), SmtpServer::open());
    web.put(
        "/feed.xml",
        Page::feed(&[("2", "Gardening"), ("1", "Rust 2.0 is out")]),
    );
    let home = Home::new();
    let _agent = home.start();
    home.connect_mail(mail.port, &[], "").done();
    let words = format!(
        "mail you@example.test when the feed at {} mentions rust, every hour",
        web.url("/feed.xml")
    );
    let automation = delegate(&home, &words);
    run(&home, &automation);
    run(&home, &automation);
    let subjects: Vec<String> = mail.letters().into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["Rust 2.0 is out"]);

    let words = format!(
        "send a digest of {} by mail to you@example.test, every day at 8",
        web.url("/feed.xml")
    );
    let digest = delegate(&home, &words);
    assert_eq!(run(&home, &digest)["result"]["sent"], json!(true));
    assert_eq!(
        run(&home, &digest)["result"]["sent"],
        json!(false),
        "nothing is new"
    );
    let letters = mail.letters();
    let sent = letters
        .iter()
        .find(|l| l.subject.starts_with("Digest"))
        .unwrap();
    assert!(
        sent.text.contains("Gardening") && sent.text.contains("Rust 2.0"),
        "{}",
        sent.text
    );
    assert_eq!(letters.len(), 2);
}

#[test]
fn a_page_that_changes_is_told_once() {
    let web = HttpServer::new();
    web.put("/page", Page::html("<p>Open from 9 to 5</p>"));
    let home = Home::new();
    let _agent = home.start();
    let automation = delegate(
        &home,
        &format!("watch {} for changes, every hour", web.url("/page")),
    );
    run(&home, &automation);
    assert!(notifications(&home, &automation).is_empty());
    web.put("/page", Page::html("<p>Open from 10 to 5</p>"));
    run(&home, &automation);
    run(&home, &automation);
    assert_eq!(
        notifications(&home, &automation),
        [format!("{} has changed", web.host())]
    );
}

#[test]
fn a_price_that_falls_is_told_once_for_each_crossing() {
    let web = HttpServer::new();
    let home = Home::new();
    let _agent = home.start();
    let price = |price: &str| web.put("/shop", Page::html(&format!("<b>Now {price} €</b>")));
    price("61.50");
    let words = format!(
        "tell me when the price at {} drops below 50 euros, every hour",
        web.url("/shop")
    );
    let automation = delegate(&home, &words);
    for (now, told) in [
        ("61.50", 0),
        ("49.90", 1),
        ("48.00", 1),
        ("55.00", 1),
        ("42.00", 2),
    ] {
        price(now);
        run(&home, &automation);
        assert_eq!(notifications(&home, &automation).len(), told, "at {now}");
    }
}

#[test]
fn a_site_that_goes_down_and_comes_back_is_told_once_each() {
    let web = HttpServer::new();
    web.put("/", Page::html("hello"));
    let home = Home::new();
    let _agent = home.start();
    let automation = delegate(
        &home,
        &format!("tell me when {} is down, every 5 minutes", web.url("/")),
    );
    run(&home, &automation);
    web.put(
        "/",
        Page {
            status: 503,
            ..Page::html("sorry")
        },
    );
    for _ in 0..3 {
        run(&home, &automation);
    }
    assert_eq!(notifications(&home, &automation).len(), 1);
    web.put("/", Page::html("hello"));
    run(&home, &automation);
    run(&home, &automation);
    assert_eq!(notifications(&home, &automation).len(), 2);
}

#[test]
fn a_reminder_comes_at_its_time() {
    let home = Home::new();
    let _agent = home.start();
    let automation = delegate(&home, "remind me every second to stand up");
    wait_until("the reminder", || {
        notifications(&home, &automation)
            .first()
            .cloned()
            .filter(|t| t == "stand up")
    });
}

/// A file that was last changed long ago.
fn old_file(path: &Path) {
    let file = std::fs::File::create(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400))
        .unwrap();
}

#[test]
fn a_folder_is_tidied_and_nothing_in_it_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.pdf", "b.jpg", "c.unheard-of"] {
        old_file(&dir.path().join(name));
    }
    std::fs::write(dir.path().join("new.pdf"), "still being written").unwrap();
    let home = Home::new();
    let _agent = home.start();
    let automation = delegate(
        &home,
        &format!("tidy up {} every night", dir.path().display()),
    );
    assert_eq!(run(&home, &automation)["result"]["moved"], json!(2));
    for name in ["Documents/a.pdf", "Images/b.jpg", "c.unheard-of", "new.pdf"] {
        assert!(dir.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_file_is_backed_up_and_the_latest_copies_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (file, folder) = (dir.path().join("diary.txt"), dir.path().join("copies"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&file, "dear diary").unwrap();
    let home = Home::new();
    let _agent = home.start();
    let words = format!(
        "back up {} to {} every day, keep 2 copies",
        file.display(),
        folder.display()
    );
    let automation = delegate(&home, &words);
    let copies = || {
        std::fs::read_dir(&folder)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_type().unwrap().is_file())
            .count()
    };
    for expected in [1, 2, 2] {
        // Copies are named by the second.
        let second = || {
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs()
        };
        let began = second();
        run(&home, &automation);
        assert_eq!(copies(), expected);
        wait_until("the next second", || (second() > began).then_some(()));
    }
    let copy = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.is_file())
        .unwrap();
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "dear diary");
}
