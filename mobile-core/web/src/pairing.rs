//! How a browser becomes a device.

use crate::effect::WebEffect;
use crate::{json, now, number, refusal};
use deputy_mobile_core::client::{Machine, Pairing, PairingState};
use serde_json::json;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// See [`Pairing`].
#[wasm_bindgen]
pub struct WebPairing {
    pairing: Pairing,
}

#[wasm_bindgen]
impl WebPairing {
    /// Begins with a link, under the name by which the person knows this browser.
    #[wasm_bindgen(constructor)]
    pub fn new(link: &str, name: &str, ticks: f64, unix: f64) -> Result<Self, JsError> {
        let pairing = Pairing::begin(link, name, now(ticks, unix))?;
        Ok(Self { pairing })
    }

    /// `{state, phrase?, message?}` as JSON: `connecting`, `compare`, `paired` or `failed`.
    pub fn state(&self) -> String {
        let state = match self.pairing.state() {
            PairingState::Connecting => json!({"state": "connecting"}),
            PairingState::Compare(phrase) => json!({"state": "compare", "phrase": phrase}),
            PairingState::Paired(_) => json!({"state": "paired"}),
            PairingState::Failed(trouble) => {
                json!({"state": "failed", "message": trouble.to_string()})
            }
        };
        state.to_string()
    }

    /// What the browser is once it is paired. It holds the device's key.
    pub fn device(&self) -> Result<Option<String>, JsError> {
        match self.pairing.state() {
            PairingState::Paired(device) => json(device).map(Some),
            _ => Ok(None),
        }
    }

    /// Gives it up.
    pub fn cancel(&mut self) {
        self.pairing.cancel();
    }

    /// See [`Machine::next_effect`].
    #[wasm_bindgen(js_name = nextEffect)]
    pub fn next_effect(&mut self) -> Option<WebEffect> {
        self.pairing.next_effect().map(WebEffect::new)
    }

    /// See [`Machine::wake_at`].
    #[wasm_bindgen(js_name = wakeAt)]
    pub fn wake_at(&self) -> Option<f64> {
        self.pairing.wake_at().map(|at| at as f64)
    }

    /// See [`Machine::woken`].
    pub fn woken(&mut self, ticks: f64, unix: f64) {
        self.pairing.woken(now(ticks, unix));
    }

    /// See [`Machine::connected`].
    pub fn connected(&mut self, attempt: f64, ticks: f64, unix: f64) {
        self.pairing.connected(number(attempt), now(ticks, unix));
    }

    /// See [`Machine::failed`].
    pub fn failed(
        &mut self,
        attempt: f64,
        refused: Option<String>,
        why: &str,
        ticks: f64,
        unix: f64,
    ) {
        let refused = refusal(refused);
        self.pairing
            .failed(number(attempt), refused, why, now(ticks, unix));
    }

    /// See [`Machine::received`].
    pub fn received(&mut self, attempt: f64, bytes: &[u8], ticks: f64, unix: f64) {
        self.pairing
            .received(number(attempt), bytes, now(ticks, unix));
    }

    /// See [`Machine::ended`].
    pub fn ended(&mut self, attempt: f64, code: Option<u32>, ticks: f64, unix: f64) {
        self.pairing
            .ended(number(attempt), code.map(u64::from), now(ticks, unix));
    }
}
