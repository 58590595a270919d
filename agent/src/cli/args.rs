//! What can be typed.

use super::connect::Connect;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  deputy up
  deputy delegate \"tell me when the feed at https://blog.rust-lang.org/feed.xml mentions async, every hour\"
  deputy automations
  deputy needs

Exit codes: 0 done, 1 failed, 2 usage, 3 agent not running, 4 needs a person.";

/// Delegate an errand and forget about it.
#[derive(Parser)]
#[command(name = "deputy", version, after_help = EXAMPLES)]
pub(super) struct Cli {
    /// Print exactly one JSON document.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Start the agent in the foreground.
    Up(UpArgs),
    /// What runs.
    Status,
    /// What is wrong and what to do about it.
    Doctor,
    /// Stop the running agent in order.
    Stop,
    /// Say what should happen.
    Delegate {
        /// In your words.
        text: String,
        /// Change this automation.
        #[arg(long)]
        automation: Option<String>,
        /// Accept the proposal at once.
        #[arg(long)]
        yes: bool,
        /// Your time zone, e.g. Europe/Berlin.
        #[arg(long)]
        timezone: Option<String>,
    },
    /// Accept or decline a proposal.
    #[command(subcommand)]
    Proposal(Proposal),
    /// The conversation.
    Chat {
        /// An automation's, or text to say.
        words: Vec<String>,
        /// At most so many lines.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// What was delegated.
    Automations {
        /// Archived ones too.
        #[arg(long)]
        all: bool,
    },
    /// One automation.
    #[command(subcommand)]
    Automation(Automation),
    /// The contract.
    #[command(subcommand)]
    Contract(Contract),
    /// Install a bundle.
    Install {
        /// A JSON file.
        file: PathBuf,
        /// Accept at once.
        #[arg(long)]
        yes: bool,
    },
    /// Export a bundle or the audit trail.
    Export {
        /// The automation.
        id: Option<String>,
        /// The audit trail of everything.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// jsonl or otlp.
        #[arg(long, default_value = "jsonl")]
        format: String,
    },
    /// What ran.
    Runs {
        /// Of one automation.
        #[arg(long)]
        automation: Option<String>,
        /// In one state.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One run.
    #[command(subcommand)]
    Run(Run),
    /// What came in.
    Inputs {
        /// Of one automation.
        #[arg(long)]
        automation: Option<String>,
        /// In one state.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One input.
    #[command(subcommand)]
    Input(Input),
    /// What went out.
    Outputs {
        /// Of one automation.
        #[arg(long)]
        automation: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Run a run's script again against its journal; nothing is executed.
    Replay {
        /// The run.
        run: String,
        /// Another script.
        #[arg(long)]
        script: Option<PathBuf>,
    },
    /// What needs you.
    Needs {
        /// Settled items too.
        #[arg(long)]
        all: bool,
    },
    /// One item that needs you.
    #[command(subcommand)]
    Need(Need),
    /// Let another device in: shows a link and a code that are good once.
    Pair(PairArgs),
    /// The devices that may ask from afar.
    Devices,
    /// One device.
    #[command(subcommand)]
    Device(Device),
    /// The same commands, from another machine: `deputy remote --link LINK`, then `deputy remote needs`.
    Remote(RemoteArgs),
    /// Connections to the outside.
    Connections,
    /// Make or renew a connection.
    #[command(subcommand)]
    Connect(Box<Connect>),
    /// One connection.
    #[command(subcommand)]
    Connection(Connection),
    /// The language model.
    #[command(subcommand)]
    Model(Model),
    /// What it cost.
    Costs {
        /// automation, run, tool, connection or model.
        #[arg(long, default_value = "automation")]
        by: String,
        /// Since how long ago, e.g. 7d, 12h.
        #[arg(long)]
        since: Option<String>,
    },
    /// Operations that no automation may use.
    Permissions {
        /// Deny an operation or namespace.* as well.
        #[arg(long)]
        deny: Vec<String>,
        /// No longer deny it.
        #[arg(long)]
        allow: Vec<String>,
    },
    /// Settings.
    #[command(subcommand)]
    Config(Config),
    /// The tools that scripts can use.
    Tools {
        /// Their TypeScript declarations.
        #[arg(long)]
        types: bool,
    },
    /// Copy the database while the agent runs.
    Backup {
        /// A file that does not exist yet.
        file: PathBuf,
    },
    /// Put a backup in the database's place, while no agent runs.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// Drop old journal entries.
    Prune {
        /// Older than this many days.
        #[arg(long, default_value_t = 90)]
        older_than_days: u32,
    },
    /// Events.
    #[command(subcommand)]
    Event(Event),
    /// Watch what happens.
    Events {
        /// Go on as it happens.
        #[arg(long)]
        follow: bool,
        /// Only what came after this sequence number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// Only of this run.
        #[arg(long)]
        run: Option<String>,
    },
    /// The vault of secrets.
    #[command(subcommand)]
    Vault(Vault),
    /// The agent at login, without a terminal.
    #[command(subcommand)]
    Service(super::service::Service),
    /// Completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(super) struct UpArgs {
    /// Where local webhooks are taken, e.g. 127.0.0.1:7434 (else the setting `listen` counts).
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<std::net::SocketAddr>,
    /// A relay through which devices elsewhere reach this agent: HOST[:PORT], and for one that signed
    /// its certificate itself `#` and the hash that it prints. May be given several times.
    #[arg(long, value_name = "RELAY")]
    pub(super) relay: Vec<String>,
    /// Do not open the page.
    #[arg(long)]
    pub(super) no_open: bool,
}

#[derive(Subcommand)]
pub(super) enum Proposal {
    /// What is proposed.
    Show {
        /// The proposal.
        id: String,
    },
    /// Delegate as proposed.
    Accept {
        /// The proposal.
        id: String,
        /// Confirm a doubt.
        #[arg(long)]
        confirm: Vec<String>,
    },
    /// Do not; with a task's id, call the planning off.
    Decline {
        /// The proposal, or the task.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Model {
    /// Choose who plans, repairs and answers the llm tools.
    Set {
        /// anthropic, openai (and all that speak its API), ollama or gemini.
        #[arg(long)]
        provider: String,
        /// Where; the provider's own address when absent.
        #[arg(long)]
        base_url: Option<String>,
        /// Its name there.
        #[arg(long)]
        model: String,
        /// Read the key from standard input.
        #[arg(long)]
        key_stdin: bool,
    },
    /// The model that is set up, and those on this machine that could be.
    List,
    /// Put a small question to it.
    Test,
    /// Forget it and its key.
    Remove,
}

#[derive(Subcommand)]
pub(super) enum Automation {
    /// Contract, script and latest runs.
    Show {
        /// The automation.
        id: String,
    },
    /// Rest it.
    Pause {
        /// The automation.
        id: String,
    },
    /// Wake it.
    Resume {
        /// The automation.
        id: String,
    },
    /// End it, keeping its history.
    Archive {
        /// The automation.
        id: String,
    },
    /// Start a run now and wait for its end.
    Run {
        /// The automation.
        id: String,
        /// JSON for `ctx.input`.
        #[arg(long)]
        input: Option<String>,
        /// Do not wait.
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum Contract {
    /// In JSON and plain words.
    Show {
        /// The automation.
        id: String,
        /// Which version.
        #[arg(long)]
        version: Option<u32>,
    },
    /// What changed.
    Diff {
        /// The automation.
        id: String,
        /// The older version.
        from: u32,
        /// The newer version.
        to: u32,
    },
    /// The JSON Schema of contracts.
    Schema,
}

#[derive(Subcommand)]
pub(super) enum Run {
    /// The whole timeline.
    Show {
        /// The run.
        id: String,
    },
    /// End it.
    Cancel {
        /// The run.
        id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Input {
    /// What it led to.
    Show {
        /// The input.
        id: String,
    },
    /// Do nothing with it.
    Skip {
        /// The input.
        id: String,
    },
    /// Process it again; effects done stay done.
    Again {
        /// The input.
        id: String,
        /// Do its effects again too.
        #[arg(long)]
        effects: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum Need {
    /// What is asked.
    Show {
        /// The item.
        id: String,
    },
    /// Answer it.
    Answer {
        /// The item.
        id: String,
        /// One of its choices.
        choice: String,
        /// A remark for the record.
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct PairArgs {
    /// What the device is to be called; its own name when absent.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// How long the link is good, e.g. 5m.
    #[arg(long, default_value = "5m")]
    pub(super) ttl: String,
    /// What the device may do.
    #[arg(long, default_value = "view,control,approve")]
    pub(super) rights: String,
    /// A pairing that was begun, by its id: waits for its device.
    #[arg(long)]
    pub(super) id: Option<String>,
    /// Both show the same words: trust the device.
    #[arg(long, requires = "id", conflicts_with = "different")]
    pub(super) same: bool,
    /// They do not: let it go.
    #[arg(long, requires = "id")]
    pub(super) different: bool,
}

#[derive(Subcommand)]
pub(super) enum Device {
    /// It may do nothing any more, at once.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Args)]
pub(super) struct RemoteArgs {
    /// A link from `deputy pair` on the agent's machine.
    #[arg(long)]
    pub(super) link: Option<String>,
    /// What this machine is called there.
    #[arg(long, requires = "link")]
    pub(super) name: Option<String>,
    /// What is asked.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<String>,
}

#[derive(Subcommand)]
pub(super) enum Connection {
    /// Try it for real.
    Check {
        /// Its id or name.
        id: String,
    },
    /// Sign in at its provider, for one by OAuth.
    SignIn(SignIn),
    /// Forget it and its secret.
    Revoke {
        /// Its id or name.
        id: String,
    },
}

#[derive(Args)]
pub(super) struct SignIn {
    /// Its id or name.
    #[arg(required_unless_present_any = ["answered", "wait"])]
    pub(super) id: Option<String>,
    /// By a code that is typed on any device, where the provider knows that.
    #[arg(long)]
    pub(super) device: bool,
    /// Show the address only.
    #[arg(long)]
    pub(super) no_open: bool,
    /// The address that a browser on another machine was sent to, and could not open.
    #[arg(long, value_name = "URL", conflicts_with_all = ["id", "device", "wait"])]
    pub(super) answered: Option<String>,
    /// A sign-in that was begun with --json, by its id: wait until somebody has signed in.
    #[arg(long, value_name = "SIGN_IN", conflicts_with_all = ["id", "device"])]
    pub(super) wait: Option<String>,
}

#[derive(Subcommand)]
pub(super) enum Config {
    /// Show settings.
    Get {
        /// Which; all when left out.
        key: Option<String>,
    },
    /// Change a setting.
    Set {
        /// Which.
        key: String,
        /// JSON, or plain text.
        value: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Event {
    /// Put an input.
    Send {
        /// The automation.
        automation: String,
        /// The topic.
        topic: String,
        /// The payload.
        #[arg(long)]
        json_payload: Option<String>,
        /// Unique: a second event with it is ignored.
        #[arg(long)]
        id: Option<String>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Protection {
    /// A file that only this user can read.
    File,
    /// A passphrase, asked for at each start (or DEPUTY_PASSPHRASE).
    Passphrase,
    /// The platform's keyring.
    Keyring,
}

#[derive(Subcommand)]
pub(super) enum Vault {
    /// How the vault's key is protected.
    Show,
    /// Seal every secret anew under a new key.
    Rotate,
    /// Protect the vault's key in another way.
    Protect {
        /// By what.
        by: Protection,
        /// Read the passphrase from standard input.
        #[arg(long)]
        passphrase_stdin: bool,
    },
}
