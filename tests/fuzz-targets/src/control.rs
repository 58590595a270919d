//! What is said in a session, and on the agent's socket.

use crate::json::read;
use deputy_protocol::control::{Envelope, Reply, Request, Response};
use deputy_protocol::link::Refusal;
use deputy_protocol::remote::{Ask, Down, Rights, Up};
use deputy_protocol::session::Introduced;
use serde_json::Value;

/// What a device and its agent say to one another.
pub(crate) fn frames(data: &[u8]) {
    read::<Down>(data);
    read::<Introduced>(data);
    read::<Rights>(data);
    read::<Refusal>(data);
    if let Some(Up::Ask { what, .. }) = read::<Up>(data) {
        asked(what);
    }
    if let Ok(value) = serde_json::from_slice(data) {
        asked(value);
    }
}

fn asked(what: Value) {
    let Some(ask) = Ask::from_value(what) else {
        return;
    };
    let again = Ask::from_value(serde_json::to_value(&ask).unwrap());
    assert_eq!(again.as_ref(), Some(&ask));
    let request = ask.clone().into_request();
    assert_eq!(Ask::from_request(request), Some(ask));
}

/// Requests and answers on the agent's socket.
pub(crate) fn control(data: &[u8]) {
    let request = read::<Envelope>(data).map(|envelope| envelope.request);
    let request = request.or_else(|| read::<Request>(data));
    read::<Reply>(data);
    read::<Response>(data);
    // What can be asked from afar is the same question there.
    if let Some(ask) = request.and_then(Ask::from_request) {
        let again = Ask::from_request(ask.clone().into_request());
        assert_eq!(again, Some(ask));
    }
}
