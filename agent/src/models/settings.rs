//! Which model is set up: in the settings, its key in the vault.

use crate::connectors::{Vault, VaultError, is_local, put_secret, secret};
use crate::store::{StoreError, settings};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

/// The setting's key.
const SETTING: &str = "models.default";

/// The key's id in the vault.
pub(super) const SECRET: &str = "model:default";

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's chat completions, and all that speak them (OpenRouter, llama.cpp, vLLM, …).
    Openai,
    /// Ollama on this machine or another, through its OpenAI-compatible door.
    Ollama,
    /// Google's Gemini API.
    Gemini,
}

impl Provider {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Openai, Self::Ollama, Self::Gemini];

    /// Its name in settings and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Ollama => "ollama",
            Self::Gemini => "gemini",
        }
    }

    /// The provider of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == name)
    }

    fn default_base_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com/v1/",
            Self::Openai => "https://api.openai.com/v1/",
            Self::Ollama => "http://127.0.0.1:11434/v1/",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta/",
        }
    }
}

/// The model that is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSettings {
    /// Who answers.
    pub provider: Provider,
    /// Where, with its version and a slash at its end.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
}

/// Why settings are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No such provider.
    #[error("there is no provider “{0}”")]
    Provider(String),
    /// Not an address.
    #[error("“{0}” is not an http or https address without user and password")]
    BaseUrl(String),
    /// No name.
    #[error("a model needs a name")]
    Model,
}

impl ModelSettings {
    /// Reads what a person gave. An address without a path gets the version that the provider's
    /// API has, so that both habits of writing it work.
    pub fn parse(
        provider: &str,
        base_url: Option<&str>,
        model: &str,
    ) -> Result<Self, SettingsError> {
        let name = provider;
        let provider =
            Provider::parse(name).ok_or_else(|| SettingsError::Provider(name.to_owned()))?;
        let given = base_url.unwrap_or(provider.default_base_url()).trim();
        let wrong = || SettingsError::BaseUrl(given.to_owned());
        let mut url = Url::parse(given).map_err(|_| wrong())?;
        let usable = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none();
        if !usable {
            return Err(wrong());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let path = match provider {
            // Its own libraries leave the version out of the base.
            Provider::Anthropic if !path.ends_with("/v1") => format!("{path}/v1"),
            Provider::Openai | Provider::Ollama if path.is_empty() => "/v1".to_owned(),
            Provider::Gemini if path.is_empty() => "/v1beta".to_owned(),
            Provider::Anthropic | Provider::Openai | Provider::Ollama | Provider::Gemini => path,
        };
        url.set_path(&format!("{path}/"));
        let model = model.trim();
        if model.is_empty() {
            return Err(SettingsError::Model);
        }
        Ok(Self {
            provider,
            base_url: url.into(),
            model: model.to_owned(),
        })
    }

    /// Whether questions stay on this machine.
    pub fn is_local(&self) -> bool {
        Url::parse(&self.base_url).is_ok_and(|url| is_local(&url))
    }

    /// Whether it is the provider's own service, which wants a key. Another server may not.
    pub fn needs_key(&self) -> bool {
        match self.provider {
            Provider::Anthropic | Provider::Openai | Provider::Gemini => {
                let own = Self {
                    base_url: self.provider.default_base_url().to_owned(),
                    ..self.clone()
                };
                self.same_door(&own)
            }
            Provider::Ollama => false,
        }
    }

    /// Whether a key for one may be sent to the other.
    pub(super) fn same_door(&self, other: &Self) -> bool {
        let origin = |s: &Self| Url::parse(&s.base_url).map(|u| u.origin().ascii_serialization());
        self.provider == other.provider && origin(self) == origin(other)
    }
}

/// The model that is set up, if one is.
pub fn get(db: &Connection) -> Result<Option<ModelSettings>, StoreError> {
    settings::get(db, SETTING)?
        .map(|value| {
            serde_json::from_value(value).map_err(|e| StoreError::corrupt("model setting", e))
        })
        .transpose()
}

/// The model that is set up with its key.
#[allow(clippy::type_complexity)]
pub(super) fn open(
    db: &Connection,
    vault: &Vault,
) -> Result<Option<(ModelSettings, Result<Option<Zeroizing<String>>, VaultError>)>, StoreError> {
    let Some(found) = get(db)? else {
        return Ok(None);
    };
    let key = if has_key(db)? {
        secret(db, vault, SECRET)?.map(Some)
    } else {
        Ok(None)
    };
    Ok(Some((found, key)))
}

/// Whether a key is kept for the model.
pub fn has_key(db: &Connection) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM secrets WHERE id=?1")?
        .exists([SECRET])?)
}

