//! The connection kind `search`: a service that searches the web, by its own API.
//!
//! Formats: [Brave](https://api-dashboard.search.brave.com/app/documentation/web-search/get-started),
//! [Tavily](https://docs.tavily.com/documentation/api-reference/endpoint/search),
//! [SearXNG](https://docs.searxng.org/dev/search_api.html).

use super::{ConfigError, safe_address};
use crate::tools::{OpenConnection, http_client, retry_after};
use reqwest::{Client, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// Who searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchProvider {
    /// Brave Search, with a key.
    Brave,
    /// Tavily, with a key.
    Tavily,
    /// A SearXNG of one's own, by its address.
    Searxng,
}

impl SearchProvider {
    fn address(self) -> Option<&'static str> {
        match self {
            Self::Brave => Some("https://api.search.brave.com"),
            Self::Tavily => Some("https://api.tavily.com"),
            Self::Searxng => None,
        }
    }
}

/// Settings of a search connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Who searches.
    pub provider: SearchProvider,
    /// Where, when not at the provider's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

const HINT: &str =
    "deputy connect search --provider brave|tavily --key-stdin, or --provider searxng --url URL";

/// Checks settings and returns them as they are kept.
pub(super) fn check_config(config: &Value) -> Result<Value, ConfigError> {
    let config: SearchConfig = serde_json::from_value(config.clone()).map_err(|e| {
        ConfigError::new(
            format!("these are not the settings of a search connection: {e}"),
            HINT,
        )
    })?;
    address(&config)?;
    serde_json::to_value(config).map_err(|e| ConfigError::new(e.to_string(), ""))
}

fn address(config: &SearchConfig) -> Result<Url, ConfigError> {
    let text = config.url.as_deref().or(config.provider.address());
    let text =
        text.ok_or_else(|| ConfigError::new("the address of the SearXNG is missing", HINT))?;
    safe_address(text, "key and queries", HINT)
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) snippet: String,
    pub(crate) published: Option<String>,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchFailure {
    /// The settings do not work.
    #[error("{0}")]
    Config(String),
    /// It could not be reached, or broke off.
    #[error("the search service cannot be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("the search service answered {status}: {message}")]
    Refused {
        status: u16,
        message: String,
        retry_after_ms: Option<u64>,
    },
    /// What it said is not what it says it says.
    #[error("the search service's answer cannot be read: {0}")]
    Unreadable(String),
}

/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;

struct Asked {
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

/// The request that a search is. Pure.
fn asked(
    config: &SearchConfig,
    key: Option<&str>,
    query: &str,
    count: u32,
) -> Result<Asked, SearchFailure> {
    let base = address(config).map_err(|e| SearchFailure::Config(e.to_string()))?;
    let at = |path: &str| {
        let base = base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).map_err(|e| SearchFailure::Config(e.to_string()))
    };
    let key = || {
        key.map(str::to_owned)
            .ok_or_else(|| SearchFailure::Config("the key is missing".to_owned()))
    };
    Ok(match config.provider {
        SearchProvider::Brave => {
            let mut url = at("/res/v1/web/search")?;
            url.query_pairs_mut()
                .append_pair("q", query)
                .append_pair("count", &count.to_string());
            Asked {
                method: Method::GET,
                url,
                headers: vec![("x-subscription-token", key()?)],
                body: None,
            }
        }
        SearchProvider::Tavily => Asked {
            method: Method::POST,
            url: at("/search")?,
            headers: vec![("authorization", format!("Bearer {}", key()?))],
            body: Some(json!({"query": query, "max_results": count})),
        },
        SearchProvider::Searxng => {
            let mut url = at("/search")?;
            url.query_pairs_mut()
                .append_pair("q", query)
                .append_pair("format", "json");
            Asked {
                method: Method::GET,
                url,
                headers: Vec::new(),
                body: None,
            }
        }
    })
}

/// The results in an answer. Pure.
fn hits(provider: SearchProvider, answer: &Value, count: u32) -> Result<Vec<Hit>, SearchFailure> {
    let (results, snippet, published) = match provider {
        // Without any result Brave leaves the whole part out.
        SearchProvider::Brave if answer["web"].is_null() && answer.is_object() => {
            return Ok(Vec::new());
        }
        SearchProvider::Brave => (&answer["web"]["results"], "description", "page_age"),
        SearchProvider::Tavily => (&answer["results"], "content", "published_date"),
        SearchProvider::Searxng => (&answer["results"], "content", "publishedDate"),
    };
    let results = results
        .as_array()
        .ok_or_else(|| SearchFailure::Unreadable("there is no list of results".to_owned()))?;
    let word = |of: &Value, key: &str| of[key].as_str().map(str::to_owned);
    let hits = results.iter().filter_map(|result| {
        Some(Hit {
            url: word(result, "url").filter(|url| url.starts_with("http"))?,
            title: word(result, "title").unwrap_or_default(),
            snippet: word(result, snippet).unwrap_or_default(),
            published: word(result, published),
        })
    });
    Ok(hits.take(count as usize).collect())
}

fn client() -> Result<&'static Client, SearchFailure> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            http_client()
                .timeout(PATIENCE)
                .build()
                .map_err(|e| e.to_string())
        })
        .as_ref()
        .map_err(|e| SearchFailure::Unreachable(e.clone()))
}

