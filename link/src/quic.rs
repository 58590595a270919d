//! QUIC to a relay.

use crate::address::RelayAddress;
use crate::error::LinkError;
use crate::io::write_message;
use crate::session::{Words, await_welcome};
use crate::trust::Trust;
use deputy_protocol::link::{ALPN, Binding, EXPORTER_LABEL, Message, Role, Welcome};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, TransportConfig, VarInt};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A link over QUIC, after the welcome.
pub(crate) struct QuicLink {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: quinn::Connection,
    pub(crate) control_reader: quinn::RecvStream,
    pub(crate) control_writer: quinn::SendStream,
    pub(crate) welcome: Welcome,
    pub(crate) binding: Binding,
    /// The stream of the dial that was sent ahead.
    pub(crate) dialled: Option<(quinn::SendStream, quinn::RecvStream)>,
}

/// How often a side that would be silent shows that it lives: below the half minute after which
/// many home routers forget a UDP flow.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// After how long without any sign the other side is taken for gone.
const IDLE: Duration = Duration::from_secs(45);
/// Bytes of one stream that may wait here unread.
const STREAM_WINDOW: u32 = 1 << 20;
/// Joined streams that a relay may open at a time.
const STREAMS: u32 = 256;

pub(crate) async fn connect(
    address: &RelayAddress,
    at: SocketAddr,
    trust: &Trust,
    words: &Words,
) -> Result<QuicLink, LinkError> {
    let setup = |error: &dyn std::fmt::Display| LinkError::Setup(error.to_string());
    let tls = trust.client_config(&[ALPN])?;
    let crypto = QuicClientConfig::try_from(tls).map_err(|e| setup(&e))?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport(words.hello.role)));

    let endpoint = Endpoint::client(any_port(at)).map_err(|e| setup(&e))?;
    let connection = endpoint
        .connect_with(config, at, address.host())
        .map_err(|e| setup(&e))?
        .await?;
    let (mut control_writer, mut control_reader) = connection.open_bi().await?;
    write_message(&mut control_writer, &Message::Hello(words.hello.clone())).await?;
    let dialled = match &words.ahead {
        Some(ahead) => {
            let (mut send, recv) = connection.open_bi().await?;
            ahead.say(&mut send).await?;
            Some((send, recv))
        }
        None => None,
    };
    let welcome = await_welcome(&mut control_reader).await?;
    let mut binding = [0; 32];
    connection
        .export_keying_material(&mut binding, EXPORTER_LABEL, b"")
        .map_err(|_| LinkError::Setup("TLS exports no channel binding".into()))?;
    Ok(QuicLink {
        endpoint,
        connection,
        control_reader,
        control_writer,
        welcome,
        binding: Binding(binding),
        dialled,
    })
}

/// Moves a connection to a new socket: the network changed, the connection need not.
pub(crate) fn rebind(endpoint: &Endpoint, connection: &quinn::Connection) -> std::io::Result<()> {
    endpoint.rebind(std::net::UdpSocket::bind(any_port(
        connection.remote_address(),
    ))?)
}

fn any_port(towards: SocketAddr) -> SocketAddr {
    if towards.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    }
}

fn transport(role: Role) -> TransportConfig {
    let streams = match role {
        Role::Agent => STREAMS,
        Role::Client | Role::Acceptor => 0,
    };
    let mut transport = TransportConfig::default();
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        // Cannot fail: it is far below the largest.
        .max_idle_timeout(IDLE.try_into().ok())
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .datagram_receive_buffer_size(None);
    transport
}
