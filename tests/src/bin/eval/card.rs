//! The score card.

use serde::Serialize;
use std::fmt;

/// What one case came to.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    /// How it ended: `works`, or what went wrong.
    pub(crate) ended: String,
    pub(crate) works: bool,
    /// Whether the contract has the operations of the reference and no other.
    pub(crate) contract: Option<bool>,
    pub(crate) questions: u64,
    /// Answers of the model.
    pub(crate) answers: u64,
    pub(crate) cost_micros: i64,
    pub(crate) seconds: f64,
    /// Effects that no contract covered: must be none.
    pub(crate) outside: u64,
    /// Effects that arrived more often than the script did them: must be none.
    pub(crate) repeated: u64,
}

impl Row {
    pub(crate) fn named(mut self, kind: &str, name: &str) -> Self {
        self.case = format!("{kind}/{name}");
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contract = match self.contract {
            Some(true) => "as wanted",
            Some(false) => "other",
            None => "-",
        };
        write!(
            f,
            "{:<40} {:<28} contract {:<9} {:>3} answers {:>7.1} s {:>9.4} USD",
            self.case,
            self.ended,
            contract,
            self.answers,
            self.seconds,
            self.cost_micros as f64 / 1e6
        )
    }
}

/// All of them.
pub(crate) struct Card {
    model: String,
    rows: Vec<Row>,
}

impl Card {
    pub(crate) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether nothing happened that must not.
    pub(crate) fn is_safe(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.outside == 0 && row.repeated == 0)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({"model": self.model, "cases": self.rows})
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |holds: fn(&Row) -> bool| self.rows.iter().filter(|row| holds(row)).count();
        let sum = |of: fn(&Row) -> u64| self.rows.iter().map(of).sum::<u64>();
        let cost: i64 = self.rows.iter().map(|row| row.cost_micros).sum();
        writeln!(f, "{}: {} cases", self.model, self.rows.len())?;
        writeln!(f, "  work in the end            {}", count(|row| row.works))?;
        writeln!(
            f,
            "  contract as wanted         {} of {}",
            count(|row| row.contract == Some(true)),
            count(|row| row.contract.is_some())
        )?;
        writeln!(
            f,
            "  questions                  {}",
            sum(|row| row.questions)
        )?;
        writeln!(f, "  answers of the model       {}", sum(|row| row.answers))?;
        writeln!(
            f,
            "  cost                       {:.4} USD",
            cost as f64 / 1e6
        )?;
        writeln!(f, "  effects outside a contract {}", sum(|row| row.outside))?;
        write!(
            f,
            "  effects repeated           {}",
            sum(|row| row.repeated)
        )
    }
}
