//! macOS: an agent of launchd (`launchd.plist(5)`).

use super::{Job, Manager, State, run};
use quick_xml::escape::escape;
use std::path::{Path, PathBuf};

const LABEL: &str = "dev.deputy.agent";

pub(super) struct Launchd {
    file: PathBuf,
    log: PathBuf,
}

impl Launchd {
    /// For the user whose home directory this is.
    pub(super) fn new(user: &Path) -> Self {
        Self {
            file: user.join(format!("Library/LaunchAgents/{LABEL}.plist")),
            log: user.join("Library/Logs/deputy.log"),
        }
    }

    fn domain() -> String {
        format!("gui/{}", rustix::process::getuid().as_raw())
    }

    fn target() -> String {
        format!("{}/{LABEL}", Self::domain())
    }
}

impl Manager for Launchd {
    fn file(&self) -> PathBuf {
        self.file.clone()
    }

    fn text(&self, job: &Job) -> Result<String, String> {
        let program = job.program.display().to_string();
        let words: String = std::iter::once(&program)
            .chain(&job.words)
            .map(|word| format!("    {}\n", string(word)))
            .collect();
        let environment: String = (job.environment.iter())
            .map(|(name, value)| format!("    <key>{}</key>{}\n", escape(name), string(value)))
            .collect();
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\">\n\
             <dict>\n  \
               <key>Label</key><string>{LABEL}</string>\n  \
               <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n  \
               <key>EnvironmentVariables</key>\n  <dict>\n{environment}  </dict>\n  \
               <key>RunAtLoad</key><true/>\n  \
               <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n  \
               <key>StandardErrorPath</key>{}\n\
             </dict>\n\
             </plist>\n",
            string(&self.log.display().to_string())
        ))
    }

    fn start(&self) -> Result<(), String> {
        // One that runs already would keep its old words.
        let _ = self.stop();
        let file = self.file.display().to_string();
        run("launchctl", &["bootstrap", &Self::domain(), &file]).map(drop)
    }

    fn stop(&self) -> Result<(), String> {
        match run("launchctl", &["bootout", &Self::target()]) {
            Err(why) if run("launchctl", &["print", &Self::target()]).is_ok() => Err(why),
            _ => Ok(()),
        }
    }

    fn forget(&self) -> Result<(), String> {
        Ok(())
    }

    fn state(&self) -> State {
        let printed = run("launchctl", &["print", &Self::target()]);
        State {
            enabled: printed.is_ok(),
            running: printed.is_ok_and(|said| said.contains("state = running")),
        }
    }

    fn log(&self) -> String {
        self.log.display().to_string()
    }

    fn remark(&self) -> &'static str {
        "It runs while you are logged in."
    }
}

fn string(text: &str) -> String {
    format!("<string>{}</string>", escape(text))
}
