//! The ledger: every side effect an automation ever intended, across all runs.

use super::steps::{self, StepOutcome};
use super::{Key, StoreError};
use deputy_protocol::model::Output;
use deputy_protocol::{StepState, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A row, as the executor needs it.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    /// Its key.
    pub key: i64,
    /// Digest of the arguments it was intended with.
    pub digest: String,
    /// The run that holds it.
    pub run: i64,
    /// The step that holds it.
    pub seq: u32,
    /// Its state.
    pub state: StepState,
    /// Its end, if it has one.
    pub outcome: Option<StepOutcome>,
}

/// A new row.
#[derive(Clone, Debug)]
pub struct NewEffect {
    /// The automation.
    pub automation: i64,
    /// The tool.
    pub tool: String,
    /// The effect key.
    pub effect_key: String,
    /// Digest of the arguments.
    pub digest: String,
    /// The run.
    pub run: i64,
    /// The step.
    pub seq: u32,
    /// What it does, for people.
    pub title: String,
    /// The input that caused it.
    pub caused_by: i64,
    /// Now.
    pub at: Time,
}

/// Adds an effect unless its key is known. True when it was added.
pub fn add(db: &Connection, effect: &NewEffect) -> Result<bool, StoreError> {
    let added = db
        .prepare_cached(
            "INSERT INTO ledger (automation, tool, effect_key, args_digest, run, seq, state, title, caused_by, at)
             VALUES (?1,?2,?3,?4,?5,?6,'intent',?7,?8,?9)
             ON CONFLICT (automation, tool, effect_key) DO NOTHING",
        )?
        .execute(params![
            effect.automation,
            effect.tool,
            effect.effect_key,
            effect.digest,
            effect.run,
            effect.seq,
            effect.title,
            effect.caused_by,
            effect.at.0
        ])?;
    Ok(added == 1)
}

/// Adds an effect that is done, or has failed, in the transaction that adds it. Its key must not be
/// known.
pub fn add_ended(
    db: &Connection,
    effect: &NewEffect,
    state: StepState,
    outcome: &str,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO ledger (automation, tool, effect_key, args_digest, run, seq, state, title, outcome, caused_by, at)
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    )?
    .execute(params![
        effect.automation,
        effect.tool,
        effect.effect_key,
        effect.digest,
        effect.run,
        effect.seq,
        state.as_str(),
        effect.title,
        outcome,
        effect.caused_by,
        effect.at.0
    ])?;
    Ok(())
}

/// The row of a key.
pub fn find(
    db: &Connection,
    automation: i64,
    tool: &str,
    effect_key: &str,
) -> Result<Option<LedgerRow>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT id, args_digest, run, seq, state, outcome FROM ledger
             WHERE automation=?1 AND tool=?2 AND effect_key=?3",
        )?
        .query_row(params![automation, tool, effect_key], |r| {
            Ok((
                r.get(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get(3)?,
                r.get::<_, String>(4)?,
                r.get(5)?,
            ))
        })
        .optional()?;
    let Some((key, digest, run, seq, word, outcome)) = found else {
        return Ok(None);
    };
    let state = StepState::parse(&word).ok_or_else(|| StoreError::corrupt("ledger state", word))?;
    Ok(Some(LedgerRow {
        key,
        digest,
        run,
        seq,
        state,
        outcome: steps::decode(state, outcome)?,
    }))
}

/// Hands a row that nobody holds any more to a new step, with the arguments that step has.
pub fn take_over(db: &Connection, key: i64, effect: &NewEffect) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE ledger SET run=?2, seq=?3, state='intent', outcome=NULL, at=?4, args_digest=?5, title=?6,
                caused_by=?7 WHERE id=?1",
    )?
    .execute(params![
        key,
        effect.run,
        effect.seq,
        effect.at.0,
        effect.digest,
        effect.title,
        effect.caused_by
    ])?;
    Ok(())
}

/// Gives the row that a step holds its end.
pub fn end(
    db: &Connection,
    automation: i64,
    tool: &str,
    effect_key: &str,
    state: StepState,
    outcome: Option<&str>,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE ledger SET state=?4, outcome=?5 WHERE automation=?1 AND tool=?2 AND effect_key=?3",
    )?
    .execute(params![
        automation,
        tool,
        effect_key,
        state.as_str(),
        outcome
    ])?;
    Ok(())
}

