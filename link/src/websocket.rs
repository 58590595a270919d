//! WebSocket over TLS to a relay: for networks that block UDP.

use crate::address::RelayAddress;
use crate::error::LinkError;
use crate::io::write_message;
use crate::pipe::{self, PipeReader, PipeWriter};
use crate::session::{Words, await_welcome};
use crate::stream::LinkStream;
use crate::trust::Trust;
use deputy_protocol::link::{
    Binding, EXPORTER_LABEL, Limits, Message, PATH, Refusal, RefusalCode, RouteId, Welcome,
};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error;

/// What a WebSocket of ours runs over: TLS to a relay, or nothing more than this machine.
pub(crate) type Socket = Box<dyn Duplex>;

/// A stream of bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A link over a WebSocket, after the welcome.
pub(crate) struct WebSocketLink {
    pub(crate) reader: PipeReader<Socket>,
    pub(crate) writer: PipeWriter<Socket>,
    pub(crate) welcome: Welcome,
    pub(crate) binding: Binding,
}

pub(crate) async fn connect(
    address: &RelayAddress,
    at: SocketAddr,
    trust: &Trust,
    words: &Words,
) -> Result<WebSocketLink, LinkError> {
    let ended = |error: &dyn std::fmt::Display| LinkError::Ended(error.to_string());
    let config = trust.client_config(&[b"http/1.1"])?;
    let name = ServerName::try_from(address.host().to_owned())
        .map_err(|error| LinkError::Setup(error.to_string()))?;

    let tcp = TcpStream::connect(at).await.map_err(|e| ended(&e))?;
    tcp.set_nodelay(true).map_err(|e| ended(&e))?;
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|e| ended(&e))?;
    let binding = tls
        .get_ref()
        .1
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(b""))
        .map_err(|error| LinkError::Setup(error.to_string()))?;
    let uri = format!("wss://{address}{PATH}");
    let (socket, _) = client_async_with_config(uri, Box::new(tls) as Socket, Some(pipe::config()))
        .await
        .map_err(|e| ended(&e))?;
    let (mut reader, mut writer) = pipe::split(socket);
    write_message(&mut writer, &Message::Hello(words.hello.clone())).await?;
    if let Some(ahead) = &words.ahead {
        ahead.say(&mut writer).await?;
    }
    let welcome = await_welcome(&mut reader).await?;
    Ok(WebSocketLink {
        reader,
        writer,
        welcome,
        binding: Binding(binding),
    })
}

/// A stream straight to an agent on this machine, at its own listener.
pub(crate) async fn straight(
    address: &RelayAddress,
    route: &RouteId,
) -> Result<LinkStream, LinkError> {
    let unreachable = |reasons: String| LinkError::Unreachable {
        relay: address.to_string(),
        reasons,
    };
    let tcp = TcpStream::connect((address.host(), address.port()))
        .await
        .map_err(|error| unreachable(format!("No agent listens there: {error}.")))?;
    tcp.set_nodelay(true)
        .map_err(|error| LinkError::Ended(error.to_string()))?;
    let uri = format!("ws://{address}/session?route={route}");
    let socket = Box::new(tcp) as Socket;
    match client_async_with_config(uri, socket, Some(pipe::config())).await {
        Ok((socket, _)) => {
            let (reader, writer) = pipe::split(socket);
            Ok(LinkStream::websocket(reader, writer, Limits::default()))
        }
        // Another agent, or this one and the device is revoked: as a relay would say it.
        Err(Error::Http(_)) => Err(Refusal::new(RefusalCode::Offline).into()),
        Err(error) => Err(unreachable(format!(
            "What listens there is no agent: {error}."
        ))),
    }
}
