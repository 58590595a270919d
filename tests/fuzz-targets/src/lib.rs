//! What fuzzing drives. Each target takes any bytes and panics when a promise is broken: nothing
//! panics, nothing takes more memory than what arrived is worth, what can be written is read as it
//! was written, and what was changed on the way is not believed.
//!
//! `fuzz/` gives them to libFuzzer; `tests/replay.rs` plays what it has found, and changes of it, with
//! every run of the tests. `memory.rs` counts; `json.rs` is what all formats of JSON share; the other
//! files hold the targets: `link.rs` what a relay hears, `pairing.rs` links, phrases and a device
//! that pairs, `session.rs` handshake and messages, `control.rs` what is said in a session and on the
//! agent's socket, `client.rs` the client with an agent (`peer.rs`), `agent.rs` bundles, contracts,
//! scripts, words and pages.

// A promise that is broken ends a target; that is what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

#[cfg(feature = "agent")]
mod agent;
mod client;
mod control;
mod json;
mod link;
mod memory;
mod pairing;
mod peer;
mod session;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// As its corpus and its binary are called.
    pub name: &'static str,
    run: fn(&[u8]),
    /// What it may take for each byte that it is given, in bytes, and beside that.
    memory: (usize, usize),
    /// Whether it shakes hands, which takes a thousand times as long as reading.
    pub is_slow: bool,
}

impl Target {
    /// Gives it bytes. Panics when a promise is broken.
    pub fn run(&self, data: &[u8]) {
        let (each, base) = self.memory;
        memory::bounded(each * data.len() + base, || (self.run)(data));
    }

    /// One of [`TARGETS`], by its name. Panics when there is none.
    pub fn named(name: &str) -> Self {
        let found = TARGETS.iter().find(|target| target.name == name);
        *found.expect("a target of this name")
    }
}

const KIB: usize = 1 << 10;

/// All of them. JSON may take 32 bytes for each that it is written in, twice where it grows, and
/// several of it are at hand when it is compared.
pub const TARGETS: &[Target] = &[
    target("link", link::link, (64, 512 * KIB)),
    slow("proof", link::proof, (16, 64 * KIB)),
    target("pairing_link", pairing::link, (16, 64 * KIB)),
    slow("pairing", pairing::device, (64, 512 * KIB)),
    slow("handshake", session::handshake, (64, 128 * KIB)),
    slow("transport", session::transport, (64, 4 * 1024 * KIB)),
    target("frames", control::frames, (256, 64 * KIB)),
    target("control", control::control, (256, 128 * KIB)),
    slow("client", client::client, (1024, 2 * 1024 * KIB)),
    #[cfg(feature = "agent")]
    target("bundle", agent::bundle, (512, 1024 * KIB)),
    #[cfg(feature = "agent")]
    target("script", agent::script, (1024, 1024 * KIB)),
    #[cfg(feature = "agent")]
    target("words", agent::words, (1024, 1024 * KIB)),
    #[cfg(feature = "agent")]
    target("content", agent::content, (2048, 4 * 1024 * KIB)),
];

const fn target(name: &'static str, run: fn(&[u8]), memory: (usize, usize)) -> Target {
    Target {
        name,
        run,
        memory,
        is_slow: false,
    }
}

const fn slow(name: &'static str, run: fn(&[u8]), memory: (usize, usize)) -> Target {
    Target {
        is_slow: true,
        ..target(name, run, memory)
    }
}
