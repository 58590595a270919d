//! Conversations with tools: how they end, what they may use, and what a crash leaves.

use super::*;
use crate::clock::SimClock;
use crate::store::threads;
use deputy_model_server::{Asked, Named, Reply as Says, Usage as Counted};

/// Knows the weather; finishes with what it is told; waits for an answer from outside.
#[derive(Default)]
struct Box {
    called: Vec<String>,
    answer: Option<String>,
}

impl Toolbox for Box {
    type Done = String;

    fn specs(&self) -> Vec<ToolSpec> {
        let spec = |name: &str| ToolSpec {
            name: name.to_owned(),
            ..weather()
        };
        vec![spec("weather"), spec("ask"), spec("finish")]
    }

    async fn call(&mut self, call: &ToolCall) -> Step<String> {
        let place = call.input["place"].as_str().unwrap_or_default().to_owned();
        self.called.push(format!("{} {place}", call.name));
        match call.name.as_str() {
            "weather" => Step::ok(format!("rain in {place}")),
            "ask" => self.answer.clone().map_or(Step::Wait, Step::ok),
            "finish" => Step::Finish(place),
            other => Step::error(format!("there is no tool “{other}”")),
        }
    }
}

fn call(name: &str, place: &str) -> Says {
    Says::call(name, json!({"place": place}))
}

fn ample() -> Budget {
    Budget {
        turns: 20,
        tokens: 1_000_000,
        wall_ms: 60_000,
        cost_micros: 1_000_000,
    }
}

async fn go(
    house: &House,
    conversation: &mut Conversation,
    toolbox: &mut Box,
    budget: Budget,
) -> Ended<String> {
    let never = CancellationToken::new();
    converse(&house.models, conversation, toolbox, budget, plan(), &never).await
}

async fn begun(house: &House) -> Conversation {
    let begin = Conversation::begin(&house.store, &house.clock, None, "You plan.");
    let mut conversation = begin.await.unwrap();
    conversation.say("Do it.").await.unwrap();
    conversation
}

#[tokio::test]
async fn a_conversation_goes_on_with_its_tools_until_it_finishes() {
    for api in APIS {
        let says = [
            call("weather", "Köln").and_call("weather", json!({"place": "Bonn"})),
            call("nonsense", "x"),
            call("finish", "done"),
        ];
        let (server, house) = scripted(api, quick(), says).await;
        let (mut conversation, mut toolbox) = (begun(&house).await, Box::default());
        let ended = go(&house, &mut conversation, &mut toolbox, ample()).await;
        assert_eq!(ended, Ended::Finished("done".to_owned()));
        assert_eq!(
            toolbox.called,
            ["weather Köln", "weather Bonn", "nonsense x", "finish done"]
        );
        let asked = server.asked();
        assert_eq!(asked[1].last_text().trim(), "rain in Köln\nrain in Bonn");
        assert!(asked[2].said.last().unwrap().has_error());
        assert_eq!(house.paid().await.len(), 3);
        server.finish();
    }
}

/// What a crash leaves at any point is the beginning of the thread. From each of them the
/// conversation comes to the same end, and asks only for the answers that are missing.
#[tokio::test]
async fn after_a_crash_at_any_point_no_answer_that_is_on_disk_is_paid_for_again() {
    for api in APIS {
        let script = |asked: &Asked| match asked.answers() {
            0 => call("weather", "Köln"),
            1 => Says::text("Hm."),
            2 => call("weather", "Bonn"),
            _ => call("finish", "done"),
        };
        let (server, house) = scripted(api, quick(), Script::computed(script)).await;
        let mut conversation = begun(&house).await;
        let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
        assert_eq!(ended, Ended::Finished("done".to_owned()));
        let thread = conversation.thread().unwrap();
        let whole = house
            .store
            .read(move |db| threads::messages(db, thread))
            .await
            .unwrap();
        let roles: Vec<&str> = whole.iter().map(|(role, _)| role.as_str()).collect();
        let expected = [
            "system", "user", "model", "results", "model", "user", "model", "results", "model",
        ];
        assert_eq!(roles, expected);
        let answers =
            |messages: &[(String, Value)]| messages.iter().filter(|m| m.0 == "model").count();
        for length in 2..=whole.len() {
            let begun = whole[..length].to_vec();
            let missing = answers(&whole) - answers(&begun);
            let write = move |db: &rusqlite::Connection| {
                let thread = threads::begin(db, None, Time(0))?;
                for (role, content) in begun {
                    threads::append(db, thread, &role, &content, Time(0))?;
                }
                Ok(thread)
            };
            let thread = house.store.write(Durability::Ordered, write).await.unwrap();
            let before = server.asked().len();
            let resume = Conversation::resume(&house.store, &house.clock, thread);
            let mut conversation = resume.await.unwrap();
            let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
            assert_eq!(ended, Ended::Finished("done".to_owned()), "from {length}");
            assert_eq!(server.asked().len() - before, missing, "from {length}");
            let read = house
                .store
                .read(move |db| threads::messages(db, thread))
                .await
                .unwrap();
            let turns = |messages: &[(String, Value)]| -> Vec<Value> {
                messages
                    .iter()
                    .map(|(_, content)| content["turn"].clone())
                    .collect()
            };
            assert_eq!(turns(&read), turns(&whole), "from {length}");
        }
        server.finish();
    }
}

