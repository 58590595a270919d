//! What a hello is answered with.

use deputy_protocol::link::{
    ChallengeSecret, Hello, Limits, Refusal, RefusalCode, Role, VERSIONS, Welcome, common_features,
    common_version,
};

/// Who must bring the access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nobody: an open relay.
    #[default]
    Open,
    /// Agents. Clients need a route, which they can only have from an agent.
    Agents(String),
    /// Agents and clients.
    Everybody(String),
}

impl Access {
    fn lets_in(&self, hello: &Hello) -> bool {
        let wanted = match (self, hello.role) {
            // A ticket is better than a token.
            (Self::Open, _) | (_, Role::Acceptor) | (Self::Agents(_), Role::Client) => return true,
            (Self::Agents(token) | Self::Everybody(token), _) => token,
        };
        let given = hello.access_token.as_deref().unwrap_or_default();
        same(wanted.as_bytes(), given.as_bytes())
    }
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y));
    std::hint::black_box(differs) == 0 && a.len() == b.len()
}

/// What a hello gets.
pub(crate) struct Greeting {
    pub(crate) welcome: Welcome,
    /// For agents: what their registrations are checked against.
    pub(crate) secret: Option<ChallengeSecret>,
}

/// Answers a hello. `random` gives the bytes of a challenge when one is needed.
///
/// # Errors
/// A refusal in words.
pub(crate) fn greet(
    hello: &Hello,
    access: &Access,
    limits: Limits,
    features: &[&str],
    random: impl FnOnce() -> [u8; 64],
) -> Result<Greeting, Refusal> {
    let version = common_version(VERSIONS, &hello.versions)?;
    if !access.lets_in(hello) {
        return Err(Refusal::new(RefusalCode::Unauthorised));
    }
    let secret = (hello.role == Role::Agent).then(|| ChallengeSecret::from_bytes(random()));
    let welcome = Welcome {
        version,
        features: common_features(features, &hello.features),
        challenge: secret.as_ref().map(|s| s.challenge().clone()),
        limits,
    };
    Ok(Greeting { welcome, secret })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hello(role: Role, token: Option<&str>) -> Hello {
        Hello {
            versions: vec![1],
            role,
            features: vec!["telepathy".to_owned()],
            software: String::new(),
            access_token: token.map(str::to_owned),
        }
    }

    fn answer(hello: &Hello, access: &Access) -> Result<Welcome, RefusalCode> {
        greet(hello, access, Limits::default(), &["push"], || [7; 64])
            .map(|g| g.welcome)
            .map_err(|r| r.code)
    }

    #[test]
    fn only_agents_get_a_challenge() {
        let welcome = answer(&hello(Role::Agent, None), &Access::Open).unwrap();
        assert!(welcome.challenge.is_some() && welcome.features.is_empty());
        let welcome = answer(&hello(Role::Client, None), &Access::Open).unwrap();
        assert!(welcome.challenge.is_none());
    }

    #[test]
    fn a_private_relay_lets_in_who_has_the_token() {
        let no = Some(RefusalCode::Unauthorised);
        let agents = Access::Agents("secret".into());
        let all = Access::Everybody("secret".into());
        for (access, role, token, refused) in [
            (&agents, Role::Agent, None, no),
            (&agents, Role::Agent, Some("secre"), no),
            (&agents, Role::Agent, Some("secretx"), no),
            (&agents, Role::Agent, Some(""), no),
            (&agents, Role::Agent, Some("secret"), None),
            (&agents, Role::Client, None, None),
            (&all, Role::Client, None, no),
            (&all, Role::Client, Some("secret"), None),
            (&all, Role::Acceptor, None, None),
        ] {
            let answer = answer(&hello(role, token), access);
            assert_eq!(answer.err(), refused, "{access:?} {role:?} {token:?}");
        }
    }
}
