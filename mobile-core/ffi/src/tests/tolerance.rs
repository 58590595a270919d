//! What a newer agent says is no error.

use super::*;
use deputy_protocol as protocol;

/// Adds a field to every object, and makes every word of a set another.
fn newer(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if WORDS.contains(&name.as_str()) && value.is_string() {
                    *value = json!("of_tomorrow");
                }
                newer(value);
            }
            fields.insert("of_a_newer_version".to_owned(), json!({"x": 1}));
        }
        Value::Array(items) => items.iter_mut().for_each(newer),
        _ => {}
    }
}

/// The fields whose words are of a set that may grow.
const WORDS: &[&str] = &[
    "state",
    "last_run_state",
    "waiting_for",
    "failure_class",
    "effect_class",
    "kind",
    "source",
    "verdict",
    "effect",
];

#[test]
fn words_and_fields_that_this_version_does_not_know_do_no_harm() {
    for answer in answers() {
        let kind = answer["type"].clone();
        let mut value = answer["value"].clone();
        newer(&mut value);
        let read = Answer::read(json!({"type": kind, "value": value, "more": 1})).unwrap();
        assert!(!matches!(read, Answer::Other(_)), "{kind}");
    }
    let mut newer_need = need();
    newer(&mut newer_need);
    newer_need["detail"]["call"] = json!("of another form");
    let read = Answer::read(json!({"type": "needs", "value": [need(), newer_need]})).unwrap();
    let Answer::Needs(needs) = read else {
        panic!("not items");
    };
    let word = "of_tomorrow".to_owned();
    assert_eq!(needs[0].kind, NeedKind::Approval);
    assert_eq!(needs[1].kind, NeedKind::Other { word });
    assert_eq!(needs[1].call, None);
}

#[test]
fn an_answer_of_an_unknown_kind_is_handed_on_and_a_broken_one_is_an_error() {
    let newer = json!({"type": "weather", "value": {"sun": true}});
    assert_eq!(
        Answer::read(newer.clone()).unwrap(),
        Answer::Other(Json(newer))
    );
    let broken = Answer::read(json!({"type": "runs", "value": [{"id": 1}]}));
    assert!(
        matches!(broken, Err(AgentError::Unreadable { .. })),
        "{broken:?}"
    );
}

#[test]
fn every_word_of_the_agents_is_known() {
    macro_rules! known {
        ($($set:ident),+) => {
            $(for word in protocol::$set::ALL {
                let read: $set = serde_json::from_value(json!(word.as_str())).unwrap();
                assert!(!matches!(read, $set::Other { .. }), "{word}");
                assert_eq!(serde_json::to_value(read).unwrap(), json!(word.as_str()));
            })+
        };
    }
    known!(
        AutomationState,
        RunState,
        WaitingFor,
        EffectClass,
        FailureClass,
        StepState,
        InputState,
        NeedKind,
        SourceKind
    );
    for right in protocol::remote::Right::ALL {
        let read = Right::from(right.as_str().to_owned());
        assert!(!matches!(read, Right::Other { .. }));
    }
}
