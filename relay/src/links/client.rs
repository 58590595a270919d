//! A client's dials.

use super::control::Messages;
use super::first_message;
use super::greeting::malformed;
use crate::carriers::quic::Connection;
use crate::carriers::{Duplex, Sink};
use crate::core::limits::AddressKey;
use crate::hub::Hub;
use deputy_link::write_message;
use deputy_protocol::link::{CloseCode, Message, Refusal, RefusalCode};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// Serves a connection that carries many streams, until it ends or is of no use. Gives the code to
/// end it with.
pub(crate) async fn serve(
    hub: Arc<Hub>,
    connection: Connection,
    control: Duplex,
    from: AddressKey,
) -> CloseCode {
    let Duplex { source, mut sink } = control;
    let mut messages = Messages::new(source);
    let mut listening = true;
    let mut told = false;
    let mut dials = JoinSet::new();
    let mut unused_at = Instant::now() + hub.config.timeouts.unused;
    let code = loop {
        tokio::select! {
            stream = connection.accept() => {
                let Some(stream) = stream else { break CloseCode::Gone };
                dials.spawn(dial(hub.clone(), stream, from));
            }
            Some(_) = dials.join_next() => {
                unused_at = Instant::now() + hub.config.timeouts.unused;
            }
            () = sleep_until(unused_at), if dials.is_empty() => break CloseCode::Idle,
            // A client has nothing more to say here; a newer one may.
            message = messages.next(), if listening => listening = message.is_ok(),
            () = hub.draining.cancelled(), if !told => {
                told = true;
                tell_going_away(&hub, &mut sink).await;
            }
        }
        if told && dials.is_empty() {
            break CloseCode::GoingAway;
        }
    };
    // Each notices by itself that the connection is gone, and tells its agent so; ended here, it
    // would look to the agent as if all had been said.
    while dials.join_next().await.is_some() {}
    code
}

/// One stream: a dial, and then whatever the two ends say to each other.
pub(crate) async fn dial(hub: Arc<Hub>, mut stream: Duplex, from: AddressKey) {
    let refusal = match first_message(&hub, &mut stream.source).await {
        Ok(Some(Message::Dial(dial))) => {
            let tracker = hub.splices.clone();
            return tracker
                .track_future(hub.dial(stream, from, dial.route))
                .await;
        }
        Ok(Some(_)) => malformed("a stream begins with a dial"),
        Ok(None) => return,
        Err(refusal) => refusal,
    };
    hub.metrics.refused(refusal.code);
    stream.refuse(refusal).await;
}

async fn tell_going_away(hub: &Hub, sink: &mut Sink) {
    let message = hub.going_away();
    let said = write_message(sink, &message);
    // A client that does not listen finds out when its streams end.
    let _ = timeout(hub.config.timeouts.hello, said).await;
}

/// What a role gets that a carrier has no use for.
pub(crate) fn not_here() -> Refusal {
    Refusal::because(
        RefusalCode::Malformed,
        "An accepted dial comes over a WebSocket of its own, so the relay did nothing with this link.",
    )
}
