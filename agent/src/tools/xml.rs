//! `xml`: elements, attributes and text as plain objects. Runs inside the sandbox's process.
//!
//! Nothing outside the text is ever looked up: a document type is skipped, and an entity that it
//! would define is an error, so that neither a file nor a billion laughs can come of it.

use super::{Operation, PureOperation, ToolError};
use deputy_protocol::EffectClass;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many elements may stand in one another. JSON, as which they travel, has two levels for each
/// and is not read deeper than 128.
const MAX_DEPTH: usize = 60;

/// An element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct XmlElement {
    /// Its name as written, with its prefix: `dc:creator`.
    name: String,
    /// Its attributes by name.
    #[serde(default)]
    attrs: BTreeMap<String, String>,
    /// What it holds, in order: elements, and text as strings.
    #[serde(default)]
    children: Vec<XmlNode>,
}

/// An element or text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum XmlNode {
    /// Text.
    Text(String),
    /// An element.
    Element(XmlElement),
}

/// `xml.parse`
pub(super) struct Parse;

/// A document.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParseInput {
    /// The document.
    text: String,
    /// Keep text that is nothing but blanks; without it such text between elements is left out.
    #[serde(default)]
    keep_blanks: bool,
}

/// A document.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Document {
    /// Its outermost element. Comments and processing instructions are left out.
    root: XmlElement,
}

impl Operation for Parse {
    type Input = ParseInput;
    type Output = Document;
    const NAME: &'static str = "xml.parse";
    const SUMMARY: &'static str = "Reads XML, up to 60 elements deep, without entities of its own.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Parse {
    fn run(input: ParseInput) -> Result<Document, ToolError> {
        read(&input.text, input.keep_blanks)
            .map(|root| Document { root })
            .map_err(|message| ToolError::invalid_input(Self::NAME, message))
    }
}

/// The outermost element of a document, or why it cannot be read.
pub(crate) fn read(text: &str, keep_blanks: bool) -> Result<XmlElement, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut tree = Tree::new(keep_blanks);
    loop {
        let event = reader.read_event();
        let read = event.map_err(|e| e.to_string()).and_then(|event| {
            if matches!(event, Event::Eof) {
                return Ok(false);
            }
            tree.take(event).map(|()| true)
        });
        match read {
            Ok(true) => {}
            Ok(false) => return tree.finish(),
            Err(message) => {
                let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
                return Err(format!(
                    "this is not XML that can be read (line {line}): {message}"
                ));
            }
        }
    }
}

/// For whoever knows what they look for: names count without their prefix, which each server chooses.
impl XmlElement {
    /// Its name without a prefix.
    pub(crate) fn local_name(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or_default()
    }

    /// The elements in it.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        { self.children.iter() }.filter_map(|node| match node {
            XmlNode::Element(element) => Some(element),
            XmlNode::Text(_) => None,
        })
    }

    /// The first element of a name within it, however deep.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        { self.elements() }.find_map(|child| {
            if child.local_name() == name {
                Some(child)
            } else {
                child.find(name)
            }
        })
    }

    /// An attribute's value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attrs.get(name).map(String::as_str)
    }

    /// The text that stands in it itself.
    pub(crate) fn text(&self) -> String {
        { self.children.iter() }
            .filter_map(|node| match node {
                XmlNode::Text(text) => Some(text.as_str()),
                XmlNode::Element(_) => None,
            })
            .collect()
    }
}

/// The elements that are open, outermost first.
struct Tree {
    open: Vec<XmlElement>,
    root: Option<XmlElement>,
    keep_blanks: bool,
}

