//! Connections by OAuth, at a real provider: signing in, renewing, and what is asked when that ends.
#![allow(clippy::unwrap_used)]

use deputy_tests::{
    Agent, Home, ImapServer, OauthProvider, Output, SmtpServer, bundle, wait_until,
};
use serde_json::{Value, json};

const SECRET: &str = "the secret of the client";
const LONG: u32 = 3_600;

/// Makes the connection `me`, to what the provider says of whoever has signed in.
fn connect(home: &Home, provider: &OauthProvider, also: &[&str], secret: &str) -> Output {
    let words = [
        "connect",
        "http",
        "--name",
        "me",
        "--base-url",
        &provider.issuer,
        "--check-path",
        "me",
        "--issuer",
        &provider.issuer,
        "--scope",
        "openid",
        "--scope",
        "offline_access",
        "--param",
        "prompt=consent",
    ];
    home.cli_with_input(&[&words[..], also].concat(), secret)
}

fn connect_public(home: &Home, provider: &OauthProvider) -> Output {
    connect(home, provider, &["--client-id", "public"], "")
}

/// Begins to sign in.
fn begin(home: &Home, also: &[&str]) -> Output {
    let begun = home.cli(&[&["connection", "sign-in", "me"], also].concat());
    assert_eq!(
        (begun.code, begun.text("state")),
        (Some(4), "waiting"),
        "{begun:?}"
    );
    begun
}

/// Signs in, in a browser on this machine.
fn sign_in(home: &Home, provider: &OauthProvider) -> Output {
    let begun = begin(home, &[]);
    let page = provider.browse(begun.text("url"), &[]);
    assert_eq!(page["status"], 200, "{page}");
    assert!(
        page["text"].as_str().unwrap().contains("Signed in to"),
        "{page}"
    );
    ended(home, &begun)
}

/// An agent, and a provider that it has been signed in at.
fn signed_in() -> (Home, OauthProvider, Agent) {
    let (home, provider) = (Home::new(), OauthProvider::start(LONG));
    let agent = home.start();
    connect_public(&home, &provider);
    sign_in(&home, &provider).done();
    (home, provider, agent)
}

fn ended(home: &Home, begun: &Output) -> Output {
    home.cli(&["connection", "sign-in", "--wait", begun.text("id")])
}

/// An automation that says who has signed in.
fn who_am_i(home: &Home) -> String {
    let contract = json!({"capabilities": {"http.get": {"connections": ["me"]}}});
    let script = "export default async () => (await tools.http.get({connection: 'me', path: 'me', as: 'json'})).json;";
    home.install(bundle("who", contract, script))
}

fn run(home: &Home, automation: &str) -> Value {
    home.cli(&["automation", "run", automation]).json
}

#[track_caller]
fn succeeds(home: &Home, automation: &str) {
    let run = run(home, automation);
    assert_eq!(
        (&run["state"], &run["result"]["sub"]),
        (&json!("succeeded"), &json!("me")),
        "{run}"
    );
}

/// Nothing that can be read of the agent, but through its vault, holds a token.
fn nothing_tells(home: &Home, provider: &OauthProvider) {
    let tokens = provider.tell("tokens");
    let tokens: Vec<&str> = tokens
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().unwrap())
        .collect();
    assert!(!tokens.is_empty());
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for token in &tokens {
            let is_in = bytes.windows(token.len()).any(|w| w == token.as_bytes());
            assert!(!is_in, "a token is in {}", path.display());
        }
    }
}

#[test]
fn one_signs_in_in_a_browser_and_tokens_are_renewed_by_themselves() {
    let (home, provider) = (Home::new(), OauthProvider::start(1));
    let _agent = home.start();
    let made = connect(
        &home,
        &provider,
        &["--client-id", "keeper", "--client-secret-stdin"],
        SECRET,
    );
    assert_eq!(
        (made.code, made.text("state")),
        (Some(4), "auth"),
        "{made:?}"
    );
    assert!(made.text("message").contains("sign-in me"), "{made:?}");
    assert_eq!(made.json["config"]["oauth"]["client_auth"], "basic");
    let signed = sign_in(&home, &provider).done();
    assert_eq!(signed.text("state"), "signed_in");
    let all = home.cli(&["connections"]).done();
    assert_eq!(all.json[0]["state"], "ok", "{}", all.json);
    assert!(!all.json.to_string().contains(SECRET));
    // Tokens are good for a second, so this goes on over many.
    let automation = who_am_i(&home);
    let before = provider.gave("refresh_token");
    wait_until("tokens to be renewed", || {
        succeeds(&home, &automation);
        (provider.gave("refresh_token") >= before + 2).then_some(())
    });
    nothing_tells(&home, &provider);
    let log = provider.tell("log");
    assert!(!log.to_string().contains("refused"), "{log}");
}

