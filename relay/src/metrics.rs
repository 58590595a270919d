//! What the relay counts, as Prometheus reads it. Nothing here names a route, an address or a
//! person.

use crate::carriers::Carrier;
use deputy_protocol::link::RefusalCode;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How a dial ended, for the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialled {
    Joined,
    Refused,
}

const REFUSALS: [(RefusalCode, &str); 11] = [
    (RefusalCode::Offline, "offline"),
    (RefusalCode::Elsewhere, "elsewhere"),
    (RefusalCode::RateLimited, "rate_limited"),
    (RefusalCode::Full, "full"),
    (RefusalCode::Version, "version"),
    (RefusalCode::Unauthorised, "unauthorised"),
    (RefusalCode::GoingAway, "going_away"),
    (RefusalCode::Malformed, "malformed"),
    (RefusalCode::Timeout, "timeout"),
    (RefusalCode::Unsupported, "unsupported"),
    (RefusalCode::Other, "other"),
];

/// All counters. Totals since the start, and what is there now.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    open: [AtomicI64; 3],
    opened: [AtomicU64; 3],
    refusals: [AtomicU64; REFUSALS.len()],
    joined: AtomicU64,
    refused_dials: AtomicU64,
    pub(crate) streams: AtomicI64,
    pub(crate) bytes_up: AtomicU64,
    pub(crate) bytes_down: AtomicU64,
    /// Connections that did not get past their handshake.
    pub(crate) failed_handshakes: AtomicU64,
    /// Connections asked to show that their address is theirs.
    pub(crate) retries: AtomicU64,
    pub(crate) certificate_reloads: AtomicU64,
}

/// What only the tables know.
pub(crate) struct Tables {
    pub(crate) agents: usize,
    pub(crate) routes: usize,
    pub(crate) draining: bool,
    #[cfg(feature = "acme")]
    pub(crate) certificate: CertificateState,
}

/// How the certificate stands.
#[cfg(feature = "acme")]
#[derive(Default)]
pub(crate) struct CertificateState {
    /// Until it ends; `None` while there is none.
    pub(crate) seconds_left: Option<i64>,
    /// Of orders by ACME, if that is where it comes from.
    pub(crate) progress: Option<crate::acme::Progress>,
}

impl Metrics {
    pub(crate) fn opened(&self, carrier: Carrier) {
        self.open[carrier as usize].fetch_add(1, Ordering::Relaxed);
        self.opened[carrier as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, carrier: Carrier) {
        self.open[carrier as usize].fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, code: RefusalCode) {
        if let Some(at) = REFUSALS.iter().position(|(known, _)| *known == code) {
            self.refusals[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dialled(&self, how: Dialled) {
        match how {
            Dialled::Joined => self.joined.fetch_add(1, Ordering::Relaxed),
            Dialled::Refused => self.refused_dials.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(crate) fn text(&self, tables: &Tables) -> String {
        let mut out = Out(String::with_capacity(4096));
        out.head("connections", "gauge", "Connections that are open.");
        for carrier in Carrier::ALL {
            let n = self.open[carrier as usize].load(Ordering::Relaxed);
            out.value("connections", &[("carrier", carrier.name())], n);
        }
        out.head(
            "connections_total",
            "counter",
            "Connections since the start.",
        );
        for carrier in Carrier::ALL {
            let n = self.opened[carrier as usize].load(Ordering::Relaxed);
            out.value("connections_total", &[("carrier", carrier.name())], n);
        }
        out.head("refusals_total", "counter", "Refusals by reason.");
        for ((_, name), n) in REFUSALS.iter().zip(&self.refusals) {
            out.value(
                "refusals_total",
                &[("code", name)],
                n.load(Ordering::Relaxed),
            );
        }
        out.head("dials_total", "counter", "Dials by outcome.");
        let joined = self.joined.load(Ordering::Relaxed);
        out.value("dials_total", &[("outcome", "joined")], joined);
        let refused = self.refused_dials.load(Ordering::Relaxed);
        out.value("dials_total", &[("outcome", "refused")], refused);
        out.head("bytes_total", "counter", "Bytes of joined streams.");
        let up = self.bytes_up.load(Ordering::Relaxed);
        out.value("bytes_total", &[("direction", "to_agent")], up);
        let down = self.bytes_down.load(Ordering::Relaxed);
        out.value("bytes_total", &[("direction", "to_client")], down);
        let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
        out.single(
            "streams",
            "gauge",
            "Streams that are joined.",
            self.streams.load(Ordering::Relaxed),
        );
        out.single(
            "agents",
            "gauge",
            "Agents that are registered.",
            tables.agents,
        );
        out.single(
            "routes",
            "gauge",
            "Routes that can be dialled.",
            tables.routes,
        );
        out.single(
            "failed_handshakes_total",
            "counter",
            "Connections that did not get past their handshake.",
            count(&self.failed_handshakes),
        );
        out.single(
            "retries_total",
            "counter",
            "Connections asked to show that their address is theirs.",
            count(&self.retries),
        );
        out.single(
            "certificate_reloads_total",
            "counter",
            "Times that a new certificate was taken into use.",
            count(&self.certificate_reloads),
        );
        out.single(
            "draining",
            "gauge",
            "1 while the relay is about to stop.",
            u8::from(tables.draining),
        );
        #[cfg(feature = "acme")]
        tables.certificate.text(&mut out);
        out.0
    }
}

#[cfg(feature = "acme")]
impl CertificateState {
    fn text(&self, out: &mut Out) {
        if let Some(left) = self.seconds_left {
            out.single(
                "certificate_expires_in_seconds",
                "gauge",
                "Until the certificate in use ends; missing while there is none.",
                left,
            );
        }
        if let Some(progress) = &self.progress {
            out.head(
                "certificate_orders_total",
                "counter",
                "Orders of a certificate by ACME, by outcome.",
            );
            for (outcome, n) in [("taken", progress.taken), ("failed", progress.failed)] {
                out.value("certificate_orders_total", &[("outcome", outcome)], n);
            }
        }
    }
}

struct Out(String);

impl Out {
    // Writing to a string cannot fail.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP deputy_relay_{name} {help}");
        let _ = writeln!(self.0, "# TYPE deputy_relay_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
        let _ = if labels.is_empty() {
            writeln!(self.0, "deputy_relay_{name} {value}")
        } else {
            writeln!(
                self.0,
                "deputy_relay_{name}{{{}}} {value}",
                labels.join(",")
            )
        };
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.value(name, &[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.opened(Carrier::Quic);
        metrics.refused(RefusalCode::Offline);
        let text = metrics.text(&Tables {
            agents: 2,
            routes: 5,
            draining: false,
            #[cfg(feature = "acme")]
            certificate: CertificateState::default(),
        });
        for line in [
            "deputy_relay_connections{carrier=\"quic\"} 1",
            "deputy_relay_refusals_total{code=\"offline\"} 1",
            "deputy_relay_agents 2",
            "deputy_relay_routes 5",
            "# TYPE deputy_relay_bytes_total counter",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        let malformed = text.lines().filter(|l| !l.starts_with('#')).find(|l| {
            l.rsplit_once(' ')
                .is_none_or(|(_, v)| v.parse::<i64>().is_err())
        });
        assert_eq!(malformed, None);
    }
}