impl Tree {
    fn new(keep_blanks: bool) -> Self {
        Self {
            open: Vec::new(),
            root: None,
            keep_blanks,
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().map_err(|e| e.to_string())? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_xml_entity(&entity)
                        .ok_or_else(|| format!("the entity &{}; is not known", &*entity))?
                        .to_owned(),
                };
                self.text(&resolved)
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {
                Ok(())
            }
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} elements deep"));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err("there is more than one outermost element".to_owned());
        }
        let name = start.name().0.to_owned();
        check_name(&name)?;
        let mut attrs = BTreeMap::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|e| e.to_string())?;
            attrs.insert(attribute.key.0.to_owned(), value.into_owned());
        }
        self.open.push(XmlElement {
            name,
            attrs,
            children: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self) {
        let Some(mut element) = self.open.pop() else {
            return;
        };
        if !self.keep_blanks {
            let is_blank =
                |node: &XmlNode| matches!(node, XmlNode::Text(text) if text.trim().is_empty());
            element.children.retain(|node| !is_blank(node));
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(XmlNode::Element(element)),
            None => self.root = Some(element),
        }
    }

    /// Text in several pieces (around an entity, a comment, CDATA) is one text.
    fn text(&mut self, text: &str) -> Result<(), String> {
        let Some(parent) = self.open.last_mut() else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err("there is text outside the outermost element".to_owned())
            };
        };
        match parent.children.last_mut() {
            Some(XmlNode::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => parent.children.push(XmlNode::Text(text.to_owned())),
        }
        Ok(())
    }

    fn finish(self) -> Result<XmlElement, String> {
        match (self.open.last(), self.root) {
            (Some(open), _) => Err(format!("the element {} is not closed", open.name)),
            (None, Some(root)) => Ok(root),
            (None, None) => Err("there is no element in it".to_owned()),
        }
    }
}

/// `xml.format`
pub(super) struct Format;

/// A document to write.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatInput {
    /// Its outermost element, as `xml.parse` gives it.
    root: XmlElement,
    /// Whether to begin with `<?xml version="1.0" encoding="UTF-8"?>`.
    #[serde(default)]
    declaration: bool,
}

/// A document as text.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Text {
    /// The document, without added blanks, so that no text changes.
    text: String,
}

impl Operation for Format {
    type Input = FormatInput;
    type Output = Text;
    const NAME: &'static str = "xml.format";
    const SUMMARY: &'static str = "Writes XML.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Format {
    fn run(input: FormatInput) -> Result<Text, ToolError> {
        let mut writer = Writer::new(Vec::new());
        let bad = |message: String| ToolError::invalid_input(Self::NAME, message);
        if input.declaration {
            writer
                .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
                .map_err(|e| bad(e.to_string()))?;
        }
        write(&mut writer, &input.root).map_err(bad)?;
        let text = String::from_utf8(writer.into_inner()).map_err(|e| bad(e.to_string()))?;
        Ok(Text { text })
    }
}

/// Not deeper than JSON could bring it here.
fn write(writer: &mut Writer<Vec<u8>>, element: &XmlElement) -> Result<(), String> {
    check_name(&element.name)?;
    let mut start = BytesStart::new(element.name.as_str());
    for (name, value) in &element.attrs {
        check_name(name)?;
        check_text(value)?;
        let escaped = escape(value, true);
        start.push_attribute(quick_xml::events::attributes::Attribute {
            key: quick_xml::name::QName(name),
            value: escaped.into(),
        });
    }
    let io = |e: std::io::Error| e.to_string();
    if element.children.is_empty() {
        return writer.write_event(Event::Empty(start)).map_err(io);
    }
    writer.write_event(Event::Start(start)).map_err(io)?;
    for child in &element.children {
        match child {
            XmlNode::Element(element) => write(writer, element)?,
            XmlNode::Text(text) => {
                check_text(text)?;
                let text = BytesText::from_escaped(escape(text, false));
                writer.write_event(Event::Text(text)).map_err(io)?;
            }
        }
    }
    let end = BytesEnd::new(element.name.as_str());
    writer.write_event(Event::End(end)).map_err(io)
}

/// Line ends and tabs are written as references where a reader would change them.
fn escape(text: &str, attribute: bool) -> String {
    let mut escaped = quick_xml::escape::escape(text).replace('\r', "&#13;");
    if attribute {
        escaped = escaped.replace('\n', "&#10;").replace('\t', "&#9;");
    }
    escaped
}

fn check_name(name: &str) -> Result<(), String> {
    let starts = |c: char| c.is_alphabetic() || c == '_' || c == ':';
    let goes_on = |c: char| starts(c) || c.is_alphanumeric() || "-.·".contains(c);
    let mut characters = name.chars();
    if characters.next().is_some_and(starts) && characters.all(goes_on) {
        Ok(())
    } else {
        Err(format!("“{name}” is not a name in XML"))
    }
}

