//! Linux: a unit of the user's own service manager (`systemd.service(5)`, `systemd.exec(5)`).

use super::{Job, Manager, State, run};
use std::path::{Path, PathBuf};

const UNIT: &str = "deputy.service";

pub(super) struct Systemd {
    file: PathBuf,
}

impl Systemd {
    /// For units in a folder of configuration, `~/.config` for most.
    pub(super) fn new(config: &Path) -> Self {
        Self {
            file: config.join("systemd/user").join(UNIT),
        }
    }

    /// Whether this user has such a manager, and if not, why.
    pub(super) fn is_there(&self) -> Result<(), String> {
        run("systemctl", &["--user", "show", "--property", "Version"]).map(drop)
    }

    fn told(&self, words: &[&str]) -> Result<(), String> {
        run("systemctl", &[&["--user"], words].concat()).map(drop)
    }
}

impl Manager for Systemd {
    fn file(&self) -> PathBuf {
        self.file.clone()
    }

    fn text(&self, job: &Job) -> Result<String, String> {
        let program = job.program.display().to_string();
        let command = std::iter::once(&program)
            .chain(&job.words)
            // A program's words may name variables, which are put in.
            .map(|word| quoted(&word.replace('$', "$$")))
            .collect::<Result<Vec<_>, _>>()?
            .join(" ");
        let environment = (job.environment.iter())
            .map(|(name, value)| {
                Ok(format!(
                    "Environment={}\n",
                    quoted(&format!("{name}={value}"))?
                ))
            })
            .collect::<Result<String, String>>()?;
        Ok(format!(
            "[Unit]\n\
             Description=Deputy, to which errands are delegated\n\
             StartLimitIntervalSec=0\n\
             \n\
             [Service]\n\
             Type=exec\n\
             ExecStart={command}\n\
             {environment}\
             Restart=on-failure\n\
             RestartSec=5\n\
             RestartPreventExitStatus=2\n\
             KillMode=mixed\n\
             NoNewPrivileges=yes\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n"
        ))
    }

    fn start(&self) -> Result<(), String> {
        self.told(&["daemon-reload"])?;
        self.told(&["enable", UNIT])?;
        self.told(&["restart", UNIT])
    }

    fn stop(&self) -> Result<(), String> {
        self.told(&["disable", "--now", UNIT])
    }

    fn forget(&self) -> Result<(), String> {
        self.told(&["daemon-reload"])
    }

    fn state(&self) -> State {
        State {
            enabled: self.told(&["is-enabled", "--quiet", UNIT]).is_ok(),
            running: self.told(&["is-active", "--quiet", UNIT]).is_ok(),
        }
    }

    fn log(&self) -> String {
        "`journalctl --user --unit deputy`".to_owned()
    }

    fn remark(&self) -> &'static str {
        "On a machine where you do not log in, `loginctl enable-linger` starts it with the machine."
    }
}

/// A word in the quotes of a unit file.
fn quoted(word: &str) -> Result<String, String> {
    if word.contains(['\n', '\r', '\0']) {
        return Err(format!(
            "{word:?} has a line's end in it, which a unit file cannot hold"
        ));
    }
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    Ok(format!("\"{escaped}\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_reach_the_agent_as_they_were_typed() {
        let job = Job {
            program: "/opt/my \"tools\"/100%/$HOME/deputy".into(),
            words: vec!["up".into(), "back\\slash".into()],
            environment: vec![("DEPUTY_HOME".into(), "/data/$x 5%".into())],
            home: "/data".into(),
        };
        let text = Systemd::new(Path::new("/c")).text(&job).unwrap();
        let has = |line: &str| assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        has(r#"ExecStart="/opt/my \"tools\"/100%%/$$HOME/deputy" "up" "back\\slash""#);
        // In an assignment a dollar is a dollar.
        has(r#"Environment="DEPUTY_HOME=/data/$x 5%%""#);
        assert!(quoted("two\nlines").is_err());
    }
}
