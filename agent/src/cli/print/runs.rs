//! Runs, their steps, and what they began with.

use super::{dash, need, paint, state, when};
use deputy_protocol::Time;
use deputy_protocol::model::*;
use serde_json::Value;
use std::io::{self, Write};

pub(super) fn run_row(r: &Run) -> Vec<String> {
    let word = match r.waiting_for {
        Some(what) => format!("{} ({what})", state(r.state.as_str())),
        None => state(r.state.as_str()),
    };
    vec![
        r.id.clone(),
        r.automation.clone(),
        word,
        dash(r.started_at.map(when)),
        format!("{:.1} ms", r.duration_ms),
        r.steps.to_string(),
        r.failure.clone().unwrap_or_default(),
    ]
}

pub(super) fn run_line(out: &mut impl Write, run: &Run) -> io::Result<()> {
    let steps = match run.steps {
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    };
    writeln!(
        out,
        "{} {} after {:.1} ms and {steps}.",
        run.id,
        state(run.state.as_str()),
        run.duration_ms,
    )?;
    if let Some(failure) = &run.failure {
        writeln!(out, "  {failure}")?;
    }
    if let Some(result) = &run.result {
        writeln!(out, "  returned {result}")?;
    }
    Ok(())
}

pub(super) fn timeline(out: &mut impl Write, detail: &RunDetail) -> io::Result<()> {
    run_line(out, &detail.run)?;
    let mut entries: Vec<(Time, String)> = Vec::new();
    for step in &detail.journal {
        let took = step
            .duration_ms
            .map_or_else(String::new, |ms| format!("  {ms:.1} ms"));
        let key = step
            .effect_key
            .as_ref()
            .map_or_else(String::new, |k| format!("  key {k}"));
        let reused = if step.reused {
            "  (done before, not repeated)"
        } else {
            ""
        };
        let class = step.effect_class.as_str();
        entries.push((
            step.started_at,
            format!(
                "{:>3}  {:9} {} [{class}]{took}{key}{reused}\n         {}",
                step.seq,
                state(step.state.as_str()),
                step.tool,
                short(&step.args)
            ),
        ));
    }
    for e in &detail.events {
        entries.push((e.at, format!("  ·  {} {}", e.kind, short(&e.data))));
    }
    entries.sort_by_key(|(at, _)| *at);
    writeln!(out)?;
    for (at, line) in entries {
        writeln!(out, "{}  {line}", paint("2", &clock(at)))?;
    }
    detail.needs.iter().try_for_each(|n| need(out, n))
}

pub(super) fn clock(at: Time) -> String {
    let zoned = at.to_timestamp().to_zoned(jiff::tz::TimeZone::system());
    zoned.strftime("%H:%M:%S%.3f").to_string()
}

pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 160 {
        format!("{}…", text.chars().take(160).collect::<String>())
    } else {
        text
    }
}

pub(super) fn input_row(i: &Input) -> Vec<String> {
    vec![
        i.id.clone(),
        i.automation.clone(),
        match &i.reason {
            Some(reason) => format!("{} ({reason})", state(i.state.as_str())),
            None => state(i.state.as_str()),
        },
        i.source.to_string(),
        i.title.clone(),
        when(i.due_at),
        dash(i.run.clone()),
    ]
}