fn check_text(text: &str) -> Result<(), String> {
    let forbidden = |c: char| {
        (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    match text.chars().find(|c| forbidden(*c)) {
        Some(c) => Err(format!("the character {c:?} cannot stand in XML")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parse(text: &str) -> Result<Value, ToolError> {
        let input = serde_json::from_value(json!({"text": text})).unwrap();
        Parse::run(input).map(|d| serde_json::to_value(d.root).unwrap())
    }

    fn format(root: Value) -> Result<String, ToolError> {
        Format::run(serde_json::from_value(json!({"root": root})).unwrap()).map(|t| t.text)
    }

    #[test]
    fn elements_attributes_and_text_keep_their_order() {
        let root = parse("<?xml version=\"1.0\"?><!DOCTYPE a><!-- c -->\n<a x='1 &amp; 2'>\n one &lt;<![CDATA[<two>]]>&#51; <dc:b/> four</a>\n").unwrap();
        assert_eq!(
            root,
            json!({"name": "a", "attrs": {"x": "1 & 2"}, "children": [
                "\n one <<two>3 ", {"name": "dc:b", "attrs": {}, "children": []}, " four"]})
        );
    }

    #[test]
    fn entities_of_the_document_are_refused_and_nothing_is_read_for_them() {
        let laughs = r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>"#;
        let file = r#"<!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]><l x="&f;"/>"#;
        for text in [laughs, file] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.code, "invalid_input");
            assert!(!error.message.contains("root:"), "{}", error.message);
        }
        assert!(parse(laughs).unwrap_err().message.contains("&b;"));
    }

    #[test]
    fn what_is_not_well_formed_is_an_error_with_its_line() {
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>\n<b x=1/></a>",
            "<a/>x",
            "<a x='1' x='2'/>",
            "</a>",
            "<a>&nbsp;</a>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let error = parse("<a>\n<b>\n</c></a>").unwrap_err();
        assert!(error.message.contains("line 3"), "{}", error.message);
    }

    #[test]
    fn nesting_is_bounded_and_what_is_within_the_bound_travels_as_json() {
        let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        let root = parse(&nested(MAX_DEPTH)).unwrap();
        let text = json!({"root": root}).to_string();
        assert!(serde_json::from_str::<FormatInput>(&text).is_ok());
        assert!(
            parse(&nested(MAX_DEPTH + 1))
                .unwrap_err()
                .message
                .contains("60")
        );
    }

    #[test]
    fn what_xml_cannot_hold_is_refused() {
        for root in [
            json!({"name": "a b"}),
            json!({"name": "<"}),
            json!({"name": "1"}),
            json!({"name": "a", "attrs": {"x y": ""}}),
            json!({"name": "a", "children": ["\u{1}"]}),
        ] {
            assert!(format(root.clone()).is_err(), "{root}");
        }
    }

    fn element() -> impl Strategy<Value = Value> {
        let name = "[a-z_][a-z0-9.-]{0,4}(:[a-z]{1,3})?";
        let attrs = proptest::collection::btree_map(name, "[a-z <>&'\"\r\n\tü]{0,6}", 0..3);
        let leaf = (name, attrs.clone())
            .prop_map(|(name, attrs)| json!({"name": name, "attrs": attrs, "children": []}));
        leaf.prop_recursive(4, 20, 4, move |inner| {
            // A text before each element, so that no two texts meet and become one.
            let child = ("[a-z<>&'\"\r\n\t]{0,5}[a-z]", inner)
                .prop_map(|(text, element)| vec![json!(text), element]);
            (name, attrs.clone(), proptest::collection::vec(child, 0..3)).prop_map(
                |(name, attrs, children)| {
                    json!({"name": name, "attrs": attrs, "children": children.concat()})
                },
            )
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(root in element()) {
            prop_assert_eq!(parse(&format(root.clone()).unwrap()).unwrap(), root);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[<>/a-c&;#!\\[\\] ='\"\\-?]{0,40}") {
            let _ = parse(&text);
        }
    }
}
