//! The language model: set, listed, tried, removed.

use super::apply::{done, stored};
use super::{Answer, Control};
use crate::models::{
    Charge, ModelSettings, OLLAMA, Purpose, Question, SettingsError, Turn, configured, has_key,
};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Response;
use deputy_protocol::model::ModelInfo;

/// The id of the one model that is set up.
const DEFAULT: &str = "default";

impl Control {
    pub(super) async fn model_set(
        &self,
        provider: &str,
        base_url: Option<&str>,
        model: &str,
        key: Option<&str>,
    ) -> Answer<Response> {
        let settings = ModelSettings::parse(provider, base_url, model).map_err(|error| {
            let hint = match &error {
                SettingsError::Provider(_) => "known: anthropic, openai, ollama, gemini",
                SettingsError::BaseUrl(_) => "e.g. --base-url http://127.0.0.1:8080/v1",
                SettingsError::Model => "--model NAME",
            };
            ErrorBody::new(
                "model_invalid",
                format!("{error}; nothing was changed"),
                hint,
            )
        })?;
        let key = key.map(str::trim);
        if key == Some("") {
            return Err(ErrorBody::new(
                "model_invalid",
                "the key is empty; nothing was changed",
                "pipe the key to --key-stdin",
            ));
        }
        self.models
            .set(settings, key)
            .await
            .map_err(|error| error.body())?;
        let info = self.model_info().await?.ok_or_else(not_set)?;
        Ok(Response::Model(Box::new(info)))
    }

    pub(super) async fn model_list(&self) -> Answer<Response> {
        let set = self.model_info().await?;
        let taken = set
            .as_ref()
            .map(|info| (info.provider.clone(), info.model.clone()));
        let offered = self.models.offered(OLLAMA).await;
        let offered = offered
            .into_iter()
            .filter(|name| taken.as_ref() != Some(&("ollama".to_owned(), name.clone())))
            .map(|name| ModelInfo {
                message: Some(format!("deputy model set --provider ollama --model {name}")),
                id: name.clone(),
                provider: "ollama".to_owned(),
                base_url: OLLAMA.to_owned(),
                model: name,
                has_key: false,
                state: "offered".to_owned(),
            });
        Ok(Response::Models(set.into_iter().chain(offered).collect()))
    }

    pub(super) async fn model_test(&self) -> Answer<Response> {
        let question = Question {
            system: "You are tested for being there.".to_owned(),
            turns: vec![Turn::user("Answer with the single word: ready")],
            // Reasoning counts, and a model that reasons needs room for it.
            max_tokens: 1_024,
            ..Question::default()
        };
        let charge = Charge {
            automation: None,
            run: None,
            task: None,
            purpose: Purpose::Test,
        };
        let stopping = &self.executor.parts.stopping;
        let reply = self
            .models
            .ask(question, charge, stopping)
            .await
            .map_err(|error| error.body())?;
        let mut info = self.model_info().await?.ok_or_else(not_set)?;
        "ok".clone_into(&mut info.state);
        info.message = Some(format!(
            "It answered “{}” ({} tokens).",
            self.executor.parts.redactor.text(reply.text.trim()),
            reply.usage.total()
        ));
        Ok(Response::Model(Box::new(info)))
    }

    pub(super) async fn model_remove(&self) -> Answer<Response> {
        if !stored(self.models.remove().await)? {
            return Err(not_set());
        }
        Ok(done(
            DEFAULT,
            "The model and its key are gone from this machine; what is set up goes on without.",
        ))
    }

    async fn model_info(&self) -> Answer<Option<ModelInfo>> {
        let read = self.executor.parts.store.read(|db| {
            let Some(settings) = configured(db)? else {
                return Ok(None);
            };
            Ok(Some(ModelInfo {
                id: DEFAULT.to_owned(),
                provider: settings.provider.as_str().to_owned(),
                base_url: settings.base_url,
                model: settings.model,
                has_key: has_key(db)?,
                state: "set".to_owned(),
                message: None,
            }))
        });
        stored(read.await)
    }
}

fn not_set() -> ErrorBody {
    crate::models::ModelError::NotConfigured.body()
}
