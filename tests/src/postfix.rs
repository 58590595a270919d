//! A real mail server (Debian's Postfix) with configuration, spool and mailbox of its own, that
//! takes mail on a loopback port for `*@example.test` into one Maildir, where it is counted.
//! Needs root, as every mail server's own tests do.

use crate::{OauthProvider, Passwords, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its Message-ID, with angle brackets.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// Its recipient, as the server saw it.
    pub to: String,
    /// Its text.
    pub text: String,
}

/// The server; stopped and gone when dropped.
pub struct SmtpServer {
    dir: tempfile::TempDir,
    master: Child,
    /// Where it listens, on loopback.
    pub port: u16,
    passwords: Option<Passwords>,
}

impl SmtpServer {
    /// Takes mail from everybody on this machine.
    pub fn open() -> Self {
        Self::start(None, None)
    }

    /// Takes mail only from `user` with `password`.
    pub fn with_password(user: &str, password: &str) -> Self {
        Self::start(Some((user, password)), None)
    }

    /// Takes mail only from those who have a token of this provider.
    pub fn with_tokens_of(provider: &OauthProvider) -> Self {
        Self::start(Some(("nobody", "")), Some(&provider.introspection()))
    }

    fn start(login: Option<(&str, &str)>, tokens: Option<&str>) -> Self {
        assert!(
            Path::new("/usr/sbin/postfix").exists(),
            "these tests send through a real mail server: apt-get install postfix dovecot-core"
        );
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "spool", "data", "box"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let (postfix, nobody) = (owner("postfix"), owner("nobody"));
        std::os::unix::fs::chown(root.join("data"), Some(postfix.0), Some(postfix.1)).unwrap();
        std::os::unix::fs::chown(root.join("box"), Some(nobody.0), Some(nobody.1)).unwrap();
        let passwords = login.map(|(user, password)| Passwords::start(user, password, tokens));
        let auth_port = passwords.as_ref().map(|p| p.port);
        // Another program may take the free port before the server does; then it ends, and the next
        // port is tried.
        let (port, master) = (0..5)
            .find_map(|_| run(root, nobody, auth_port))
            .unwrap_or_else(|| {
                let log = std::fs::read_to_string(root.join("mail.log")).unwrap_or_default();
                panic!("the mail server ended: {log}")
            });
        Self {
            dir,
            master,
            port,
            passwords,
        }
    }

    /// Changes the password that it wants; true within a second or two.
    pub fn set_password(&self, user: &str, password: &str) {
        self.passwords
            .as_ref()
            .expect("a server with a password")
            .set(user, password);
    }

    /// All mail that arrived, once everything that was accepted is delivered.
    pub fn letters(&self) -> Vec<Letter> {
        let is_empty = || {
            let queue = self.tool("postqueue", &["-j"]);
            queue.status.success() && queue.stdout.is_empty()
        };
        // The queue's folders are read one after the other, so a letter that moves from one to the
        // next meanwhile is not seen; it moves so once, and a second look finds it.
        wait_until("an empty mail queue", || {
            (is_empty() && is_empty()).then_some(())
        });
        self.arrived()
    }

    /// All mail that is in the mailbox by now.
    pub fn arrived(&self) -> Vec<Letter> {
        let new = self.dir.path().join("box/inbox/new");
        let Ok(entries) = std::fs::read_dir(new) else {
            // Made with the first mail.
            return Vec::new();
        };
        entries
            .map(|entry| letter(&std::fs::read_to_string(entry.unwrap().path()).unwrap()))
            .collect()
    }

