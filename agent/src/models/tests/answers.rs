//! What is asked, heard and paid.

use super::*;
use deputy_model_server::{Named, Reply as Says, Usage as Counted};

#[tokio::test]
async fn a_question_is_answered_counted_and_paid_for() {
    // Micro-USD: Sonnet reads for 3, from its cache for 0.3, into it for 3.75, and writes for 15 a
    // token; GPT-5 mini for 0.25, 0.025 (its cache is filled for nothing) and 2; Gemini 2.5 Flash
    // for 0.3, 0.03 and 2.5.
    let costs = [
        300.0 + 60.0 + 375.0 + 750.0,
        50.0 + 5.0 + 100.0,
        60.0 + 6.0 + 125.0,
    ];
    for (api, cost) in APIS.into_iter().zip(costs) {
        let counted = Counted {
            input: 400,
            output: 50,
            cached: 200,
            cache_write: 100,
        };
        let says = Says::text("It is sunny — 25 °C.").usage(counted);
        let (server, house) = scripted(api, quick(), [says]).await;
        let reply = house.ask(question("How is it?")).await.unwrap();
        assert_eq!(reply.text, "It is sunny — 25 °C.");
        assert_eq!((reply.stop, reply.model.as_str()), (Stop::Done, api.1));
        assert_eq!(reply.cost_micros, cost as i64, "{}", api.1);
        let asked = server.asked().remove(0);
        assert_eq!((asked.system.as_str(), asked.stream), ("You help.", true));
        let paid = house.paid().await;
        assert_eq!(paid.len(), 1);
        let (model, purpose, units, micros) = &paid[0];
        assert_eq!(
            (model.as_str(), purpose.as_str(), *micros),
            (api.1, "plan", reply.cost_micros)
        );
        let expected = json!({"input_tokens": 400, "output_tokens": 50, "cached_tokens": 200});
        assert_eq!(*units, expected);
        server.finish();
    }
}

#[tokio::test]
async fn calls_and_their_results_go_there_and_back() {
    for api in APIS {
        let says = [
            Says {
                text: "I look.".to_owned(),
                ..Says::call("weather", json!({"place": "Köln"}))
                    .and_call("weather", json!({"place": "\"x\\y\""}))
            },
            Says::text("Rain."),
        ];
        let (server, house) = scripted(api, quick(), says).await;
        let mut asked = question("Köln?");
        asked.tools = vec![weather()];
        let first = house.ask(asked.clone()).await.unwrap();
        assert_eq!((first.stop, first.text.as_str()), (Stop::Calls, "I look."));
        let inputs: Vec<_> = first.calls.iter().map(|call| call.input.clone()).collect();
        assert_eq!(
            inputs,
            [json!({"place": "Köln"}), json!({"place": "\"x\\y\""})]
        );
        let result = |at: usize, text: &str, is_error| ToolResult {
            id: first.calls[at].id.clone(),
            text: text.to_owned(),
            is_error,
        };
        asked.turns.push(first.turn());
        asked.turns.push(Turn::Results(vec![
            result(0, "rain", false),
            result(1, "no such place", true),
        ]));
        asked.turns.push(Turn::user("And quickly."));
        assert_eq!(house.ask(asked).await.unwrap().text, "Rain.");
        let said = server.asked().remove(1).said;
        let results: Vec<_> = said.iter().flat_map(|s| s.results.clone()).collect();
        assert_eq!(results.len(), 2);
        assert!(results[0].1 == "rain" && !results[0].2);
        assert!(results[1].1.ends_with("no such place") && results[1].2);
        assert!(said.last().unwrap().text.ends_with("And quickly."));
        server.finish();
    }
}

#[tokio::test]
async fn calls_that_were_never_answered_are_answered_when_the_user_goes_on() {
    for api in APIS {
        let (server, house) = scripted(api, quick(), [Says::text("All right.")]).await;
        let mut asked = question("Köln?");
        asked.tools = vec![weather()];
        asked.turns.push(Turn::Model {
            text: String::new(),
            calls: vec![ToolCall {
                id: "c1".to_owned(),
                name: "weather".to_owned(),
                input: json!({"place": "Köln"}),
            }],
            opaque: None,
        });
        asked.turns.push(Turn::user("Never mind."));
        asked.turns.push(Turn::user("Really."));
        house.ask(asked).await.unwrap();
        let last = server.asked().remove(0).last_text();
        assert!(last.contains("Never mind.\n\nReally."), "{last}");
        server.finish();
    }
}