/// The tools that a pattern (`namespace.operation` or `namespace.*`) names, as an SQL condition on
/// `tool` with the parameter `?2`, and that parameter.
pub fn tool_condition(pattern: &str) -> (&'static str, &str) {
    match pattern.strip_suffix('*') {
        // `/` is the character after `.`, so the range is the namespace and nothing else, and the
        // index on tools serves it.
        Some(namespace) if namespace.ends_with('.') => (
            "tool>=?2 AND tool<substr(?2,1,length(?2)-1)||'/'",
            namespace,
        ),
        _ => ("tool=?2", pattern),
    }
}

/// How many effects of the tools that a pattern names were intended in a window and not shown to
/// have failed; an effect repeated with its own key counts once.
pub fn count(
    db: &Connection,
    automation: i64,
    pattern: &str,
    from: Time,
    to: Time,
) -> Result<u64, StoreError> {
    let (tools, tool) = tool_condition(pattern);
    let n = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM ledger WHERE automation=?1 AND {tools} AND at>=?3 AND at<?4 AND state NOT IN ('failed','skipped')"
        ))?
        .query_row(params![automation, tool, from.0, to.0], |r| r.get::<_, i64>(0))?;
    Ok(u64::try_from(n).unwrap_or(0))
}

/// The same for one run.
pub fn count_in_run(db: &Connection, run: i64, pattern: &str) -> Result<u64, StoreError> {
    let (tools, tool) = tool_condition(pattern);
    let n = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM ledger WHERE run=?1 AND {tools} AND state NOT IN ('failed','skipped')"
        ))?
        .query_row(params![run, tool], |r| r.get::<_, i64>(0))?;
    Ok(u64::try_from(n).unwrap_or(0))
}

const COLUMNS: &str = "id, automation, run, tool, effect_key, state, title, caused_by, at";

fn output(r: &Row<'_>) -> rusqlite::Result<Output> {
    Ok(Output {
        id: Key::Output.id(r.get(0)?),
        automation: Key::Automation.id(r.get(1)?),
        run: Key::Run.id(r.get(2)?),
        tool: r.get(3)?,
        effect_key: r.get(4)?,
        state: StepState::parse(&r.get::<_, String>(5)?).unwrap_or(StepState::InDoubt),
        title: r.get(6)?,
        caused_by: Key::Input.id(r.get(7)?),
        at: Time(r.get(8)?),
    })
}

/// What went out, newest first.
pub fn list(
    db: &Connection,
    automation: Option<i64>,
    limit: u32,
) -> Result<Vec<Output>, StoreError> {
    let sql = match automation {
        Some(_) => {
            format!(
                "SELECT {COLUMNS} FROM ledger WHERE automation=?1 ORDER BY at DESC, id DESC LIMIT ?2"
            )
        }
        None => format!("SELECT {COLUMNS} FROM ledger WHERE ?1 IS NULL ORDER BY id DESC LIMIT ?2"),
    };
    let mut query = db.prepare_cached(&sql)?;
    let rows = query
        .query_map(params![automation, limit], output)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// What went out because of an input.
pub fn of_input(db: &Connection, input: i64) -> Result<Vec<Output>, StoreError> {
    let mut query = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ledger WHERE run IN (SELECT id FROM runs WHERE input=?1) ORDER BY id"
    ))?;
    let rows = query
        .query_map([input], output)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::automations;
    use crate::store::{Durability, Store};

    #[tokio::test]
    async fn a_namespace_counts_all_its_operations_and_no_neighbours() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let counted = store
            .write(Durability::Ordered, |db| {
                let automation = automations::insert(db, "a", "p", "UTC", Time(0))?;
                let tools = [
                    "mail.send",
                    "mail.draft",
                    "mail.send",
                    "mailer.send",
                    "notify.send",
                ];
                for (seq, tool) in (1u32..).zip(tools) {
                    add(
                        db,
                        &NewEffect {
                            automation,
                            tool: tool.to_owned(),
                            effect_key: format!("k{seq}"),
                            digest: "d".to_owned(),
                            run: 7,
                            seq,
                            title: "t".to_owned(),
                            caused_by: 1,
                            at: Time(i64::from(seq)),
                        },
                    )?;
                }
                end(db, automation, "mail.draft", "k2", StepState::Failed, None)?;
                let mut counts = Vec::new();
                for pattern in ["mail.*", "mail.send", "mailer.*", "mai.*", "notify.*", "*"] {
                    counts.push((
                        count(db, automation, pattern, Time(0), Time(10))?,
                        count_in_run(db, 7, pattern)?,
                    ));
                }
                counts.push((count(db, automation, "mail.*", Time(2), Time(10))?, 0));
                Ok(counts)
            })
            .await
            .unwrap();
        assert_eq!(
            counted,
            [(2, 2), (2, 2), (1, 1), (0, 0), (1, 1), (0, 0), (1, 0)]
        );
    }
}
