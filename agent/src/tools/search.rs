//! `web.search`: the web by words, through a connection of kind `search`.

use super::{CallInfo, Operation, OutsideEnv, OutsideOperation, Resource, ResourceKind, ToolError};
use crate::clock::BoxFuture;
use crate::connectors::search_client::{SearchFailure, search};
use crate::failure::class_of_status;
use deputy_protocol::{EffectClass, FailureClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `web.search`
pub(super) struct Search;

/// What to search for.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchInput {
    /// The name of a connection of kind `search`.
    #[serde(default = "usual")]
    connection: String,
    /// The words.
    query: String,
    /// How many results at most, 1 to 20; 10 when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
}

fn usual() -> String {
    "search".to_owned()
}

/// What was found.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct SearchOutput {
    /// Best first.
    results: Vec<Found>,
}

/// A page that was found.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Found {
    /// Its title.
    title: String,
    /// Its address.
    url: String,
    /// Some of its text.
    snippet: String,
    /// When it was published, where that is known, as the service says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<String>,
}

const MAX_QUERY: usize = 400;

impl Operation for Search {
    type Input = SearchInput;
    type Output = SearchOutput;
    const NAME: &'static str = "web.search";
    const SUMMARY: &'static str =
        "Searches the web by words, through a connection of kind search. Counts against its plan.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Read];
    const RESOURCES: &'static [ResourceKind] = &[ResourceKind::Connections];

    fn resources(input: &SearchInput) -> Result<Vec<Resource>, ToolError> {
        if input.query.trim().is_empty() || input.query.chars().count() > MAX_QUERY {
            return Err(ToolError::invalid_input(
                Self::NAME,
                format!("`query` has 1 to {MAX_QUERY} characters"),
            ));
        }
        if !(1..=20).contains(&input.count.unwrap_or(10)) {
            return Err(ToolError::invalid_input(Self::NAME, "`count` is 1 to 20"));
        }
        let connection = Resource::new(ResourceKind::Connections, input.connection.clone());
        Ok(vec![connection])
    }

    fn title(input: &SearchInput) -> String {
        format!("Search the web for “{}”", input.query)
    }
}

impl OutsideOperation for Search {
    fn run<'a>(
        input: SearchInput,
        _call: &'a CallInfo,
        env: &'a OutsideEnv,
    ) -> BoxFuture<'a, Result<SearchOutput, ToolError>> {
        Box::pin(async move {
            let connection = env.connections.open(Self::NAME, &input.connection).await?;
            if connection.kind != "search" {
                return Err(ToolError::not_done(
                    FailureClass::Precondition,
                    "wrong_kind",
                    Self::NAME,
                    format!("the connection “{}” does not search", connection.name),
                ));
            }
            let found = search(&connection, &input.query, input.count.unwrap_or(10)).await;
            let results = found
                .map_err(|failure| error(&failure))?
                .into_iter()
                .map(|hit| Found {
                    title: hit.title,
                    url: hit.url,
                    snippet: hit.snippet,
                    published: hit.published,
                })
                .collect();
            Ok(SearchOutput { results })
        })
    }
}

fn error(failure: &SearchFailure) -> ToolError {
    let (class, code) = match failure {
        SearchFailure::Config(_) => (FailureClass::Precondition, "settings"),
        SearchFailure::Unreachable(_) => (FailureClass::Transient, "connect"),
        SearchFailure::Unreadable(_) => (FailureClass::Transient, "answer"),
        SearchFailure::Refused { status, .. } => (class_of_status(*status), "http_status"),
    };
    let mut error = ToolError::not_done(class, code, Search::NAME, failure.to_string());
    if let SearchFailure::Refused {
        status,
        retry_after_ms,
        ..
    } = failure
    {
        error.status = Some(*status);
        error.retry_after_ms = *retry_after_ms;
    }
    error
}
