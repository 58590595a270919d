//! A real calendar server (Radicale), on a loopback port, with data of its own.

use crate::postfix::free_port;
use crate::wait_until;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const BERLIN: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n\
BEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\nDTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
BEGIN:STANDARD\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n";

/// The server; stopped and gone when dropped.
pub struct CalendarServer {
    dir: tempfile::TempDir,
    child: Option<Child>,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl CalendarServer {
    /// Takes one user with one password, who has these calendars.
    pub fn start(user: &str, password: &str, calendars: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Self {
            dir,
            child: None,
            port: free_port(),
        };
        server.set_password(user, password);
        for (n, name) in calendars.iter().enumerate() {
            let folder = server.folder(user).join(format!("c{n}"));
            std::fs::create_dir_all(&folder).unwrap();
            let props = serde_json::json!({"tag": "VCALENDAR", "D:displayname": name,
                "C:supported-calendar-component-set": "VEVENT"});
            std::fs::write(folder.join(".Radicale.props"), props.to_string()).unwrap();
        }
        // A list of tasks, and an address book, which are no calendars for events.
        for (name, props) in [
            (
                "tasks",
                serde_json::json!({"tag": "VCALENDAR", "D:displayname": "Tasks",
                    "C:supported-calendar-component-set": "VTODO"}),
            ),
            (
                "people",
                serde_json::json!({"tag": "VADDRESSBOOK", "D:displayname": "People"}),
            ),
        ] {
            let folder = server.folder(user).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(".Radicale.props"), props.to_string()).unwrap();
        }
        server.go_on();
        server
    }

    fn folder(&self, user: &str) -> PathBuf {
        self.dir.path().join("data/collection-root").join(user)
    }

    /// Makes this the only password.
    pub fn set_password(&self, user: &str, password: &str) {
        std::fs::write(
            self.dir.path().join("users"),
            format!("{user}:{password}\n"),
        )
        .unwrap();
    }

    /// Starts again at the same address.
    pub fn go_on(&mut self) {
        let path = self.dir.path().display();
        let config = format!(
            "[server]\nhosts = 127.0.0.1:{}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {path}/users\n\
             htpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = {path}/data\n[logging]\nlevel = warning\n",
            self.port
        );
        std::fs::write(self.dir.path().join("config"), config).unwrap();
        let child = Command::new("radicale")
            .arg("--config")
            .arg(self.dir.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("these tests keep a real calendar: apt-get install radicale ({e})")
            });
        self.child = Some(child);
        wait_until("the calendar server", || {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Ends it; the calendars stay.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Puts an event into the n-th calendar, as another program would; with the zone of Berlin, which each
    /// file brings along that names it.
    pub fn put(&self, user: &str, n: usize, name: &str, event: &str) {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n{}END:VCALENDAR\r\n",
            format!("{BERLIN}{event}").replace('\n', "\r\n")
        );
        std::fs::write(self.folder(user).join(format!("c{n}")).join(name), text).unwrap();
    }

    /// What lies in the n-th calendar: the text of each event, by the name of its file.
    pub fn events(&self, user: &str, n: usize) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.folder(user).join(format!("c{n}"))).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                // Lines are folded at 75 bytes.
                let text = std::fs::read_to_string(&path).unwrap();
                all.push((name, text.replace("\r\n ", "").replace("\r\n", "\n")));
            }
        }
        all.sort();
        all
    }

    /// Where the account's calendars are.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for CalendarServer {
    fn drop(&mut self) {
        self.stop();
    }
}
