//! How much an address or a route may ask for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many at once, and so many more a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many may come at once after a quiet time. At least 1.
    pub burst: f64,
    /// How many more each second.
    pub per_second: f64,
}

impl Rate {
    /// A rate that nothing reaches.
    pub const UNLIMITED: Self = Self {
        burst: f64::INFINITY,
        per_second: f64::INFINITY,
    };
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            at: now,
        }
    }

    /// Takes one, or says how long to wait for it.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        if rate.burst.is_infinite() {
            return Ok(());
        }
        self.refill(rate, now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / rate.per_second.max(f64::MIN_POSITIVE);
        // A rate of nearly nothing must not overflow.
        Err(Duration::from_secs_f64(wait.min(86_400.0)))
    }

    /// Takes so many, on credit where there are not enough: how long to take no more.
    fn owe(&mut self, amount: f64, rate: Rate, now: Instant) -> Duration {
        self.refill(rate, now);
        self.tokens -= amount;
        let wait = -self.tokens / rate.per_second.max(f64::MIN_POSITIVE);
        Duration::from_secs_f64(wait.clamp(0.0, 86_400.0))
    }

    fn is_full(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        self.tokens >= rate.burst
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_second).min(rate.burst);
        self.at = now;
    }
}

/// How fast the streams of one route may be, all together and both ways.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    bucket: Mutex<Bucket>,
}

impl Pace {
    /// One that holds to `rate`, in bytes.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            bucket: Mutex::new(Bucket::full(rate, now)),
        }
    }

    /// So many bytes were passed on: how long whoever did it is to rest. Who comes later rests
    /// longer, so streams of a route take turns.
    pub(crate) fn passed(&self, bytes: u64, now: Instant) -> Duration {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.owe(bytes as f64, self.rate, now)
    }
}

/// Whose limits count: an IPv4 address, or the /64 network of an IPv6 address, of which one person
/// has as many as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => {
                let network = u128::from(v6) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
        })
    }
}

/// What one address may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddressLimits {
    /// Connections at a time.
    pub open: u32,
    /// New connections.
    pub connections: Rate,
    /// Dials.
    pub dials: Rate,
}

#[derive(Debug)]
struct Address {
    open: u32,
    connections: Bucket,
    dials: Bucket,
}

/// Why an address has to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TooMuch {
    /// For this long.
    Rate(Duration),
    /// Until one of its connections ends.
    Open,
}

/// What every address asked for lately. Bounded: addresses that ask for nothing are forgotten.
#[derive(Debug)]
pub(crate) struct Addresses {
    limits: AddressLimits,
    most: usize,
    known: HashMap<AddressKey, Address>,
}

impl Addresses {
    pub(crate) fn new(limits: AddressLimits, most: usize) -> Self {
        Self {
            limits,
            most,
            known: HashMap::new(),
        }
    }

    /// A connection begins. Every success must be followed by [`Self::disconnected`].
    pub(crate) fn connected(&mut self, key: AddressKey, now: Instant) -> Result<(), TooMuch> {
        let limits = self.limits;
        let address = self.entry(key, now)?;
        if address.open >= limits.open {
            return Err(TooMuch::Open);
        }
        address
            .connections
            .take(limits.connections, now)
            .map_err(TooMuch::Rate)?;
        address.open += 1;
        Ok(())
    }

    pub(crate) fn disconnected(&mut self, key: AddressKey) {
        if let Some(address) = self.known.get_mut(&key) {
            address.open = address.open.saturating_sub(1);
        }
    }

    pub(crate) fn dialled(&mut self, key: AddressKey, now: Instant) -> Result<(), TooMuch> {
        let rate = self.limits.dials;
        let address = self.entry(key, now)?;
        address.dials.take(rate, now).map_err(TooMuch::Rate)
    }

    /// Forgets addresses that have no connection and asked for nothing lately.
    pub(crate) fn forget_quiet(&mut self, now: Instant) {
        let limits = self.limits;
        self.known.retain(|_, address| {
            address.open > 0
                || !address.connections.is_full(limits.connections, now)
                || !address.dials.is_full(limits.dials, now)
        });
    }

