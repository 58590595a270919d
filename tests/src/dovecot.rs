//! Dovecot: who may log in to the mail server ([`Passwords`], its authentication service alone), and a
//! mailbox that is read over IMAP ([`ImapServer`]). Both on a loopback port, with data of their own.

use crate::postfix::{free_port, owner};
use crate::{OauthProvider, wait_until};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A Dovecot; ends when dropped.
struct Dovecot {
    dir: tempfile::TempDir,
    master: Child,
}

impl Dovecot {
    /// Starts with what is particular about it, once it listens on its port. Who logs in with a token is
    /// looked up at `tokens`, an OAuth provider's address for that.
    fn start(
        user: &str,
        password: &str,
        tokens: Option<&str>,
        port: u16,
        particular: &str,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        write_users(dir.path(), user, password);
        let path = dir.path().display();
        let asks = dir.path().join("tokens");
        let (also, by_token) = match tokens {
            None => ("", String::new()),
            Some(url) => {
                let config = format!(
                    "introspection_mode=post\nintrospection_url={url}\nusername_attribute=sub\nactive_attribute=active\nactive_value=true\n"
                );
                std::fs::write(&asks, config).unwrap();
                let args = asks.display();
                let passdb =
                    format!("passdb {{\n driver=oauth2\n mechanisms=xoauth2\n args={args}\n}}\n");
                (" xoauth2", passdb)
            }
        };
        let config = format!(
            "base_dir={path}/run\nlog_path={path}/log\n\
             auth_mechanisms=plain login{also}\ndisable_plaintext_auth=no\nauth_failure_delay=0\n\
             passdb {{\n driver=passwd-file\n args=scheme=PLAIN {path}/users\n}}\n{by_token}\
             service stats {{\n chroot=\n}}\n{particular}"
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
        let mut service = Self { dir, master };
        wait_until("Dovecot", || {
            let ended = service.master.try_wait().unwrap();
            assert!(ended.is_none(), "{}", service.log());
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        service
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.master);
        // `timeout` hands the signal on.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.master.wait();
    }
}

fn write_users(dir: &Path, user: &str, password: &str) {
    // Renamed into place, so that no login reads half of it.
    let (new, users) = (dir.join("users.new"), dir.join("users"));
    std::fs::write(&new, format!("{user}:{{PLAIN}}{password}\n")).unwrap();
    // Dovecot's authentication process is not root.
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::rename(new, users).unwrap();
}

/// Who may log in to the mail server.
pub struct Passwords {
    service: Dovecot,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl Passwords {
    pub(crate) fn start(user: &str, password: &str, tokens: Option<&str>) -> Self {
        let port = free_port();
        let particular = format!(
            "protocols=\nssl=no\n\
             userdb {{\n driver=static\n args=uid=65534 gid=65534 home=/nonexistent\n}}\n\
             service auth {{\n inet_listener {{\n  address=127.0.0.1\n  port={port}\n }}\n}}\n"
        );
        let service = Dovecot::start(user, password, tokens, port, &particular);
        Self { service, port }
    }

    /// Makes this the only login.
    pub(crate) fn set(&self, user: &str, password: &str) {
        write_users(self.service.dir.path(), user, password);
    }
}

/// A mailbox, read over IMAP.
pub struct ImapServer {
    service: Option<Dovecot>,
    maildir: PathBuf,
    login: (String, String),
    /// Where it looks tokens up.
    tokens: Option<String>,
    /// What it says that it can do; all that it can, when this is empty.
    can: String,
    /// What it says of TLS.
    tls: String,
    is_implicit: bool,
    next: u32,
    /// Where it listens, on loopback.
    pub port: u16,
    _own: Option<tempfile::TempDir>,
}

impl ImapServer {
    /// An empty mailbox.
    pub fn new(user: &str, password: &str) -> Self {
        let own = tempfile::tempdir().unwrap();
        std::fs::set_permissions(own.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let maildir = own.path().join("box");
        std::fs::create_dir(&maildir).unwrap();
        let mut server = Self::over(&maildir, user, password);
        server._own = Some(own);
        server
    }

    /// The mailbox in this Maildir, which may be another server's to deliver into.
    pub fn over(maildir: &Path, user: &str, password: &str) -> Self {
        assert!(
            Path::new("/usr/lib/dovecot/imap").exists(),
            "these tests read a real mailbox: apt-get install dovecot-imapd"
        );
        let nobody = owner("nobody");
        for folder in ["", "new", "cur", "tmp"] {
            let path = maildir.join(folder);
            std::fs::create_dir_all(&path).unwrap();
            std::os::unix::fs::chown(&path, Some(nobody.0), Some(nobody.1)).unwrap();
        }
        let mut server = Self {
            service: None,
            maildir: maildir.to_owned(),
            login: (user.to_owned(), password.to_owned()),
            tokens: None,
            can: String::new(),
            tls: "ssl=no\n".to_owned(),
            is_implicit: false,
            next: 0,
            port: free_port(),
            _own: None,
        };
        server.start();
        server
    }

    /// Starts again at the same address, after [`Self::stop`].
    pub fn start(&mut self) {
        let (uid, gid) = owner("nobody");
        let (port, maildir) = (self.port, self.maildir.display());
        let (plain, implicit) = if self.is_implicit {
            (0, port)
        } else {
            (port, 0)
        };
        let (tls, can) = (&self.tls, &self.can);
        let particular = format!(
            "protocols=imap\n{tls}first_valid_uid=1\nfirst_valid_gid=1\nmail_location=maildir:{maildir}\n\
             userdb {{\n driver=static\n args=uid={uid} gid={gid} home={maildir}\n}}\n\
             namespace inbox {{\n inbox=yes\n separator=/\n mailbox Sent {{\n  special_use=\\Sent\n  auto=create\n }}\n mailbox Outlines {{\n  special_use=\\Drafts\n  auto=create\n }}\n}}\n\
             service anvil {{\n chroot=\n}}\n\
             service imap-login {{\n chroot=\n inet_listener imap {{\n  address=127.0.0.1\n  port={plain}\n }}\n \
             inet_listener imaps {{\n  address=127.0.0.1\n  port={implicit}\n  ssl=yes\n }}\n}}\n{can}"
        );
        let (user, password) = &self.login;
        let tokens = self.tokens.as_deref();
        let service = Dovecot::start(user, password, tokens, port, &particular);
        let is_implicit = self.is_implicit;
        // That it can be connected to is not enough: what answers the first time may still end.
        wait_until("the mailbox's greeting", || {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            if is_implicit {
                return Some(());
            }
            let mut said = [0; 4];
            stream.read_exact(&mut said).ok()?;
            (&said == b"* OK").then_some(())
        });
        self.service = Some(service);
    }

    /// Ends it; the mailbox stays.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Starts it again as one that wants TLS: from the first byte on, or once it is asked for.
    pub fn with_tls(mut self, certificate: &crate::Certificate, is_implicit: bool) -> Self {
        self.stop();
        let file = |name: &str| certificate.path().join(name).display().to_string();
        let (chain, key) = (file("chain.pem"), file("key.pem"));
        self.tls = format!("ssl=required\nssl_cert=<{chain}\nssl_key=<{key}\n");
        self.is_implicit = is_implicit;
        self.start();
        self
    }

    /// Starts it again as one that takes this provider's tokens, too.
    pub fn with_tokens_of(mut self, provider: &OauthProvider) -> Self {
        self.stop();
        self.tokens = Some(provider.introspection());
        self.start();
        self
    }

    /// Starts it again as one that says it can do no more than this, besides IMAP4rev1.
    pub fn that_can(mut self, what: &str) -> Self {
        self.stop();
        self.can = format!("imap_capability=IMAP4rev1 {what}\n");
        self.start();
        self
    }

    /// Has it number its mails anew, as a server may that has lost its books.
    pub fn number_anew(&mut self) {
        self.stop();
        for entry in std::fs::read_dir(&self.maildir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("dovecot") {
                std::fs::remove_file(path).unwrap();
            }
        }
        self.start();
    }

    /// Makes this the only password.
    pub fn set_password(&mut self, password: &str) {
        self.login.1 = password.to_owned();
        if let Some(service) = &self.service {
            write_users(service.dir.path(), &self.login.0, password);
        }
    }

    /// Makes a folder, by the name that it has on disk.
    pub fn make(&mut self, folder: &str) {
        let nobody = owner("nobody");
        for part in ["", "new", "cur", "tmp"] {
            let path = self.maildir.join(format!(".{folder}")).join(part);
            std::fs::create_dir_all(&path).unwrap();
            std::os::unix::fs::chown(&path, Some(nobody.0), Some(nobody.1)).unwrap();
        }
    }

    /// Delivers a mail, into the inbox or a folder below it.
    pub fn deliver(&mut self, folder: &str, mail: &str) {
        let nobody = owner("nobody");
        let within = self.folder(folder);
        self.next += 1;
        let name = format!("{}.{}.test", self.next, fastrand::u64(..));
        let (tmp, new) = (
            within.join("tmp").join(&name),
            within.join("new").join(&name),
        );
        std::fs::write(&tmp, mail).unwrap();
        std::os::unix::fs::chown(&tmp, Some(nobody.0), Some(nobody.1)).unwrap();
        std::fs::rename(tmp, new).unwrap();
    }

    /// The mails of a folder, each with its flags (`S` for read, `F` for flagged, small letters for words
    /// of one's own).
    pub fn mails(&self, folder: &str) -> Vec<(String, String)> {
        let mut mails = Vec::new();
        for part in ["new", "cur"] {
            let Ok(entries) = std::fs::read_dir(self.folder(folder).join(part)) else {
                continue;
            };
            for entry in entries {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let flags = name.rsplit_once(",").map_or("", |(_, flags)| flags);
                // It may be renamed meanwhile, when its flags change.
                if let Ok(mail) = std::fs::read_to_string(&path) {
                    mails.push((mail, flags.to_owned()));
                }
            }
        }
        mails
    }

    fn folder(&self, folder: &str) -> PathBuf {
        match folder {
            "INBOX" => self.maildir.clone(),
            other => self.maildir.join(format!(".{other}")),
        }
    }

    /// How many mails of the inbox somebody has read.
    pub fn read(&self) -> usize {
        let mails = self.mails("INBOX");
        mails
            .iter()
            .filter(|(_, flags)| flags.contains('S'))
            .count()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.service.as_ref().map(Dovecot::log).unwrap_or_default()
    }
}
