//! What the automations do under fire: each kind has its script, and says what it intends for an
//! errand, so that it can be counted afterwards.

use deputy_protocol::control::Request;
use deputy_tests::{AskError, Home, bundle};
use serde_json::json;

/// A kind of automation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Mails with a key of the script's own.
    Once,
    /// Mails without, two of them at the same time.
    Plain,
    /// Emits items, each of which is a mail and a note by a handler.
    Emit,
    /// Appends a line to a file and mails.
    Append,
    /// Sleeps between two mails, and remembers the errand in its state.
    Sleep,
}

pub(crate) const KINDS: [Kind; 5] = [
    Kind::Once,
    Kind::Plain,
    Kind::Emit,
    Kind::Append,
    Kind::Sleep,
];

const MAIL: &str = "const mail = (subject, once) => tools.mail.send({connection: 'mail', to: ['you@example.test'], subject, text: `about ${subject}`, ...(once ? {once: subject} : {})});\n";

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Plain => "plain",
            Self::Emit => "emit",
            Self::Append => "append",
            Self::Sleep => "sleep",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Once => {
                "export default async ({input: {tag}}) => { await mail(`${tag}/1`, true); await mail(`${tag}/2`, true); };"
            }
            Self::Plain => {
                "export default async ({input: {tag}}) => { await mail(`${tag}/1`); await Promise.all([mail(`${tag}/2`), mail(`${tag}/3`)]); };"
            }
            Self::Emit => {
                "export default async (ctx) => { for (const n of [1, 2]) await ctx.emit({topic: 'part', id: `${ctx.input.tag}/${n}`, title: 't', payload: {tag: ctx.input.tag, n}}); };
                 export const on = {part: async ({input: {tag, n}}) => { await tools.notes.put({name: `${tag}/${n}`, text: 'noted'}); await mail(`${tag}/${n}`); }};"
            }
            Self::Append => {
                "export default async (ctx) => { const {tag} = ctx.input; const append = (n) => tools.files.append({path: ctx.params.file, text: `${tag}/${n}\n`});
                   await append(1); await mail(`${tag}/1`, true); await append(2); };"
            }
            Self::Sleep => {
                "export default async (ctx) => { const {tag} = ctx.input; await mail(`${tag}/1`); await ctx.sleep(30); await mail(`${tag}/2`); ctx.state.set(tag, true); };"
            }
        }
    }

    /// Installs an automation of this kind and returns its id.
    pub(crate) fn install(self, home: &Home) -> String {
        let folder = folder(home);
        std::fs::create_dir_all(&folder).unwrap();
        let contract = json!({
            "overlap": "queue",
            "retries": {"max": 100, "first_ms": 20, "max_ms": 200},
            "params": {"file": folder.join("lines").display().to_string()},
            "capabilities": {
                "mail.send": {"connections": ["mail"], "recipients": ["you@example.test"]},
                "notes.put": {},
                "files.append": {"folders": [folder.display().to_string()]},
            },
        });
        let script = format!("{MAIL}{}", self.script());
        home.install(bundle(self.name(), contract, &script))
    }
}

/// Where lines are appended.
fn folder(home: &Home) -> std::path::PathBuf {
    home.path().with_extension("files")
}

/// The lines that were appended.
pub(crate) fn lines(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(folder(home).join("lines")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Makes the connection that the automations mail through.
pub(crate) fn connect(home: &Home, port: u16) {
    home.connect_mail(port, &["--timeout-ms", "800"], "").done();
}

/// Something to do, by its tag.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) kind: Kind,
    pub(crate) automation: String,
    pub(crate) tag: String,
}

impl Errand {
    pub(crate) fn new(kind: Kind, automation: &str, tag: String) -> Self {
        Self {
            kind,
            automation: automation.to_owned(),
            tag,
        }
    }

    /// The subjects of the mails that it intends.
    pub(crate) fn mails(&self) -> Vec<String> {
        let n = match self.kind {
            Kind::Once | Kind::Emit | Kind::Sleep => 2,
            Kind::Plain => 3,
            Kind::Append => 1,
        };
        (1..=n).map(|n| format!("{}/{n}", self.tag)).collect()
    }

    /// The lines that it intends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let n = if self.kind == Kind::Append { 2 } else { 0 };
        (1..=n).map(|n| format!("{}/{n}", self.tag)).collect()
    }

    /// The notes that it intends.
    pub(crate) fn notes(&self) -> Vec<String> {
        let n = if self.kind == Kind::Emit { 2 } else { 0 };
        (1..=n).map(|n| format!("{}/{n}", self.tag)).collect()
    }
}

/// Sends an errand's event. True when the agent said that it has it.
pub(crate) fn send(home: &Home, errand: &Errand) -> bool {
    let sent = home.ask(Request::EventSend {
        automation: errand.automation.clone(),
        topic: "go".to_owned(),
        payload: Some(json!({"tag": errand.tag})),
        key: Some(errand.tag.clone()),
    });
    match sent {
        Ok(_) => true,
        Err(AskError::Gone(_)) => false,
        Err(AskError::Refused(error)) => panic!("{}: {error}", errand.tag),
    }
}
