//! `deputy pair`: shows the link, waits for the device, and asks whether both show the same phrase.

use super::args::PairArgs;
use super::{Exit, client, print, requests};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::Pairing;
use deputy_protocol::pairing::PairingLink;
use deputy_protocol::remote::{Right, Rights};
use qrcode::QrCode;
use qrcode::render::unicode;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

fn rights(text: &str) -> Result<Rights, ErrorBody> {
    let names: Option<Vec<Right>> = text
        .split(',')
        .map(|name| Right::parse(name.trim()))
        .collect();
    names.map(Rights::of).ok_or_else(|| {
        ErrorBody::new(
            "usage",
            format!("“{text}” is not a list of rights"),
            "e.g. view,control,approve",
        )
    })
}

/// The request that the arguments are.
fn request(args: &PairArgs) -> Result<Request, ErrorBody> {
    Ok(match (&args.id, args.same, args.different) {
        (Some(id), true, false) | (Some(id), false, true) => Request::PairAnswer {
            pairing: id.clone(),
            same: args.same,
        },
        (Some(id), ..) => Request::PairWait {
            pairing: id.clone(),
            seen: "waiting".to_owned(),
        },
        (None, ..) => Request::Pair {
            name: args.name.clone(),
            ttl_ms: requests::span_ms(&args.ttl)?,
            rights: rights(&args.rights)?,
        },
    })
}

fn ask(home: &Path, request: Request) -> Result<Pairing, client::AskError> {
    match client::ask(home, request)? {
        Response::Pairing(pairing) => Ok(*pairing),
        other => Err(client::AskError::Broken(format!(
            "an unexpected answer: {other:?}"
        ))),
    }
}

pub(super) fn converse(home: &Path, args: &PairArgs, json: bool) -> Result<Exit, client::AskError> {
    let request = request(args).map_err(client::AskError::Refused)?;
    let mut pairing = ask(home, request)?;
    let mut out = std::io::stdout();
    let is_person = std::io::stdin().is_terminal() && !json;
    if json || !is_person {
        let _ = print::pairing(&mut out, &pairing, json);
        return Ok(match pairing.state.as_str() {
            "paired" => Exit::Done,
            "refused" | "expired" => Exit::Failed,
            _ => Exit::NeedsPerson,
        });
    }
    loop {
        match pairing.state.as_str() {
            "waiting" => {
                match page(&pairing.link) {
                    // No camera elsewhere has any use for it.
                    Some(page) => {
                        let _ = writeln!(
                            out,
                            "No relay is set up, so this link is good on this machine only. In a browser here:\n\n  {page}\n"
                        );
                    }
                    None => {
                        if let Some(code) = qr(&pairing.link) {
                            let _ = writeln!(out, "{code}");
                        }
                    }
                }
                let _ = print::pairing(&mut out, &pairing, false);
                let _ = writeln!(out, "Waiting for the device …");
            }
            "compare" => {
                let _ = print::pairing(&mut out, &pairing, false);
                let _ = write!(out, "Does it show the same words? [y/N] ");
                let _ = out.flush();
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                let same = read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes");
                let answer = Request::PairAnswer {
                    pairing: pairing.id.clone(),
                    same,
                };
                pairing = ask(home, answer)?;
                continue;
            }
            state => {
                let _ = print::pairing(&mut out, &pairing, false);
                return Ok(if state == "paired" {
                    Exit::Done
                } else {
                    Exit::Failed
                });
            }
        }
        let wait = Request::PairWait {
            pairing: pairing.id.clone(),
            seen: pairing.state.clone(),
        };
        pairing = ask(home, wait)?;
    }
}

/// The agent's own page with a link that leads to this machine alone; `None` for other links.
fn page(link: &str) -> Option<String> {
    let parsed = PairingLink::parse(link).ok()?;
    let [place] = parsed.relays.as_slice() else {
        return None;
    };
    let port = place.address.strip_prefix("localhost:")?;
    let (_, fragment) = link.split_once('#')?;
    Some(format!("http://127.0.0.1:{port}/#{fragment}"))
}

/// The link as a code that a phone's camera reads.
fn qr(link: &str) -> Option<String> {
    let code = QrCode::new(link).ok()?;
    Some(
        code.render::<unicode::Dense1x2>()
            .dark_color(unicode::Dense1x2::Light)
            .light_color(unicode::Dense1x2::Dark)
            .build(),
    )
}
