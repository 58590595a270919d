//! Opens pages in the user's browser: the agent's own, paired, and those at which one signs in. The
//! browser finds the address in a file that only this user can read. Handed over on a command line,
//! every user of the machine could read it.

use crate::remote::Remote;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// In the data directory.
const FILE: &str = "open.html";

/// Begins a pairing for the page, and asks the desktop to show it. True when it was asked.
pub(super) async fn open(remote: &Remote, home: &Path, at: SocketAddr) -> bool {
    // Without a desktop to pair with, nothing is begun.
    if opener().is_none() {
        return false;
    }
    // Without one, the page says how to pair.
    let Ok(pairing) = remote.pair_page().await else {
        return false;
    };
    let fragment = pairing
        .link
        .split_once('#')
        .map_or("", |(_, fragment)| fragment);
    show(home, &format!("http://{at}/#{fragment}"))
}

/// Asks the desktop to show an address in the user's browser. True when it was asked.
pub(super) fn show(home: &Path, address: &str) -> bool {
    let Some(program) = opener() else {
        return false;
    };
    let Ok(file) = write(home, address) else {
        return false;
    };
    let opened = Command::new(program)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    opened.is_ok()
}

/// The desktop's own way to open a file, if there is a desktop.
fn opener() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let is_desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    is_desktop.then_some("xdg-open")
}

/// A file that leads to an address.
fn write(home: &Path, address: &str) -> io::Result<PathBuf> {
    let address = url::Url::parse(address).map_err(io::Error::other)?;
    let address = crate::tools::escape_html(address.as_str());
    let path = home.join(FILE);
    // Never through a file that somebody else may have put there.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    writeln!(
        file,
        "<!doctype html><meta charset=\"utf-8\"><title>Deputy</title>\
         <meta http-equiv=\"refresh\" content=\"0; url={address}\"><a href=\"{address}\">Deputy</a>"
    )?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_user_can_read_where_the_page_is_opened() {
        let home = tempfile::tempdir().unwrap();
        let path = write(home.path(), "http://127.0.0.1:1/#first").unwrap();
        assert_eq!(
            write(home.path(), "http://127.0.0.1:1/#second").unwrap(),
            path
        );
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("#second\"")
        );
        let path = write(home.path(), "https://a.example/?a=\"'&b=<c>").unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(
            page.contains("href=\"https://a.example/?a=%22%27&amp;b=%3Cc%3E\""),
            "{page}"
        );
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
