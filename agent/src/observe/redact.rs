//! The one redactor. It takes out secrets that it knows (those of the vault, in the forms in which
//! they travel) and values that by their name are secrets.

use base64::Engine;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};

/// What stands in a secret's place.
const MARK: &str = "[secret]";

/// Shorter secrets would take ordinary words with them.
const SHORTEST: usize = 4;

/// Names of JSON keys and URL parameters whose values are secrets.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "access_token",
    "refresh_token",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "proxy-authorization",
    "client_secret",
];

/// How many secrets of an owner that gets new ones all the time are known: of tokens, an hour each and
/// two at once, the last four hours'.
const PASSING: usize = 8;

/// Takes secrets out of text and JSON.
#[derive(Debug, Default)]
pub struct Redactor {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    lasting: Vec<String>,
    /// Of each owner the newest, with the forms of each.
    passing: HashMap<String, VecDeque<(String, Vec<String>)>>,
    /// The forms of all, longer ones first, so that none is broken up by a shorter one.
    forms: Vec<String>,
}

impl Known {
    fn changed(&mut self) {
        let passing = self.passing.values().flatten().flat_map(|(_, forms)| forms);
        let mut forms: Vec<String> = self.lasting.iter().chain(passing).cloned().collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        self.forms = forms;
    }
}

impl Redactor {
    /// Has a secret taken out from now on, plain, percent-encoded, and in base64, by itself or as part
    /// of something longer (as user name and password travel).
    pub fn learn(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.lasting.iter().any(|form| form == secret) {
            return;
        }
        known.lasting.extend(forms(secret));
        known.changed();
    }

    /// The same of a secret whose `owner` gets others after it, which take its place in time: it does
    /// nothing any more when it is forgotten.
    pub fn learn_passing(&self, owner: &str, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let of_owner = known.passing.entry(owner.to_owned()).or_default();
        if of_owner.iter().any(|(one, _)| one == secret) {
            return;
        }
        of_owner.push_back((secret.to_owned(), forms(secret)));
        if of_owner.len() > PASSING {
            of_owner.pop_front();
        }
        known.changed();
    }

    /// Text without secrets.
    pub fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .forms
            .iter()
        {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), MARK);
            }
        }
        if clean.contains("://") {
            without_userinfo(&clean)
        } else {
            clean
        }
    }

    /// JSON without secrets.
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, item)| {
                        let secret =
                            NAMES.contains(&key.to_ascii_lowercase().as_str()) && item.is_string();
                        (
                            key.clone(),
                            if secret {
                                Value::String(MARK.to_owned())
                            } else {
                                self.json(item)
                            },
                        )
                    })
                    .collect(),
            ),
        }
    }
}

/// The forms in which a secret travels.
fn forms(secret: &str) -> Vec<String> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let escaped = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(secret),
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret),
        encoded,
        escaped.trim_matches('"').to_owned(),
    ];
    forms.extend((0..3).flat_map(|offset| within_base64(secret, offset)));
    forms
}

/// What the base64 of anything shows that holds a secret at an offset (modulo three): the characters
/// that stand for the secret alone. Nothing when those are too few to tell.
fn within_base64(secret: &str, offset: usize) -> Vec<String> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret.as_bytes());
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    let engines = [
        base64::engine::general_purpose::STANDARD_NO_PAD,
        base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ];
    engines
        .iter()
        .filter_map(|engine| Some(engine.encode(&bytes).get(first..last)?.to_owned()))
        .filter(|form| form.len() >= 2 * SHORTEST)
        .collect()
}

/// Takes `user:password@` out of URLs.
fn without_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(['/', '?', '#', ' ', '"', '\'', '\n'])
            .unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(userinfo) => {
                out.push_str(MARK);
                out.push_str(&after[userinfo..end]);
            }
            None => out.push_str(&after[..end]),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_that_are_secrets_by_name_are_taken_out() {
        let value = json!({"headers": {"Authorization": "Bearer x", "Accept": "a"}, "password": "p", "n": 1});
        let clean = json!({"headers": {"Authorization": "[secret]", "Accept": "a"}, "password": "[secret]", "n": 1});
        assert_eq!(Redactor::default().json(&value), clean);
    }

    #[test]
    fn credentials_in_urls_are_taken_out() {
        let clean = Redactor::default().text("see https://me:pw@example.org/a and http://b.org/@c");
        assert_eq!(
            clean,
            "see https://[secret]@example.org/a and http://b.org/@c"
        );
    }

    #[test]
    fn a_password_is_taken_out_of_what_is_sent_to_log_in() {
        for user in ["", "m", "me", "mew"] {
            let redactor = Redactor::default();
            redactor.learn("hunter2-hunter2");
            let sent = base64::engine::general_purpose::STANDARD
                .encode(format!("\0{user}\0hunter2-hunter2"));
            let clean = redactor.text(&format!("535 refused: AUTH PLAIN {sent}"));
            assert!(clean.contains("[secret]"), "{clean}");
            assert!(!clean.contains(&sent[sent.len() - 16..]), "{clean}");
        }
    }

    #[test]
    fn of_secrets_that_pass_the_newest_are_known_and_no_more_are_kept() {
        let redactor = Redactor::default();
        redactor.learn("lasting-secret");
        let token = |n: usize| format!("token-number-{n:04}");
        for n in 0..1_000 {
            redactor.learn_passing("one", &token(n));
            redactor.learn_passing("one", &token(n));
            redactor.learn_passing("other", "token-of-another");
        }
        for n in 1_000 - PASSING..1_000 {
            assert_eq!(redactor.text(&token(n)), MARK);
        }
        assert_eq!(redactor.text(&token(0)), token(0));
        assert_eq!(
            redactor.text("lasting-secret token-of-another"),
            "[secret] [secret]"
        );
        let known = redactor
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        assert!(known.forms.len() < 200, "{}", known.forms.len());
    }

    proptest! {
        #[test]
        fn a_known_secret_never_survives(secret in "[a-zA-Z0-9!+/=]{8,20}", before in ".{0,10}", after in ".{0,10}") {
            let redactor = Redactor::default();
            redactor.learn(&secret);
            let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
            let clean = redactor.json(&json!({"a": [format!("{before}{secret}{after}")], "b": encoded})).to_string();
            prop_assert!(!clean.contains(&secret));
            prop_assert!(!clean.contains(&encoded));
        }
    }
}
