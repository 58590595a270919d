//! The platform's keyring, through the command that comes with it: on Linux `secret-tool` (the
//! Secret Service of a desktop; what it keeps outlives a restart, unlike the kernel's keyrings), on
//! macOS `security`. A command rather than a library, so that a machine without a desktop needs
//! neither. Secrets travel over its standard input, never as arguments.

use super::VaultError;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a keyring may take: a person may have to unlock it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A keyring.
#[derive(Clone, Debug)]
pub struct Keyring {
    command: PathBuf,
    dialect: Dialect,
}

#[derive(Clone, Copy, Debug)]
enum Dialect {
    SecretTool,
    Security,
}

impl Keyring {
    /// This platform's keyring, if it has one.
    pub fn of_platform() -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self {
                command: PathBuf::from("/usr/bin/security"),
                dialect: Dialect::Security,
            });
        }
        // Without a session bus there is no service behind the command.
        let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
            || std::env::var_os("XDG_RUNTIME_DIR")
                .is_some_and(|dir| PathBuf::from(dir).join("bus").exists());
        let path = std::env::var_os("PATH").filter(|_| bus)?;
        std::env::split_paths(&path)
            .map(|dir| dir.join("secret-tool"))
            .find(|command| command.is_file())
            .map(Self::secret_tool)
    }

    /// The keyring behind a command that is used like `secret-tool`.
    pub fn secret_tool(command: PathBuf) -> Self {
        Self {
            command,
            dialect: Dialect::SecretTool,
        }
    }

    /// Keeps a secret, and makes sure that it is given back.
    pub(super) fn keep(&self, entry: &str, secret: &str) -> Result<(), VaultError> {
        match self.dialect {
            Dialect::SecretTool => {
                let arguments = [
                    "store",
                    "--label=Deputy vault",
                    "application",
                    "deputy",
                    "vault",
                    entry,
                ];
                self.run(&arguments, secret)?;
            }
            Dialect::Security => {
                let line = Zeroizing::new(format!(
                    "add-generic-password -U -s deputy-vault -a {entry} -w {secret}\n"
                ));
                self.run(&["-i"], &line)?;
            }
        }
        match self.look_up(entry)? {
            Some(kept) if kept.as_str() == secret => Ok(()),
            Some(_) | None => Err(VaultError::Keyring(
                "it does not give back what it was given".to_owned(),
            )),
        }
    }

    /// The secret that is kept under a name.
    pub(super) fn look_up(&self, entry: &str) -> Result<Option<Zeroizing<String>>, VaultError> {
        let arguments: &[&str] = match self.dialect {
            Dialect::SecretTool => &["lookup", "application", "deputy", "vault", entry],
            Dialect::Security => &[
                "find-generic-password",
                "-s",
                "deputy-vault",
                "-a",
                entry,
                "-w",
            ],
        };
        let (found, text) = self.finish(arguments, "")?;
        let text = Zeroizing::new(text.trim_end_matches('\n').to_owned());
        Ok((found && !text.is_empty()).then_some(text))
    }

    /// Gives a secret up. That it stays does no harm: nothing refers to it any more.
    pub(super) fn forget(&self, entry: &str) {
        let arguments: &[&str] = match self.dialect {
            Dialect::SecretTool => &["clear", "application", "deputy", "vault", entry],
            Dialect::Security => &["delete-generic-password", "-s", "deputy-vault", "-a", entry],
        };
        if let Err(error) = self.run(arguments, "") {
            tracing::warn!(%error, "an entry that is not needed any more stays in the keyring");
        }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Result<(), VaultError> {
        let (done, _) = self.finish(arguments, input)?;
        if done {
            return Ok(());
        }
        Err(VaultError::Keyring(format!(
            "{} refused to {}",
            self.command.display(),
            arguments.first().unwrap_or(&"work")
        )))
    }

    /// Runs the command to its end; whether it succeeded, and what it said.
    fn finish(
        &self,
        arguments: &[&str],
        input: &str,
    ) -> Result<(bool, Zeroizing<String>), VaultError> {
        let failed = |e: std::io::Error| {
            VaultError::Keyring(format!("{} does not run: {e}", self.command.display()))
        };
        let mut child = Command::new(&self.command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read is one that fails; its status tells.
            let _ = stdin.write_all(input.as_bytes());
        }
        let done = wait(&mut child).map_err(failed)?;
        let mut text = Zeroizing::new(String::new());
        if let Some(stdout) = child.stdout.take() {
            // Its answer is shorter than a pipe holds, so it could end before this.
            stdout
                .take(4_096)
                .read_to_string(&mut text)
                .map_err(failed)?;
        }
        Ok((done, text))
    }
}

fn wait(child: &mut Child) -> std::io::Result<bool> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other(format!(
                "no answer within {} s",
                PATIENCE.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
