//! What hostile native code inside a worker gets: nothing. Each attempt is refused, or the kernel
//! ends the worker. Needs `--features hostile-worker`.
#![cfg(all(feature = "hostile-worker", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use deputy_agent::sandbox::{FromWorker, ToWorker, WorkerEvent};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

struct Worker {
    child: Child,
    socket: UnixStream,
}

/// What became of an attempt.
#[derive(Debug, PartialEq)]
enum Got {
    Answer(i64),
    Killed(i32),
}

impl Worker {
    fn start() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // As the pool starts it, but with more descriptors, which a worker must drop.
        let child = Command::new(env!("CARGO_BIN_EXE_deputy"))
            .arg("sandbox-worker")
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut worker = Self {
            child,
            socket: ours,
        };
        assert!(matches!(
            worker.receive().unwrap().event,
            WorkerEvent::Ready
        ));
        worker
    }

    fn receive(&mut self) -> std::io::Result<FromWorker> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length)?;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.socket.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn attempt(mut self, what: &str) -> Got {
        let frame = serde_json::to_vec(&ToWorker::Hostile(what.to_owned())).unwrap();
        let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
        self.socket.write_all(&length).unwrap();
        self.socket.write_all(&frame).unwrap();
        let got = match self.receive() {
            Ok(frame) => match frame.event {
                WorkerEvent::Done { result, .. } => Got::Answer(result.get().parse().unwrap()),
                other => panic!("{what}: {other:?}"),
            },
            Err(_) => {
                let status = self.child.wait().unwrap();
                Got::Killed(
                    status
                        .signal()
                        .unwrap_or_else(|| panic!("{what}: {status}")),
                )
            }
        };
        let _ = self.child.kill();
        self.child.wait().unwrap();
        got
    }
}

const ATTEMPTS: &[&str] = &[
    "open",
    "openat2",
    "open_by_handle",
    "proc_of_parent",
    "proc_by_descriptor",
    "create",
    "unlink",
    "rename",
    "stat",
    "read_directory",
    "memfd",
    "io_uring",
    "socket",
    "socket_udp",
    "socket_unix",
    "socket_netlink",
    "socketpair",
    "connect_abstract",
    "receive_descriptor",
    "send_descriptor",
    "pipe",
    "eventfd",
    "dup",
    "fcntl_dup",
    "fork",
    "clone3",
    "thread",
    "exec",
    "execveat",
    "ptrace_parent",
    "read_parent",
    "pidfd",
    "kill_parent",
    "kill_all",
    "kill_thread",
    "parent",
    "mount",
    "chroot",
    "chdir",
    "unshare",
    "setns",
    "setuid",
    "prctl",
    "bpf",
    "perf",
    "userfaultfd",
    "keyctl",
    "ioctl",
    "more_limits",
    "uname",
    "reboot",
    "other_abi",
    "exec_memory",
    "exec_later",
    "exec_by_key",
    "too_much_memory",
];

#[test]
fn nothing_that_native_code_tries_succeeds() {
    let mut succeeded = Vec::new();
    for what in ATTEMPTS {
        match Worker::start().attempt(what) {
            Got::Answer(answer) if answer >= 0 => succeeded.push((*what, answer)),
            Got::Answer(_) => {}
            Got::Killed(signal) => {
                assert_eq!(signal, libc::SIGSYS, "{what} is ended by the filter")
            }
        }
    }
    assert!(succeeded.is_empty(), "{succeeded:?}");
    assert!(!std::path::Path::new("/tmp/deputy-escape").exists());
}

#[test]
fn a_worker_has_no_descriptor_but_its_socket() {
    assert_eq!(Worker::start().attempt("descriptors"), Got::Answer(0));
}

#[test]
fn memory_is_all_that_a_refusal_leaves_it_with() {
    assert_eq!(Worker::start().attempt("too_much_memory"), Got::Answer(-1));
    assert_eq!(
        Worker::start().attempt("exec_memory"),
        Got::Killed(libc::SIGSYS)
    );
}
