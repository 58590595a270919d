//! What each command asks the agent for.

use super::args::{
    Automation, Command, Config, Connection, Contract, Device, Event, Input, Model, Need, Proposal,
    Protection, Run, Vault,
};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{Request, VaultProtection};
use serde_json::Value;
use std::path::Path;

fn json_argument(text: &str, name: &str) -> Result<Value, ErrorBody> {
    serde_json::from_str(text).map_err(|e| {
        ErrorBody::new(
            "usage",
            format!("{name} is not JSON: {e}"),
            "e.g. '{\"key\": \"value\"}'",
        )
    })
}

fn read_file(path: &Path) -> Result<String, ErrorBody> {
    std::fs::read_to_string(path).map_err(|e| {
        ErrorBody::new(
            "unreadable",
            format!("{} cannot be read: {e}; nothing was done", path.display()),
            "check the path",
        )
    })
}

/// The request of a command.
pub(super) fn request(command: Command) -> Result<Request, ErrorBody> {
    Ok(match command {
        Command::Up(_)
        | Command::Pair(_)
        | Command::Connection(Connection::SignIn(_))
        | Command::Remote(_)
        | Command::Completions { .. }
        | Command::Restore { .. }
        | Command::Service(_)
        | Command::Contract(Contract::Schema) => {
            return Err(ErrorBody::new("usage", "this command needs no agent", ""));
        }
        Command::Status => Request::Status,
        Command::Doctor => Request::Doctor,
        Command::Stop => Request::Stop,
        Command::Delegate {
            text,
            automation,
            yes,
            timezone,
        } => Request::Delegate {
            text,
            automation,
            accept: yes,
            timezone,
        },
        Command::Proposal(Proposal::Show { id }) => Request::ProposalShow { proposal: id },
        Command::Proposal(Proposal::Accept { id, confirm }) => Request::ProposalAccept {
            proposal: id,
            confirm,
        },
        Command::Proposal(Proposal::Decline { id }) => Request::ProposalDecline { proposal: id },
        Command::Chat { words, limit } => chat(words, limit),
        Command::Automations { all } => Request::Automations { archived: all },
        Command::Automation(act) => automation(act)?,
        Command::Contract(Contract::Show { id, version }) => Request::ContractShow {
            automation: id,
            version,
        },
        Command::Contract(Contract::Diff { id, from, to }) => Request::ContractDiff {
            automation: id,
            from,
            to,
        },
        Command::Install { file, yes } => {
            let text = read_file(&file)?;
            let bundle = serde_json::from_str(&text).map_err(|e| {
                let message = format!("{} is not JSON: {e}; nothing was installed", file.display());
                ErrorBody::new(
                    "bundle_invalid",
                    message,
                    "a bundle is what `deputy export ID` writes",
                )
            })?;
            Request::Install {
                bundle,
                accept: yes,
            }
        }
        Command::Export { id: Some(id), .. } => Request::Export { automation: id },
        Command::Export {
            id: None,
            all: true,
            format,
        } => Request::ExportAll { format },
        Command::Export { id: None, .. } => {
            return Err(ErrorBody::new(
                "usage",
                "name an automation, or --all",
                "deputy export a1",
            ));
        }
        Command::Runs {
            automation,
            state,
            limit,
        } => Request::Runs {
            automation,
            state,
            before: None,
            limit,
        },
        Command::Run(Run::Show { id }) => Request::RunShow { run: id },
        Command::Run(Run::Cancel { id }) => Request::RunCancel { run: id },
        Command::Inputs {
            automation,
            state,
            limit,
        } => Request::Inputs {
            automation,
            state,
            limit,
        },
        Command::Input(Input::Show { id }) => Request::InputShow { input: id },
        Command::Input(Input::Skip { id }) => Request::InputSkip { input: id },
        Command::Input(Input::Again { id, effects }) => Request::InputAgain {
            input: id,
            effects_again: effects,
        },
        Command::Outputs { automation, limit } => Request::Outputs { automation, limit },
        Command::Replay { run, script } => Request::Replay {
            run,
            script: script.as_deref().map(read_file).transpose()?,
        },
        Command::Needs { all } => Request::Needs { all },
        Command::Need(Need::Show { id }) => Request::NeedShow { item: id },
        Command::Need(Need::Answer { id, choice, note }) => Request::NeedAnswer {
            item: id,
            choice,
            note,
        },
        Command::Devices => Request::Devices,
        Command::Device(Device::Revoke { id }) => Request::DeviceRevoke { device: id },
        Command::Connections => Request::Connections,
        Command::Connect(connect) => connect.request()?,
        Command::Connection(Connection::Check { id }) => {
            Request::ConnectionCheck { connection: id }
        }
        Command::Connection(Connection::Revoke { id }) => {
            Request::ConnectionRevoke { connection: id }
        }
        Command::Model(Model::Set {
            provider,
            base_url,
            model,
            key_stdin,
        }) => Request::ModelSet {
            provider,
            base_url,
            model,
            key: key_stdin.then(|| secret_from_stdin("key")).transpose()?,
        },
        Command::Model(Model::List) => Request::ModelList,
        Command::Model(Model::Test) => Request::ModelTest,
        Command::Model(Model::Remove) => Request::ModelRemove,
        Command::Costs { by, since } => Request::Costs {
            by,
            since_ms: since.as_deref().map(span_ms).transpose()?,
        },
        Command::Permissions { deny, allow } => Request::Permissions { deny, allow },
        Command::Config(Config::Get { key }) => Request::ConfigGet { key },
        Command::Config(Config::Set { key, value }) => {
            let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
            Request::ConfigSet { key, value }
        }
        Command::Tools { types } => Request::Tools { types },
        Command::Backup { file } => {
            let file = std::path::absolute(&file).unwrap_or(file);
            Request::Backup {
                file: file.display().to_string(),
            }
        }
        Command::Prune { older_than_days } => Request::Prune { older_than_days },
        Command::Event(Event::Send {
            automation,
            topic,
            json_payload,
            id,
        }) => Request::EventSend {
            automation,
            topic,
            payload: json_payload
                .as_deref()
                .map(|text| json_argument(text, "--json-payload"))
                .transpose()?,
            key: id,
        },
        Command::Events {
            follow: _,
            after,
            run,
        } => Request::Follow { after, run },
        Command::Vault(act) => vault(act)?,
    })
}

