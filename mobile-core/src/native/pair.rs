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
    state: watch::Receiver<Stage>,
    _calls: mpsc::UnboundedSender<Call<Pairing>>,
}

/// Begins to pair with a link, under the name by which the person knows this device.
pub async fn pair(link: &str, name: &str) -> Result<Comparing, PairingTrouble> {
    let clock = Clock::start();
    let mut pairing = Pairing::begin(link, name, clock.now())?;
    let (calls, to_do) = mpsc::unbounded_channel();
    let (tell, mut state) = watch::channel((None, PairingState::Connecting));
    tokio::spawn(async move {
        let driver = Driver {
            clock,
            keeper: None,
            listener: &|_| {},
        };
        let over = |pairing: &Pairing| {
            let phrase = pairing.phrase().map(str::to_owned);
            tell.send_replace((phrase, pairing.state().clone()));
            is_over(pairing.state()).then_some(())
        };
        driver.run(&mut pairing, to_do, over).await;
    });
    let gone = || PairingTrouble::Broken("it was called off".to_owned());
    // The word may be there by the time that this is looked at.
    let begun = |(phrase, state): &Stage| phrase.is_some() || is_over(state);
    let stage = { state.wait_for(begun).await }.map(|stage| stage.clone());
    match stage.map_err(|_| gone())? {
        (Some(phrase), _) => Ok(Comparing {
            phrase,
            state,
            _calls: calls,
        }),
        (None, PairingState::Failed(trouble)) => Err(trouble),
        (None, _) => Err(gone()),
    }
}

/// The phrase, once there is one, and where the pairing stands.
type Stage = (Option<String>, PairingState);

fn is_over(state: &PairingState) -> bool {
    matches!(state, PairingState::Paired(_) | PairingState::Failed(_))
}

impl Comparing {
    /// Waits for the word at the agent.
    pub async fn finish(mut self) -> Result<PairedDevice, PairingTrouble> {
        let over = |(_, state): &Stage| is_over(state);
        let stage = { self.state.wait_for(over).await }.map(|stage| stage.1.clone());
        match stage {
            Ok(PairingState::Paired(device)) => Ok(*device),
            Ok(PairingState::Failed(trouble)) => Err(trouble),
            _ => Err(PairingTrouble::Broken("it was called off".to_owned())),
        }
    }
}
