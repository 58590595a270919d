//! Tools: the only doors of a script. One Rust type per operation defines its name, schemas,
//! effect class, resources, title and how it runs; from that one definition come the gate, the
//! journal, the TypeScript declarations and the docs.
//!
//! `operation.rs` holds the traits, `registry.rs` the set of them, `declarations.rs` the
//! TypeScript, `canonical.rs` what makes two calls the same, and every other file one namespace.

mod bytes;
mod calendar;
pub mod canonical;
mod csv;
mod declarations;
mod feeds;
mod files;
mod html;
mod http;
mod image;
pub mod limits;
mod llm;
mod mail;
mod notes;
mod notify;
pub mod operation;
mod registry;
mod search;
mod text;
mod time;
mod web;
mod xml;

pub use bytes::Bytes;
pub use declarations::declarations;
pub(crate) use http::{builder as http_client, push_client, retry_after};
pub(crate) use mail::{mail_day, mail_summary};
pub use operation::*;
pub use registry::{Checked, Entry, Kind, Registry, split_once};
pub(crate) use text::escape_html;
pub(crate) use xml::{XmlElement, read as read_xml};

use std::sync::OnceLock;

/// The tools of this build.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        Registry::default()
            .pure::<csv::Format>()
            .pure::<csv::Parse>()
            .outside::<feeds::Read>()
            .outside::<files::Append>()
            .outside::<files::Copy>()
            .outside::<files::List>()
            .outside::<files::Move>()
            .outside::<files::Read>()
            .outside::<files::Search>()
            .outside::<files::Stat>()
            .outside::<files::Trash>()
            .outside::<files::Write>()
            .pure::<html::Readable>()
            .pure::<html::Select>()
            .pure::<html::ToMarkdown>()
            .pure::<html::ToText>()
            .outside::<image::Generate>()
            .pure::<image::Transform>()
            .outside::<calendar::Create>()
            .outside::<calendar::Delete>()
            .outside::<calendar::Get>()
            .outside::<calendar::List>()
            .outside::<calendar::Update>()
            .outside::<mail::Draft>()
            .outside::<mail::Get>()
            .outside::<mail::Label>()
            .outside::<mail::Move>()
            .outside::<mail::Search>()
            .outside::<mail::Send>()
            .outside::<llm::Classify>()
            .outside::<llm::Describe>()
            .outside::<llm::Extract>()
            .outside::<llm::Generate>()
            .outside::<llm::Judge>()
            .outside::<llm::Summarize>()
            .outside::<llm::Translate>()
            .local::<notes::Get>()
            .local::<notes::Put>()
            .local::<notes::Search>()
            .local::<notify::Send>()
            .pure::<text::Diff>()
            .pure::<text::Template>()
            .pure::<time::Add>()
            .pure::<time::Diff>()
            .pure::<time::Format>()
            .pure::<time::Parse>()
            .pure::<time::StartOf>()
            .outside::<search::Search>()
            .outside::<web::Fetch>()
            .outside::<web::Send>()
            .outside::<http::connected::Get>()
            .outside::<http::connected::Send>()
            .pure::<xml::Format>()
            .pure::<xml::Parse>()
    })
}