#[test]
fn runs_at_a_time_renew_once_and_a_restart_needs_nobody() {
    let (home, provider, agent) = signed_in();
    let contract = json!({"capabilities": {"http.get": {"connections": ["me"]}}});
    let script = "export default async () => (await Promise.all([1, 2, 3, 4].map(() => \
        tools.http.get({connection: 'me', path: 'me', as: 'json'})))).map((a) => a.json.sub);";
    let four = home.install(bundle("four", contract, script));
    // Taken back before its time, which nobody said: what is refused is renewed and asked once more. A
    // refresh token is good once, and used twice it ends the sign-in.
    provider.tell("withdraw");
    let ran = run(&home, &four);
    assert_eq!(ran["result"], json!(["me", "me", "me", "me"]), "{ran}");
    assert_eq!(
        provider.gave("refresh_token"),
        1,
        "{}",
        provider.tell("log")
    );
    drop(agent);
    let _agent = home.start();
    provider.tell("withdraw");
    assert_eq!(run(&home, &four)["result"], json!(["me", "me", "me", "me"]));
    assert_eq!(provider.gave("authorization_code"), 1);
}

#[test]
fn an_agent_that_is_stopped_while_it_renews_loses_no_sign_in() {
    let (home, provider, mut agent) = signed_in();
    let automation = who_am_i(&home);
    provider.tell("withdraw");
    provider.tell("hold");
    let begun = home.cli(&["automation", "run", &automation, "--no-wait"]);
    wait_until("the provider to be asked", || {
        provider
            .tell("log")
            .to_string()
            .contains("held")
            .then_some(())
    });
    home.cli(&["stop"]).done();
    // What it gives now is good once.
    provider.tell("go");
    wait_until("the agent's end", || (!agent.alive()).then_some(()));
    assert_eq!(provider.gave("refresh_token"), 1);
    let _agent = home.start();
    wait_until("the run to go on", || {
        let run = home.cli(&["run", "show", begun.text("id")]).json;
        (run["state"] == "succeeded").then_some(())
    });
    let log = provider.tell("log");
    assert!(!log.to_string().contains("refused"), "{log}");
}

#[test]
fn a_sign_in_that_is_over_asks_once_and_all_go_on_when_somebody_has_signed_in() {
    let (home, provider, _agent) = signed_in();
    let (first, second) = (who_am_i(&home), who_am_i(&home));
    provider.tell("revoke");
    for automation in [&first, &second] {
        let run = run(&home, automation);
        assert_eq!(
            (&run["state"], &run["waiting_for"]),
            (&json!("waiting"), &json!("auth")),
            "{run}"
        );
    }
    let needs = home.cli(&["needs"]).done().json;
    assert_eq!(needs.as_array().unwrap().len(), 1, "{needs}");
    assert_eq!(needs[0]["kind"], "auth");
    let shown = home
        .cli(&["need", "show", needs[0]["id"].as_str().unwrap()])
        .done();
    assert!(
        shown.json.to_string().contains("connection sign-in me"),
        "{}",
        shown.json
    );
    // It is not asked for again and again what will not be given.
    let refused = provider
        .tell("log")
        .to_string()
        .matches("invalid_grant")
        .count();
    assert!(refused <= 2, "{}", provider.tell("log"));
    sign_in(&home, &provider).done();
    for automation in [&first, &second] {
        wait_until("the run to go on", || {
            let runs = home.cli(&["runs", "--automation", automation]).done().json;
            (runs[0]["state"] == "succeeded").then_some(())
        });
    }
    assert!(home.needs().is_empty(), "{:?}", home.needs());
}

#[test]
fn a_provider_that_is_ill_is_waited_for_and_asks_nobody() {
    let (home, provider, _agent) = signed_in();
    let automation = who_am_i(&home);
    provider.tell("withdraw");
    provider.tell("ill");
    let run = home
        .cli(&["automation", "run", &automation, "--no-wait"])
        .json;
    let id = run["id"].as_str().unwrap().to_owned();
    wait_until("the run to wait", || {
        let run = home.cli(&["run", "show", &id]).done().json;
        assert_ne!(run["state"], "failed", "{run}");
        (run["waiting_for"] == "retry").then_some(())
    });
    assert!(home.needs().is_empty(), "{:?}", home.needs());
    provider.tell("well");
    wait_until("the run to succeed", || {
        (home.cli(&["run", "show", &id]).done().json["state"] == "succeeded").then_some(())
    });
}

