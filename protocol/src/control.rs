//! The typed requests and answers between a client (command line, page, phone) and the agent.
//!
//! On the agent's local socket each is a frame of a 4-byte little-endian length and JSON: one
//! [`Envelope`] is answered by one [`Reply`], or, for `follow`, by many until either side closes.

use crate::error::ErrorBody;
use crate::model::*;
use crate::push::{PushTarget, Quiet};
use crate::remote::Rights;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this protocol. A client of another version is told so.
pub const CONTROL_VERSION: u32 = 1;

/// The largest frame on the local socket, in bytes.
pub const MAX_FRAME: usize = 64 << 20;

/// A request on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// [`CONTROL_VERSION`] of the client.
    pub version: u32,
    /// Chosen by the client, unique for it: a command is applied at most once for each.
    pub id: String,
    /// The request.
    pub request: Request,
}

/// The agent's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What was asked for.
    Ok(Box<Response>),
    /// Why not.
    Error(ErrorBody),
}

/// What a client can ask for. Nothing here edits a script or reads a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Request {
    /// What runs.
    Status,
    /// What is wrong and what to do about it.
    Doctor,
    /// Stops the agent in order.
    Stop,
    /// A message that creates or changes an automation.
    Delegate {
        /// The user's words.
        text: String,
        /// The automation to change; a new one when absent.
        automation: Option<String>,
        /// Accept at once, unless there are doubts.
        accept: bool,
        /// IANA zone of the user.
        timezone: Option<String>,
    },
    /// Installs a bundle: same checks, dry run and confirmation.
    Install {
        /// The bundle.
        bundle: Value,
        /// Accept at once, unless there are doubts.
        accept: bool,
    },
    /// One proposal.
    ProposalShow {
        /// Its id.
        proposal: String,
    },
    /// Accepts a proposal.
    ProposalAccept {
        /// Its id.
        proposal: String,
        /// Doubts that are confirmed.
        confirm: Vec<String>,
    },
    /// Declines a proposal; with a task's id, calls the planning off.
    ProposalDecline {
        /// Its id.
        proposal: String,
    },
    /// Calls a planning task off, at work or waiting.
    TaskCancel {
        /// Its id.
        task: String,
    },
    /// The conversation.
    Chat {
        /// Whose; the general one with everything when absent.
        automation: Option<String>,
        /// Only what came after this sequence number.
        after: i64,
        /// At most so many, the latest.
        limit: u32,
    },
    /// All automations that are not archived, or all.
    Automations {
        /// Archived ones too.
        archived: bool,
    },
    /// One automation.
    AutomationShow {
        /// Its id.
        automation: String,
    },
    /// Rests its triggers.
    AutomationPause {
        /// Its id.
        automation: String,
    },
    /// Wakes its triggers, and what waits for a person to resume.
    AutomationResume {
        /// Its id.
        automation: String,
    },
    /// Ends it, keeping its history.
    AutomationArchive {
        /// Its id.
        automation: String,
    },
    /// Starts a run now.
    AutomationRun {
        /// Its id.
        automation: String,
        /// What the script gets as `ctx.input`.
        input: Option<Value>,
        /// Answer only when the run has ended or waits for a person.
        wait: bool,
    },
    /// A contract version.
    ContractShow {
        /// The automation.
        automation: String,
        /// Which; the active one when absent.
        version: Option<u32>,
    },
    /// What changed between two contract versions.
    ContractDiff {
        /// The automation.
        automation: String,
        /// The older.
        from: u32,
        /// The newer.
        to: u32,
    },
    /// An automation as a bundle.
    Export {
        /// Its id.
        automation: String,
    },
    /// The audit trail.
    ExportAll {
        /// `jsonl` or `otlp`.
        format: String,
    },
    /// Runs, newest first.
    Runs {
        /// Of one automation.
        automation: Option<String>,
        /// In one state.
        state: Option<String>,
        /// Only those that are older than this run.
        #[serde(default)]
        before: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// One run with its timeline.
    RunShow {
        /// Its id.
        run: String,
    },
    /// Ends a run.
    RunCancel {
        /// Its id.
        run: String,
    },
    /// What came in, newest first.
    Inputs {
        /// Of one automation.
        automation: Option<String>,
        /// In one state.
        state: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// One input and what it led to.
    InputShow {
        /// Its id.
        input: String,
    },
    /// Nothing is to be done with it.
    InputSkip {
        /// Its id.
        input: String,
    },
    /// Process it again.
    InputAgain {
        /// Its id.
        input: String,
        /// Do its effects again too.
        effects_again: bool,
    },
    /// What went out, newest first.
    Outputs {
        /// Of one automation.
        automation: Option<String>,
        /// At most so many.
        limit: u32,
    },
    /// Re-executes a run against its journal; executes nothing.
    Replay {
        /// The run.
        run: String,
        /// Another script text.
        script: Option<String>,
    },
    /// Action-needed items.
    Needs {
        /// Settled ones too.
        all: bool,
    },
    /// One item.
    NeedShow {
        /// Its id.
        item: String,
    },
    /// Answers an item.
    NeedAnswer {
        /// Its id.
        item: String,
        /// The id of a choice.
        choice: String,
        /// A remark for the record, or the answer to a question.
        note: Option<String>,
    },
    /// Begins pairing: a link that is good once.
    Pair {
        /// The device's name, as it will be shown; the device's own when absent.
        name: Option<String>,
        /// How long the link is good, in milliseconds.
        ttl_ms: i64,
        /// What the device may do.
        rights: Rights,
    },
    /// Where a pairing has come to; answers when that changes.
    PairWait {
        /// The pairing's id.
        pairing: String,
        /// What the asker knows of it.
        seen: String,
    },
    /// Trusts the device whose phrase is the one on its screen, or does not.
    PairAnswer {
        /// The pairing's id.
        pairing: String,
        /// Whether the phrases are the same.
        same: bool,
    },
    /// All devices.
    Devices,
    /// A device may do nothing any more, at once.
    DeviceRevoke {
        /// Its id.
        device: String,
    },
    /// The key by which a browser's push service knows this agent.
    PushKey,
    /// A device wants pushes.
    PushSubscribe {
        /// Which; absent from a device that asks for itself.
        #[serde(default)]
        device: Option<String>,
        /// Where it is reached.
        target: PushTarget,
        /// When not.
        #[serde(default)]
        quiet: Option<Quiet>,
    },
    /// A device wants no pushes.
    PushUnsubscribe {
        /// Which; absent from a device that asks for itself.
        #[serde(default)]
        device: Option<String>,
    },
    /// Pushes something to a device, to see whether it comes through.
    PushTest {
        /// Which; absent from a device that asks for itself.
        #[serde(default)]
        device: Option<String>,
    },
    /// All connections.
    Connections,
    /// Makes or renews a connection.
    Connect {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Its settings.
        config: Value,
        /// Its secret; kept in the vault.
        secret: Option<String>,
    },
    /// Tries a connection for real.
    ConnectionCheck {
        /// Its id or name.
        connection: String,
    },
    /// Forgets a connection and its secret.
    ConnectionRevoke {
        /// Its id or name.
        connection: String,
    },
    /// Begins to sign in at the provider of a connection by OAuth.
    ConnectionSignIn {
        /// Its id or name.
        connection: String,
        /// By a code that is typed on any device, instead of in a browser on this machine.
        device: bool,
    },
    /// Where a sign-in has come to; answers when that changes.
    ConnectionSignInWait {
        /// The sign-in's id.
        sign_in: String,
        /// What the asker knows of it.
        seen: String,
    },
    /// The address that a browser was sent back to which cannot reach the agent.
    ConnectionSignInAnswer {
        /// The whole address, with what stands behind its `?`.
        url: String,
    },
    /// Sets the model that plans, repairs and answers the `llm` tools.
    ModelSet {
        /// `anthropic`, `openai`, `ollama` or `gemini`.
        provider: String,
        /// Where; the provider's own address when absent.
        base_url: Option<String>,
        /// Its name there.
        model: String,
        /// The key; kept in the vault. Without one the kept key stays, unless the address changes.
        key: Option<String>,
    },
    /// The model that is set up, and those that could be.
    ModelList,
    /// Puts a small question to the model.
    ModelTest,
    /// Forgets the model and its key.
    ModelRemove,
    /// Costs.
    Costs {
        /// `automation`, `run`, `tool`, `connection` or `model`.
        by: String,
        /// Only since this many milliseconds ago.
        since_ms: Option<i64>,
    },
    /// The tools, or their TypeScript declarations.
    Tools {
        /// Declarations.
        types: bool,
    },
    /// A setting, or all.
    ConfigGet {
        /// Its key.
        key: Option<String>,
    },
    /// Changes a setting.
    ConfigSet {
        /// Its key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// Operations that no automation may use, whatever its contract says.
    Permissions {
        /// Deny these as well (`namespace.operation` or `namespace.*`).
        deny: Vec<String>,
        /// No longer deny these.
        allow: Vec<String>,
    },
    /// Puts an inbox item.
    EventSend {
        /// The automation.
        automation: String,
        /// The topic.
        topic: String,
        /// The payload.
        payload: Option<Value>,
        /// Unique key: a second event with it is ignored.
        key: Option<String>,
    },
    /// A copy of the database, made while the agent runs.
    Backup {
        /// Where, an absolute path.
        file: String,
    },
    /// Drops old history.
    Prune {
        /// Older than this many days.
        older_than_days: u32,
    },
    /// Renews the vault's key.
    VaultRotate,
    /// How the vault's key is protected.
    VaultShow,
    /// Protects the vault's key in another way; the secrets stay as they are.
    VaultProtect {
        /// In which way.
        by: VaultProtection,
        /// With `passphrase`: the passphrase.
        passphrase: Option<String>,
    },
    /// The event stream from a sequence number on; answered by a `Reply` per event.
    Follow {
        /// The last sequence number that the client saw.
        after: i64,
        /// Only of this run.
        run: Option<String>,
    },
}

impl Request {
    /// Fills in the device that asks, where a request is about that one.
    pub fn asked_by(&mut self, asking: &str) {
        if let Self::PushSubscribe { device, .. }
        | Self::PushUnsubscribe { device }
        | Self::PushTest { device } = self
        {
            *device = Some(asking.to_owned());
        }
    }
}

/// How the vault's key is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultProtection {
    /// By the mode of its file.
    File,
    /// By a passphrase, asked for at each start.
    Passphrase,
    /// By the platform's keyring.
    Keyring,
}

/// What the agent answers with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Response {
    /// For `Status`.
    Status(Status),
    /// For `Doctor`.
    Findings(Vec<Finding>),
    /// For `Delegate`, `Install`, `ProposalShow`, `ProposalAccept`, `ProposalDecline`.
    Proposal(Box<Proposal>),
    /// For `Chat`.
    Chat(Vec<ChatEvent>),
    /// For `Automations`.
    Automations(Vec<Automation>),
    /// For `AutomationShow`.
    Automation(Box<AutomationDetail>),
    /// For `AutomationPause`, `AutomationResume`, `AutomationArchive`.
    AutomationChanged(Box<Automation>),
    /// For `AutomationRun`, `RunCancel`.
    Run(Box<Run>),
    /// For `Runs`.
    Runs(Vec<Run>),
    /// For `RunShow`.
    RunDetail(Box<RunDetail>),
    /// For `ContractShow`.
    Contract(Box<ContractVersion>),
    /// For `ContractDiff`.
    ContractDiff(ContractDiff),
    /// For `Export`: the bundle. For `ExportAll`: an array of records.
    Document(Value),
    /// For `Inputs`.
    Inputs(Vec<Input>),
    /// For `InputShow`, `InputSkip`, `InputAgain`.
    Input(Box<InputDetail>),
    /// For `Outputs`.
    Outputs(Vec<Output>),
    /// For `Replay`.
    Replay(Box<Replay>),
    /// For `Needs`.
    Needs(Vec<Need>),
    /// For `NeedShow`, `NeedAnswer`.
    Need(Box<Need>),
    /// For `Pair`, `PairWait`, `PairAnswer`.
    Pairing(Box<Pairing>),
    /// For `Devices`.
    Devices(Vec<Device>),
    /// For `DeviceRevoke`, `PushSubscribe`, `PushUnsubscribe`, `PushTest`.
    Device(Box<Device>),
    /// For `PushKey`: an uncompressed P-256 point in base64url.
    PushKey(String),
    /// For `Connections`.
    Connections(Vec<ConnectionInfo>),
    /// For `ConnectionSignIn`, `ConnectionSignInWait`, `ConnectionSignInAnswer`.
    SignIn(Box<SignIn>),
    /// For `Connect`, `ConnectionCheck`.
    Connection(Box<ConnectionInfo>),
    /// For `ModelList`.
    Models(Vec<ModelInfo>),
    /// For `ModelSet` and `ModelTest`.
    Model(Box<ModelInfo>),
    /// For `Costs`.
    Costs(Vec<CostLine>),
    /// For `Tools`.
    Tools(Vec<ToolInfo>),
    /// For `Tools` with `types`.
    Text(String),
    /// For `ConfigGet` and `ConfigSet`, `Permissions`: the settings asked for, by key.
    Config(Value),
    /// For `EventSend`: the input (the earlier one when the key was known).
    EventSent(Box<Input>),
    /// For `Follow`, one at a time.
    Event(Box<Event>),
    /// For the rest.
    Done(Done),
}
