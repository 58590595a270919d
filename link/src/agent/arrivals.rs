//! Taking a dial: as a stream that the relay opened, or by fetching one that it announced.

use super::Arrival;
use super::routes::lock;
use crate::address::RelayAddress;
use crate::connect::Connector;
use crate::error::LinkError;
use crate::io::{read_message, write_message};
use crate::session::Words;
use crate::stream::LinkStream;
use deputy_protocol::link::{
    Accept, Connected, Hello, MAX_FRAME, Message, Refusal, RefusalCode, RouteId, Salt,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Takes a dial that came as a stream.
pub(super) async fn take(
    mut stream: LinkStream,
    salts: Arc<Mutex<HashMap<RouteId, Salt>>>,
    arrivals: mpsc::Sender<Arrival>,
) -> Result<(), LinkError> {
    let Some(Message::Incoming(incoming)) = read_message(&mut stream, MAX_FRAME).await? else {
        return Err(LinkError::Protocol(
            "a stream began with something else".into(),
        ));
    };
    let route = incoming.route;
    let room = arrivals.try_reserve();
    let refusal = match room {
        _ if !lock(&salts).contains_key(&route) => Refusal::new(RefusalCode::Offline),
        Err(_) => Refusal::new(RefusalCode::Full),
        Ok(room) => {
            write_message(&mut stream, &Message::Connected(Connected {})).await?;
            room.send(Arrival { route, stream });
            return Ok(());
        }
    };
    write_message(&mut stream, &Message::Refused(refusal)).await
}

/// Fetches a dial that was announced.
pub(super) async fn fetch(
    connector: &Connector,
    relay: &RelayAddress,
    hello: &Hello,
    route: RouteId,
    ticket: String,
) -> Result<LinkStream, LinkError> {
    let words = Words::of(hello.clone());
    let link = connector.websocket(relay, &words).await?;
    let mut stream = LinkStream::websocket(link.reader, link.writer, link.welcome.limits);
    write_message(&mut stream, &Message::Accept(Accept { ticket })).await?;
    match read_message(&mut stream, MAX_FRAME).await? {
        Some(Message::Incoming(incoming)) if incoming.route == route => {}
        Some(Message::Refused(refusal)) => return Err(refusal.into()),
        _ => return Err(LinkError::Protocol("the accepted dial is another".into())),
    }
    write_message(&mut stream, &Message::Connected(Connected {})).await?;
    Ok(stream)
}
