//! A model on this machine: Ollama, where it listens unless told otherwise.

use super::Models;
use serde::Deserialize;
use std::time::Duration;

/// Where Ollama listens.
pub const OLLAMA: &str = "http://127.0.0.1:11434";

/// How long it may take to say what it has.
const WAIT: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

impl Models {
    /// The models that an Ollama at `base` has; none when nobody answers.
    pub async fn offered(&self, base: &str) -> Vec<String> {
        let asking = async {
            let response = self
                .plain
                .get(format!("{base}/api/tags"))
                .send()
                .await
                .ok()?;
            let bytes = response.error_for_status().ok()?.bytes().await.ok()?;
            serde_json::from_slice::<Tags>(&bytes).ok()
        };
        match tokio::time::timeout(WAIT, asking).await {
            Ok(Some(tags)) => tags.models.into_iter().map(|tag| tag.name).collect(),
            Ok(None) | Err(_) => Vec::new(),
        }
    }
}
