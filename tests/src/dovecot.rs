//! Who may log in to the mail server: Dovecot's authentication service alone, on a loopback port.

use crate::postfix::free_port;
use crate::wait_until;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The service; ends when dropped.
pub struct Passwords {
    dir: tempfile::TempDir,
    master: Child,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl Passwords {
    pub(crate) fn start(user: &str, password: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = dir.path().display();
        let config = format!(
            "base_dir={path}/run\nlog_path={path}/log\nprotocols=\nssl=no\n\
             auth_mechanisms=plain login\ndisable_plaintext_auth=no\nauth_failure_delay=0\n\
             passdb {{\n driver=passwd-file\n args=scheme=PLAIN {path}/users\n}}\n\
             userdb {{\n driver=static\n args=uid=65534 gid=65534 home=/nonexistent\n}}\n\
             service auth {{\n inet_listener {{\n  address=127.0.0.1\n  port={port}\n }}\n}}\n\
             service stats {{\n chroot=\n}}\n"
        );
        std::fs::write(dir.path().join("dovecot.conf"), config).unwrap();
        let master = Command::new("timeout")
            .args(["1800", "dovecot", "-F", "-c"])
            .arg(dir.path().join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut service = Self { dir, master, port };
        service.set(user, password);
        wait_until("the authentication service", || {
            let ended = service.master.try_wait().unwrap();
            assert!(ended.is_none(), "{}", service.log());
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        service
    }

    /// Makes this the only login.
    pub(crate) fn set(&self, user: &str, password: &str) {
        // Renamed into place, so that no login reads half of it.
        let (new, users) = (self.path("users.new"), self.path("users"));
        std::fs::write(&new, format!("{user}:{{PLAIN}}{password}\n")).unwrap();
        // Dovecot's authentication process is not root.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(self.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(new, users).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.master);
        // `timeout` hands the signal on.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.master.wait();
    }
}