/// Searches.
pub(crate) async fn search(
    connection: &OpenConnection,
    query: &str,
    count: u32,
) -> Result<Vec<Hit>, SearchFailure> {
    let config: SearchConfig = serde_json::from_value(connection.config.clone())
        .map_err(|e| SearchFailure::Config(e.to_string()))?;
    let key = connection.secret.as_ref().map(|secret| secret.as_str());
    let asked = asked(&config, key, query, count)?;
    let mut request = client()?.request(asked.method, asked.url);
    for (name, value) in asked.headers {
        request = request.header(name, value);
    }
    if let Some(body) = asked.body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let unreachable = |e: reqwest::Error| SearchFailure::Unreachable(e.without_url().to_string());
    let mut response = request
        .header("accept", "application/json")
        .send()
        .await
        .map_err(unreachable)?;
    let status = response.status().as_u16();
    let wait = response.headers().get("retry-after");
    let retry_after_ms = wait
        .and_then(|value| value.to_str().ok())
        .and_then(retry_after);
    let body = super::body(&mut response, MAX_ANSWER).await;
    let body = { body.map_err(unreachable)? }
        .ok_or_else(|| SearchFailure::Unreadable("it is too long".to_owned()))?;
    if status != 200 {
        let message = match config.provider {
            SearchProvider::Searxng if status == 403 => {
                "its settings must allow the format “json” (search.formats)".to_owned()
            }
            _ => String::from_utf8_lossy(&body).chars().take(200).collect(),
        };
        return Err(SearchFailure::Refused {
            status,
            message,
            retry_after_ms,
        });
    }
    let answer: Value =
        serde_json::from_slice(&body).map_err(|e| SearchFailure::Unreadable(e.to_string()))?;
    hits(config.provider, &answer, count)
}

/// Tries the connection with a search.
pub(super) async fn check(connection: &OpenConnection) -> (String, String) {
    let (state, message) = match search(connection, "open source", 1).await {
        Ok(_) => ("ok", "It searches.".to_owned()),
        Err(
            failure @ SearchFailure::Refused {
                status: 401 | 403, ..
            },
        ) => ("auth", failure.to_string()),
        Err(failure) => ("failing", failure.to_string()),
    };
    (state.to_owned(), message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(provider: SearchProvider, url: Option<&str>) -> SearchConfig {
        let url = url.map(str::to_owned);
        SearchConfig { provider, url }
    }

    #[test]
    fn keys_and_queries_never_cross_the_network_in_the_clear() {
        let check = |config: Value| check_config(&config);
        assert!(check(json!({"provider": "brave"})).is_ok());
        assert!(check(json!({"provider": "searxng", "url": "http://127.0.0.1:8888"})).is_ok());
        for refused in [
            json!({"provider": "searxng"}),
            json!({"provider": "searxng", "url": "http://search.example.org"}),
            json!({"provider": "searxng", "url": "nonsense"}),
            json!({"provider": "other"}),
            json!({"provider": "brave", "key": "in the settings"}),
        ] {
            assert!(check(refused.clone()).is_err(), "{refused}");
        }
    }

    #[test]
    fn each_provider_is_asked_in_its_own_way() {
        let brave = asked(&config(SearchProvider::Brave, None), Some("k"), "a b", 5).unwrap();
        assert_eq!(
            brave.url.as_str(),
            "https://api.search.brave.com/res/v1/web/search?q=a+b&count=5"
        );
        assert_eq!(brave.headers, [("x-subscription-token", "k".to_owned())]);
        let tavily = asked(&config(SearchProvider::Tavily, None), Some("k"), "a", 5).unwrap();
        assert_eq!(tavily.body, Some(json!({"query": "a", "max_results": 5})));
        let own = config(SearchProvider::Searxng, Some("http://localhost:8888/s/"));
        let own = asked(&own, None, "a", 5).unwrap();
        assert_eq!(
            own.url.as_str(),
            "http://localhost:8888/s/search?q=a&format=json"
        );
        assert!(asked(&config(SearchProvider::Brave, None), None, "a", 5).is_err());
    }

    #[test]
    fn each_providers_answer_becomes_the_same() {
        let answers = [
            (
                SearchProvider::Brave,
                json!({"web": {"results": [{"title": "T", "url": "https://a.org", "description": "S", "page_age": "2026-01-01"}]}}),
            ),
            (
                SearchProvider::Tavily,
                json!({"results": [{"title": "T", "url": "https://a.org", "content": "S", "score": 0.9, "published_date": "2026-01-01"}]}),
            ),
            (
                SearchProvider::Searxng,
                json!({"results": [{"title": "T", "url": "https://a.org", "content": "S", "publishedDate": "2026-01-01"}, {"title": "no address"}]}),
            ),
        ];
        for (provider, answer) in answers {
            let hit = Hit {
                title: "T".to_owned(),
                url: "https://a.org".to_owned(),
                snippet: "S".to_owned(),
                published: Some("2026-01-01".to_owned()),
            };
            assert_eq!(hits(provider, &answer, 10).unwrap(), [hit]);
            assert!(hits(provider, &json!([]), 10).is_err(), "{provider:?}");
        }
        assert_eq!(
            hits(SearchProvider::Brave, &json!({"type": "search"}), 1).unwrap(),
            []
        );
    }
}