    fn entry(&mut self, key: AddressKey, now: Instant) -> Result<&mut Address, TooMuch> {
        if self.known.len() >= self.most && !self.known.contains_key(&key) {
            self.forget_quiet(now);
            if self.known.len() >= self.most {
                return Err(TooMuch::Rate(Duration::from_secs(10)));
            }
        }
        let limits = self.limits;
        Ok(self.known.entry(key).or_insert_with(|| Address {
            open: 0,
            connections: Bucket::full(limits.connections, now),
            dials: Bucket::full(limits.dials, now),
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LIMITS: AddressLimits = AddressLimits {
        open: 2,
        connections: Rate {
            burst: 3.0,
            per_second: 1.0,
        },
        dials: Rate {
            burst: 1.0,
            per_second: 0.5,
        },
    };

    fn key(text: &str) -> AddressKey {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let rate = Rate {
            burst: 2.0,
            per_second: 10.0,
        };
        let start = Instant::now();
        let mut bucket = Bucket::full(rate, start);
        assert_eq!(bucket.take(rate, start), Ok(()));
        assert_eq!(bucket.take(rate, start), Ok(()));
        let wait = bucket.take(rate, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(bucket.take(rate, start + wait), Ok(()));
        assert!(bucket.take(rate, start + wait).is_err());
    }

    #[test]
    fn a_pace_gives_its_burst_and_then_its_rate_however_many_share_it() {
        let rate = Rate {
            burst: 4_000.0,
            per_second: 1_000.0,
        };
        let start = Instant::now();
        let pace = Pace::new(rate, start);
        assert_eq!(pace.passed(4_000, start), Duration::ZERO);
        // Three that rest as long as they are told, for an hour.
        let mut due = [start; 3];
        let mut total = 4_000;
        let hour = Duration::from_secs(3_600);
        loop {
            let (next, at) = { due.iter().copied().enumerate() }
                .min_by_key(|(_, at)| *at)
                .unwrap();
            if at > start + hour {
                break;
            }
            due[next] = at + pace.passed(700, at);
            total += 700;
        }
        let most = 4_000 + 3_600 * 1_000;
        assert!((most..most + 3 * 700).contains(&total), "{total}");
        // Who was quiet has a burst again, and no more than that.
        let later = start + 2 * hour;
        assert_eq!(pace.passed(4_000, later), Duration::ZERO);
        assert_eq!(pace.passed(1_000, later), Duration::from_secs(1));
    }

    #[test]
    fn an_address_has_so_many_connections_and_no_more() {
        let now = Instant::now();
        let mut addresses = Addresses::new(LIMITS, 10);
        let one = key("192.0.2.1");
        assert_eq!(addresses.connected(one, now), Ok(()));
        assert_eq!(addresses.connected(one, now), Ok(()));
        assert_eq!(addresses.connected(one, now), Err(TooMuch::Open));
        assert_eq!(addresses.connected(key("192.0.2.2"), now), Ok(()));
        addresses.disconnected(one);
        assert_eq!(addresses.connected(one, now), Ok(()));
        addresses.disconnected(one);
        assert!(matches!(
            addresses.connected(one, now),
            Err(TooMuch::Rate(_))
        ));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_mapped_addresses_as_ipv4() {
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_quiet() {
        let now = Instant::now();
        let mut addresses = Addresses::new(LIMITS, 2);
        assert_eq!(addresses.connected(key("192.0.2.1"), now), Ok(()));
        assert_eq!(addresses.dialled(key("192.0.2.2"), now), Ok(()));
        assert!(matches!(
            addresses.dialled(key("192.0.2.3"), now),
            Err(TooMuch::Rate(_))
        ));
        let later = now + Duration::from_secs(3);
        assert_eq!(addresses.dialled(key("192.0.2.3"), later), Ok(()));
        assert_eq!(addresses.known.len(), 2);
    }
}
