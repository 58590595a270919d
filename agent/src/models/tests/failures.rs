//! What goes wrong, and what is made of it.

use super::*;
use deputy_model_server::{Fault, Named, Reply as Says};
use std::time::Instant;

/// Every fault with the code it is told by, and whether asking again helps.
fn faults() -> Vec<(Says, &'static str, bool)> {
    let text = || Says::text("A longer answer, so that it has a middle.");
    vec![
        (Says::status(401), "auth", false),
        (Says::status(403), "auth", false),
        (Says::status(404), "unknown_model", false),
        (Says::status(400), "bad_request", false),
        (
            Says::status(400).saying("prompt is too long: 210000 tokens > 200000 maximum"),
            "out_of_context",
            false,
        ),
        (Says::status(413), "out_of_context", false),
        (Says::status(429), "rate_limited", true),
        (Says::status(500), "overloaded", true),
        (Says::status(503), "overloaded", true),
        (Says::status(529), "overloaded", true),
        (text().fault(Named::Hang), "unreachable", true),
        (text().fault(Named::Stall), "unreachable", true),
        (text().fault(Named::Cut), "unreachable", true),
        (text().fault(Named::End), "unreachable", true),
        (text().fault(Named::Error), "overloaded", true),
        (text().fault(Named::Malformed), "bad_reply", true),
        (text().fault(Named::Empty), "bad_reply", true),
        (text().fault(Named::Refusal), "refused", false),
    ]
}

/// Little patience with what never ends, enough for all else.
fn patience_with(fault: &Says, retries: u32) -> Patience {
    let mut patience = again(retries);
    let endless = [Named::Hang, Named::Stall].map(|named| Some(Fault::Named(named)));
    if endless.contains(&fault.fault) {
        patience.first = Duration::from_secs(1);
        patience.silence = Duration::from_secs(1);
    }
    patience
}

#[tokio::test]
async fn every_fault_is_told_by_its_code() {
    for api in APIS {
        for (fault, code, _) in faults() {
            let (server, house) = scripted(api, patience_with(&fault, 0), [fault.clone()]).await;
            let error = house.ask(question("Well?")).await.unwrap_err();
            assert_eq!(error.code(), code, "{} {fault:?}: {error}", api.0);
            server.finish();
        }
    }
}

