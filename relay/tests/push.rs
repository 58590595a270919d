//! Push through the relay, against stand-ins that speak the services' real wire formats: HTTP/2 over
//! TLS, signatures checked as Apple and Google check them.
#![cfg(feature = "push")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::services::{Services, fixture, now};
use common::*;
use deputy_link::{AgentLink, Carrier, LinkError};
use deputy_protocol::link::{Provider, Push, Pushed, RefusalCode};
use deputy_relay::{Config, Fcm, PushConfig, Rate, Relay};
use serde_json::json;

const BODY: &str = "c2VhbGVkIGVudmVsb3Bl";

struct Set {
    relay: Relay,
    link: AgentLink,
    services: Services,
}

async fn set(carrier: Carrier, change: impl FnOnce(&mut Config)) -> Set {
    let services = Services::start().await;
    let mut config = config();
    config.push = Some(services.config());
    change(&mut config);
    let relay = Relay::start(config).unwrap();
    let link = echo_agent(&relay, 1, carrier, &[salt(1)]).await;
    Set {
        relay,
        link,
        services,
    }
}

fn push(provider: Provider, device: &str) -> Push {
    Push {
        id: 0,
        provider,
        device: device.into(),
        body: BODY.into(),
        urgent: true,
        ttl_s: 3600,
    }
}

fn verdict(pushed: &Pushed) -> (u16, &str, bool) {
    (pushed.status, &pushed.reason, pushed.gone)
}

#[tokio::test]
async fn an_envelope_reaches_each_service_as_it_is_and_the_verdict_comes_back() {
    for carrier in [Carrier::Quic, Carrier::WebSocket] {
        let set = set(carrier, |_| {}).await;
        for (provider, device, expected) in [
            (Provider::Apns, "00fa11", (200, "", false)),
            (Provider::Apns, "00dead", (410, "Unregistered", true)),
            (Provider::Apns, "00busy", (429, "TooManyRequests", false)),
            (Provider::Fcm, "fine:device-1_x", (200, "", false)),
            (Provider::Fcm, "gone:device", (404, "UNREGISTERED", true)),
            (
                Provider::Fcm,
                "slow:down",
                (429, "RESOURCE_EXHAUSTED", false),
            ),
        ] {
            let pushed = set.link.push(push(provider, device)).await.unwrap();
            assert_eq!(verdict(&pushed), expected, "{device}");
        }
        let seen = set.services.seen();
        let (_, headers, body) = &seen.apns[0];
        assert_eq!(headers["apns-topic"], "org.example.deputy");
        assert_eq!(
            (&headers["apns-push-type"], &headers["apns-priority"]),
            (&json!("alert"), &json!("10"))
        );
        let expiration: u64 = headers["apns-expiration"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(expiration.abs_diff(now() + 3600) < 60);
        assert_eq!(
            (&body["deputy"], &body["aps"]["mutable-content"]),
            (&json!(BODY), &json!(1))
        );
        // Signed once, granted once.
        assert!(seen.apns.iter().all(|(token, ..)| *token == seen.apns[0].0));
        assert_eq!(seen.grants, 1);
        let message = &seen.fcm[0]["message"];
        assert_eq!(message["data"], json!({ "deputy": BODY }));
        assert_eq!(
            message["android"],
            json!({ "priority": "HIGH", "ttl": "3600s" })
        );
        assert!(
            message["notification"].is_null(),
            "nothing for people to read leaves the agent unsealed"
        );
    }
}

fn refused(result: Result<Pushed, LinkError>) -> RefusalCode {
    match result {
        Err(LinkError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_push_is_refused_and_the_link_lives_on() {
    let set = set(Carrier::Quic, |c| {
        c.limits.pushes = Rate {
            burst: 6.0,
            per_second: 0.01,
        }
    })
    .await;
    for (provider, device) in [
        (Provider::Apns, "../../admin"),
        (Provider::Apns, ""),
        (Provider::Fcm, "a b"),
        (Provider::Fcm, &"x".repeat(2000)),
    ] {
        assert_eq!(
            refused(set.link.push(push(provider, device)).await),
            RefusalCode::Malformed
        );
    }
    let mut unsealed = push(Provider::Fcm, "fine");
    unsealed.body = "{\"title\":\"hello\"}".into();
    assert_eq!(
        refused(set.link.push(unsealed).await),
        RefusalCode::Malformed
    );
    assert_eq!(
        set.link
            .push(push(Provider::Apns, "00fa11"))
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        refused(set.link.push(push(Provider::Apns, "00fa11")).await),
        RefusalCode::RateLimited
    );
    assert_eq!(metric(&set.relay, "deputy_relay_agents"), 1);
    linked(&set.link).await;
}

#[tokio::test]
async fn a_relay_without_push_or_without_a_service_says_so() {
    let relay = Relay::start(config()).unwrap();
    let link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
    assert_eq!(
        refused(link.push(push(Provider::Apns, "00fa11")).await),
        RefusalCode::Unsupported
    );
    let set = set(Carrier::Quic, |c| c.push.as_mut().unwrap().fcm = None).await;
    assert_eq!(
        refused(set.link.push(push(Provider::Fcm, "fine")).await),
        RefusalCode::Unsupported
    );
    assert_eq!(
        set.link
            .push(push(Provider::Apns, "00fa11"))
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_told_and_bad_credentials_do_not_start() {
    let set = set(Carrier::Quic, |c| {
        c.push.as_mut().unwrap().apns.as_mut().unwrap().server = "https://localhost:1".into();
    })
    .await;
    assert_eq!(
        refused(set.link.push(push(Provider::Apns, "00fa11")).await),
        RefusalCode::Timeout
    );
    let mut config = config();
    config.push = Some(PushConfig {
        apns: None,
        fcm: Some(Fcm {
            account: fixture("apns-test-key.p8"),
            server: "https://localhost:1".into(),
        }),
        trust: deputy_link::Trust::System,
    });
    assert!(Relay::start(config).is_err());
}
