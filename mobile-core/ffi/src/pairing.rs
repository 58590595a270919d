//! How a phone becomes known.

use crate::error::PairingError;
use crate::runtime::runtime;
use crate::status::{Right, rights};
use deputy_mobile_core::PairedDevice;
use deputy_mobile_core::native;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What a device is from now on.
#[derive(Clone, uniffi::Record)]
pub struct Paired {
    /// Its id at the agent, e.g. `d1`.
    pub id: String,
    /// What it may do.
    pub rights: Vec<Right>,
    /// What `Agent.open` takes, with the device's private key: to be kept in the Keychain or
    /// sealed by the Keystore, as it is, and nowhere else.
    pub device: Vec<u8>,
}

/// Begins to pair with a link (`https://HOST/#…`, as `deputy pair` shows it), under the name by which
/// the person knows this device. Cancelling it calls the pairing off; the link is then used up if the
/// agent was reached.
#[uniffi::export]
pub async fn pair(link: String, name: String) -> Result<Arc<Comparing>, PairingError> {
    let pairing = runtime()?.spawn(async move { native::pair(&link, &name).await });
    let comparing = AbortOnDropHandle::new(pairing).await;
    // It ends early when the runtime does, with the app.
    let comparing = comparing.map_err(|_| PairingError::called_off())??;
    Ok(Arc::new(Comparing {
        phrase: comparing.phrase.clone(),
        waiting: Mutex::new(Some(comparing)),
        off: CancellationToken::new(),
    }))
}

/// The agent has let the device in, and waits for its person's word about the phrase. When nobody
/// holds it any more, the pairing is called off.
#[derive(uniffi::Object)]
pub struct Comparing {
    phrase: String,
    waiting: Mutex<Option<native::Comparing>>,
    off: CancellationToken,
}

#[uniffi::export]
impl Comparing {
    /// Four words, to be shown large: the person compares them with those on the agent's screen, and
    /// says there whether they are the same.
    pub fn phrase(&self) -> String {
        self.phrase.clone()
    }

    /// Waits for that word, until the link expires. Once: cancelling it calls the pairing off.
    pub async fn finish(&self) -> Result<Paired, PairingError> {
        let waiting = self.take().ok_or_else(PairingError::called_off)?;
        let device = tokio::select! {
            biased;
            device = waiting.finish() => device?,
            () = self.off.cancelled() => return Err(PairingError::called_off()),
        };
        Ok(Paired {
            id: device.id.clone(),
            rights: rights(device.rights),
            device: bytes(&device)?,
        })
    }

    /// Calls the pairing off. `Comparing.finish` ends with `CalledOff`.
    pub fn call_off(&self) {
        self.off.cancel();
        drop(self.take());
    }
}

impl Comparing {
    fn take(&self) -> Option<native::Comparing> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// A device as the app keeps it.
pub(crate) fn bytes(device: &PairedDevice) -> Result<Vec<u8>, std::io::Error> {
    Ok(serde_json::to_vec(device)?)
}
