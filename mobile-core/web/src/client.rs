//! A paired browser's side of its agent.

use crate::effect::{WebEffect, line};
use crate::{from_json, json, now, number, refusal};
use deputy_mobile_core::PairedDevice;
use deputy_mobile_core::client::{Client, Kept, Machine};
use serde_json::json;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// See [`Client`].
#[wasm_bindgen]
pub struct WebClient {
    client: Client,
    trouble: Option<String>,
}

#[wasm_bindgen]
impl WebClient {
    /// For the device of `WebPairing.device`, with what `keep` kept before.
    #[wasm_bindgen(constructor)]
    pub fn new(
        device: &str,
        commands: Option<Vec<u8>>,
        views: Option<Vec<u8>>,
        ticks: f64,
        unix: f64,
    ) -> Result<Self, JsError> {
        let device: PairedDevice = from_json(device)?;
        let kept: Vec<_> = [(Kept::Commands, commands), (Kept::Views, views)]
            .into_iter()
            .filter_map(|(what, sealed)| Some((what, sealed?)))
            .collect();
        let (client, error) = Client::open(device, &kept, now(ticks, unix));
        Ok(Self {
            client,
            trouble: error.map(|error| error.to_string()),
        })
    }

    /// Why what was kept is of no use; undefined when it is.
    #[wasm_bindgen(getter)]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// See [`Machine::next_effect`].
    #[wasm_bindgen(js_name = nextEffect)]
    pub fn next_effect(&mut self) -> Option<WebEffect> {
        self.client.next_effect().map(WebEffect::new)
    }

    /// See [`Machine::wake_at`].
    #[wasm_bindgen(js_name = wakeAt)]
    pub fn wake_at(&self) -> Option<f64> {
        self.client.wake_at().map(|at| at as f64)
    }

    /// See [`Machine::woken`].
    pub fn woken(&mut self, ticks: f64, unix: f64) {
        self.client.woken(now(ticks, unix));
    }

    /// See [`Machine::connected`].
    pub fn connected(&mut self, attempt: f64, ticks: f64, unix: f64) {
        self.client.connected(number(attempt), now(ticks, unix));
    }

    /// See [`Machine::failed`]. `refused` is the code with which the relay refused, if it did.
    pub fn failed(
        &mut self,
        attempt: f64,
        refused: Option<String>,
        why: &str,
        ticks: f64,
        unix: f64,
    ) {
        let refused = refusal(refused);
        self.client
            .failed(number(attempt), refused, why, now(ticks, unix));
    }

    /// See [`Machine::received`].
    pub fn received(&mut self, attempt: f64, bytes: &[u8], ticks: f64, unix: f64) {
        self.client
            .received(number(attempt), bytes, now(ticks, unix));
    }

    /// See [`Machine::ended`].
    pub fn ended(&mut self, attempt: f64, code: Option<u32>, ticks: f64, unix: f64) {
        self.client
            .ended(number(attempt), code.map(u64::from), now(ticks, unix));
    }

    /// Has a command applied: an ask as JSON; its id.
    pub fn command(&mut self, ask: &str, ticks: f64, unix: f64) -> Result<String, JsError> {
        let ask = from_json(ask)?;
        let id = self.client.command(ask, now(ticks, unix));
        id.map_err(JsError::from)
    }

    /// Asks once; the token of its answer.
    pub fn ask(&mut self, ask: &str, patience: f64, ticks: f64, unix: f64) -> Result<f64, JsError> {
        let ask = from_json(ask)?;
        let token = self.client.ask(ask, number(patience), now(ticks, unix))?;
        Ok(token as f64)
    }

    /// Keeps an answer fresh.
    pub fn watch(&mut self, ask: &str, ticks: f64, unix: f64) -> Result<(), JsError> {
        let ask = from_json(ask)?;
        self.client.watch(ask, now(ticks, unix))?;
        Ok(())
    }

    /// Does not any more.
    pub fn unwatch(&mut self, ask: &str) -> Result<(), JsError> {
        self.client.unwatch(&from_json(ask)?);
        Ok(())
    }

    /// The answer at hand, as JSON; undefined when there is none.
    pub fn answer(&self, ask: &str) -> Result<Option<String>, JsError> {
        let view = self.client.view(&from_json(ask)?);
        Ok(view.and_then(|view| Some(view.answer.as_ref()?.to_string())))
    }

    /// How it stands with an answer: `{changes, trouble, as_of_ms, fresh}` as JSON, or undefined. The
    /// answer itself, which may be long, is another whenever `changes` is.
    pub fn view(&self, ask: &str) -> Result<Option<String>, JsError> {
        let view = self.client.view(&from_json(ask)?);
        let shown = view.map(|view| {
            json!({"changes": view.changes, "trouble": view.trouble, "as_of_ms": view.as_of_ms, "fresh": view.is_fresh()}).to_string()
        });
        Ok(shown)
    }

    /// All commands that are not forgotten, as JSON.
    pub fn commands(&self) -> Result<String, JsError> {
        json(&self.client.commands())
    }

    /// See [`Client::withdraw`].
    pub fn withdraw(&mut self, id: &str) -> bool {
        self.client.withdraw(id)
    }

    /// See [`Client::forget`].
    pub fn forget(&mut self, id: &str) -> bool {
        self.client.forget(id)
    }

    /// How it stands with the agent, as JSON.
    pub fn line(&self) -> String {
        line(&self.client.state()).to_string()
    }

    /// The page is not seen any more.
    pub fn suspend(&mut self) {
        self.client.suspend();
    }

    /// It is seen again.
    pub fn resume(&mut self, ticks: f64, unix: f64) {
        self.client.resume(now(ticks, unix));
    }

    /// The network is another.
    #[wasm_bindgen(js_name = networkChanged)]
    pub fn network_changed(&mut self, ticks: f64, unix: f64) {
        self.client.network_changed(now(ticks, unix));
    }
}