#[tokio::test]
async fn an_answer_of_a_shape_is_json_and_is_asked_for_again_when_it_is_not() {
    for api in APIS {
        let says = [
            Says::text("Gladly: {"),
            Says::text("```json\n{\"n\": 3}\n```"),
        ];
        let (server, house) = scripted(api, again(1), says).await;
        let mut asked = question("How many?");
        asked.schema = Some(json!({
            "type": "object", "properties": {"n": {"type": "integer"}},
            "required": ["n"], "additionalProperties": false,
        }));
        let reply = house.ask(asked).await.unwrap();
        assert_eq!(reply.text, "{\"n\": 3}");
        assert!(server.asked().iter().all(|asked| asked.schema));
        assert_eq!(house.paid().await.len(), 2, "both answers were paid for");
        server.finish();
    }
}

#[tokio::test]
async fn what_is_the_same_in_every_question_is_marked_for_anthropics_cache() {
    let (server, house) = scripted(APIS[0], quick(), [Says::text("Yes.")]).await;
    let mut asked = question("Köln?");
    asked.tools = vec![weather()];
    house.ask(asked).await.unwrap();
    let raw = server.asked().remove(0).raw;
    let mark = json!({"type": "ephemeral"});
    // A mark holds for all before it, and the tools come first.
    assert_eq!(raw["system"][0]["cache_control"], mark);
    assert_eq!(raw["messages"][0]["content"][0]["cache_control"], mark);
    server.finish();
}

#[tokio::test]
async fn signed_reasoning_goes_back_with_the_calls_that_it_led_to() {
    let says = [
        Says::call("weather", json!({"place": "Köln"})).thinking("They want the weather."),
        Says::text("Rain."),
    ];
    for api in [APIS[0], APIS[2]] {
        let (server, house) = scripted(api, quick(), says.clone()).await;
        let mut asked = question("Köln?");
        asked.tools = vec![weather()];
        let first = house.ask(asked.clone()).await.unwrap();
        // As after a restart: through the database's JSON.
        let turn = serde_json::to_string(&first.turn()).unwrap();
        asked.turns.push(serde_json::from_str(&turn).unwrap());
        asked.turns.push(Turn::Results(vec![ToolResult {
            id: first.calls[0].id.clone(),
            text: "rain".to_owned(),
            is_error: false,
        }]));
        house.ask(asked.clone()).await.unwrap();
        assert_eq!(server.asked()[1].said[1].signatures.len(), 1);
        server.finish();
        // Another provider never sees what is not its own.
        let (other, house) = scripted(APIS[1], quick(), [Says::text("Rain.")]).await;
        house.ask(asked).await.unwrap();
        let raw = other.asked()[0].raw.to_string();
        assert!(!raw.contains("They want") && !raw.contains("sig-"));
        other.finish();
    }
}

#[tokio::test]
async fn a_blank_before_a_call_is_not_sent_back() {
    let blank = || Says {
        text: "\n\n".to_owned(),
        ..Says::call("weather", json!({"place": "Köln"}))
    };
    for first in [blank(), blank().thinking("They want the weather.")] {
        for api in APIS {
            let says = [first.clone(), Says::text("Rain.")];
            let (server, house) = scripted(api, quick(), says).await;
            let mut asked = question("Köln?");
            asked.tools = vec![weather()];
            let first = house.ask(asked.clone()).await.unwrap();
            assert_eq!(first.text, "");
            asked.turns.push(first.turn());
            asked.turns.push(Turn::Results(vec![ToolResult {
                id: first.calls[0].id.clone(),
                text: "rain".to_owned(),
                is_error: false,
            }]));
            house.ask(asked).await.unwrap();
            server.finish();
        }
    }
}

#[tokio::test]
async fn a_picture_is_shown() {
    for api in APIS {
        let (server, house) = scripted(api, quick(), [Says::text("A cat.")]).await;
        let mut asked = question("What is it?");
        asked.turns = vec![Turn::User {
            text: "What is it?".to_owned(),
            media: vec![Media {
                mime: "image/png".to_owned(),
                base64: "iVBORw0KGgo=".to_owned(),
                name: None,
            }],
        }];
        house.ask(asked).await.unwrap();
        let asked = server.asked().remove(0);
        assert_eq!(
            (asked.said[0].media, asked.said[0].text.as_str()),
            (1, "What is it?")
        );
        assert!(asked.raw.to_string().contains("iVBORw0KGgo="));
        server.finish();
    }
}

