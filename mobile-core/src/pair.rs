//! A device becomes known.

use crate::PairedDevice;
use crate::session::{ClientError, RemoteAgent, dial, greet};
use deputy_protocol::pairing::PairingLink;
use deputy_protocol::remote::Down;
use deputy_protocol::session::{Kind, StaticKey};

/// The agent has let the device in, and waits for its person's word about the phrase.
pub struct Comparing {
    /// What both screens show.
    pub phrase: String,
    agent: RemoteAgent,
    key: StaticKey,
    link: PairingLink,
}

/// Begins to pair with a link. `key` is the device's, new for this pairing.
pub async fn pair(link: PairingLink, key: StaticKey, name: &str) -> Result<Comparing, ClientError> {
    let (stream, place) = dial(&link.relays).await?;
    let secret = link.secret.pre_shared_key();
    let (stream, session) = greet(
        stream,
        Kind::Pairing,
        &key,
        &link.agent,
        &place,
        Some(&secret),
        name,
    )
    .await?;
    let ours = deputy_protocol::pairing::phrase(session.hash());
    let mut agent = RemoteAgent::new(stream, session);
    loop {
        if let Down::Compare { .. } = agent.next().await? {
            return Ok(Comparing {
                // This side's own: what the other side says it shows proves nothing.
                phrase: ours,
                agent,
                key,
                link,
            });
        }
    }
}

impl Comparing {
    /// Waits for the word at the agent.
    pub async fn finish(mut self) -> Result<(PairedDevice, RemoteAgent), ClientError> {
        loop {
            if let Down::Paired {
                device,
                relays,
                rights,
            } = self.agent.next().await?
            {
                let paired = PairedDevice::new(device, self.link.agent, relays, rights, &self.key);
                return Ok((paired, self.agent));
            }
        }
    }
}
