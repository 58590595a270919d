//! Where a relay is.

use std::fmt;
use std::str::FromStr;

/// A relay's host name (or IP address) and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelayAddress {
    host: String,
    port: u16,
}

/// The text is not a relay's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a relay's address; write it as relay.example.org or relay.example.org:8443")]
pub struct BadAddress(pub String);

impl RelayAddress {
    /// The port when none is written.
    pub const DEFAULT_PORT: u16 = 443;

    /// An address of its parts. The name is put into lower case.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_ascii_lowercase(),
            port,
        }
    }

    /// The host name in lower case; IPv6 addresses without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is this very machine.
    pub fn is_this_machine(&self) -> bool {
        let ip = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }

    /// The port, the same for UDP and TCP.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for RelayAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress(text.to_owned());
        let rest = text.strip_prefix("https://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = if let Some(rest) = rest.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
            (
                host,
                rest.strip_prefix(':').or(rest.is_empty().then_some("443")),
            )
        } else {
            match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, Some("443")),
            }
        };
        let port = port.and_then(|p| p.parse().ok()).ok_or_else(bad)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || port == 0 || !host.chars().all(plain) {
            return Err(bad());
        }
        Ok(Self::new(host, port))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, host, port) in [
            ("relay.example.org", "relay.example.org", 443),
            ("Relay.Example.org:8443", "relay.example.org", 8443),
            ("https://relay.example.org/", "relay.example.org", 443),
            ("127.0.0.1:4433", "127.0.0.1", 4433),
            ("[::1]:4433", "::1", 4433),
            ("[::1]", "::1", 443),
        ] {
            let address: RelayAddress = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
        }
        for text in [
            "", ":1", "a:0", "a:b", "a:70000", "a/b", "[::1", "[x]:1", "a b", "::1",
        ] {
            assert!(text.parse::<RelayAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for text in ["relay.example.org:443", "[::1]:4433"] {
            assert_eq!(text.parse::<RelayAddress>().unwrap().to_string(), text);
        }
    }
}
