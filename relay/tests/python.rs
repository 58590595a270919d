//! The specification is enough: a client that was written from it alone, in another language.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use deputy_link::Carrier;
use deputy_protocol::link::RouteSecret;
use deputy_relay::Relay;
use std::path::Path;
use tokio::process::Command;
use tokio::time::timeout;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn a_client_in_python_reaches_agents_on_either_carrier() {
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let relay = Relay::start(config()).unwrap();
        let _link = echo_agent(&relay, 1, carrier, &[salt(1)]).await;
        let key = RouteSecret::from_bytes([1; 32]).public();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/client.py");
        let running = Command::new("python3")
            .arg(script)
            .arg(relay.address().port().to_string())
            .args([hex(&relay.certificate_hash()), hex(&key.0), hex(&salt(1).0)])
            .output();
        let output = timeout(PATIENCE, running).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "ok",
            "{errors}"
        );
    }
}
