//! A real agent process: started, told to stop, killed.

use crate::relay::signal;
use crate::{Home, Output, wait_until};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Which build of the agent is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binary {
    /// The one that users get.
    #[default]
    Plain,
    /// The one with fault points compiled in.
    Faults,
}

impl Binary {
    /// Where it is. Fails the test, saying how to build it, when it is not there.
    pub fn path(self) -> PathBuf {
        let (variable, name, how) = match self {
            Self::Plain => ("DEPUTY_BIN", "deputy", "cargo build -p deputy-agent"),
            Self::Faults => (
                "DEPUTY_FAULT_BIN",
                "deputy-faults",
                "cargo build -p deputy-agent --features fault-points,hostile-worker && cp target/debug/deputy target/debug/deputy-faults",
            ),
        };
        built(variable, name, how)
    }
}

/// Where a program is that was built beside this one. Fails the test, saying how to build it, when
/// it is not there.
pub(crate) fn built(variable: &str, name: &str, how: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => {
            let program = std::env::current_exe().unwrap();
            // target/<profile>/deps/<test>, or target/<profile>/<program>
            let folder = program.parent().unwrap();
            let is_test = folder.file_name().is_some_and(|name| name == "deps");
            let profile = if is_test {
                folder.parent().unwrap()
            } else {
                folder
            };
            profile.join(name)
        }
    };
    assert!(
        path.exists(),
        "{} is not there; build it with `{how}`, or name it in {variable}",
        path.display()
    );
    path
}

/// How an agent is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Which build.
    pub binary: Binary,
    /// What is added to its environment.
    pub env: Vec<(String, String)>,
    /// What is added to `deputy up`.
    pub args: Vec<String>,
}

impl Launch {
    /// The build with fault points.
    pub fn with_faults() -> Self {
        Self {
            binary: Binary::Faults,
            ..Self::default()
        }
    }

    /// With a variable more in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }
}

/// An agent that runs; dropping it kills it.
pub struct Agent {
    child: Child,
    errors: Receiver<String>,
    /// What it said when it was ready.
    pub greeting: serde_json::Value,
}

impl Agent {
    /// Starts an agent and waits until it is ready; gives its exit and error when it ends instead.
    pub fn start(home: &Home, launch: &Launch) -> Result<Self, Output> {
        let binary = launch.binary.path();
        let mut command = Command::new(&binary);
        command
            .args(["up", "--json", "--no-open"])
            .args(&launch.args)
            .env("DEPUTY_HOME", home.path())
            .envs(launch.env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let greetings = first_line(child.stdout.take().unwrap());
        let errors = everything(child.stderr.take().unwrap());
        let greeting = greetings
            .recv_timeout(crate::PATIENCE)
            .expect("the agent neither greets nor ends");
        if greeting.is_empty() {
            let code = child.wait().unwrap().code();
            let stderr = errors.recv().unwrap_or_default();
            return Err(Output::new(code, String::new(), stderr));
        }
        let mut agent = Self {
            child,
            errors,
            greeting: serde_json::from_str(&greeting).expect("the greeting is JSON"),
        };
        let socket = home.path().join("agent.sock");
        wait_until("the agent's socket", || {
            (!agent.alive() || std::os::unix::net::UnixStream::connect(&socket).is_ok())
                .then_some(())
        });
        Ok(agent)
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Halts it (SIGSTOP), as a computer does that falls asleep.
    pub fn halt(&self) {
        signal(&self.child, Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn go_on(&self) {
        signal(&self.child, Signal::CONT);
    }

    /// Kills it where it stands (SIGKILL).
    pub fn kill9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop (SIGTERM), waits for its end, and gives what it ended with.
    pub fn terminate(mut self) -> Output {
        signal(&self.child, Signal::TERM);
        let status = wait_until("the agent's end", || self.child.try_wait().unwrap());
        let stderr = self.errors.recv().unwrap_or_default();
        Output::new(status.code(), String::new(), stderr)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of a stream, empty when it ends without one; the rest is drained.
fn first_line(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let _ = reader.read_line(&mut line);
        let _ = sender.send(line);
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
    });
    receiver
}

fn everything(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    receiver
}