/// Sets the model. Without a new key the old one is kept, unless it would go to another door.
pub(super) fn put(
    db: &Connection,
    new: &ModelSettings,
    key: Option<&crate::connectors::Sealed>,
) -> Result<(), StoreError> {
    let moved = get(db)?.is_none_or(|old| !old.same_door(new));
    match key {
        Some(sealed) => put_secret(db, SECRET, sealed)?,
        None if moved => forget_key(db)?,
        None => {}
    }
    let value = serde_json::to_value(new).map_err(|e| StoreError::corrupt("model setting", e))?;
    settings::set(db, SETTING, &value)
}

/// Forgets the model and its key. Returns whether there was one.
pub(super) fn remove(db: &Connection) -> Result<bool, StoreError> {
    let there = get(db)?.is_some();
    forget_key(db)?;
    settings::set(db, SETTING, &serde_json::Value::Null)?;
    Ok(there)
}

fn forget_key(db: &Connection) -> Result<(), StoreError> {
    db.execute("DELETE FROM secrets WHERE id=?1", [SECRET])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_habits_of_writing_an_address_lead_to_the_same_door() {
        for (provider, given, kept) in [
            ("anthropic", None, "https://api.anthropic.com/v1/"),
            ("anthropic", Some("http://h:1"), "http://h:1/v1/"),
            ("anthropic", Some("http://h:1/v1"), "http://h:1/v1/"),
            (
                "anthropic",
                Some("http://h:1/anthropic/"),
                "http://h:1/anthropic/v1/",
            ),
            ("openai", Some("http://h:1"), "http://h:1/v1/"),
            ("openai", Some("http://h:1/v1/"), "http://h:1/v1/"),
            (
                "openai",
                Some("https://openrouter.ai/api/v1"),
                "https://openrouter.ai/api/v1/",
            ),
            (
                "ollama",
                Some("http://127.0.0.1:11434"),
                "http://127.0.0.1:11434/v1/",
            ),
            (
                "gemini",
                None,
                "https://generativelanguage.googleapis.com/v1beta/",
            ),
        ] {
            let settings = ModelSettings::parse(provider, given, "m").unwrap();
            assert_eq!(settings.base_url, kept, "{provider} {given:?}");
            assert_eq!(
                ModelSettings::parse(provider, Some(&settings.base_url), "m").unwrap(),
                settings,
                "what is kept is read again as itself"
            );
        }
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let parse = |p, u, m| ModelSettings::parse(p, u, m).unwrap_err().to_string();
        assert_eq!(parse("acme", None, "m"), "there is no provider “acme”");
        assert!(parse("openai", Some("h:1"), "m").contains("“h:1”"));
        assert!(parse("openai", Some("http://me:pw@h"), "m").contains("without user"));
        assert_eq!(parse("openai", None, " "), "a model needs a name");
    }

    #[test]
    fn only_a_providers_own_service_needs_a_key() {
        let needs = |p, u| ModelSettings::parse(p, u, "m").unwrap().needs_key();
        assert!(needs("anthropic", None) && needs("openai", None) && needs("gemini", None));
        assert!(!needs("ollama", None));
        assert!(!needs("anthropic", Some("http://192.168.1.5:4000")));
    }

    #[test]
    fn a_key_goes_to_no_other_door() {
        let at = |p, u| ModelSettings::parse(p, Some(u), "m").unwrap();
        assert!(at("openai", "http://h:1/v1").same_door(&at("openai", "http://h:1/other")));
        assert!(!at("openai", "http://h:1").same_door(&at("openai", "http://h:2")));
        assert!(!at("openai", "http://h:1").same_door(&at("anthropic", "http://h:1")));
    }
}
