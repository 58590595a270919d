//! What people and programs see of an answer.
//!
//! `automations.rs` prints automations and proposals, `runs.rs` runs and their steps.

mod automations;
mod runs;

use self::automations::{automation, automation_row, clauses, proposal};
use self::runs::{clock, input_row, run_line, run_row, short, timeline};
use super::Exit;
use deputy_protocol::ErrorBody;
use deputy_protocol::Time;
use deputy_protocol::control::Response;
use deputy_protocol::model::*;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};

/// Prints an error where errors belong.
pub(in crate::cli) fn error(error: &ErrorBody, json: bool, exit: Exit) -> Exit {
    let mut err = io::stderr();
    // Without a reader there is nobody to tell.
    let _ = if json {
        writeln!(err, "{}", json!({"error": error}))
    } else if error.hint.is_empty() {
        writeln!(err, "{} {}", paint("31", "Error:"), error.message)
    } else {
        writeln!(
            err,
            "{} {}\n{} {}",
            paint("31", "Error:"),
            error.message,
            paint("2", "→"),
            error.hint
        )
    };
    exit
}

/// Prints exactly one JSON document.
pub(in crate::cli) fn json(out: &mut impl Write, response: &Response) -> io::Result<()> {
    let tagged = serde_json::to_value(response)?;
    let value = tagged.get("value").cloned().unwrap_or(Value::Null);
    let value = match value {
        Value::Object(mut map) => {
            // Every thing is an object with an id.
            if !map.contains_key("id") {
                map.insert("id".to_owned(), tagged["type"].clone());
            }
            Value::Object(map)
        }
        Value::String(text) => json!({"id": tagged["type"], "text": text}),
        other => other,
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&value)?)
}

/// Colour, where a person is looking.
fn paint(code: &str, text: &str) -> String {
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn state(word: &str) -> String {
    let code = match word {
        "active" | "succeeded" | "done" | "ok" => "32",
        "failed" | "problem" => "31",
        "waiting" | "in_doubt" | "paused" | "open" | "warning" | "proposed" => "33",
        _ => "2",
    };
    paint(code, word)
}

/// A time as seen from now.
fn when(time: Time) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    let seconds = (time.0 - now) / 1_000;
    let span = |s: i64| match s {
        0..=59 => format!("{s} s"),
        60..=3_599 => format!("{} min", s / 60),
        3_600..=172_799 => format!("{} h", s / 3_600),
        _ => format!("{} days", s / 86_400),
    };
    if seconds > 0 {
        format!("in {}", span(seconds))
    } else {
        format!("{} ago", span(-seconds))
    }
}