#[tokio::test]
async fn a_conversation_waits_and_goes_on_where_it_waited() {
    for api in APIS {
        let says = [call("ask", "?"), call("finish", "done")];
        let (server, house) = scripted(api, quick(), says).await;
        let mut conversation = begun(&house).await;
        let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
        assert_eq!(ended, Ended::Waiting);
        let thread = conversation.thread().unwrap();
        let resume = Conversation::resume(&house.store, &house.clock, thread);
        let mut conversation = resume.await.unwrap();
        let mut toolbox = Box {
            answer: Some("the blue one".to_owned()),
            ..Box::default()
        };
        let ended = go(&house, &mut conversation, &mut toolbox, ample()).await;
        assert_eq!(ended, Ended::Finished("done".to_owned()));
        assert!(server.asked()[1].last_text().contains("the blue one"));
        server.finish();
    }
}

#[tokio::test]
async fn a_model_that_only_talks_is_reminded_once() {
    for api in APIS {
        let says = [
            Says::text("I could do that."),
            call("weather", "Köln"),
            Says::text("So."),
            Says::text("I cannot."),
        ];
        let (server, house) = scripted(api, quick(), says).await;
        let mut conversation = begun(&house).await;
        let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
        assert_eq!(ended, Ended::GaveUp("I cannot.".to_owned()));
        assert!(
            server.asked()[1]
                .last_text()
                .contains("Go on with one of your tools")
        );
        // The user's next words are a new beginning.
        server.then(call("finish", "done"));
        conversation.say("Try it all the same.").await.unwrap();
        let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
        assert_eq!(ended, Ended::Finished("done".to_owned()));
        server.finish();
    }
}

#[tokio::test]
async fn a_call_that_is_not_json_reaches_no_tool() {
    for api in APIS {
        let says = [
            call("finish", "too early").fault(Named::BadInput),
            call("finish", "done"),
        ];
        let (server, house) = scripted(api, quick(), says).await;
        let (mut conversation, mut toolbox) = (begun(&house).await, Box::default());
        let ended = go(&house, &mut conversation, &mut toolbox, ample()).await;
        assert_eq!(ended, Ended::Finished("done".to_owned()));
        assert_eq!(toolbox.called, ["finish done"]);
        assert!(server.asked()[1].said.last().unwrap().has_error());
        server.finish();
    }
}

#[tokio::test]
async fn each_part_of_the_budget_ends_the_conversation() {
    let usage = Counted {
        input: 900,
        output: 100,
        ..Counted::default()
    };
    // A turn takes 1,000 tokens and 2,700 + 1,500 micro-USD.
    let turns = Budget {
        turns: 3,
        ..ample()
    };
    let tokens = Budget {
        tokens: 2_500,
        ..ample()
    };
    let cost = Budget {
        cost_micros: 8_400,
        ..ample()
    };
    let nothing = Budget {
        turns: 0,
        ..ample()
    };
    for (budget, resource, asked) in [
        (turns, Resource::Turns, 3),
        (tokens, Resource::Tokens, 3),
        (cost, Resource::Cost, 2),
        (nothing, Resource::Turns, 0),
    ] {
        let script = Script::computed(move |_| call("weather", "Köln").usage(usage));
        let (server, house) = scripted(APIS[0], quick(), script).await;
        let mut conversation = begun(&house).await;
        let ended = go(&house, &mut conversation, &mut Box::default(), budget).await;
        assert_eq!(ended, Ended::OutOfBudget(resource));
        assert_eq!(server.asked().len(), asked, "{resource:?}");
        // A restart does not make it ample again.
        let thread = conversation.thread().unwrap();
        let resume = Conversation::resume(&house.store, &house.clock, thread);
        let mut conversation = resume.await.unwrap();
        let ended = go(&house, &mut conversation, &mut Box::default(), budget).await;
        assert_eq!(ended, Ended::OutOfBudget(resource));
        assert_eq!(server.asked().len(), asked, "{resource:?} after a restart");
    }
}

#[tokio::test]
async fn the_time_of_a_sitting_is_limited() {
    let server = ModelServer::start([Says::text("x").fault(Named::Hang)])
        .await
        .unwrap();
    let clock = SimClock::new(Time(0));
    let house = empty_house(Arc::new(clock.clone()), quick());
    let settings = ModelSettings::parse("openai", Some(&server.url()), "m").unwrap();
    house.models.set(settings, None).await.unwrap();
    let mut conversation = Conversation::unkept("You plan.");
    conversation.say("Do it.").await.unwrap();
    let mut toolbox = Box::default();
    let waking = async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.wait_for_waiter().await, Time(60_000));
        clock.advance(60_000);
    };
    let (ended, ()) = tokio::join!(go(&house, &mut conversation, &mut toolbox, ample()), waking);
    assert_eq!(ended, Ended::OutOfBudget(Resource::Wall));
    server.finish();
}

#[tokio::test]
async fn a_conversation_can_be_called_off() {
    let says = [Says::text("x").fault(Named::Hang)];
    let (server, house) = scripted(APIS[0], quick(), says).await;
    let mut conversation = begun(&house).await;
    let mut toolbox = Box::default();
    let cancel = CancellationToken::new();
    let talking = converse(
        &house.models,
        &mut conversation,
        &mut toolbox,
        ample(),
        plan(),
        &cancel,
    );
    let calling_off = async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(talking, calling_off);
    assert_eq!(ended, Ended::Cancelled);
    server.finish();
}

#[tokio::test]
async fn a_model_that_does_not_answer_ends_the_conversation_with_its_reason() {
    let (server, house) = scripted(APIS[0], quick(), [Says::status(401)]).await;
    let mut conversation = begun(&house).await;
    let ended = go(&house, &mut conversation, &mut Box::default(), ample()).await;
    let Ended::Failed(error) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(error.code(), "auth");
    server.finish();
}
