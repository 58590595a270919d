//! The first message of a stream, and the answer to a hello.

use crate::carriers::{Duplex, Source};
use crate::core::greeting;
use crate::hub::{Hub, random};
use deputy_link::{LinkError, read_message, write_message};
use deputy_protocol::link::{
    ChallengeSecret, MAX_FIRST_FRAME, Message, Refusal, RefusalCode, Role,
};
use tokio::time::timeout;

/// A link whose hello was answered.
pub(crate) struct Greeted {
    pub(crate) stream: Duplex,
    pub(crate) role: Role,
    pub(crate) version: u32,
    pub(crate) secret: Option<ChallengeSecret>,
}

/// The first message of a stream, in time and not too long. `None` when the other side hung up.
///
/// # Errors
/// The refusal that it deserves.
pub(crate) async fn first_message(
    hub: &Hub,
    source: &mut Source,
) -> Result<Option<Message>, Refusal> {
    let patience = hub.config.timeouts.hello;
    match timeout(patience, read_message(source, MAX_FIRST_FRAME)).await {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(LinkError::Protocol(reason))) => Err(malformed(&reason)),
        Ok(Err(_)) => Ok(None),
        Err(_) => Err(Refusal::new(RefusalCode::Timeout)),
    }
}

/// Reads the hello and answers it; `refusal` is what the link gets anyway, in words that it can
/// hear only now. `None` when the link ended with that.
pub(crate) async fn greet(
    hub: &Hub,
    mut stream: Duplex,
    refusal: Option<Refusal>,
) -> Option<Greeted> {
    let answered = match first_message(hub, &mut stream.source).await {
        Ok(None) => return None,
        Err(own) => Err(own),
        Ok(Some(Message::Hello(hello))) => match refusal {
            Some(refusal) => Err(refusal),
            None => answer(hub, &hello).map(|greeting| (hello, greeting)),
        },
        Ok(Some(_)) => Err(malformed("a link begins with a hello")),
    };
    let (hello, greeting) = match answered {
        Ok(both) => both,
        Err(refusal) => {
            hub.metrics.refused(refusal.code);
            stream.refuse(refusal).await;
            return None;
        }
    };
    let version = greeting.welcome.version;
    let welcome = Message::Welcome(greeting.welcome);
    let said = write_message(&mut stream.sink, &welcome);
    timeout(hub.config.timeouts.hello, said).await.ok()?.ok()?;
    Some(Greeted {
        stream,
        role: hello.role,
        version,
        secret: greeting.secret,
    })
}

fn answer(hub: &Hub, hello: &deputy_protocol::link::Hello) -> Result<greeting::Greeting, Refusal> {
    // Only an agent's challenge needs it; without a random source there is no safe answer.
    let random = random().ok_or_else(|| Refusal::new(RefusalCode::Full))?;
    greeting::greet(
        hello,
        &hub.config.access,
        hub.limits(),
        hub.features(),
        || random,
    )
}

pub(crate) fn malformed(reason: &str) -> Refusal {
    let usual = Refusal::new(RefusalCode::Malformed).message;
    Refusal::because(RefusalCode::Malformed, format!("{usual} ({reason})"))
}