fn automation(act: Automation) -> Result<Request, ErrorBody> {
    Ok(match act {
        Automation::Show { id } => Request::AutomationShow { automation: id },
        Automation::Pause { id } => Request::AutomationPause { automation: id },
        Automation::Resume { id } => Request::AutomationResume { automation: id },
        Automation::Archive { id } => Request::AutomationArchive { automation: id },
        Automation::Run { id, input, no_wait } => Request::AutomationRun {
            automation: id,
            input: input
                .as_deref()
                .map(|text| json_argument(text, "--input"))
                .transpose()?,
            wait: !no_wait,
        },
    })
}

/// `deputy chat`, `deputy chat a3`, `deputy chat "TEXT"`, `deputy chat a3 "TEXT"`.
fn chat(mut words: Vec<String>, limit: u32) -> Request {
    let is_id = |word: &String| {
        word.strip_prefix('a')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let automation = if words.first().is_some_and(is_id) {
        Some(words.remove(0))
    } else {
        None
    };
    if words.is_empty() {
        return Request::Chat {
            automation,
            after: 0,
            limit,
        };
    }
    Request::Delegate {
        text: words.join(" "),
        automation,
        accept: false,
        timezone: None,
    }
}

/// A secret never stands on a command line, where every process could read it.
pub(super) fn secret_from_stdin(what: &str) -> Result<String, ErrorBody> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut text)
        .map_err(|e| ErrorBody::new("usage", format!("the {what} could not be read: {e}"), ""))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn vault(act: Vault) -> Result<Request, ErrorBody> {
    Ok(match act {
        Vault::Show => Request::VaultShow,
        Vault::Rotate => Request::VaultRotate,
        Vault::Protect {
            by,
            passphrase_stdin,
        } => {
            let (by, wanted) = match by {
                Protection::File => (VaultProtection::File, false),
                Protection::Keyring => (VaultProtection::Keyring, false),
                Protection::Passphrase => (VaultProtection::Passphrase, true),
            };
            let passphrase = match (wanted, passphrase_stdin) {
                (false, _) => None,
                (true, true) => Some(secret_from_stdin("passphrase")?),
                (true, false) => Some(new_passphrase()?),
            };
            Request::VaultProtect { by, passphrase }
        }
    })
}

