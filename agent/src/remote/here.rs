//! Devices on this machine reach the agent without a relay, at its own listener on loopback: for them
//! the agent is its own relay, with a route like at any other. It costs an agent without devices
//! nothing, not even a wake-up.

use super::session::Way;
use super::{RelayChoice, Remote, lock};
use deputy_link::RelayAddress;
use deputy_protocol::link::Salt;
use deputy_protocol::pairing::RelayPlace;
use std::net::SocketAddr;

/// Under this name routes are made, whichever port the listener gets.
const NAME: &str = "localhost";

/// The listener as a relay.
pub(super) fn choice(at: SocketAddr) -> RelayChoice {
    RelayChoice {
        address: RelayAddress::new(NAME, at.port()),
        certificate: None,
    }
}

impl Remote {
    /// The agent listens there, on loopback: devices on this machine come straight to it.
    pub fn listens_at(&self, at: SocketAddr) {
        // It listens once.
        let _ = self.listens.set(at);
    }

    /// Every relay for which routes are made.
    pub(super) fn relays(&self) -> Vec<RelayChoice> {
        let here = self.listens.get().copied().map(choice);
        self.linked().into_iter().chain(here).collect()
    }

    fn linked(&self) -> Vec<RelayChoice> {
        let links = lock(&self.links);
        links.iter().map(|linked| linked.place.clone()).collect()
    }

    /// Where a device on this machine reaches it.
    pub(super) fn place_here(&self, salt: &Salt) -> Option<RelayPlace> {
        let at = self.listens.get().copied()?;
        Some(self.place(&choice(at), salt))
    }

    fn place(&self, relay: &RelayChoice, salt: &Salt) -> RelayPlace {
        RelayPlace {
            address: relay.address.to_string(),
            route: self.keys.route_secret(relay).route(salt),
            certificate: relay.certificate,
        }
    }

    /// The same for a device that came in some way: one that is on this machine can do without relays.
    pub(super) fn places_for(&self, salt: &Salt, way: &Way) -> Vec<RelayPlace> {
        let mut places = self.places(salt);
        if way.is_straight
            && let Some(here) = self.place_here(salt)
            && !places.contains(&here)
        {
            places.insert(0, here);
        }
        places
    }

    /// Where a device of this salt reaches the agent. This machine is the last of these, and only
    /// where there is no relay: to a device elsewhere it means nothing.
    pub(super) fn places(&self, salt: &Salt) -> Vec<RelayPlace> {
        let mut relays = self.linked();
        if relays.is_empty() {
            relays.extend(self.listens.get().copied().map(choice));
        }
        relays.iter().map(|relay| self.place(relay, salt)).collect()
    }
}
