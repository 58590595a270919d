//! The user's own devices from afar: a real agent, a real relay, the real commands on both sides.
//!
//! `house.rs` is what stands in each test; `sessions.rs` are single sessions, `client.rs` the client
//! that apps are made of, through whatever breaks; `line.rs` gives it a bad line; `here.rs` needs no
//! relay; `dishonest.rs` has one that works against it; `cluster.rs` has relays as processes, several
//! behind one name, and kills or halts them; `push.rs` reaches devices that are not there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod cluster;
mod dishonest;
mod here;
mod house;
mod line;
mod push;
mod sessions;
