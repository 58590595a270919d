//! The connection kind `http`: a web service of one's own account, by its address and the secret
//! that it wants in a header. What is asked of it is the script's ([`crate::tools`], `http`).

use super::{ConfigError, OauthConfig, basic, safe_address};
use crate::tools::{OpenConnection, http_client};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// How a service knows who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, tag = "kind")]
pub enum HttpAuth {
    /// It does not ask.
    None {},
    /// By a token: `Authorization: Bearer …`
    /// ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    Bearer {},
    /// By user name and password ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    Basic {
        /// The user name.
        username: String,
    },
    /// By a header of its own.
    Header {
        /// Its name, e.g. `X-Api-Key`.
        name: String,
        /// What comes in front of the secret, e.g. `Bot `.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
    },
}

/// Settings of a connection to a web service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// All that is asked of it lies below this address.
    pub base_url: String,
    /// How it knows who asks.
    pub auth: HttpAuth,
    /// How the token of [`HttpAuth::Bearer`] is come by, when it is not typed but handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthConfig>,
    /// What is read to try the connection, below `base_url`; `base_url` itself when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_path: Option<String>,
}

const HINT: &str = "deputy connect http --name N --base-url URL [--auth bearer|basic|header|none] [--username U] [--header NAME] --secret-stdin";

/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Checks settings and returns them as they are kept.
pub(super) fn check_config(config: &Value) -> Result<Value, ConfigError> {
    let mut config: HttpConfig = serde_json::from_value(config.clone()).map_err(|e| {
        ConfigError::new(
            format!("these are not the settings of a connection to a web service: {e}"),
            HINT,
        )
    })?;
    let base = base(&config.base_url)?;
    if let HttpAuth::Header { name, prefix } = &config.auth {
        header_name(name).map_err(|message| ConfigError::new(message, HINT))?;
        HeaderValue::from_str(prefix)
            .map_err(|_| ConfigError::new("--prefix is not a header's value", HINT))?;
    }
    if let HttpAuth::Basic { username } = &config.auth
        && (username.is_empty() || username.contains(':'))
    {
        return Err(ConfigError::new(
            "a user name has at least one character and no colon",
            HINT,
        ));
    }
    if let Some(path) = &config.check_path {
        below(&base, path).map_err(|message| ConfigError::new(message, HINT))?;
    }
    if let Some(oauth) = config.oauth.take() {
        if config.auth != (HttpAuth::Bearer {}) {
            let message = "what is handed out by OAuth is a token, which goes along as bearer";
            return Err(ConfigError::new(message, "leave --auth out"));
        }
        config.oauth = Some(oauth.checked()?);
    }
    config.base_url = base.into();
    serde_json::to_value(config).map_err(|e| ConfigError::new(e.to_string(), ""))
}

/// The address that all else lies below, with a `/` at its end.
fn base(text: &str) -> Result<Url, ConfigError> {
    let mut url = safe_address(text, "secret and questions", HINT)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::new(
            format!("{text} has a part that no path can follow"),
            "leave out what begins with ? or #",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new(
            "an address with user and password in it would be shown to devices",
            "--auth basic --username U --secret-stdin",
        ));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    let of_the_request = [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "upgrade",
        "accept-encoding",
    ];
    match name.parse::<HeaderName>() {
        Ok(name) if !of_the_request.contains(&name.as_str()) => Ok(name),
        _ => Err(format!("“{name}” is no header that a secret could be in")),
    }
}

/// The address of `path`, which leads to `base` or below it, or why it does not. A server may well
/// undo an escaped slash before it looks for `..`, so those count, too.
fn below(base: &Url, path: &str) -> Result<Url, String> {
    let leaves = || {
        format!(
            "“{path}” does not lead below {base}; a path is relative to the connection's address"
        )
    };
    let plain = path.split(['?', '#']).next().unwrap_or_default();
    let unescaped = plain
        .to_ascii_lowercase()
        .replace("%2f", "/")
        .replace("%5c", "/")
        .replace("%2e", ".")
        .replace('\\', "/");
    // What is read as an address loses its tabs and line ends, so `.\t.` is `..`, too.
    if path.contains(char::is_control)
        || unescaped.split('/').any(|segment| segment == "..")
        || unescaped.starts_with("//")
    {
        return Err(leaves());
    }
    let relative = path.strip_prefix('/').unwrap_or(path);
    // In front, so that a colon in the first segment does not make a scheme of it.
    let url = base
        .join(&format!("./{relative}"))
        .map_err(|e| format!("“{path}” is not a path: {e}"))?;
    let stays = url.origin() == base.origin() && url.path().starts_with(base.path());
    if stays { Ok(url) } else { Err(leaves()) }
}

