//! Every way in which the relay says no, in words that a person understands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::*;
use deputy_link::{AgentLink, Carrier, CarrierChoice, DialConfig, Dialler, LinkError, Status};
use deputy_protocol::link::{Refusal, RefusalCode, RouteId};
use deputy_relay::{Access, Config, Rate, Relay};
use tokio::time::timeout;

const BOTH: [Carrier; 2] = [Carrier::Quic, Carrier::WebSocket];

async fn dial(relay: &Relay, carrier: Carrier, route: RouteId) -> Result<(), LinkError> {
    let dialler = dialler(relay, CarrierChoice::Only(carrier));
    dialler.dial(&address(relay), route).await.map(drop)
}

fn refusal(result: Result<(), LinkError>) -> Refusal {
    match result {
        Err(LinkError::Refused(refusal)) => refusal,
        Err(error) => panic!("not in words: {error}"),
        Ok(()) => panic!("not refused"),
    }
}

fn assert_sentence(refusal: &Refusal) {
    assert!(
        refusal.message.ends_with(['.', ')']) && !refusal.hint.is_empty(),
        "{refusal:?}"
    );
}

fn started(change: impl FnOnce(&mut Config)) -> Relay {
    let mut config = config();
    change(&mut config);
    Relay::start(config).unwrap()
}

#[tokio::test]
async fn an_unknown_route_and_an_agent_that_is_away_look_the_same() {
    let relay = started(|_| {});
    for carrier in BOTH {
        let link = echo_agent(&relay, 1, carrier, &[salt(1)]).await;
        dial(&relay, carrier, route(1, salt(1))).await.unwrap();
        let unknown = refusal(dial(&relay, carrier, route(1, salt(2))).await);
        link.stop().await;
        eventually("the agent is gone", || {
            metric(&relay, "deputy_relay_agents") == 0
        })
        .await;
        let away = refusal(dial(&relay, carrier, route(1, salt(1))).await);
        assert_eq!(unknown, away);
        assert_eq!(away.code, RefusalCode::Offline);
        assert_sentence(&away);
    }
}

#[tokio::test]
async fn an_agent_that_takes_no_more_says_so() {
    let relay = started(|_| {});
    for carrier in BOTH {
        let config = agent_config(&relay, 1, CarrierChoice::Only(carrier));
        // Its arrivals are not taken, and there is room for 64 only.
        let (link, arrivals) = AgentLink::start(config, vec![salt(1)]);
        linked(&link).await;
        let dialler = dialler(&relay, CarrierChoice::Only(carrier));
        let mut open = Vec::new();
        let refused = loop {
            match dialler.dial(&address(&relay), route(1, salt(1))).await {
                Ok(stream) => open.push(stream),
                Err(error) => break refusal(Err(error)),
            }
        };
        assert_eq!(open.len(), 64, "{carrier:?}");
        let expected = match carrier {
            // In its own words, on the stream.
            Carrier::Quic => RefusalCode::Full,
            Carrier::WebSocket => RefusalCode::Offline,
        };
        assert_eq!(refused.code, expected);
        drop(arrivals);
        link.stop().await;
    }
}

#[tokio::test]
async fn a_route_that_is_dialled_too_often_is_limited_and_says_until_when() {
    let relay = started(|c| {
        c.limits.route.dials = Rate {
            burst: 2.0,
            per_second: 0.01,
        }
    });
    let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1), salt(2)]).await;
    for carrier in BOTH {
        let to = route(1, salt(if carrier == Carrier::Quic { 1 } else { 2 }));
        dial(&relay, carrier, to).await.unwrap();
        dial(&relay, carrier, to).await.unwrap();
        let refused = refusal(dial(&relay, carrier, to).await);
        assert_eq!(refused.code, RefusalCode::RateLimited);
        assert!(refused.retry_ms.unwrap() > 90_000);
        assert_sentence(&refused);
    }
}

#[tokio::test]
async fn an_address_that_dials_too_often_is_limited() {
    let relay = started(|c| {
        c.limits.address.dials = Rate {
            burst: 3.0,
            per_second: 0.01,
        }
    });
    for _ in 0..3 {
        let refused = refusal(dial(&relay, Carrier::Quic, RouteId([1; 24])).await);
        assert_eq!(refused.code, RefusalCode::Offline);
    }
    for carrier in BOTH {
        let refused = refusal(dial(&relay, carrier, RouteId([1; 24])).await);
        assert_eq!(refused.code, RefusalCode::RateLimited);
    }
}

