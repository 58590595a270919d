//! The harness itself: what it stands on works before anything else is concluded from it.
#![allow(clippy::unwrap_used)]

use deputy_tests::{Home, SmtpProxy, SmtpServer, bundle, wait_until};
use serde_json::json;

#[test]
fn a_mail_goes_through_a_real_server_and_is_counted() {
    let server = SmtpServer::open();
    let proxy = SmtpProxy::new(server.port, 0, 1);
    let home = Home::new();
    let _agent = home.start();
    home.connect_mail(proxy.port, &[], "").done();
    let contract = json!({"capabilities": {"mail.send": {"connections": ["mail"], "recipients": ["@example.test"]}}});
    let script = "export default async (ctx) => tools.mail.send({connection: 'mail', to: ['you@example.test'], subject: 'one', text: 'text'});";
    let automation = home.install(bundle("mail", contract, script));
    let run = home.cli(&["automation", "run", &automation]).done();
    let letters = server.letters();
    assert_eq!(letters.len(), 1, "{letters:?} {}", server.log());
    assert_eq!(
        (letters[0].subject.as_str(), letters[0].text.as_str()),
        ("one", "text")
    );
    assert_eq!(letters[0].message_id, run.json["result"]["message_id"]);
    wait_until("the end of the conversation", || {
        (proxy.open() == 0).then_some(())
    });
}

#[test]
fn a_password_is_wanted_where_one_is_set() {
    let server = SmtpServer::with_password("me", "right");
    let home = Home::new();
    let _agent = home.start();
    let also = ["--username", "me", "--password-stdin"];
    let wrong = home.connect_mail(server.port, &also, "wrong");
    assert_eq!((wrong.code, wrong.text("state")), (Some(1), "auth"));
    home.connect_mail(server.port, &also, "right").done();
    server.set_password("me", "new");
    wait_until("the old password to be refused", || {
        (home.cli(&["connection", "check", "mail"]).text("state") == "auth").then_some(())
    });
}
