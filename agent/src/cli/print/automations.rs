//! Automations, what is proposed, and what it may do.

use super::runs::run_row;
use super::{dash, paint, state, table, when};
use deputy_protocol::model::*;
use std::io::{self, Write};

pub(super) fn clauses(out: &mut impl Write, clauses: &[Clause]) -> io::Result<()> {
    for clause in clauses {
        let mark = if clause.wide {
            paint("33", "wide      ")
        } else if clause.enforced {
            paint("32", "enforced  ")
        } else {
            paint("2", "understood")
        };
        writeln!(out, "  {mark}  {}", clause.text)?;
    }
    Ok(())
}

pub(super) fn question(out: &mut impl Write, p: &Proposal, q: &Question) -> io::Result<()> {
    writeln!(out, "{}\n", paint("1", &q.question))?;
    for (at, choice) in q.choices.iter().enumerate() {
        writeln!(out, "  {}  {choice}", at + 1)?;
    }
    let item = q.item.as_deref().unwrap_or("ITEM");
    if !q.choices.is_empty() {
        writeln!(out, "\nTo choose:           deputy need answer {item} 1")?;
    }
    writeln!(
        out,
        "To say it yourself:  deputy need answer {item} answer --note \"TEXT\"\nTo call it off:      deputy proposal decline {}",
        p.id
    )
}

pub(super) fn proposal(out: &mut impl Write, p: &Proposal) -> io::Result<()> {
    if let Some(q) = &p.question {
        return question(out, p, q);
    }
    if p.state == "accepted" {
        return writeln!(
            out,
            "Delegated: {} “{}”. See what it does: deputy automation show {}",
            p.automation, p.name, p.automation
        );
    }
    writeln!(
        out,
        "{}  {} ({})\n",
        paint("1", &p.name),
        p.automation,
        state(&p.state)
    )?;
    clauses(out, &p.plain_words)?;
    if let Some(diff) = &p.diff {
        writeln!(
            out,
            "\nAgainst what it is now: {}",
            paint("1", &diff.verdict)
        )?;
        for change in &diff.changes {
            writeln!(out, "  {:9} {}", change.effect, change.text)?;
        }
    }
    writeln!(out, "\nA dry run now: {}", state(&p.preview.state))?;
    for effect in &p.preview.effects {
        writeln!(out, "  would {}: {}", effect.tool, effect.title)?;
    }
    if p.preview.effects.is_empty() && p.preview.error.is_none() {
        writeln!(out, "  nothing would happen right now")?;
    }
    if let Some(error) = &p.preview.error {
        writeln!(out, "  {error}")?;
    }
    for doubt in &p.doubts {
        writeln!(
            out,
            "{} {} (--confirm {})",
            paint("33", "Doubtful:"),
            doubt.message,
            doubt.id
        )?;
    }
    if p.state == "proposed" {
        writeln!(
            out,
            "\nTo delegate it: deputy proposal accept {}\nTo drop it:     deputy proposal decline {}",
            p.id, p.id
        )?;
    }
    Ok(())
}

pub(super) fn automation_row(a: &Automation) -> Vec<String> {
    vec![
        a.id.clone(),
        state(a.state.as_str()),
        a.name.clone(),
        match (a.last_run_state, a.last_run_at) {
            (Some(s), Some(at)) => format!("{} {}", state(s.as_str()), when(at)),
            _ => "–".to_owned(),
        },
        dash(a.next_due_at.map(when)),
        if a.needs_open == 0 {
            "–".to_owned()
        } else {
            a.needs_open.to_string()
        },
    ]
}

pub(super) fn automation(out: &mut impl Write, detail: &AutomationDetail) -> io::Result<()> {
    let a = &detail.automation;
    writeln!(
        out,
        "{}  {} {}",
        paint("1", &a.name),
        a.id,
        state(a.state.as_str())
    )?;
    if let Some(because) = &a.paused_because {
        writeln!(out, "Paused: {because}")?;
    }
    clauses(out, &detail.plain_words)?;
    for hook in &detail.webhooks {
        let url = hook.url.as_deref().unwrap_or("(the listener is off)");
        writeln!(out, "Webhook {}: POST {url}", hook.name)?;
        writeln!(out, "  Authorization: Bearer {}", hook.token)?;
    }
    writeln!(out)?;
    table(
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
        &detail.runs.iter().map(run_row).collect::<Vec<_>>(),
    )
}