#[tokio::test]
async fn connections_of_an_address_and_of_all_are_limited_in_words() {
    for limit in ["address", "all", "rate"] {
        let relay = started(|c| match limit {
            "address" => c.limits.address.open = 1,
            "all" => c.limits.connections = 1,
            _ => {
                c.limits.address.connections = Rate {
                    burst: 1.0,
                    per_second: 0.01,
                }
            }
        });
        let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
        for carrier in BOTH {
            let refused = refusal(dial(&relay, carrier, route(1, salt(1))).await);
            let code = if limit == "rate" {
                RefusalCode::RateLimited
            } else {
                RefusalCode::Full
            };
            assert_eq!(refused.code, code, "{limit} {carrier:?}");
            assert_sentence(&refused);
        }
    }
}

#[tokio::test]
async fn streams_of_a_route_are_limited_and_one_that_ends_makes_room() {
    let relay = started(|c| c.limits.route.streams = 2);
    let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
    let dialler = dialler(&relay, CarrierChoice::Any);
    let at = address(&relay);
    let one = dialler.dial(&at, route(1, salt(1))).await.unwrap();
    let _two = dialler.dial(&at, route(1, salt(1))).await.unwrap();
    let refused = refusal(dialler.dial(&at, route(1, salt(1))).await.map(drop));
    assert_eq!(refused.code, RefusalCode::Full);
    drop(one);
    eventually("room", || metric(&relay, "deputy_relay_streams") == 1).await;
    dialler.dial(&at, route(1, salt(1))).await.unwrap();
}

#[tokio::test]
async fn a_private_relay_refuses_strangers() {
    let relay = started(|c| c.access = Access::Everybody("the right token".into()));
    for carrier in BOTH {
        let refused = refusal(dial(&relay, carrier, route(1, salt(1))).await);
        assert_eq!(refused.code, RefusalCode::Unauthorised);
        assert_sentence(&refused);

        let (link, _arrivals) = AgentLink::start(
            agent_config(&relay, 1, CarrierChoice::Only(carrier)),
            vec![salt(1)],
        );
        let mut status = link.status();
        let refused = status.wait_for(|s| matches!(s, Status::Refused(_)));
        let refused = timeout(PATIENCE, refused).await.unwrap().unwrap().clone();
        let Status::Refused(refused) = refused else {
            unreachable!()
        };
        assert_eq!(refused.code, RefusalCode::Unauthorised);

        let mut config = agent_config(&relay, 1, CarrierChoice::Only(carrier));
        config.access_token = Some("the right token".into());
        let (link, arrivals) = AgentLink::start(config, vec![salt(1)]);
        tokio::spawn(echo_all(arrivals));
        linked(&link).await;
        let dialler = Dialler::new(DialConfig {
            trust: trust(&relay),
            carriers: CarrierChoice::Only(carrier),
            access_token: Some("the right token".into()),
            software: String::new(),
        });
        let mut stream = dialler
            .dial(&address(&relay), route(1, salt(1)))
            .await
            .unwrap();
        assert_eq!(round_trip(&mut stream, b"let in").await.unwrap(), b"let in");
        link.stop().await;
    }
}

#[tokio::test]
async fn a_relay_that_is_not_who_it_should_be_is_not_believed() {
    let (relay, other) = (started(|_| {}), started(|_| {}));
    for carrier in BOTH {
        let dialler = dialler(&other, CarrierChoice::Only(carrier));
        let error = dialler
            .dial(&address(&relay), route(1, salt(1)))
            .await
            .map(drop)
            .unwrap_err();
        assert!(!matches!(error, LinkError::Refused(_)), "{error}");
    }
}

#[tokio::test]
async fn a_relay_under_another_name_gets_no_registration() {
    let relay = started(|c| c.names = vec!["relay.example.org".into()]);
    for carrier in BOTH {
        let (link, _arrivals) = AgentLink::start(
            agent_config(&relay, 1, CarrierChoice::Only(carrier)),
            vec![salt(1)],
        );
        let mut status = link.status();
        let refused = status.wait_for(|s| matches!(s, Status::Refused(_)));
        let refused = timeout(PATIENCE, refused).await.unwrap().unwrap().clone();
        let Status::Refused(refused) = refused else {
            unreachable!()
        };
        assert_eq!(refused.code, RefusalCode::Unauthorised);
        assert!(refused.message.contains("name"), "{refused}");
    }
}
