//! What a run executes: one contract version and one script version, parsed once and kept for as
//! long as they are in use.

use crate::gate::Permissions;
use crate::intent::{self, Contract};
use crate::sandbox::Limits;
use crate::store::{StoreError, automations};
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// One contract version and one script version of an automation.
#[derive(Debug)]
pub struct Program {
    /// The automation's key.
    pub automation: i64,
    /// Its name.
    pub name: String,
    /// The contract.
    pub contract: Contract,
    /// The script.
    pub script: String,
    /// Operations whose permission depends on what happened before.
    pub counted: HashSet<String>,
    /// Whether the contract says how much may be spent.
    pub caps_cost: bool,
    /// Limits of a run.
    pub limits: Limits,
    /// `never` operations, which the worker refuses by itself when they are pure.
    pub denied: Vec<String>,
}

impl Program {
    /// Of a parsed contract and a script.
    pub fn new(automation: i64, name: &str, contract: Contract, script: String) -> Self {
        let mut counted = HashSet::new();
        let mut denied = Vec::new();
        for invariant in &contract.invariants {
            match invariant {
                intent::Invariant::Max(max) => {
                    counted.insert(max.of.clone());
                }
                intent::Invariant::Never(never) => denied.push(never.never.clone()),
                intent::Invariant::OnlyBetween(_) | intent::Invariant::MaxCost(_) => {}
            }
        }
        for rule in &contract.requires_approval {
            if rule
                .when
                .as_ref()
                .is_some_and(|when| when.more_than.is_some())
            {
                counted.insert(rule.of.clone());
            }
        }
        let (limits, caps_cost) = (limits(&contract), contract.caps_cost());
        Self {
            automation,
            name: name.to_owned(),
            contract,
            script,
            counted,
            caps_cost,
            limits,
            denied,
        }
    }

    /// Whether the gate must count before it decides about an operation.
    pub fn counts(&self, operation: &str) -> bool {
        self.counted.iter().any(|pattern| {
            pattern == operation
                || pattern.strip_suffix(".*").is_some_and(|ns| {
                    operation
                        .strip_prefix(ns)
                        .is_some_and(|rest| rest.starts_with('.'))
                })
        })
    }

    /// What a capability of this contract allows of a kind of resource for an operation.
    pub fn granted(&self, operation: &str, kind: crate::tools::ResourceKind) -> Vec<String> {
        self.contract
            .capabilities
            .get(operation)
            .and_then(|resources| resources.get(&kind))
            .cloned()
            .unwrap_or_default()
    }
}

fn limits(contract: &Contract) -> Limits {
    let mut limits = Limits::default();
    let Some(budget) = contract.budget else {
        return limits;
    };
    limits.heap_bytes = budget.heap_bytes.unwrap_or(limits.heap_bytes);
    limits.cpu_ms = budget.cpu_ms.unwrap_or(limits.cpu_ms);
    limits.wall_ms = budget.wall_ms.unwrap_or(limits.wall_ms);
    limits.steps = budget
        .steps
        .unwrap_or(limits.steps)
        .min(crate::store::steps::MAX_SEQ);
    limits.result_bytes = budget.result_bytes.unwrap_or(limits.result_bytes);
    limits.total_bytes = budget.total_bytes.unwrap_or(limits.total_bytes);
    limits
}

/// How many programs are kept; each is a few kilobytes.
const KEEP: usize = 128;

type Version = (i64, u32, u32);

/// Programs in use, by automation, contract version and script version.
#[derive(Debug, Default)]
pub struct Programs {
    kept: Mutex<HashMap<Version, Arc<Program>>>,
    permissions: Mutex<Arc<Permissions>>,
}

impl Programs {
    /// What no automation may do, as of the last change.
    pub fn permissions(&self) -> Arc<Permissions> {
        Arc::clone(
            &self
                .permissions
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Takes a change of the permissions over.
    pub fn set_permissions(&self, permissions: Permissions) {
        *self
            .permissions
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(permissions);
    }

    /// The program of these versions.
    pub fn load(
        &self,
        db: &Connection,
        automation: i64,
        contract_version: u32,
        script_version: u32,
    ) -> Result<Arc<Program>, StoreError> {
        let version = (automation, contract_version, script_version);
        if let Some(program) = self.lock().get(&version) {
            return Ok(Arc::clone(program));
        }
        let row = automations::row(db, automation)?.ok_or_else(|| {
            StoreError::corrupt("automation", format!("a{automation} is missing"))
        })?;
        let (text, _) =
            automations::contract(db, automation, contract_version)?.ok_or_else(|| {
                StoreError::corrupt("contract", format!("version {contract_version} is missing"))
            })?;
        let contract: Contract =
            serde_json::from_str(&text).map_err(|e| StoreError::corrupt("contract", e))?;
        let (script, _) =
            automations::script(db, automation, script_version)?.ok_or_else(|| {
                StoreError::corrupt("script", format!("version {script_version} is missing"))
            })?;
        let program = Arc::new(Program::new(automation, &row.name, contract, script));
        let mut kept = self.lock();
        if kept.len() >= KEEP {
            // Versions are immutable, so dropping any is only a matter of speed.
            kept.retain(|_, program| Arc::strong_count(program) > 1);
            if kept.len() >= KEEP {
                kept.clear();
            }
        }
        kept.insert(version, Arc::clone(&program));
        Ok(program)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Version, Arc<Program>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