    /// The Maildir into which everything is delivered.
    pub fn maildir(&self) -> PathBuf {
        self.dir.path().join("box/inbox")
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    fn tool(&self, name: &str, args: &[&str]) -> Output {
        let mut command = Command::new(name);
        command.arg("-c").arg(self.dir.path().join("etc"));
        command.args(args).output().unwrap()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.tool("postfix", &["stop"]);
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

/// A server on a free port, once it greets; none when it ends instead.
fn run(root: &Path, mailbox: (u32, u32), auth_port: Option<u16>) -> Option<(u16, Child)> {
    let port = free_port();
    // Tells whose greeting it is.
    let name = format!("mail-{}.example.test", fastrand::u64(..));
    let main = main_cf(root, &name, mailbox, auth_port);
    std::fs::write(root.join("etc/main.cf"), main).unwrap();
    std::fs::write(root.join("etc/master.cf"), master_cf(port)).unwrap();
    // Should the test be killed, the server ends by itself.
    let mut master = Command::new("timeout")
        .args(["1800", "postfix", "-c"])
        .arg(root.join("etc"))
        .arg("start-fg")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the mail server's greeting", || {
        if master.try_wait().unwrap().is_some() {
            return Some(None);
        }
        // That it can be connected to is not enough: its first processes may still end at once.
        let greets = greeting(port).is_ok_and(|line| line.contains(&name));
        greets.then_some(Some(()))
    })?;
    Some((port, master))
}

/// What a mail server says first.
fn greeting(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    stream.write_all(b"QUIT\r\n")?;
    Ok(line)
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// User and group id of a system user.
pub(crate) fn owner(user: &str) -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd
        .lines()
        .find(|line| line.starts_with(&format!("{user}:")));
    let fields: Vec<&str> = line.expect("the system user is there").split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

fn main_cf(root: &Path, name: &str, mailbox: (u32, u32), auth_port: Option<u16>) -> String {
    let (uid, gid) = mailbox;
    let path = |name: &str| -> PathBuf { root.join(name) };
    let allowed = match auth_port {
        Some(port) => format!(
            "smtpd_sasl_auth_enable=yes\nsmtpd_sasl_type=dovecot\nsmtpd_sasl_path=inet:127.0.0.1:{port}\n\
             smtpd_recipient_restrictions=permit_sasl_authenticated,reject\nsmtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
        ),
        None => "smtpd_recipient_restrictions=permit_mynetworks,reject\nsmtpd_relay_restrictions=permit_mynetworks,reject\n".to_owned(),
    };
    format!(
        "compatibility_level=3.6\nqueue_directory={}\ndata_directory={}\nmail_owner=postfix\nsetgid_group=postdrop\n\
         command_directory=/usr/sbin\ndaemon_directory=/usr/lib/postfix/sbin\n\
         maillog_file={}\nmaillog_file_prefixes={}\n\
         inet_interfaces=127.0.0.1\ninet_protocols=ipv4\nmynetworks=127.0.0.0/8\nmyhostname={name}\n\
         mydestination=\nlocal_recipient_maps=\nalias_maps=\nalias_database=\nsmtputf8_enable=no\n\
         virtual_mailbox_domains=example.test\nvirtual_mailbox_base={}\nvirtual_mailbox_maps=static:inbox/\n\
         virtual_minimum_uid=1\nvirtual_uid_maps=static:{uid}\nvirtual_gid_maps=static:{gid}\n\
         in_flow_delay=0\nsmtpd_client_connection_count_limit=0\nsmtpd_error_sleep_time=0\nsmtpd_timeout=20s\n{allowed}",
        path("spool").display(),
        path("data").display(),
        path("mail.log").display(),
        root.display(),
        path("box").display(),
    )
}

fn master_cf(port: u16) -> String {
    let mut text = format!(
        "127.0.0.1:{port} inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\n\
         qmgr unix n - n 300 1 qmgr\npickup unix n - n 60 1 pickup\n\
         cleanup unix n - n - 0 cleanup\nflush unix n - n 1000? 0 flush\nshowq unix n - n - - showq\n\
         virtual unix - n n - - virtual\n"
    );
    for (service, program) in [
        ("rewrite", "trivial-rewrite"),
        ("bounce", "bounce"),
        ("defer", "bounce"),
        ("trace", "bounce"),
        ("verify", "verify"),
        ("proxymap", "proxymap"),
        ("error", "error"),
        ("retry", "error"),
        ("discard", "discard"),
        ("anvil", "anvil"),
    ] {
        text += &format!("{service} unix - - n - - {program}\n");
    }
    text
}

fn letter(text: &str) -> Letter {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let field = |name: &str| {
        let found = head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        });
        found.unwrap_or_default()
    };
    Letter {
        message_id: field("message-id"),
        subject: field("subject"),
        to: field("delivered-to"),
        text: body.trim_end().to_owned(),
    }
}
