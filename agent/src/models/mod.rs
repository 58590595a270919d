//! Language models: who is asked, what is said, what it costs. Never in the way of a run: without a
//! model everything that was set up goes on.
//!
//! `talk.rs` is what is said; `settings.rs` which model is set up; `wire/` (pure) translates to
//! the client crate; `error.rs` says what a failure means; `prices.rs` what tokens cost;
//! `conversation.rs` keeps a conversation; `converse.rs` is the loop with tools; `outside.rs` marks
//! text from outside; `script.rs` asks for the tools of scripts; `local.rs` finds a model on this machine. This file asks.

mod conversation;
mod converse;
mod error;
mod local;
mod outside;
pub mod prices;
mod script;
mod settings;
mod talk;
mod wire;

pub use conversation::{Conversation, Spent};
pub use converse::{Budget, Ended, Resource, Step, Toolbox, converse};
pub use error::ModelError;
pub use local::OLLAMA;
pub use outside::{RULE as OUTSIDE_RULE, outside};
pub use script::at_most;
pub use settings::{ModelSettings, Provider, SettingsError, get as configured, has_key};
pub use talk::{
    Charge, Media, Purpose, Question, Reply, Stop, ToolCall, ToolResult, ToolSpec, Turn, Usage,
};

use crate::clock::SharedClock;
use crate::connectors::{Vault, VaultError};
use crate::failure::{next_delay, random_fraction};
use crate::intent::Retries;
use crate::observe::Redactor;
use crate::store::costs::{self, Cost};
use crate::store::{Durability, Store, StoreError};
use crate::tools::http_client;
use deputy_protocol::Time;
use futures_util::StreamExt;
use genai::chat::ChatStreamEvent;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wire::Heard;
use zeroize::Zeroizing;

/// How long an answer is waited for, and how often it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until an answer begins; a model on one's own machine reads long questions slowly.
    pub first: Duration,
    /// Between two signs of life.
    pub silence: Duration,
    /// For the whole answer.
    pub whole: Duration,
    /// How a failed question is put again.
    pub retries: Retries,
    /// A provider that wants to be left alone for longer is not waited for, in milliseconds.
    pub longest_wait_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(300),
            silence: Duration::from_secs(120),
            whole: Duration::from_secs(900),
            retries: Retries {
                max: 4,
                first_ms: 1_000,
                max_ms: 30_000,
            },
            longest_wait_ms: 120_000,
        }
    }
}

/// The model that is set up, and the way to it.
pub struct Models {
    store: Store,
    vault: Arc<Vault>,
    redactor: Arc<Redactor>,
    clock: SharedClock,
    patience: Patience,
    client: genai::Client,
    plain: reqwest::Client,
}

type Key = Option<Zeroizing<String>>;

