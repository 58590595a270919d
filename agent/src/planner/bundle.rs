//! Bundles: a contract, a script and fixtures in one document; how automations travel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format that this build knows.
pub const BUNDLE_VERSION: u64 = 1;

/// A bundle, version 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The version of this format: 1.
    pub bundle: u64,
    /// The automation's name.
    pub name: String,
    /// The contract, read by the room `intent`.
    pub contract: Value,
    /// The script: an ES module.
    pub script: String,
    /// Recorded runs.
    #[serde(default)]
    pub fixtures: Vec<Fixture>,
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Its name.
    pub name: String,
    /// What the script got as `ctx.input`.
    #[serde(default)]
    pub input: Value,
    /// Its tool calls, in order.
    #[serde(default)]
    pub steps: Vec<FixtureStep>,
    /// What it returned.
    #[serde(default)]
    pub result: Value,
}

/// A recorded tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureStep {
    /// `namespace.operation`.
    pub tool: String,
    /// Its arguments.
    pub args: Value,
    /// Its result.
    pub outcome: Value,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Written by a newer Deputy.
    #[error(
        "this bundle has version {found}; this Deputy understands version {BUNDLE_VERSION}. Nothing was installed"
    )]
    Version {
        /// The version found.
        found: u64,
    },
    /// Not a bundle.
    #[error("this is not a bundle: {0}. Nothing was installed")]
    Invalid(String),
}

impl Bundle {
    /// Reads a bundle strictly.
    pub fn parse(json: &Value) -> Result<Self, BundleError> {
        match json.get("bundle").and_then(Value::as_u64) {
            Some(BUNDLE_VERSION) => {}
            Some(found) => return Err(BundleError::Version { found }),
            None => {
                return Err(BundleError::Invalid(
                    "the key \"bundle\" with the version is missing".to_owned(),
                ));
            }
        }
        let bundle: Self = serde_json::from_value(json.clone())
            .map_err(|e| BundleError::Invalid(e.to_string()))?;
        if bundle.name.trim().is_empty() {
            return Err(BundleError::Invalid("the name is empty".to_owned()));
        }
        Ok(bundle)
    }
}