/// A connection ready to be asked.
pub(crate) struct Service {
    base: Url,
    /// What says who asks: goes along with each request, and with none to elsewhere.
    header: Option<(HeaderName, HeaderValue)>,
    /// What must not come back to a script.
    secrets: Vec<Zeroizing<String>>,
}

/// The least bytes of a secret that are looked for in answers: shorter ones are found by chance.
const SECRET: usize = 6;

impl Service {
    /// From a connection of this kind; a sentence when it cannot be used.
    pub(crate) fn new(connection: &OpenConnection) -> Result<Self, String> {
        let config: HttpConfig =
            serde_json::from_value(connection.config.clone()).map_err(|e| e.to_string())?;
        let secret = match (&config.auth, &connection.secret) {
            (HttpAuth::None {}, _) => Zeroizing::default(),
            (_, Some(secret)) => secret.clone(),
            (_, None) => {
                return Err(format!(
                    "“{}” has no secret; `deputy connect http` with --secret-stdin gives it one",
                    connection.name
                ));
            }
        };
        let mut secrets = vec![secret.clone()];
        let (name, value) = match &config.auth {
            HttpAuth::None {} => (AUTHORIZATION, None),
            HttpAuth::Bearer {} => (AUTHORIZATION, Some(format!("Bearer {}", *secret))),
            HttpAuth::Basic { username } => {
                let both = basic(username, &secret);
                let encoded = both.trim_start_matches("Basic ").to_owned();
                secrets.push(Zeroizing::new(encoded));
                (AUTHORIZATION, Some(both))
            }
            HttpAuth::Header { name, prefix } => {
                (header_name(name)?, Some(format!("{prefix}{}", *secret)))
            }
        };
        let header = match value.map(Zeroizing::new) {
            None => None,
            Some(value) => {
                let mut value = HeaderValue::from_str(&value)
                    .map_err(|_| "its secret cannot be in a header".to_owned())?;
                value.set_sensitive(true);
                Some((name, value))
            }
        };
        secrets.retain(|secret| secret.len() >= SECRET);
        Ok(Self {
            base: base(&config.base_url).map_err(|e| e.to_string())?,
            header,
            secrets,
        })
    }

    /// The address of a path below the connection's own, or why there is none.
    pub(crate) fn at(&self, path: &str) -> Result<Url, String> {
        below(&self.base, path)
    }