#[tokio::test]
async fn only_what_passes_is_asked_again() {
    for api in APIS {
        for (fault, code, passes) in faults() {
            let says = [fault.clone(), Says::text("Here.")];
            let (server, house) = scripted(api, patience_with(&fault, 1), says).await;
            let answer = house.ask(question("Well?")).await;
            assert_eq!(answer.is_ok(), passes, "{} {fault:?} {code}", api.0);
            assert_eq!(server.asked().len(), if passes { 2 } else { 1 });
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_paid_for_at_most_twice() {
    for api in APIS {
        let says = [
            Says::text("").fault(Named::Empty),
            Says::text("").fault(Named::Empty),
        ];
        let (server, house) = scripted(api, again(4), says).await;
        let error = house.ask(question("Well?")).await.unwrap_err();
        assert_eq!(error.code(), "bad_reply");
        assert_eq!(house.paid().await.len(), 2);
        server.finish();
    }
}

#[tokio::test]
async fn asking_again_has_an_end() {
    let says = (0..4).map(|_| Says::status(500)).collect::<Vec<_>>();
    let (server, house) = scripted(APIS[0], again(3), says).await;
    let error = house.ask(question("Well?")).await.unwrap_err();
    assert_eq!(error.code(), "overloaded");
    assert_eq!(server.asked().len(), 4);
    server.finish();
}

#[tokio::test]
async fn a_provider_is_left_alone_for_as_long_as_it_asks() {
    for api in APIS {
        let says = [Says::status(429).retry_after("1"), Says::text("Here.")];
        let (server, house) = scripted(api, again(1), says).await;
        let begun = Instant::now();
        house.ask(question("Well?")).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
        server.finish();
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_asker() {
    let says = [Says::status(429).retry_after("3600")];
    let (server, house) = scripted(APIS[1], again(5), says).await;
    let error = house.ask(question("Well?")).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after_ms()),
        ("rate_limited", Some(3_600_000))
    );
    server.finish();
}

#[tokio::test]
async fn an_answer_that_goes_on_for_ever_is_given_up() {
    let mut patience = quick();
    patience.whole = Duration::from_millis(200);
    let says = [Says::text("x").fault(Named::Hang)];
    let (server, house) = scripted(APIS[0], patience, says).await;
    let error = house.ask(question("Well?")).await.unwrap_err();
    assert!(error.to_string().contains("no whole answer"), "{error}");
    server.finish();
}

#[tokio::test]
async fn a_question_can_be_withdrawn_while_it_hangs_and_while_it_waits() {
    let hang = Says::text("x").fault(Named::Hang);
    for says in [hang, Says::status(429).retry_after("2")] {
        let (server, house) = scripted(APIS[0], again(3), [says]).await;
        let cancel = CancellationToken::new();
        let asking = house.models.ask(question("Well?"), plan(), &cancel);
        let withdrawing = async {
            while server.asked().is_empty() {
                tokio::task::yield_now().await;
            }
            // By now the answer, if there is one, has come, and the wait has begun.
            tokio::time::sleep(Duration::from_millis(300)).await;
            cancel.cancel();
        };
        let (answer, ()) = tokio::join!(asking, withdrawing);
        assert_eq!(answer, Err(ModelError::Cancelled));
        // Asked again, it would have found no reply, and failed here.
        server.finish();
    }
}

#[tokio::test]
async fn without_a_model_nothing_is_asked() {
    let house = empty_house(Arc::new(SystemClock), quick());
    let error = house.ask(question("Well?")).await.unwrap_err();
    assert_eq!(error, ModelError::NotConfigured);
    assert_eq!(house.models.configured().await.unwrap(), None);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for api in APIS {
        let house = house_at(&url, api, quick()).await;
        let error = house.ask(question("Well?")).await.unwrap_err();
        assert_eq!(error.code(), "unreachable", "{error}");
    }
}

#[tokio::test]
async fn the_key_follows_no_redirect() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for api in APIS {
        let elsewhere = ModelServer::start(Vec::<Says>::new()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = elsewhere.url();
        let sending_away = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65_536];
            let read = stream.read(&mut request).await.unwrap();
            let line = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
            let answer = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let house = house_at(&url, api, quick()).await;
        house.ask(question("Well?")).await.unwrap_err();
        sending_away.await.unwrap();
        assert_eq!(elsewhere.asked().len(), 0, "{}", api.0);
    }
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_model_are_told_apart() {
    for api in APIS {
        let (server, house) = scripted(api, again(3), Vec::<Says>::new()).await;
        let set = |model: &str, key| {
            let settings = ModelSettings::parse(api.0, Some(&server.url()), model).unwrap();
            house.models.set(settings, Some(key))
        };
        set(api.1, "another-key-entirely").await.unwrap();
        assert_eq!(
            house.ask(question("Well?")).await.unwrap_err().code(),
            "auth"
        );
        set("no-such-model", KEY).await.unwrap();
        let error = house.ask(question("Well?")).await.unwrap_err();
        assert_eq!(error.code(), "unknown_model");
        assert_eq!(server.asked().len(), 2, "neither is asked again");
        server.finish();
    }
}

#[tokio::test]
async fn the_key_shows_up_in_no_error_and_nowhere_on_disk() {
    for api in APIS {
        let says = [Says::status(401).saying(format!("the key {KEY} is wrong"))];
        let (server, house) = scripted(api, quick(), says).await;
        let error = house.ask(question("Well?")).await.unwrap_err();
        assert!(
            error.to_string().contains("the key [secret] is wrong"),
            "{error}"
        );
        assert!(!format!("{error:?} {:?}", error.body()).contains(KEY));
        assert_eq!(server.asked()[0].key, KEY, "and yet it was sent");
        for file in std::fs::read_dir(house.home.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(
                !bytes
                    .windows(KEY.len())
                    .any(|window| window == KEY.as_bytes())
            );
        }
        server.finish();
    }
}

#[tokio::test]
async fn a_key_stays_with_its_door() {
    let house = house_at("http://127.0.0.1:1/v1", APIS[1], quick()).await;
    let set = |url, model| {
        let settings = ModelSettings::parse("openai", Some(url), model).unwrap();
        house.models.set(settings, None)
    };
    let kept = || async {
        house
            .models
            .open()
            .await
            .unwrap()
            .1
            .map(|key| key.to_string())
    };
    set("http://127.0.0.1:1/v1", "another-model").await.unwrap();
    assert_eq!(kept().await.as_deref(), Some(KEY));
    set("http://127.0.0.1:2/v1", "another-model").await.unwrap();
    assert_eq!(
        kept().await,
        None,
        "a key for one server is not sent to another"
    );
    assert!(house.models.remove().await.unwrap());
    assert!(!house.models.remove().await.unwrap());
    let left = house
        .store
        .read(|db| Ok(db.query_row("SELECT count(*) FROM secrets", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(left.await.unwrap(), 0);
}

#[tokio::test]
async fn a_model_away_from_this_machine_is_not_asked_without_its_key() {
    let house = empty_house(Arc::new(SystemClock), quick());
    let settings = ModelSettings::parse("anthropic", None, "claude-sonnet-4-5").unwrap();
    house.models.set(settings, None).await.unwrap();
    let error = house.ask(question("Well?")).await.unwrap_err();
    assert_eq!(error.code(), "auth");
}

#[tokio::test]
async fn a_local_ollama_is_offered_when_it_answers() {
    let rules = Rules {
        tags: vec!["llama3.2:3b".to_owned(), "qwen3:8b".to_owned()],
        ..Rules::default()
    };
    let server = ModelServer::with_rules(rules, [Says::text("ready")])
        .await
        .unwrap();
    let house = house_at(&server.url(), ("ollama", "qwen3:8b"), quick()).await;
    let offered = house.models.offered(&server.url()).await;
    assert_eq!(offered, ["llama3.2:3b", "qwen3:8b"]);
    assert_eq!(
        house.models.offered("http://127.0.0.1:1").await,
        Vec::<String>::new()
    );
    assert_eq!(house.ask(question("Well?")).await.unwrap().text, "ready");
    server.finish();
}
