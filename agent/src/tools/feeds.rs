//! `feeds`: RSS, Atom and JSON Feed.

use super::http::{self, Request};
use super::{CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError};
use crate::clock::BoxFuture;
use deputy_protocol::{EffectClass, FailureClass};
use reqwest::Method;
use reqwest::header::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `feeds.read`
pub(super) struct Read;

/// Which feed.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadInput {
    /// The feed's address.
    url: String,
}

/// A feed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Feed {
    /// Its title.
    title: String,
    /// Its items, in its own order.
    items: Vec<Item>,
}

/// An item of a feed.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Item {
    /// The same at every reading: the feed's own id, else its link, else a hash of title and time.
    id: String,
    /// Its title.
    title: String,
    /// Its address, if it has one.
    link: Option<String>,
    /// When it was published (RFC 3339), if it says so.
    published: Option<String>,
    /// Its summary or content, as the feed has it; may be HTML.
    summary: String,
}

impl Operation for Read {
    type Input = ReadInput;
    type Output = Feed;
    const NAME: &'static str = "feeds.read";
    const SUMMARY: &'static str = "Reads an RSS, Atom or JSON feed.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Hosts];

    fn resources(input: &ReadInput) -> Result<Vec<Resource>, ToolError> {
        Ok(vec![http::host_resource(&http::parse_url(
            Self::NAME,
            &input.url,
        )?)])
    }

    fn title(input: &ReadInput) -> String {
        format!("Read the feed {}", input.url)
    }
}

impl OutsideOperation for Read {
    fn run<'a>(
        input: ReadInput,
        call: &'a CallInfo,
        _env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<Feed, ToolError>> {
        Box::pin(async move {
            let request = Request {
                method: Method::GET,
                url: http::parse_url(Self::NAME, &input.url)?,
                headers: HeaderMap::new(),
                body: Vec::new(),
                timeout: None,
                class: EffectClass::Read,
                stays: false,
            };
            let answer = http::send(Self::NAME, call, request).await?;
            let answer = http::accepted(Self::NAME, answer, EffectClass::Read, &[])?;
            parse(&answer.body, &input.url)
        })
    }
}

fn parse(body: &[u8], url: &str) -> Result<Feed, ToolError> {
    // Without an id of its own an item gets none from the parser, so that ours is always the same.
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url))
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .build();
    let feed = parser.parse(body).map_err(|e| {
        let start = String::from_utf8_lossy(&body[..body.len().min(512)]).to_ascii_lowercase();
        let what = if start.contains("<!doctype html") || start.contains("<html") {
            "it is a web page; look for the feed's own address on it".to_owned()
        } else {
            e.to_string()
        };
        ToolError::not_done(
            FailureClass::Precondition,
            "not_a_feed",
            Read::NAME,
            format!("{url} is not a feed: {what}"),
        )
    })?;
    Ok(Feed {
        title: feed.title.map(|t| t.content).unwrap_or_default(),
        items: feed.entries.into_iter().map(item).collect(),
    })
}

fn item(entry: feed_rs::model::Entry) -> Item {
    let title = entry.title.map(|t| t.content).unwrap_or_default();
    let link = entry.links.into_iter().next().map(|l| l.href);
    let published = entry.published.or(entry.updated).map(|t| t.to_rfc3339());
    let id = if !entry.id.is_empty() {
        entry.id
    } else if let Some(link) = &link {
        link.clone()
    } else {
        let seen = format!("{title}\n{}", published.as_deref().unwrap_or(""));
        format!("hash:{}", &blake3::hash(seen.as_bytes()).to_hex()[..32])
    };
    let summary = entry
        .summary
        .map(|t| t.content)
        .or_else(|| entry.content.and_then(|c| c.body))
        .unwrap_or_default();
    Item {
        id,
        title,
        link,
        published,
        summary,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RSS: &str = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
        <item><title>One</title><link>https://a.org/1</link><guid>g1</guid><description>about rust</description></item>
        <item><title>Two</title><link>https://a.org/2</link></item>
        <item><title>Three</title></item></channel></rss>"#;

    #[test]
    fn ids_are_the_same_at_every_reading() {
        let ids = || -> Vec<String> {
            parse(RSS.as_bytes(), "https://a.org")
                .unwrap()
                .items
                .into_iter()
                .map(|i| i.id)
                .collect()
        };
        let first = ids();
        assert_eq!(first[..2], ["g1", "https://a.org/2"]);
        assert!(first[2].starts_with("hash:"));
        assert_eq!(first, ids());
    }

    #[test]
    fn atom_and_json_feeds_are_read() {
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><id>x</id><updated>2026-01-01T00:00:00Z</updated>
            <entry><id>e1</id><title>T</title><updated>2026-01-01T00:00:00Z</updated><summary>S</summary></entry></feed>"#;
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"j1","title":"T","content_text":"C"}]}"#;
        assert_eq!(
            parse(atom.as_bytes(), "https://a.org").unwrap().items[0].id,
            "e1"
        );
        assert_eq!(
            parse(json.as_bytes(), "https://a.org").unwrap().items[0].id,
            "j1"
        );
    }

    #[test]
    fn a_web_page_is_not_a_feed_and_the_error_says_so() {
        let error = parse(
            b"<!DOCTYPE html><html><body>hi</body></html>",
            "https://a.org",
        )
        .err()
        .unwrap();
        assert_eq!(error.code, "not_a_feed");
        assert!(error.message.contains("web page"), "{}", error.message);
    }
}