#[test]
fn one_signs_in_on_another_device_or_brings_the_address_from_elsewhere() {
    let (home, provider) = (Home::new(), OauthProvider::start(LONG));
    let _agent = home.start();
    connect_public(&home, &provider);
    let begun = begin(&home, &["--device"]);
    assert!(begun.text("user_code").len() >= 8, "{begun:?}");
    provider.browse(begun.text("url"), &[]);
    let signed = ended(&home, &begun).done();
    assert_eq!(signed.text("state"), "signed_in");
    let automation = who_am_i(&home);
    succeeds(&home, &automation);

    // A browser on another machine is sent to where it finds nobody; its address is brought here.
    let begun = begin(&home, &[]);
    let redirect = asked(&begun, "redirect_uri")
        .replace("%3A", ":")
        .replace("%2F", "/");
    assert!(redirect.starts_with("http://127.0.0.1:"), "{redirect}");
    let page = provider.browse(begun.text("url"), &["--stop", &redirect]);
    let ended_at = page["url"].as_str().unwrap();
    assert!(ended_at.starts_with(&redirect), "{page}");
    let signed = home
        .cli(&["connection", "sign-in", "--answered", ended_at])
        .done();
    assert_eq!(signed.text("state"), "signed_in", "{signed:?}");
    assert_eq!(provider.gave("authorization_code"), 1);
    succeeds(&home, &automation);
}

/// A word of the address at which one signs in.
fn asked(begun: &Output, name: &str) -> String {
    let (_, rest) = begun.text("url").split_once(&format!("{name}=")).unwrap();
    rest.split('&').next().unwrap().to_owned()
}

#[test]
fn a_refusal_and_what_nobody_asked_for_give_nothing() {
    let (home, provider) = (Home::new(), OauthProvider::start(LONG));
    let _agent = home.start();
    connect_public(&home, &provider);
    let begun = begin(&home, &[]);
    let page = provider.browse(begun.text("url"), &["--deny"]);
    assert_eq!(page["status"], 400, "{page}");
    let refused = ended(&home, &begun);
    assert_eq!(
        (refused.code, refused.text("state")),
        (Some(1), "refused"),
        "{refused:?}"
    );
    assert!(
        refused.text("message").contains("access_denied"),
        "{refused:?}"
    );
    let begun = begin(&home, &["--device"]);
    provider.browse(begun.text("url"), &["--deny"]);
    let refused = ended(&home, &begun);
    assert_eq!(
        (refused.code, refused.text("state")),
        (Some(1), "refused"),
        "{refused:?}"
    );

    // An address that somebody else made up, and one that was used: nobody waits for them.
    let url = |query: &str| format!("http://127.0.0.1:1/oauth/callback?{query}");
    let answer = |url: &str| home.cli(&["connection", "sign-in", "--answered", url]);
    answer(&url("code=a&state=made-up")).refused(1, "sign_in_over");
    answer(&url("code=a")).refused(1, "sign_in_over");
    let begun = begin(&home, &[]);
    let state = asked(&begun, "state");
    // Another provider's word for this one's (RFC 9207).
    let mixed_up = answer(&url(&format!(
        "code=a&state={state}&iss=https%3A%2F%2Fevil.example"
    )));
    assert_eq!(mixed_up.text("state"), "refused", "{mixed_up:?}");
    answer(&url(&format!("code=a&state={state}"))).refused(1, "sign_in_over");
    // A code that the provider did not give.
    let begun = begin(&home, &[]);
    let own = asked(&begun, "state");
    let wrong = answer(&url(&format!("code=made-up&state={own}")));
    assert_eq!(wrong.text("state"), "refused", "{wrong:?}");
    assert_eq!(provider.gave("authorization_code"), 0);
    // A later sign-in ends an earlier one.
    let (earlier, _later) = (begin(&home, &[]), begin(&home, &[]));
    ended(&home, &earlier).refused(1, "sign_in_over");
    let page = provider.browse(earlier.text("url"), &[]);
    assert!(
        page["text"]
            .as_str()
            .unwrap()
            .contains("Nobody waits for this"),
        "{page}"
    );
}

