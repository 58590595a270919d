//! A device becomes known, over real sockets.

use super::driver::{Call, Clock, Driver};
use crate::PairedDevice;
use crate::client::{Pairing, PairingState, PairingTrouble};
use tokio::sync::{mpsc, watch};

/// The agent has let the device in, and waits for its person's word about the phrase. Dropping it
/// calls the pairing off.
pub struct Comparing {
    /// What both screens show.
    pub phrase: String,
    state: watch::Receiver<PairingState>,
    _calls: mpsc::UnboundedSender<Call<Pairing>>,
}

/// Begins to pair with a link, under the name by which the person knows this device.
pub async fn pair(link: &str, name: &str) -> Result<Comparing, PairingTrouble> {
    let clock = Clock::start();
    let mut pairing = Pairing::begin(link, name, clock.now())?;
    let (calls, to_do) = mpsc::unbounded_channel();
    let (tell, mut state) = watch::channel(PairingState::Connecting);
    tokio::spawn(async move {
        let driver = Driver {
            clock,
            keeper: None,
            listener: &|_| {},
        };
        let over = |pairing: &Pairing| {
            tell.send_replace(pairing.state().clone());
            let is_over = matches!(
                pairing.state(),
                PairingState::Paired(_) | PairingState::Failed(_)
            );
            is_over.then_some(())
        };
        driver.run(&mut pairing, to_do, over).await;
    });
    let gone = || PairingTrouble::Broken("it was called off".to_owned());
    let begun = |state: &PairingState| !matches!(state, PairingState::Connecting);
    let stage = { state.wait_for(begun).await }.map(|state| state.clone());
    match stage.map_err(|_| gone())? {
        PairingState::Compare(phrase) => Ok(Comparing {
            phrase,
            state,
            _calls: calls,
        }),
        PairingState::Failed(trouble) => Err(trouble),
        // Never without a comparison.
        PairingState::Connecting | PairingState::Paired(_) => Err(gone()),
    }
}

impl Comparing {
    /// Waits for the word at the agent.
    pub async fn finish(mut self) -> Result<PairedDevice, PairingTrouble> {
        let over = |state: &PairingState| {
            matches!(state, PairingState::Paired(_) | PairingState::Failed(_))
        };
        let state = { self.state.wait_for(over).await }.map(|state| state.clone());
        match state {
            Ok(PairingState::Paired(device)) => Ok(*device),
            Ok(PairingState::Failed(trouble)) => Err(trouble),
            _ => Err(PairingTrouble::Broken("it was called off".to_owned())),
        }
    }
}
