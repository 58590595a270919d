//! The real binary, on a read-only root, with its log.

use super::PATIENCE;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Every file system that the program can see is made read-only before it starts; mounts of which
/// the kernel does not let us say so (its own, such as `/proc`) stay, the root must not.
///
/// What the shell says first is how much had been written before: that `sh` and `mount` were read
/// is itself a write (of their time of access, where it is older than a day), and the kernel counts
/// it for the process which the relay then becomes.
const READ_ONLY: &str = r#"
    while read -r _ at _; do
        [ "$at" = / ] || mount -o remount,ro,bind "$at" 2>/dev/null
    done </proc/self/mounts
    mount -o remount,ro,bind / && cd / || exit
    while read -r name bytes; do
        [ "$name" = write_bytes: ] && echo "$bytes"
    done </proc/$$/io
    exec "$@"
"#;

pub struct Process {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub log: Vec<String>,
    pub at: SocketAddr,
    pub admin: SocketAddr,
    written_before: u64,
}

impl Process {
    /// Starts it on free ports of loopback and waits until it listens.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"])
            .arg(env!("CARGO_BIN_EXE_deputy-relay"))
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--log", "debug", "--log-format", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self {
            child,
            lines,
            log: Vec::new(),
            at: "127.0.0.1:0".parse().unwrap(),
            admin: "127.0.0.1:0".parse().unwrap(),
            written_before: 0,
        };
        process.written_before = process.line("").await.parse().unwrap();
        process.log.clear();
        let ready = process.line("\"ready\"").await;
        process.at = field(&ready, "listen").parse().unwrap();
        process.admin = field(&ready, "admin")
            .trim_start_matches("Some(")
            .trim_end_matches(')')
            .parse()
            .unwrap();
        process
    }

    /// Waits for a line of the log.
    pub async fn line(&mut self, with: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line())
                .await
                .unwrap_or_else(|_| panic!("never logged {with}: {:?}", self.log))
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended before {with}: {:?}", self.log));
            self.log.push(line.clone());
            if line.contains(with) {
                return line;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id().unwrap())).unwrap()
    }

    /// The kernel knows of no write to a disk, and the root cannot be written to.
    pub fn assert_wrote_nothing(&self) {
        let io = self.proc("io");
        let written = io.lines().find_map(|l| l.strip_prefix("write_bytes: "));
        assert_eq!(
            written.unwrap().parse::<u64>().unwrap(),
            self.written_before,
            "it wrote to a disk:\n{io}"
        );
        let mounts = self.proc("mounts");
        let root = mounts
            .lines()
            .rfind(|l| l.split(' ').nth(1) == Some("/"))
            .unwrap();
        assert!(root.split(' ').nth(3).unwrap().starts_with("ro"), "{root}");
    }

    /// No line names an address, but the one that says where it listens, and a library's about whom
    /// the relay itself connects to.
    pub fn assert_names_no_address(&self) {
        let own = |line: &str| line.contains("\"ready\"") || line.contains("hyper_util::client");
        let naming: Vec<&String> = { self.log.iter() }
            .filter(|l| l.contains("127.0.0.1") && !own(l))
            .collect();
        assert!(naming.is_empty(), "{naming:?}");
    }

    pub fn memory_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub async fn metric(&self, name: &str) -> i64 {
        let text = http(self.admin, "/metrics").await;
        let lines = text.lines().filter(|l| l.starts_with(name));
        lines
            .map(|l| l.rsplit_once(' ').unwrap().1.parse::<i64>().unwrap())
            .sum()
    }
}

/// A field of a line of the log.
pub fn field(line: &str, name: &str) -> String {
    let start = line
        .split_once(&format!("\"{name}\":\""))
        .unwrap_or_else(|| panic!("{line}"))
        .1;
    start.split_once('"').unwrap().0.to_owned()
}

/// What a plain HTTP server answers, with its head.
pub async fn http(at: SocketAddr, path: &str) -> String {
    let mut tcp = tokio::net::TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, tcp.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}
