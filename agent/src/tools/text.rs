//! `text`: differences and templates. Runs inside the sandbox's process.

use super::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

/// `text.diff`
pub(super) struct Diff;

/// Two texts.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffInput {
    /// The older.
    before: String,
    /// The newer.
    after: String,
}

/// What changed.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DiffOutput {
    /// Whether anything did.
    changed: bool,
    /// Lines that came.
    added: u32,
    /// Lines that went.
    removed: u32,
    /// The change in unified form, with 2 lines of context.
    unified: String,
}

impl Operation for Diff {
    type Input = DiffInput;
    type Output = DiffOutput;
    const NAME: &'static str = "text.diff";
    const SUMMARY: &'static str = "What changed between two texts, line by line.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Diff {
    fn run(input: DiffInput) -> Result<DiffOutput, ToolError> {
        let diff = TextDiff::from_lines(&input.before, &input.after);
        let count = |tag| {
            u32::try_from(diff.iter_all_changes().filter(|c| c.tag() == tag).count())
                .unwrap_or(u32::MAX)
        };
        Ok(DiffOutput {
            changed: input.before != input.after,
            added: count(ChangeTag::Insert),
            removed: count(ChangeTag::Delete),
            unified: diff.unified_diff().context_radius(2).to_string(),
        })
    }
}

/// `text.template`
pub(super) struct Template;

/// A text with gaps.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateInput {
    /// Text in which `{{name}}` stands for a value.
    template: String,
    /// The values by name.
    values: Map<String, Value>,
    /// Escape values for HTML.
    #[serde(default)]
    html: bool,
}

/// The text.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct TemplateOutput {
    /// With every gap filled.
    text: String,
}

impl Operation for Template {
    type Input = TemplateInput;
    type Output = TemplateOutput;
    const NAME: &'static str = "text.template";
    const SUMMARY: &'static str = "Fills values into a text.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Template {
    fn run(input: TemplateInput) -> Result<TemplateOutput, ToolError> {
        let mut text = String::new();
        let mut rest = input.template.as_str();
        while let Some(at) = rest.find("{{") {
            text.push_str(&rest[..at]);
            let Some(end) = rest[at..].find("}}") else {
                return Err(ToolError::invalid_input(Self::NAME, "a {{ is not closed"));
            };
            let name = rest[at + 2..at + end].trim();
            let value = input.values.get(name).ok_or_else(|| {
                ToolError::invalid_input(Self::NAME, format!("there is no value “{name}”"))
            })?;
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            text.push_str(&if input.html {
                escape_html(&value)
            } else {
                value
            });
            rest = &rest[at + end + 2..];
        }
        text.push_str(rest);
        Ok(TemplateOutput { text })
    }
}

/// A text as it stands within HTML, in elements and in quoted attributes.
pub(crate) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_counted_and_shown() {
        let diff = Diff::run(DiffInput {
            before: "a\nb\n".into(),
            after: "a\nc\nd\n".into(),
        })
        .unwrap();
        assert_eq!((diff.changed, diff.added, diff.removed), (true, 2, 1));
        assert!(diff.unified.contains("+c"));
    }

    #[test]
    fn gaps_are_filled_and_escaped_and_none_is_left_silently() {
        let fill = |template: &str, html| {
            let values = json!({"a": "<b>", "n": 3}).as_object().unwrap().clone();
            Template::run(TemplateInput {
                template: template.into(),
                values,
                html,
            })
            .map(|o| o.text)
        };
        assert_eq!(fill("{{a}} {{ n }}", true).unwrap(), "&lt;b&gt; 3");
        assert_eq!(fill("{{a}}", false).unwrap(), "<b>");
        assert!(fill("{{missing}}", false).is_err());
        assert!(fill("{{a", false).is_err());
    }
}
