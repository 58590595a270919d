//! `html.readable`: the main content of a page, by where its text is dense: paragraphs with commas
//! count for the elements around them, links and the names of menus count against. It knows nothing
//! about single sites; a page without running text (a list of products, an app made by scripts) has
//! no main content that it could find, and the answer says so.

use super::markdown::markdown;
use super::{HIDDEN, Page, fold, text_of};
use crate::tools::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use ego_tree::NodeId;
use ego_tree::iter::Edge;
use schemars::JsonSchema;
use scraper::node::Element;
use scraper::{ElementRef, Html, Node, Selector};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// `html.readable`
pub(in crate::tools) struct Readable;

/// What a page is about.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Article {
    /// Its title.
    title: String,
    /// The main content as text, a line for each block.
    text: String,
    /// The main content as Markdown, with its links.
    markdown: String,
    /// Whether there is running text that stands out. If not, the content is all of the page but its
    /// menus.
    confident: bool,
}

impl Operation for Readable {
    type Input = Page;
    type Output = Article;
    const NAME: &'static str = "html.readable";
    const SUMMARY: &'static str =
        "Title and main content of a page, without menus and the like; a guess by its text.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Readable {
    fn run(input: Page) -> Result<Article, ToolError> {
        let mut page = Html::parse_document(&input.html);
        let title = title(&page);
        strip(&mut page);
        let best = best(&page);
        let confident = best.is_some();
        let content = best
            .and_then(|id| page.tree.get(id))
            .unwrap_or_else(|| page.tree.root());
        let html = match ElementRef::wrap(content) {
            Some(element) => element.inner_html(),
            None => page.root_element().inner_html(),
        };
        Ok(Article {
            title,
            text: text_of(content),
            markdown: markdown(Self::NAME, &html)?,
            confident,
        })
    }
}

fn title(page: &Html) -> String {
    let of = |selector: &str, attribute: Option<&str>| {
        let selector = Selector::parse(selector).ok()?;
        let element = page.select(&selector).next()?;
        let text = match attribute {
            Some(name) => fold(element.value().attr(name)?),
            None => fold(&element.text().collect::<String>()),
        };
        (!text.is_empty()).then_some(text)
    };
    of("meta[property='og:title']", Some("content"))
        .or_else(|| of("head title", None))
        .or_else(|| of("h1", None))
        .unwrap_or_default()
}

/// Elements that are never content.
const ASIDE: &[&str] = &[
    "nav", "aside", "footer", "form", "button", "select", "iframe", "dialog",
];

/// Parts of names (classes, ids, roles) of what is seldom content.
const AGAINST: &[&str] = &[
    "comment",
    "sidebar",
    "footer",
    "menu",
    "navbar",
    "navigation",
    "breadcrumb",
    "cookie",
    "consent",
    "banner",
    "advert",
    "sponsor",
    "promo",
    "related",
    "share",
    "social",
    "newsletter",
    "popup",
    "modal",
    "pagination",
    "masthead",
    "contentinfo",
    "complementary",
];

/// Parts of names of what mostly is content.
const FOR: &[&str] = &[
    "article", "content", "entry", "main", "post", "story", "body", "text",
];

fn names(element: &Element) -> String {
    ["class", "id", "role"]
        .iter()
        .filter_map(|name| element.attr(name))
        .collect::<Vec<_>>()
        .join(" ")
        .to_ascii_lowercase()
}

/// Takes out what is hidden or never content.
fn strip(page: &mut Html) {
    let goes = |node: &Node| match node {
        Node::Comment(_) => true,
        Node::Element(e) => {
            HIDDEN.contains(&e.name())
                || ASIDE.contains(&e.name())
                || e.attr("hidden").is_some()
                || e.attr("aria-hidden") == Some("true")
        }
        _ => false,
    };
    let gone: Vec<NodeId> = page
        .tree
        .nodes()
        .filter(|node| goes(node.value()))
        .map(|node| node.id())
        .collect();
    for id in gone {
        if let Some(mut node) = page.tree.get_mut(id) {
            node.detach();
        }
    }
}

/// Shorter paragraphs say nothing about where the content is.
const PARAGRAPH: usize = 25;

/// What stands out must have the weight of a few sentences.
const LEAST: f64 = 6.0;

/// What is known about an element's text, in characters.
#[derive(Clone, Copy, Default)]
struct Size {
    text: usize,
    links: usize,
    commas: usize,
}

