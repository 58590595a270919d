//! The agent as a service of a real `systemd --user`, one of the test's own.
//!
//! There is one test: two managers would share their control groups. A machine on which no such manager can be had (containers that let nobody make control groups)
//! tests only what is said there.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// What was not tested is said.
#![allow(clippy::print_stdout)]

use deputy_tests::{Binary, Home, PATIENCE, wait_until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A user with a home, a configuration and a service manager of their own.
struct User {
    dir: tempfile::TempDir,
    manager: Option<Child>,
    /// The folder by which programs know a machine that systemd runs, where the test made it.
    booted: Option<PathBuf>,
}

impl User {
    fn new() -> Self {
        // Short: a socket's path has 108 bytes.
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        for folder in ["run", "config"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self {
            dir,
            manager: None,
            booted: None,
        }
    }

    /// Starts the manager; whether there can be one here.
    fn with_manager(&mut self) -> bool {
        let booted = Path::new("/run/systemd/system");
        if !booted.exists() && std::fs::create_dir_all(booted).is_ok() {
            self.booted = Some(booted.to_owned());
        }
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let manager = (self.command("systemd").arg("--user"))
            .env("SYSTEMD_LOG_TARGET", "console")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let Ok(manager) = manager else { return false };
        self.manager = Some(manager);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = self.systemctl(&["show", "--property", "Version"]);
            if asked.is_some() {
                return self.can_start();
            }
            let ended = self.manager.as_mut().unwrap().try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
                println!("no user manager can be had here: {ended:?} {log}");
                return false;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Whether the manager may start anything: it needs control groups for that.
    fn can_start(&self) -> bool {
        let units = self.dir.path().join("config/systemd/user");
        std::fs::create_dir_all(&units).unwrap();
        let nothing = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
        std::fs::write(units.join("nothing.service"), nothing).unwrap();
        let started = self.systemctl(&["daemon-reload"]).is_some()
            && self.systemctl(&["start", "nothing"]).is_some();
        if !started {
            println!("the user manager that can be had here starts nothing");
        }
        started
    }

    fn home(&self) -> Home {
        Home::at(self.dir.path().join("data"))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", self.dir.path())
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env("DEPUTY_HOME", self.dir.path().join("data"))
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null());
        command
    }

    fn systemctl(&self, words: &[&str]) -> Option<String> {
        let output = (self.command("systemctl").arg("--user").args(words))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.trim().to_owned())
    }

    /// `deputy service WORDS --json`: what it exits with and says.
    fn service(&self, words: &[&str]) -> (i32, Value) {
        let output = (self.command(Binary::Plain.path()))
            .arg("service")
            .args(words)
            .arg("--json")
            .output()
            .unwrap();
        let said = match output.status.success() {
            true => output.stdout,
            false => output.stderr,
        };
        let said = serde_json::from_slice(&said).expect("one JSON document");
        (output.status.code().unwrap(), said)
    }

    fn state(&self) -> [bool; 3] {
        let (exit, said) = self.service(&["status"]);
        assert_eq!(exit, 0, "{said}");
        ["installed", "enabled", "running"].map(|field| said[field].as_bool().unwrap())
    }

    fn pid(&self) -> Option<i32> {
        let pid = self.systemctl(&["show", "--property", "MainPID", "--value", "deputy"])?;
        pid.parse().ok().filter(|pid| *pid > 0)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if self.manager.is_some() {
            let _ = self.systemctl(&["stop", "deputy"]);
        }
        if let Some(manager) = &mut self.manager {
            let _ = manager.kill();
            let _ = manager.wait();
        }
        if let Some(booted) = &self.booted {
            let _ = std::fs::remove_dir(booted);
        }
    }
}

#[test]
fn the_agent_runs_as_a_service_comes_again_when_it_is_killed_and_stays_away_when_it_is_stopped() {
    let mut user = User::new();
    if !user.with_manager() {
        let (exit, said) = user.service(&["install"]);
        let code = said["error"]["code"].as_str().unwrap();
        assert_eq!(exit, 1, "{said}");
        assert!(["no_service_manager", "service"].contains(&code), "{said}");
        return;
    }
    assert_eq!(user.state(), [false, false, false]);
    let (exit, said) = user.service(&["install", "--relay", "no relay#"]);
    assert_eq!((exit, &said["error"]["code"]), (2, &"usage".into()));

    let (exit, said) = user.service(&["install"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(user.state(), [true, true, true]);
    let home = user.home();
    home.cli(&["status"]).done();
    let reminder = "remind me every weekday at 9 to stand up";
    home.cli(&["delegate", reminder, "--yes"]).done();

    let first = user.pid().unwrap();
    Command::new("kill")
        .args(["-9", &first.to_string()])
        .status()
        .unwrap();
    wait_until("another agent", || user.pid().filter(|pid| *pid != first));
    wait_until("its answer", || {
        let output = home.cli(&["automations"]);
        (output.code == Some(0)).then(|| assert_eq!(output.json.as_array().unwrap().len(), 1))
    });

    // Installed again it is one agent still, with the new words.
    let (exit, said) = user.service(&["install", "--listen", "127.0.0.1:0"]);
    assert_eq!(exit, 0, "{said}");
    let unit = std::fs::read_to_string(said["file"].as_str().unwrap()).unwrap();
    assert!(unit.contains("\"--listen\" \"127.0.0.1:0\""), "{unit}");

    home.cli(&["stop"]).done();
    wait_until("the service is at rest", || {
        (user.state() == [true, true, false]).then_some(())
    });

    // An agent that somebody started is not pushed aside.
    let agent = home.start();
    let (exit, said) = user.service(&["install"]);
    assert_eq!(
        (exit, &said["error"]["code"]),
        (1, &"already_running".into()),
        "{said}"
    );
    agent.terminate();

    let (exit, said) = user.service(&["uninstall"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(user.state(), [false, false, false]);
    assert_eq!(user.service(&["uninstall"]).0, 0);
    let agent = home.start();
    assert_eq!(
        home.cli(&["automations"])
            .done()
            .json
            .as_array()
            .unwrap()
            .len(),
        1
    );
    agent.terminate();

    // What does not come up is not left to fail at each login: here the data directory cannot be one.
    std::fs::remove_dir_all(home.path()).unwrap();
    std::fs::write(home.path(), "a file").unwrap();
    let (exit, said) = user.service(&["install"]);
    assert_eq!(
        (exit, &said["error"]["code"]),
        (1, &"service".into()),
        "{said}"
    );
    assert_eq!(user.state(), [false, false, false]);
    assert_eq!(user.pid(), None);
}
