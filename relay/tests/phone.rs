//! A push all the way: a real agent, a relay that may push, a service as Apple's and Google's are, and
//! a phone's core that opens what arrives.
#![cfg(feature = "push")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::config;
use common::services::Services;
use deputy_mobile_core::{PairedDevice, RemoteAgent};
use deputy_protocol::push::{PushContent, PushKind, PushTarget};
use deputy_protocol::remote::Ask;
use deputy_relay::Relay;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

/// Each run of it asks a person.
const ASKING: &str =
    "export default async () => { await tools.notify.send({title: 'secret words'}); }";

fn program() -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("deputy");
    assert!(
        program.exists(),
        "{} is not there; build it with `cargo build -p deputy-agent`",
        program.display()
    );
    program
}

fn deputy(home: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .env("DEPUTY_HOME", home)
        .arg("--json")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What the command line says, done or not.
async fn cli(home: &Path, words: &[&str]) -> Value {
    let output = deputy(home).args(words).output().await.unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

async fn wait_until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    timeout(PATIENCE, async {
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// An agent that is linked to a relay which reaches the services, and a phone that it knows.
struct Away {
    services: Services,
    home: PathBuf,
    phone: PairedDevice,
    _relay: Relay,
    _agent: Child,
    _files: tempfile::TempDir,
}

impl Away {
    async fn new() -> Self {
        let services = Services::start().await;
        let mut config = config();
        config.push = Some(services.config());
        let relay = Relay::start(config).unwrap();
        let files = tempfile::tempdir().unwrap();
        let (home, there) = (files.path().join("home"), files.path().join("there"));
        let hash = {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(relay.certificate_hash())
        };
        let place = format!("{}#{hash}", relay.address());
        let mut agent = deputy(&home)
            .args(["up", "--no-open", "--relay", &place])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
        lines.next_line().await.unwrap().expect("the agent's word");
        let phone = pair(&home, &there).await;
        Self {
            services,
            home,
            phone,
            _relay: relay,
            _agent: agent,
            _files: files,
        }
    }

    async fn wants(&self, target: PushTarget) {
        let mut agent = RemoteAgent::connect(&self.phone).await.unwrap();
        let ask = Ask::PushSubscribe {
            target,
            quiet: None,
        };
        agent.ask("subscribe", &ask).await.unwrap();
        agent.close().await;
    }

    /// What the agent asks a person, once more.
    async fn asks(&self, automation: &str, key: &str) -> String {
        let words = ["event", "send", automation, "go", "--id", key];
        cli(&self.home, &words).await;
        wait_until("an item", async || {
            let needs = cli(&self.home, &["needs"]).await;
            needs[0]["id"].as_str().map(str::to_owned)
        })
        .await
    }

    fn opened(&self, envelope: &Value) -> PushContent {
        let text = envelope.as_str().expect("an envelope");
        assert!(!text.contains("secret"));
        self.phone.open_push(text).unwrap()
    }
}

async fn pair(home: &Path, there: &Path) -> PairedDevice {
    let begun = cli(home, &["pair", "--rights", "view,control,approve"]).await;
    let (id, link) = (
        begun["id"].as_str().unwrap(),
        begun["link"].as_str().unwrap(),
    );
    let typing = deputy(there)
        .args(["remote", "--link", link, "--name", "phone"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let compare = cli(home, &["pair", "--id", id]).await;
    assert_eq!(compare["state"], "compare", "{compare}");
    cli(home, &["pair", "--id", id, "--same"]).await;
    assert!(typing.wait_with_output().await.unwrap().status.success());
    serde_json::from_slice(&std::fs::read(there.join("remote.json")).unwrap()).unwrap()
}

/// Installs an automation that asks before it tells something.
async fn install(home: &Path) -> String {
    let bundle = json!({"bundle": 1, "name": "Invoices", "script": ASKING, "contract": {
        "contract": 1, "purpose": "Invoices", "timezone": "UTC",
        "triggers": [{"event": "go"}],
        "capabilities": {"notify.send": {}},
        "requires_approval": [{"of": "notify.send"}],
    }});
    let file = home.with_extension("bundle.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    let installed = cli(home, &["install", &file.display().to_string(), "--yes"]).await;
    installed["automation"]
        .as_str()
        .expect("an automation")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_person_reaches_a_phone_by_apples_and_googles_services_sealed() {
    let away = Away::new().await;
    let automation = install(&away.home).await;
    let apple = PushTarget::Apns {
        token: "00fa11".to_owned(),
    };
    away.wants(apple).await;
    let need = away.asks(&automation, "first").await;
    let told = |count: usize| {
        let away = &away;
        wait_until("pushes by Apple's service", async move || {
            let all = away.services.seen().apns.clone();
            (all.len() >= count).then_some(all)
        })
    };
    let first = told(1).await;
    assert_eq!(first[0].2["aps"]["mutable-content"], 1);
    let content = away.opened(&first[0].2["deputy"]);
    assert_eq!(
        (content.kind, content.need.as_deref()),
        (PushKind::Need, Some(need.as_str()))
    );
    assert!(content.text.contains("secret words") || content.title.contains("secret words"));

    // Answered elsewhere: it is taken back.
    cli(&away.home, &["need", "answer", &need, "approve"]).await;
    let second = told(2).await;
    let content = away.opened(&second[1].2["deputy"]);
    assert_eq!(
        (content.kind, content.need),
        (PushKind::Settled, Some(need))
    );

    let google = PushTarget::Fcm {
        token: "fine:device-1_x".to_owned(),
    };
    away.wants(google).await;
    let need = away.asks(&automation, "second").await;
    let sent = wait_until("a push by Google's service", async || {
        away.services.seen().fcm.first().cloned()
    })
    .await;
    let content = away.opened(&sent["message"]["data"]["deputy"]);
    assert_eq!(content.need.as_deref(), Some(need.as_str()));
    assert_eq!(
        away.services.seen().apns.len(),
        2,
        "Apple's is not used any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_the_service_does_not_know_any_more_is_shown_as_gone() {
    let away = Away::new().await;
    let automation = install(&away.home).await;
    let target = PushTarget::Apns {
        token: "00dead".to_owned(),
    };
    away.wants(target).await;
    away.asks(&automation, "first").await;
    wait_until("the word that it is gone", async || {
        let devices = cli(&away.home, &["devices"]).await;
        let phone = devices
            .as_array()?
            .iter()
            .find(|d| d["name"] == "phone")?
            .clone();
        (phone["push"]["is_gone"] == true).then_some(())
    })
    .await;
    assert_eq!(away.services.seen().apns.len(), 1, "it is not tried again");
}