/// The element whose text stands out.
fn best(page: &Html) -> Option<NodeId> {
    let mut scores: HashMap<NodeId, f64> = HashMap::new();
    let mut sizes: HashMap<NodeId, Size> = HashMap::new();
    let mut open: Vec<Size> = Vec::new();
    let mut links = 0usize;
    for edge in page.tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text) => {
                    let text = text.trim();
                    let length = text.chars().count();
                    if let Some(size) = open.last_mut() {
                        size.text += length;
                        size.links += if links > 0 { length } else { 0 };
                        size.commas += text.matches([',', '，', '、']).count();
                    }
                }
                Node::Element(e) => {
                    links += usize::from(e.name() == "a");
                    open.push(Size::default());
                }
                _ => {}
            },
            Edge::Close(node) => {
                let Node::Element(element) = node.value() else {
                    continue;
                };
                links -= usize::from(element.name() == "a");
                let size = open.pop().unwrap_or_default();
                if let Some(around) = open.last_mut() {
                    around.text += size.text;
                    around.links += size.links;
                    around.commas += size.commas;
                }
                sizes.insert(node.id(), size);
                if !matches!(element.name(), "p" | "pre" | "blockquote" | "td" | "dd")
                    || size.text < PARAGRAPH
                {
                    continue;
                }
                let points = 1.0 + size.commas as f64 + (size.text as f64 / 100.0).min(3.0);
                for (around, share) in node.ancestors().zip([1.0, 0.5, 0.25]) {
                    *scores.entry(around.id()).or_default() += points * share;
                }
            }
        }
    }
    let weigh = |(id, score): (NodeId, f64)| {
        let Node::Element(element) = page.tree.get(id)?.value() else {
            return None;
        };
        let size = sizes.get(&id).copied().unwrap_or_default();
        let prose = 1.0 - size.links as f64 / size.text.max(1) as f64;
        Some((id, score * prose * by_name(element)))
    };
    // Of equals the first in the page, so that the answer is always the same.
    page.tree
        .nodes()
        .filter_map(|node| scores.get(&node.id()).map(|score| (node.id(), *score)))
        .filter_map(weigh)
        .filter(|(_, score)| *score >= LEAST)
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(id, _)| id)
}

fn by_name(element: &Element) -> f64 {
    let names = names(element);
    let has = |parts: &[&str]| parts.iter().any(|part| names.contains(part));
    let tag = if matches!(element.name(), "article" | "main") {
        1.5
    } else {
        1.0
    };
    match (has(FOR), has(AGAINST)) {
        (true, false) => tag * 1.25,
        (false, true) => tag * 0.4,
        (true, true) | (false, false) => tag,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const SENTENCE: &str = "The committee met on Tuesday, heard three reports, and adjourned without a vote, which nobody had expected.";

    fn read(html: &str) -> Article {
        Readable::run(Page {
            html: html.to_owned(),
        })
        .unwrap()
    }

    fn page(body: &str) -> String {
        let menu: String = (0..40)
            .map(|i| format!("<li><a href='/{i}'>Menu entry, number {i}, of the site</a></li>"))
            .collect();
        format!(
            "<html><head><title>Site</title><meta property='og:title' content='The vote'></head><body>\
             <nav><ul>{menu}</ul></nav><div class='sidebar'><p><a href='/x'>{SENTENCE}</a></p></div>{body}\
             <div id='comments'><p>I do not agree, at all, with any of this, sorry, no.</p></div><footer>Imprint</footer></body></html>"
        )
    }

    #[test]
    fn the_article_is_found_among_menus_comments_and_footers() {
        for (open, close) in [
            ("<article>", "</article>"),
            ("<div><div class='c7'>", "</div></div>"),
            ("<table><tr><td>", "</td></tr></table>"),
        ] {
            let paragraphs =
                format!("<p>{SENTENCE} <a href='https://a.org/r'>Report</a></p>").repeat(6);
            let article = read(&page(&format!(
                "{open}<h1>A vote</h1>{paragraphs}<script>evil()</script>{close}"
            )));
            assert_eq!(article.title, "The vote");
            assert!(article.confident, "{open}");
            assert_eq!(
                article.text.matches("committee").count(),
                6,
                "{open}: {}",
                article.text
            );
            assert!(
                article.markdown.contains("[Report](https://a.org/r)"),
                "{open}"
            );
            for noise in ["Menu entry", "agree", "Imprint", "evil"] {
                assert!(!article.text.contains(noise), "{open}: {noise}");
                assert!(!article.markdown.contains(noise), "{open}: {noise}");
            }
        }
    }

    #[test]
    fn a_page_without_running_text_says_that_it_has_none() {
        let article = read(
            "<title>Shop</title><nav>menu</nav><ul><li>Tea 3 EUR</li><li>Coffee 4 EUR</li></ul>",
        );
        assert!(!article.confident);
        assert_eq!(
            (article.title.as_str(), article.text.as_str()),
            ("Shop", "Tea 3 EUR\nCoffee 4 EUR")
        );
    }

    #[test]
    fn nothing_at_all_is_no_error() {
        let article = read("");
        assert_eq!((article.text.as_str(), article.confident), ("", false));
    }

    #[test]
    fn nesting_without_end_does_not_exhaust_a_small_stack() {
        let html = format!("{}<p>{SENTENCE}</p>", "<div>".repeat(3_000));
        let small = std::thread::Builder::new().stack_size(1 << 20);
        let article = small.spawn(move || read(&html)).unwrap().join().unwrap();
        assert!(article.text.contains("committee"));
    }

    proptest! {
        #[test]
        fn any_page_is_read(html in "(<(div|p|a|td|tr|table|nav|/div|/p|/a|svg|template|select)>|[a-z, ]{1,30}){0,20}") {
            read(&html);
        }
    }
}
