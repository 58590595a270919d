//! `html`: parts and text of pages. Runs inside the sandbox's process.
//!
//! This file holds `select` and `toText`; `markdown.rs` and `readable.rs` the others.

mod markdown;
mod readable;

pub(super) use markdown::ToMarkdown;
pub(super) use readable::Readable;

use super::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use ego_tree::NodeRef;
use ego_tree::iter::Edge;
use schemars::JsonSchema;
use scraper::{Html, Node, Selector};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `html.select`
pub(super) struct Select;

/// What to look for.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SelectInput {
    /// The page.
    html: String,
    /// A CSS selector.
    selector: String,
    /// At most so many matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

/// What was found.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Matches {
    /// The elements, in the page's order.
    matches: Vec<Match>,
}

/// An element.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Match {
    /// Its text, blanks folded.
    text: String,
    /// Its attributes.
    attrs: BTreeMap<String, String>,
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Operation for Select {
    type Input = SelectInput;
    type Output = Matches;
    const NAME: &'static str = "html.select";
    const SUMMARY: &'static str = "Finds elements by a CSS selector.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Select {
    fn run(input: SelectInput) -> Result<Matches, ToolError> {
        let selector = Selector::parse(&input.selector).map_err(|e| {
            ToolError::invalid_input(
                Self::NAME,
                format!("“{}” is not a CSS selector: {e}", input.selector),
            )
        })?;
        let page = Html::parse_document(&input.html);
        let matches = page
            .select(&selector)
            .take(input.limit.unwrap_or(usize::MAX))
            .map(|element| Match {
                text: fold(&element.text().collect::<Vec<_>>().join(" ")),
                attrs: element
                    .value()
                    .attrs()
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .collect(),
            })
            .collect();
        Ok(Matches { matches })
    }
}

/// `html.toText`
pub(super) struct ToText;

/// A page.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The page.
    html: String,
}

/// Its text.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Text {
    /// The text that a reader sees, a line for each block.
    text: String,
}

impl Operation for ToText {
    type Input = Page;
    type Output = Text;
    const NAME: &'static str = "html.toText";
    const SUMMARY: &'static str = "The text of a page, without scripts and styles.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

const HIDDEN: &[&str] = &["script", "style", "noscript", "template", "head", "svg"];
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "li",
    "tr",
    "br",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "header",
    "footer",
    "ul",
    "ol",
    "table",
    "blockquote",
    "pre",
    "nav",
    "main",
    "aside",
    "dt",
    "dd",
];

impl PureOperation for ToText {
    fn run(input: Page) -> Result<Text, ToolError> {
        let page = Html::parse_document(&input.html);
        Ok(Text {
            text: text_of(page.tree.root()),
        })
    }
}

/// What a reader sees of a node, a line for each block.
fn text_of(node: NodeRef<'_, Node>) -> String {
    let mut lines = vec![String::new()];
    // Walked by edges, so that no depth of nesting can exhaust the stack.
    let mut hidden = 0usize;
    for edge in node.traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element(e) if HIDDEN.contains(&e.name()) => hidden += 1,
                Node::Element(e) if BLOCKS.contains(&e.name()) => lines.push(String::new()),
                Node::Text(text) if hidden == 0 => {
                    if let Some(line) = lines.last_mut() {
                        line.push_str(text);
                    }
                }
                _ => {}
            },
            Edge::Close(node) => {
                if let Node::Element(e) = node.value() {
                    if HIDDEN.contains(&e.name()) {
                        hidden = hidden.saturating_sub(1);
                    } else if BLOCKS.contains(&e.name()) {
                        lines.push(String::new());
                    }
                }
            }
        }
    }
    lines
        .iter()
        .map(|l| fold(l))
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PAGE: &str = "<html><head><title>t</title><style>x{}</style></head><body><h1>A <b>b</b></h1><script>evil()</script><p class=x>c</p><p>d<br>e</p></body></html>";

    #[test]
    fn elements_are_found() {
        let found = Select::run(SelectInput {
            html: PAGE.into(),
            selector: "p.x".into(),
            limit: None,
        })
        .unwrap();
        assert_eq!(
            (found.matches.len(), found.matches[0].text.as_str()),
            (1, "c")
        );
        assert_eq!(found.matches[0].attrs["class"], "x");
        assert!(
            Select::run(SelectInput {
                html: PAGE.into(),
                selector: "p[".into(),
                limit: None
            })
            .is_err()
        );
    }

    #[test]
    fn text_is_what_a_reader_sees() {
        assert_eq!(
            ToText::run(Page { html: PAGE.into() }).unwrap().text,
            "A b\nc\nd\ne"
        );
    }

    #[test]
    fn nesting_without_end_does_not_exhaust_a_small_stack() {
        let html = "<div>".repeat(4_000) + "deep";
        let small = std::thread::Builder::new().stack_size(512 << 10);
        let text = small
            .spawn(move || ToText::run(Page { html }).unwrap().text)
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(text, "deep");
    }
}