fn new_passphrase() -> Result<String, ErrorBody> {
    let failed = |message: String| {
        let hint = "use --passphrase-stdin where there is no terminal";
        ErrorBody::new("usage", message, hint)
    };
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(|e| failed(e.to_string()));
    let passphrase = ask("New passphrase: ")?;
    if ask("The same again: ")? != passphrase {
        return Err(failed(
            "the two passphrases differ; nothing was changed".to_owned(),
        ));
    }
    Ok(passphrase)
}

pub(super) fn span_ms(text: &str) -> Result<i64, ErrorBody> {
    let wrong = || {
        ErrorBody::new(
            "usage",
            format!("“{text}” is not a span of time"),
            "e.g. 7d, 12h, 30m",
        )
    };
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let ms = match unit {
        "d" => 86_400_000,
        "h" => 3_600_000,
        "m" => 60_000,
        "s" => 1_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(ms).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::args::Cli;
    use clap::Parser;

    #[test]
    fn every_command_of_the_contract_can_be_typed() {
        for line in [
            "up --listen 127.0.0.1:0 --no-open",
            "status --json",
            "doctor",
            "delegate TEXT --automation a1 --yes --timezone UTC",
            "proposal accept p1 --confirm x --confirm y",
            "proposal decline p1",
            "chat a1 hello",
            "automations",
            "automation show a1",
            "automation run a1 --input {} --no-wait",
            "contract show a1 --version 2",
            "contract diff a1 1 2",
            "install f.json --yes",
            "export a1",
            "vault show",
            "vault rotate",
            "vault protect keyring",
            "export --all --format jsonl",
            "runs --automation a1 --state failed --limit 3",
            "run show r1",
            "run cancel r1",
            "inputs --state done",
            "input again i1",
            "outputs --automation a1",
            "replay r1 --script f.js",
            "needs",
            "need answer n1 happened --note x",
            "connections",
            "connect mail --name n --smtp-host h --smtp-port 25 --tls none --from a@b.c --username u --password-stdin",
            "connect http --name n --base-url https://a.b --auth header --header X-Key --secret-stdin",
            "connect http --name n --base-url https://a.b --oauth github --client-id i --client-secret-stdin --scope repo --scope user --param a=b",
            "connect mail --name n --smtp-host h --smtp-port 465 --tls implicit --from a@b.c --username u --oauth google --client-id i --scope s",
            "connect calendar --url https://a.b/ --username u --password-stdin",
            "connection check c1",
            "connection sign-in c1 --device --no-open",
            "connection sign-in --answered http://127.0.0.1:1/oauth/callback?code=a&state=b",
            "model set --provider openai --base-url http://127.0.0.1:1/v1 --model m --key-stdin",
            "model list",
            "model test",
            "model remove",
            "costs --by tool --since 7d",
            "permissions --deny files.*",
            "config get",
            "tools --types",
            "backup f",
            "restore f",
            "prune",
            "event send a1 topic --json-payload {} --id k",
            "completions bash",
        ] {
            let words = std::iter::once("deputy").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn spans_of_time_are_read() {
        assert_eq!(super::span_ms("2h").unwrap(), 7_200_000);
        assert!(super::span_ms("soon").is_err());
        assert!(super::span_ms("").is_err());
    }
}
