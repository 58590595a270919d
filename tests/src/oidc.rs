//! A real OAuth provider (`tests/oidc`: oidc-provider, on Node), and a browser that signs in at it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// The provider; ends when dropped.
pub struct OauthProvider {
    child: Child,
    answers: Mutex<BufReader<ChildStdout>>,
    /// What it calls itself: its address.
    pub issuer: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc")
}

impl OauthProvider {
    /// Starts on a free port. Access tokens are good for so many seconds.
    pub fn start(ttl: u32) -> Self {
        assert!(
            folder().join("node_modules").exists(),
            "these tests sign in at a real provider: cd tests/oidc && npm ci (`cargo xtask test` does)"
        );
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(ttl.to_string())
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut provider = Self {
            child,
            answers: Mutex::new(answers),
            issuer: String::new(),
        };
        let ready = provider.answer();
        provider.issuer = ready["issuer"].as_str().unwrap().to_owned();
        provider
    }

    fn answer(&self) -> Value {
        let mut line = String::new();
        self.answers.lock().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Has it do something of what `server.mjs` names.
    pub fn tell(&self, act: &str) -> Value {
        writeln!(self.child.stdin.as_ref().unwrap(), "{act}").unwrap();
        self.answer()
    }

    /// Where a mail server asks whose a token is, as the client that it is.
    pub fn introspection(&self) -> String {
        let place = self.issuer.trim_start_matches("http://");
        format!("http://mailserver:mailsecret@{place}/token/introspection")
    }

    /// How often it gave, for grants of a kind.
    pub fn gave(&self, grant: &str) -> usize {
        let log = self.tell("log");
        let all = log.as_array().unwrap().iter();
        all.filter(|entry| entry["gave"] == grant).count()
    }

    /// Opens an address in a browser whose user signs in and consents. Where it ended: `url`, `status` and
    /// `text`.
    pub fn browse(&self, address: &str, flags: &[&str]) -> Value {
        let output = Command::new("node")
            .arg("browse.mjs")
            .arg(address)
            .args(flags)
            .current_dir(folder())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {error}"))
    }
}

impl Drop for OauthProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