    /// Puts what says who asks into `headers`, in place of what a script put there.
    pub(crate) fn authorise(&self, headers: &mut HeaderMap) {
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// What a service sent, without the secret that it was sent.
    pub(crate) fn without_secrets(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.secrets.iter().fold(bytes, |bytes, secret| {
            let secret = secret.as_bytes();
            let mut left = bytes.as_slice();
            let mut out = Vec::with_capacity(bytes.len());
            while let Some(at) = left.windows(secret.len()).position(|w| w == secret) {
                out.extend_from_slice(&left[..at]);
                out.extend_from_slice(b"[secret]");
                left = &left[at + secret.len()..];
            }
            if out.is_empty() {
                return bytes;
            }
            out.extend_from_slice(left);
            out
        })
    }
}

/// Tries the connection by reading `check_path`.
pub(super) async fn check(connection: &OpenConnection) -> (String, String) {
    let (state, message) = match tried(connection).await {
        Ok(url) => ("ok", format!("{url} answers.")),
        Err((state, message)) => (state, message),
    };
    (state.to_owned(), message)
}

async fn tried(connection: &OpenConnection) -> Result<Url, (&'static str, String)> {
    let failing = |message: String| ("failing", message);
    let service = Service::new(connection).map_err(failing)?;
    let path = connection.config["check_path"].as_str().unwrap_or_default();
    let url = service.at(path).map_err(failing)?;
    let mut headers = HeaderMap::new();
    service.authorise(&mut headers);
    let client = http_client()
        .timeout(PATIENCE)
        .build()
        .map_err(|e| failing(e.to_string()))?;
    let asking = client.get(url.clone()).headers(headers).send();
    let response = asking
        .await
        .map_err(|e| failing(format!("{url} cannot be reached: {}", e.without_url())))?;
    match response.status().as_u16() {
        // A redirect would lead elsewhere with the secret, so it is not a working address.
        200..=299 => Ok(url),
        // Whose own address is nothing that can be read may still be there for everything else.
        404 | 405 if path.is_empty() => Ok(url),
        status @ (401 | 403 | 407) => Err((
            "auth",
            format!("{url} refused who asks, with the status {status}"),
        )),
        status => Err(failing(format!("{url} answered with the status {status}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn service(auth: Value, secret: Option<&str>) -> Result<Service, String> {
        let config = json!({"base_url": "https://api.example.org/v1", "auth": auth});
        Service::new(&OpenConnection {
            key: 1,
            name: "api".to_owned(),
            kind: "http".to_owned(),
            config: check_config(&config).map_err(|e| e.to_string())?,
            secret: secret.map(|s| Zeroizing::new(s.to_owned())),
        })
    }

    #[test]
    fn a_secret_never_crosses_the_network_in_the_clear_and_is_not_in_the_settings() {
        let of = |base_url: &str, auth: Value| {
            check_config(&json!({"base_url": base_url, "auth": auth})).is_ok()
        };
        let bearer = || json!({"kind": "bearer"});
        assert!(of("https://api.example.org", bearer()));
        assert!(of("http://127.0.0.1:8080/v1", bearer()));
        for refused in [
            "http://api.example.org",
            "https://me:secret@api.example.org",
            "https://api.example.org/?key=secret",
            "ftp://api.example.org",
            "nonsense",
        ] {
            assert!(!of(refused, bearer()), "{refused}");
        }
        for refused in [
            json!({"kind": "other"}),
            json!({"kind": "header", "name": "Host"}),
            json!({"kind": "header", "name": "no name"}),
            json!({"kind": "header", "name": "X-Key", "prefix": "a\nb"}),
            json!({"kind": "basic", "username": "a:b"}),
            json!({"kind": "bearer", "token": "in the settings"}),
        ] {
            assert!(!of("https://api.example.org", refused.clone()), "{refused}");
        }
    }

    #[test]
    fn who_asks_is_said_in_each_services_own_way() {
        let said = |auth: Value| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("a script's"));
            service(auth, Some("s3cret!"))
                .unwrap()
                .authorise(&mut headers);
            let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned());
            (text("authorization").unwrap(), text("x-key"))
        };
        assert_eq!(said(json!({"kind": "bearer"})).0, "Bearer s3cret!");
        // The RFC's own way: base64 of both with a colon between them.
        assert_eq!(
            said(json!({"kind": "basic", "username": "me"})).0,
            "Basic bWU6czNjcmV0IQ=="
        );
        let header = said(json!({"kind": "header", "name": "X-Key", "prefix": "Bot "}));
        assert_eq!(header.1.as_deref(), Some("Bot s3cret!"));
        assert!(service(json!({"kind": "bearer"}), None).is_err());
        assert!(service(json!({"kind": "bearer"}), Some("two\nlines")).is_err());
        assert!(service(json!({"kind": "none"}), None).is_ok());
    }

    #[test]
    fn a_path_leads_below_the_connections_address_or_nowhere() {
        let service = service(json!({"kind": "none"}), None).unwrap();
        for (path, leads_to) in [
            ("", "https://api.example.org/v1/"),
            ("items/3?a=b#c", "https://api.example.org/v1/items/3?a=b#c"),
            ("/items", "https://api.example.org/v1/items"),
            ("./items", "https://api.example.org/v1/items"),
            ("a:b/c", "https://api.example.org/v1/a:b/c"),
            (
                "q?next=../../up",
                "https://api.example.org/v1/q?next=../../up",
            ),
        ] {
            assert_eq!(service.at(path).unwrap().as_str(), leads_to, "{path}");
        }
        for path in [
            "../v2",
            "items/../../v2",
            "%2e%2e/v2",
            "a/%2E./%2e%2E/v2",
            "a%2f..%2f..%2fv2",
            "..\\v2",
            "a%5c..%5c..%5cv2",
            "//evil.example/v1/",
            "/\\evil.example/",
            "a%2f.\t.%2f.\n.%2fv2",
        ] {
            assert!(service.at(path).is_err(), "{path}");
        }
        assert_eq!(
            service.at("https://evil.example/").unwrap().host_str(),
            Some("api.example.org")
        );
    }

    #[test]
    fn an_answer_does_not_bring_the_secret_to_the_script() {
        let basic = json!({"kind": "basic", "username": "me"});
        let service = service(basic, Some("s3cret!")).unwrap();
        let answer = b"\xff Basic bWU6czNjcmV0IQ== s3cret!s3cret! rest".to_vec();
        assert_eq!(
            service.without_secrets(answer),
            b"\xff Basic [secret] [secret][secret] rest"
        );
        assert_eq!(service.without_secrets(Vec::new()), b"");
        assert_eq!(service.without_secrets(b"s3cret!".to_vec()), b"[secret]");
    }

    proptest! {
        #[test]
        fn no_path_leads_elsewhere(path in "[a-z./\\t\\\\%25ecf2?#:@ \u{e9}]{0,24}") {
            let service = service(json!({"kind": "none"}), None).unwrap();
            if let Ok(url) = service.at(&path) {
                prop_assert_eq!(url.host_str(), Some("api.example.org"));
                prop_assert!(url.path().starts_with("/v1/"));
                prop_assert!(!url.path().split('/').any(|segment| segment == ".."));
            }
        }
    }
}
