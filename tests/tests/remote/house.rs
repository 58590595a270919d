//! A relay, an agent that is linked to it, and devices that pair.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deputy_mobile_core::PairedDevice;
use deputy_relay::{CertificateSource, Config, Relay};
use deputy_tests::{Agent, Certificate, Home, Launch, Output, wait_until};

/// A relay, and an agent that is linked to it.
pub(crate) struct House {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) relay: Option<Relay>,
    pub(crate) port: u16,
    certificate: Certificate,
    pub(crate) launch: Launch,
    pub(crate) home: Home,
    pub(crate) agent: Option<Agent>,
}

fn relay(port: u16, certificate: &Certificate) -> Relay {
    let config = Config {
        certificate: CertificateSource::Files {
            chain: certificate.path().join("chain.pem"),
            key: certificate.path().join("key.pem"),
        },
        ..Config::local(([127, 0, 0, 1], port).into())
    };
    // The port of a relay that died just now may not be free yet.
    wait_until("a relay", || Relay::start(config.clone()).ok())
}

/// What the relay and the apps of a test run on.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

impl House {
    pub(crate) fn open() -> Self {
        Self::behind(|_, relay| relay)
    }

    /// With something between the relay and everybody else: `before` gets the relay's port and gives
    /// that under which it is reached.
    pub(crate) fn behind(before: impl FnOnce(&tokio::runtime::Runtime, u16) -> u16) -> Self {
        let runtime = runtime();
        let certificate = Certificate::new();
        let relay = runtime.block_on(async { relay(0, &certificate) });
        let port = before(&runtime, relay.address().port());
        let house = Self::linked_to(port, runtime, certificate);
        Self {
            port: relay.address().port(),
            relay: Some(relay),
            ..house
        }
    }

    /// With relays that the test has started itself, with this certificate, reached at this port.
    pub(crate) fn linked_to(
        port: u16,
        runtime: tokio::runtime::Runtime,
        certificate: Certificate,
    ) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(certificate.hash);
        let place = format!("127.0.0.1:{port}#{hash}");
        let launch = Launch {
            args: vec!["--relay".to_owned(), place],
            ..Launch::default()
        };
        let home = Home::new();
        let agent = home.start_with(&launch);
        Self {
            runtime,
            port,
            certificate,
            relay: None,
            launch,
            home,
            agent: Some(agent),
        }
    }

    /// An agent alone.
    pub(crate) fn without_relay() -> Self {
        let house = Self::open();
        let home = Home::new();
        let agent = home.start();
        Self {
            relay: None,
            launch: Launch::default(),
            agent: Some(agent),
            home,
            ..house
        }
    }

    /// Where the agent listens on this machine.
    pub(crate) fn address(&self) -> String {
        let greeting = &self.agent.as_ref().unwrap().greeting;
        let url = greeting["listen"].as_str().unwrap();
        url.strip_prefix("http://").unwrap().to_owned()
    }

    /// The relay dies, with all that it knows.
    pub(crate) fn kill_relay(&mut self) {
        drop(self.relay.take());
    }

    /// Another relay in its place.
    pub(crate) fn start_relay(&mut self) {
        let (port, certificate) = (self.port, &self.certificate);
        let started = self.runtime.block_on(async { relay(port, certificate) });
        self.relay = Some(started);
    }

    /// Begins a pairing; its id and link.
    pub(crate) fn begin(&self, rights: &str) -> (String, String) {
        let begun = self.home.cli(&["pair", "--rights", rights]);
        assert_eq!(begun.code, Some(4), "{begun:?}");
        (begun.text("id").to_owned(), begun.text("link").to_owned())
    }

    /// Pairs a machine of its own, with the person's word at the agent.
    pub(crate) fn pair(&self, name: &str, rights: &str) -> Home {
        let (id, link) = self.begin(rights);
        let there = Home::new();
        let (path, name) = (there.path().to_owned(), name.to_owned());
        let typing = std::thread::spawn(move || {
            Home::at(path).cli(&["remote", "--link", &link, "--name", &name])
        });
        let compare = self.home.cli(&["pair", "--id", &id]);
        if compare.text("state") != "compare" {
            // The device knows why.
            panic!("{compare:?}; the device: {:?}", typing.join());
        }
        let phrase = compare.text("phrase").to_owned();
        self.home.cli(&["pair", "--id", &id, "--same"]).done();
        let paired = typing.join().unwrap();
        assert_eq!(paired.code, Some(0), "{paired:?}");
        assert!(
            !phrase.is_empty() && paired.stderr.contains(&phrase),
            "{paired:?}"
        );
        there
    }

    pub(crate) fn device(&self, there: &Home) -> PairedDevice {
        let text = std::fs::read(there.path().join("remote.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

pub(crate) fn remote(there: &Home, words: &[&str]) -> Output {
    there.cli(&[&["remote"], words].concat())
}