#[tokio::test]
async fn a_call_that_is_not_json_is_heard_as_such() {
    for api in APIS {
        let says = Says::call("weather", json!({"place": "Köln"})).fault(Named::BadInput);
        let (server, house) = scripted(api, quick(), [says]).await;
        let mut asked = question("Köln?");
        asked.tools = vec![weather()];
        let reply = house.ask(asked).await.unwrap();
        assert!(reply.calls[0].input.is_string(), "{:?}", reply.calls);
        server.finish();
    }
}

#[tokio::test]
async fn a_model_whose_price_is_unknown_costs_nothing_and_says_so_until_the_user_sets_one() {
    let usage = Counted {
        input: 1_000,
        output: 10,
        ..Counted::default()
    };
    let says = || Says::text("Yes.").usage(usage);
    let (server, house) = scripted(("openai", "acme-1"), quick(), [says(), says()]).await;
    // Under a name, so that it does not count as a model on this machine.
    let url = server.url().replace("127.0.0.1", "127.0.0.1.nip.invalid");
    let away = ModelSettings::parse("openai", Some(&url), "acme-1").unwrap();
    assert!(!away.is_local());
    house
        .models
        .pay(&away, Usage::default(), plan())
        .await
        .unwrap();
    assert_eq!(house.paid().await[0].2["price_unknown"], true);
    house.ask(question("Well?")).await.unwrap();
    assert_eq!(
        house.paid().await[1].2.get("price_unknown"),
        None,
        "one's own costs nothing"
    );
    let prices = json!([{"model": "acme-1", "input": 2_000_000, "output": 5_000_000}]);
    let write =
        move |db: &rusqlite::Connection| crate::store::settings::set(db, prices::SETTING, &prices);
    house.store.write(Durability::Ordered, write).await.unwrap();
    let reply = house.ask(question("Well?")).await.unwrap();
    assert_eq!(reply.cost_micros, 2_000 + 50);
    server.finish();
}

#[tokio::test]
async fn a_payment_is_added_to_its_run_its_automation_and_its_task() {
    let house = empty_house(Arc::new(SystemClock), quick());
    let setup = |db: &rusqlite::Connection| {
        db.execute_batch(
            "INSERT INTO automations (id,name,purpose,state,timezone,created_at) VALUES (3,'n','p','active','UTC',0);
             INSERT INTO inbox (id,source,source_id,target,target_id,dedupe,title,payload,state,due_at,available_at)
               VALUES (1,'manual','x','automation',3,'d','t','null','done',0,0);
             INSERT INTO runs (id,automation,input,state,script_version,contract_version,state_version,seed,due_at)
               VALUES (17,3,1,'running',1,1,0,x'00',0);
             INSERT INTO tasks (id,kind,automation,state,detail,created_at) VALUES (5,'repair',3,'open','{}',0);
             INSERT INTO task_runs (id,task,state,detail,started_at) VALUES (9,5,'running','{}',0);",
        )?;
        Ok(())
    };
    house.store.write(Durability::Ordered, setup).await.unwrap();
    let settings = ModelSettings::parse("openai", None, "gpt-5").unwrap();
    let usage = Usage {
        input_tokens: 4_000,
        output_tokens: 100,
        ..Usage::default()
    };
    let charge = Charge {
        automation: Some(3),
        run: Some(17),
        task: Some(5),
        purpose: Purpose::Tool("llm.extract"),
    };
    let cost = house.models.pay(&settings, usage, charge).await.unwrap();
    assert_eq!(cost, 5_000 + 1_000);
    let read = house.store.read(|db| {
        Ok(db.query_row(
            "SELECT (SELECT cost_micros FROM automations), (SELECT cost_micros FROM runs),
                    (SELECT cost_micros FROM task_runs), (SELECT tool||task FROM costs)",
            [],
            |r| {
                Ok((
                    r.get::<_, i64>(0)?,
                    r.get::<_, i64>(1)?,
                    r.get::<_, i64>(2)?,
                    r.get::<_, String>(3)?,
                ))
            },
        )?)
    });
    let sums = read.await.unwrap();
    assert_eq!(sums, (cost, cost, cost, "llm.extract5".to_owned()));
}