/// Prints rows in aligned columns.
fn table(out: &mut impl Write, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "Nothing here.");
    }
    let visible = |cell: &str| {
        let mut n = 0;
        let mut escape = false;
        for c in cell.chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                _ if !escape => n += 1,
                _ => {}
            }
        }
        n
    };
    let width = |i: usize| {
        rows.iter()
            .map(|r| visible(&r[i]))
            .chain([head[i].len()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |out: &mut dyn Write, cells: &[String]| -> io::Result<()> {
        for (i, cell) in cells.iter().enumerate() {
            let pad = if i + 1 == cells.len() {
                0
            } else {
                widths[i] - visible(cell) + 2
            };
            write!(out, "{cell}{}", " ".repeat(pad))?;
        }
        writeln!(out)
    };
    line(out, &head.iter().map(|h| paint("2", h)).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(out, row))
}

fn device_row(device: &Device) -> Vec<String> {
    let state = match (device.revoked_at, device.is_here) {
        (Some(at), _) => format!("revoked {}", when(at)),
        (None, true) => "here".to_owned(),
        (None, false) => "away".to_owned(),
    };
    let pushes = match &device.push {
        None => "off".to_owned(),
        Some(push) => match (push.not_reached_since, push.reached_at) {
            (Some(since), _) => format!("not reached since {}", when(since)),
            (None, Some(at)) => format!("reached {}", when(at)),
            (None, None) => "on".to_owned(),
        },
    };
    vec![
        device.id.clone(),
        device.name.clone(),
        device.rights.to_string(),
        when(device.created_at),
        state,
        pushes,
    ]
}

/// A pairing, where it has come to.
pub(in crate::cli) fn pairing(
    out: &mut impl Write,
    pairing: &Pairing,
    as_json: bool,
) -> io::Result<()> {
    if as_json {
        return json(out, &Response::Pairing(Box::new(pairing.clone())));
    }
    let id = &pairing.id;
    match pairing.state.as_str() {
        "waiting" => writeln!(
            out,
            "Open this link on the device, or on another machine: deputy remote --link LINK\n\n{}\n\nIt is good once, and for a few minutes.",
            pairing.link
        ),
        "compare" => writeln!(
            out,
            "“{}” wants to be let in. Both must show: {}\n  the same: deputy pair --id {id} --same\n  not:      deputy pair --id {id} --different",
            pairing.device_name.as_deref().unwrap_or("A device"),
            paint("1", pairing.phrase.as_deref().unwrap_or_default())
        ),
        "paired" => writeln!(
            out,
            "{} “{}” is paired.",
            pairing.device.as_deref().unwrap_or_default(),
            pairing.device_name.as_deref().unwrap_or_default()
        ),
        "refused" => writeln!(out, "The device was not let in."),
        _ => writeln!(out, "The link has expired; nobody came."),
    }
}

/// A sign-in, where it has come to.
fn sign_in(out: &mut impl Write, sign_in: &SignIn) -> io::Result<()> {
    let (name, message) = (
        &sign_in.connection,
        sign_in.message.as_deref().unwrap_or_default(),
    );
    match (sign_in.state.as_str(), &sign_in.user_code) {
        ("waiting", Some(code)) => writeln!(
            out,
            "To sign in to “{name}”, open this address on any device:\n\n  {}\n\nand type, or compare, the code {}\n\nWaiting …",
            sign_in.url,
            paint("1", code)
        ),
        ("waiting", None) => writeln!(
            out,
            "To sign in to “{name}”, open this address in a browser on this machine:\n\n  {}\n\nA browser elsewhere ends at an address that it cannot open: give that to\n  deputy connection sign-in --answered 'ADDRESS'\n\nWaiting …",
            sign_in.url
        ),
        ("signed_in", _) => writeln!(out, "Signed in to “{name}”. {message}"),
        _ => writeln!(out, "Not signed in to “{name}”: {message}"),
    }
}

fn dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// Prints an answer for a person.
pub(in crate::cli) fn human(out: &mut impl Write, response: &Response) -> io::Result<()> {
    match response {
        Response::Status(s) => status(out, s),
        Response::Findings(findings) => {
            for f in findings {
                writeln!(out, "{:9} {}", state(&f.level), f.message)?;
                if !f.hint.is_empty() {
                    writeln!(out, "          → {}", f.hint)?;
                }
            }
            Ok(())
        }
        Response::Pairing(p) => pairing(out, p, false),
        Response::SignIn(s) => sign_in(out, s),
        Response::Devices(all) => table(
            out,
            &["id", "name", "rights", "paired", "state", "notifications"],
            &all.iter().map(device_row).collect::<Vec<_>>(),
        ),
        Response::PushKey(key) => writeln!(out, "{key}"),
        Response::Device(device) if device.revoked_at.is_none() => {
            writeln!(out, "{}", device_row(device).join("  "))
        }
        Response::Device(device) => {
            writeln!(
                out,
                "{} “{}” may do nothing any more.",
                device.id, device.name
            )
        }
        Response::Proposal(p) => proposal(out, p),
        Response::Chat(lines) => {
            if lines.is_empty() {
                return writeln!(out, "Nothing was said yet.");
            }
            table(
                out,
                &["when", "chat", "what", ""],
                &lines.iter().map(chat_row).collect::<Vec<_>>(),
            )
        }
        Response::Automations(all) => table(
            out,
            &["id", "state", "name", "last run", "next", "needs you"],
            &all.iter().map(automation_row).collect::<Vec<_>>(),
        ),
        Response::Automation(detail) => automation(out, detail),
        Response::AutomationChanged(a) => {
            writeln!(out, "{} “{}” is {}.", a.id, a.name, state(a.state.as_str()))
        }
        Response::Run(run) => {
            run_line(out, run)?;
            writeln!(out, "  More: deputy run show {}", run.id)
        }
        Response::Runs(runs) => table(
            out,
            &[
                "id",
                "automation",
                "state",
                "started",
                "took",
                "steps",
                "why",
            ],
            &runs.iter().map(run_row).collect::<Vec<_>>(),
        ),
        Response::RunDetail(detail) => timeline(out, detail),
        Response::Contract(c) => {
            writeln!(
                out,
                "Version {} of {}, since {}",
                c.version,
                c.id,
                when(c.created_at)
            )?;
            clauses(out, &c.plain_words)?;
            writeln!(out, "\n{}", serde_json::to_string_pretty(&c.contract)?)
        }
        Response::ContractDiff(d) => {
            writeln!(out, "{}", paint("1", &d.verdict))?;
            d.changes
                .iter()
                .try_for_each(|c| writeln!(out, "  {:9} {}", c.effect, c.text))
        }
        Response::Document(value) => match value {
            Value::Array(records) => records.iter().try_for_each(|r| writeln!(out, "{r}")),
            other => writeln!(out, "{}", serde_json::to_string_pretty(other)?),
        },
        Response::Inputs(inputs) => table(
            out,
            &["id", "automation", "state", "from", "what", "due", "run"],
            &inputs.iter().map(input_row).collect::<Vec<_>>(),
        ),
        Response::Input(detail) => {
            table(
                out,
                &["id", "automation", "state", "from", "what", "due", "run"],
                &[input_row(&detail.input)],
            )?;
            for output in &detail.outputs {
                writeln!(
                    out,
                    "  → {} {} {}",
                    output.id,
                    state(output.state.as_str()),
                    output.title
                )?;
            }
            detail.emitted.iter().try_for_each(|i| {
                writeln!(out, "  → {} {} {}", i.id, state(i.state.as_str()), i.title)
            })
        }
        Response::EventSent(input) => {
            writeln!(out, "{} is in the inbox of {}.", input.id, input.automation)
        }
        Response::Outputs(outputs) => table(
            out,
            &[
                "id",
                "automation",
                "state",
                "tool",
                "what",
                "when",
                "caused by",
            ],
            &outputs
                .iter()
                .map(|o| {
                    vec![
                        o.id.clone(),
                        o.automation.clone(),
                        state(o.state.as_str()),
                        o.tool.clone(),
                        o.title.clone(),
                        when(o.at),
                        o.caused_by.clone(),
                    ]
                })
                .collect::<Vec<_>>(),
        ),
        Response::Replay(r) => {
            let word = if r.same { "the same" } else { "different" };
            writeln!(out, "{} replayed {} steps: {word}.", r.id, r.steps)?;
            r.differences
                .iter()
                .try_for_each(|d| writeln!(out, "  {d}"))
        }
        Response::Needs(needs) => {
            if needs.is_empty() {
                return writeln!(out, "Nothing needs you.");
            }
            needs.iter().try_for_each(|n| need(out, n))
        }
        Response::Need(n) => {
            need(out, n)?;
            writeln!(out, "{}", serde_json::to_string_pretty(&n.detail)?)
        }
        Response::Connections(all) => table(
            out,
            &["id", "kind", "name", "state", "last check", "says"],
            &all.iter().map(connection_row).collect::<Vec<_>>(),
        ),
        Response::Connection(c) => table(
            out,
            &["id", "kind", "name", "state", "last check", "says"],
            &[connection_row(c)],
        ),
        Response::Models(all) => table(
            out,
            MODEL_HEAD,
            &all.iter().map(model_row).collect::<Vec<_>>(),
        ),
        Response::Model(m) => table(out, MODEL_HEAD, &[model_row(m)]),
        Response::Costs(lines) => table(
            out,
            &["what", "calls", "USD"],
            &lines
                .iter()
                .map(|l| {
                    vec![
                        l.id.clone(),
                        l.calls.to_string(),
                        format!("{:.4}", l.cost_micros as f64 / 1e6),
                    ]
                })
                .collect::<Vec<_>>(),
        ),
        Response::Tools(tools) => table(
            out,
            &["tool", "class", "what it does"],
            &tools
                .iter()
                .map(|t| {
                    let classes: Vec<&str> = t.effect_classes.iter().map(|c| c.as_str()).collect();
                    vec![t.id.clone(), classes.join(", "), t.summary.clone()]
                })
                .collect::<Vec<_>>(),
        ),
        Response::Text(text) => write!(out, "{text}"),
        Response::Config(value) => writeln!(out, "{}", serde_json::to_string_pretty(value)?),
        Response::Event(e) => event(out, e),
        Response::Done(d) => writeln!(out, "{}", d.message),
    }
}

fn status(out: &mut impl Write, s: &Status) -> io::Result<()> {
    writeln!(
        out,
        "Deputy {} has been at work for {} (process {}).",
        s.version,
        when(s.started_at).trim_end_matches(" ago"),
        s.pid
    )?;
    let a = s.automations;
    writeln!(
        out,
        "Automations: {} active, {} paused, {} proposed.",
        a.active, a.paused, a.draft
    )?;
    writeln!(
        out,
        "Runs: {} at work, {} waiting. Next: {}.",
        s.runs_active,
        s.runs_waiting,
        s.next_due_at
            .map_or_else(|| "nothing is due".to_owned(), when)
    )?;
    if s.needs_open > 0 {
        writeln!(
            out,
            "{}",
            paint(
                "33",
                &format!("{} item(s) need you: deputy needs", s.needs_open)
            )
        )?;
    }
    writeln!(out, "Data: {}", s.home)
}

fn chat_row(line: &ChatEvent) -> Vec<String> {
    let part = |key: &str| line.data[key].as_str().filter(|text| !text.is_empty());
    let said: Vec<&str> = [part("title"), part("text")]
        .into_iter()
        .flatten()
        .collect();
    let what = match line.kind.as_str() {
        "user_message" => "you".to_owned(),
        kind => kind.replace('_', " "),
    };
    vec![
        paint("2", &when(line.at)),
        dash(line.automation.clone()),
        what,
        said.join(" – "),
    ]
}

fn need(out: &mut impl Write, n: &Need) -> io::Result<()> {
    writeln!(
        out,
        "{}  {} {}",
        n.id,
        paint("33", n.kind.as_str()),
        paint("1", &n.title)
    )?;
    if let Some(message) = n.detail["message"]
        .as_str()
        .or_else(|| n.detail["failure"]["message"].as_str())
    {
        writeln!(out, "      {message}")?;
    }
    match &n.answer {
        Some(answer) => writeln!(
            out,
            "      answered: {answer} by {}",
            dash(n.answered_by.clone())
        ),
        None => n.choices.iter().try_for_each(|c| {
            writeln!(
                out,
                "      deputy need answer {} {:11} {}",
                n.id,
                c.id,
                paint("2", &c.label)
            )
        }),
    }
}

fn connection_row(c: &ConnectionInfo) -> Vec<String> {
    vec![
        c.id.clone(),
        c.kind.clone(),
        c.name.clone(),
        state(&c.state),
        dash(c.checked_at.map(when)),
        c.message.clone().unwrap_or_default(),
    ]
}

const MODEL_HEAD: &[&str] = &["id", "provider", "model", "at", "key", "state", "says"];

fn model_row(m: &ModelInfo) -> Vec<String> {
    vec![
        m.id.clone(),
        m.provider.clone(),
        m.model.clone(),
        m.base_url.clone(),
        if m.has_key { "kept" } else { "none" }.to_owned(),
        state(&m.state),
        m.message.clone().unwrap_or_default(),
    ]
}

/// Prints an event on a line.
pub(in crate::cli) fn event(out: &mut impl Write, e: &Event) -> io::Result<()> {
    let of = [e.automation.as_deref(), e.run.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    writeln!(
        out,
        "{:>6}  {}  {:18} {:8} {}",
        e.seq,
        clock(e.at),
        e.kind,
        of,
        short(&e.data)
    )
}