impl Models {
    /// The way to the model of a store's settings.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        redactor: Arc<Redactor>,
        clock: SharedClock,
        patience: Patience,
    ) -> Result<Self, ModelError> {
        let failed = |e: &dyn std::error::Error| {
            ModelError::Store(format!("the HTTP client cannot be made: {e}"))
        };
        let plain = http_client()
            .read_timeout(patience.first.max(patience.silence))
            .build()
            .map_err(|e| failed(&e))?;
        let client = genai::Client::builder()
            .with_reqwest(plain.clone())
            .build()
            .map_err(|e| failed(&e))?;
        Ok(Self {
            store,
            vault,
            redactor,
            clock,
            patience,
            client,
            plain,
        })
    }

    /// The model that is set up, if one is.
    pub async fn configured(&self) -> Result<Option<ModelSettings>, StoreError> {
        self.store.read(settings::get).await
    }

    /// Sets the model, with its key. Without a key the one that is kept for the same door stays.
    pub async fn set(&self, new: ModelSettings, key: Option<&str>) -> Result<(), ModelError> {
        let sealed = match key {
            Some(key) => {
                self.redactor.learn(key);
                let sealed = self.vault.seal(settings::SECRET, key);
                Some(sealed.map_err(|e| ModelError::Store(e.to_string()))?)
            }
            None => None,
        };
        let write = move |db: &rusqlite::Connection| settings::put(db, &new, sealed.as_ref());
        Ok(self.store.write(Durability::Synced, write).await?)
    }

    /// Forgets the model and its key. Returns whether there was one.
    pub async fn remove(&self) -> Result<bool, StoreError> {
        self.store.write(Durability::Synced, settings::remove).await
    }

    /// Puts a question and waits for the whole answer. Failures that pass are waited out within
    /// [`Patience`]; every answer is paid for in `costs`, a refused or empty one too.
    pub async fn ask(
        &self,
        question: Question,
        charge: Charge,
        cancel: &CancellationToken,
    ) -> Result<Reply, ModelError> {
        let (settings, key) = self.open().await?;
        let mut spent = 0;
        loop {
            let answer = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(ModelError::Cancelled),
                answer = self.once(&settings, &key, &question) => answer,
            };
            let error = match answer {
                Ok(heard) => match self.paid(&settings, heard, &question, &charge).await {
                    Ok(reply) => return Ok(reply),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let error = error.map_text(|text| self.redactor.text(text));
            let asked = error.retry_after_ms();
            let too_long = asked.is_some_and(|ms| ms > self.patience.longest_wait_ms);
            if spent >= error.again() || too_long {
                return Err(error);
            }
            let Some(wait) = next_delay(&self.patience.retries, spent, asked, random_fraction())
            else {
                return Err(error);
            };
            tracing::info!(code = error.code(), wait, "the model is asked again");
            spent += 1;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(ModelError::Cancelled),
                () = tokio::time::sleep(Duration::from_millis(wait)) => {}
            }
        }
    }

    /// The settings with their key.
    async fn open(&self) -> Result<(ModelSettings, Key), ModelError> {
        let vault = Arc::clone(&self.vault);
        let found = self
            .store
            .read(move |db| settings::open(db, &vault))
            .await?;
        let (settings, key) = found.ok_or(ModelError::NotConfigured)?;
        let key = key.map_err(|error: VaultError| ModelError::Auth(error.to_string()))?;
        match &key {
            Some(key) => self.redactor.learn(key),
            None if settings.needs_key() => {
                return Err(ModelError::Auth("no key is kept for it".to_owned()));
            }
            None => {}
        }
        Ok((settings, key))
    }

    /// Puts a question once.
    async fn once(
        &self,
        settings: &ModelSettings,
        key: &Key,
        question: &Question,
    ) -> Result<Heard, ModelError> {
        match tokio::time::timeout(self.patience.whole, self.listen(settings, key, question)).await
        {
            Ok(heard) => heard,
            Err(_) => {
                let whole = self.patience.whole.as_secs();
                Err(ModelError::Unreachable(format!(
                    "no whole answer within {whole} s"
                )))
            }
        }
    }

    async fn listen(
        &self,
        settings: &ModelSettings,
        key: &Key,
        question: &Question,
    ) -> Result<Heard, ModelError> {
        let refusal = Arc::new(Mutex::new(String::new()));
        let heard_refusal = Arc::clone(&refusal);
        let options = wire::options(settings, question)
            .with_stream_header_timeout(self.patience.first)
            .with_stream_read_timeout(self.patience.silence)
            .with_raw_frame_fn(move |_, frame| {
                if let Some(words) = wire::refusal(frame.data) {
                    heard_refusal
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_str(&words);
                }
            });
        let target = wire::target(settings, key.as_ref().map(|key| key.as_str()));
        let request = wire::request(settings.provider, question);
        let answering = self
            .client
            .exec_chat_stream(target, request, Some(&options));
        let mut stream = answering.await.map_err(|e| wire::failure(&e))?.stream;
        while let Some(event) = stream.next().await {
            if let ChatStreamEvent::End(end) = event.map_err(|e| wire::failure(&e))? {
                let mut heard = wire::heard(settings.provider, end);
                heard
                    .refusal
                    .clone_from(&refusal.lock().unwrap_or_else(PoisonError::into_inner));
                return Ok(heard);
            }
        }
        Err(wire::broken_off())
    }

    /// Writes down what an answer cost, then looks at whether it is one.
    async fn paid(
        &self,
        settings: &ModelSettings,
        heard: Heard,
        question: &Question,
        charge: &Charge,
    ) -> Result<Reply, ModelError> {
        let usage = heard.usage;
        let cost_micros = self.pay(settings, usage, charge.clone()).await?;
        let (heard, stop) = heard.judged(question.schema.is_some())?;
        Ok(Reply {
            text: heard.text,
            calls: heard.calls,
            opaque: heard.opaque,
            stop,
            usage,
            cost_micros,
            model: settings.model.clone(),
        })
    }

    async fn pay(
        &self,
        settings: &ModelSettings,
        usage: Usage,
        charge: Charge,
    ) -> Result<i64, ModelError> {
        let (model, at, own_machine) = (
            settings.model.clone(),
            self.clock.now(),
            settings.is_local(),
        );
        let written = self.store.write(Durability::Ordered, move |db| {
            let own = crate::store::settings::get(db, prices::SETTING)?;
            // What the setting holds was checked when it was set.
            let own = own.and_then(|v| prices::parse(&v).ok()).unwrap_or_default();
            let price = prices::price(&model, &own);
            let cost_micros = price.map_or(0, |price| prices::cost_micros(price, &usage));
            let mut units = json!({
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cached_tokens": usage.cached_tokens,
            });
            if price.is_none() && !own_machine {
                units["price_unknown"] = json!(true);
            }
            let cost = Cost {
                at,
                automation: charge.automation,
                run: charge.run,
                task: charge.task,
                tool: match &charge.purpose {
                    Purpose::Tool(name) => Some(name),
                    Purpose::Plan | Purpose::Repair | Purpose::Test => None,
                },
                model: Some(&model),
                purpose: charge.purpose.as_str(),
                units: &units,
                cost_micros,
            };
            costs::record(db, &cost)?;
            Ok(cost_micros)
        });
        Ok(written.await?)
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Resolves when the clock reads `at` or later.
    async fn reached(&self, at: Time) {
        loop {
            let now = self.clock.now();
            if now >= at {
                return;
            }
            self.clock.until(at, now).await;
        }
    }
}

#[cfg(test)]
mod tests;