#[test]
fn wrong_clients_and_wrong_settings_are_told_and_lose_nothing() {
    let (home, provider) = (Home::new(), OauthProvider::start(LONG));
    let _agent = home.start();
    let wrong = connect(
        &home,
        &provider,
        &["--client-id", "keeper", "--client-secret-stdin"],
        "wrong",
    );
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    let begun = begin(&home, &[]);
    let page = provider.browse(begun.text("url"), &[]);
    assert_eq!(page["status"], 400, "{page}");
    let refused = ended(&home, &begun);
    assert!(
        refused.text("message").contains("invalid_client"),
        "{refused:?}"
    );

    connect_public(&home, &provider);
    sign_in(&home, &provider).done();
    let elsewhere = |issuer: &str| {
        home.cli(&[
            "connect",
            "http",
            "--name",
            "me",
            "--base-url",
            &provider.issuer,
            "--issuer",
            issuer,
            "--client-id",
            "x",
        ])
    };
    elsewhere("http://127.0.0.1:1").refused(1, "connection_invalid");
    elsewhere("http://provider.example").refused(1, "connection_invalid");
    // Another name for the same address is another issuer.
    elsewhere(&provider.issuer.replace("127.0.0.1", "localhost")).refused(1, "connection_invalid");
    let all = home.cli(&["connections"]).done();
    assert_eq!(all.json[0]["state"], "ok", "{}", all.json);
    // The same settings keep the sign-in, another client's do not.
    assert_eq!(connect_public(&home, &provider).done().text("state"), "ok");
    let other = connect(
        &home,
        &provider,
        &["--client-id", "keeper", "--client-secret-stdin"],
        SECRET,
    );
    assert_eq!(other.text("state"), "auth", "{other:?}");
}

#[test]
fn what_is_revoked_is_given_back() {
    let (home, provider, _agent) = signed_in();
    let gone = home.cli(&["connection", "revoke", "me"]).done();
    assert!(gone.text("message").contains("was told"), "{gone:?}");
    assert_eq!(provider.tell("living"), json!(0));
    connect_public(&home, &provider);
    assert_eq!(home.cli(&["connections"]).json[0]["state"], "auth");
}

#[test]
fn mail_is_read_and_sent_with_a_token_in_a_passwords_place() {
    let (home, provider) = (Home::new(), OauthProvider::start(LONG));
    let _agent = home.start();
    let smtp = SmtpServer::with_tokens_of(&provider);
    let mut imap = ImapServer::new("nobody", "x").with_tokens_of(&provider);
    imap.deliver(
        "INBOX",
        "From: a@example.test\r\nSubject: Invoice\r\nMessage-ID: <1@example.test>\r\n\r\ntext\r\n",
    );
    let port = imap.port.to_string();
    let also = [
        "--name",
        "me",
        "--imap-host",
        "127.0.0.1",
        "--imap-port",
        &port,
        "--username",
        "me",
        "--issuer",
        &provider.issuer,
        "--client-id",
        "public",
        "--scope",
        "openid",
        "--scope",
        "offline_access",
        "--param",
        "prompt=consent",
    ];
    let made = home.connect_mail(smtp.port, &also, "");
    assert_eq!(
        (made.code, made.text("state")),
        (Some(4), "auth"),
        "{made:?}"
    );
    let signed = sign_in(&home, &provider).done();
    assert!(
        signed.text("message").contains("1 mails in INBOX"),
        "{signed:?}"
    );
    let contract = json!({"capabilities": {"mail.search": {"connections": ["me"]},
        "mail.send": {"connections": ["me"], "recipients": ["me@example.test"]}}});
    let script = "export default async () => { \
        const {messages} = await tools.mail.search({connection: 'me'}); \
        await tools.mail.send({connection: 'me', to: ['me@example.test'], subject: messages[0].subject, text: 'seen'}); \
        return messages.length; };";
    let automation = home.install(bundle("mail", contract, script));
    assert_eq!(run(&home, &automation)["result"], 1);
    assert_eq!(smtp.letters().len(), 1);
    // Both servers refuse a token that was taken back. Nobody told the agent, so it asks; said to try
    // again, it renews what was refused.
    provider.tell("withdraw");
    let waits = run(&home, &automation);
    assert_eq!(waits["waiting_for"], "auth", "{waits}");
    let need = home.cli(&["needs"]).done().json[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    home.cli(&["need", "answer", &need, "retry"]).done();
    wait_until("the second mail", || {
        (smtp.letters().len() == 2).then_some(())
    });
    assert_eq!(provider.gave("refresh_token"), 1);
    // A whole token of somebody else's opens nothing.
    provider.tell("revoke");
    home.cli(&["connection", "check", "me"]);
    let begun = begin(&home, &[]);
    provider.browse(begun.text("url"), &["--as", "somebody"]);
    let other = ended(&home, &begun);
    assert_eq!(other.text("state"), "refused", "{other:?}");
    assert!(other.text("message").contains("is kept, but"), "{other:?}");
}
