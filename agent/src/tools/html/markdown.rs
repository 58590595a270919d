//! `html.toMarkdown`.

use super::{HIDDEN, Page};
use crate::tools::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use htmd::HtmlToMarkdown;
use markup5ever_rcdom::{Node, NodeData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// `html.toMarkdown`
pub(in crate::tools) struct ToMarkdown;

/// A page as Markdown.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(in crate::tools) struct Markdown {
    /// Headings, lists, links, tables, emphasis and code; without scripts and styles.
    markdown: String,
}

impl Operation for ToMarkdown {
    type Input = Page;
    type Output = Markdown;
    const NAME: &'static str = "html.toMarkdown";
    const SUMMARY: &'static str = "A page as Markdown.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for ToMarkdown {
    fn run(input: Page) -> Result<Markdown, ToolError> {
        markdown(Self::NAME, &input.html).map(|markdown| Markdown { markdown })
    }
}

/// The converter calls itself for each level, so levels are bounded: what is nested deeper moves up
/// to this one, as browsers do it (they at 512). No page for people comes near.
const MAX_DEPTH: usize = 128;

/// HTML as Markdown.
pub(super) fn markdown(tool: &str, html: &str) -> Result<String, ToolError> {
    let converter = HtmlToMarkdown::builder().skip_tags(HIDDEN.to_vec()).build();
    let page = converter
        .html_to_tree(html)
        .map_err(|e| ToolError::invalid_input(tool, e.to_string()))?;
    flatten(&page);
    Ok(converter.tree_to_markdown(&page).trim().to_owned())
}

fn flatten(page: &Rc<Node>) {
    let mut queue = vec![(Rc::clone(page), 0)];
    while let Some((node, depth)) = queue.pop() {
        if depth == MAX_DEPTH {
            let leaves = leaves(&node);
            for leaf in &leaves {
                leaf.parent.set(Some(Rc::downgrade(&node)));
            }
            node.children.replace(leaves);
            continue;
        }
        for child in node.children.borrow().iter() {
            queue.push((Rc::clone(child), depth + 1));
        }
    }
}

/// All that is visible and holds nothing else, in the page's order.
fn leaves(node: &Rc<Node>) -> Vec<Rc<Node>> {
    let mut leaves = Vec::new();
    let mut queue: Vec<Rc<Node>> = node.children.borrow().iter().rev().cloned().collect();
    while let Some(node) = queue.pop() {
        let is_hidden =
            matches!(&node.data, NodeData::Element { name, .. } if HIDDEN.contains(&&*name.local));
        if is_hidden {
            continue;
        }
        let children = node.children.borrow();
        if children.is_empty() {
            leaves.push(Rc::clone(&node));
        }
        queue.extend(children.iter().rev().cloned());
    }
    leaves
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn convert(html: &str) -> String {
        markdown("html.toMarkdown", html).unwrap()
    }

    #[test]
    fn headings_links_lists_and_tables_become_markdown() {
        let html = "<html><head><title>t</title><style>x{}</style></head><body><h1>A</h1><script>evil()</script>\
            <p>b <a href='https://a.org'>c</a> <strong>d</strong></p><ul><li>e</li></ul>\
            <table><thead><tr><th>f</th></tr></thead><tbody><tr><td>g</td></tr></tbody></table></body></html>";
        let text = convert(html);
        for part in ["# A", "b [c](https://a.org) **d**", "e", "| f |", "| g |"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("evil") && !text.contains("x{}"), "{text}");
    }

    #[test]
    fn nesting_without_end_keeps_its_text_and_does_not_exhaust_a_small_stack() {
        for tag in ["div", "b", "blockquote", "ul><li", "span", "table><tr><td"] {
            let html = format!(
                "<p>before</p>{}deep<script>evil()</script> end",
                format!("<{tag}>").repeat(3_000)
            );
            let small = std::thread::Builder::new().stack_size(1 << 20);
            let text = small.spawn(move || convert(&html)).unwrap().join().unwrap();
            assert!(text.contains("before") && text.contains("deep"), "{tag}");
            assert!(text.ends_with("end") || text.contains("end"), "{tag}");
            assert!(!text.contains("evil"), "{tag}");
        }
    }
}
