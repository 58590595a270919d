//! Whatever a worker sends, its session neither panics nor takes more memory than was sent, and hands
//! on only what keeps to the protocol.

#![allow(clippy::unwrap_used)]

use super::session::{Died, Session, Worker};
use super::{Answer, Limits, Outcome, Pool, PoolConfig, Start, WorkerEvent};
use deputy_protocol::Time;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

fn start() -> Start {
    Start {
        script: "export default () => 1;".to_owned(),
        topic: None,
        ctx: RawValue::NULL.to_owned(),
        state: BTreeMap::new(),
        seed: [0; 32],
        now: Time(0),
        timezone: "UTC".to_owned(),
        limits: Limits {
            result_bytes: 1_000,
            total_bytes: 2_000,
            ..Limits::default()
        },
        tools: Vec::new(),
        denied: Vec::new(),
    }
}

/// A session with a worker that has sent `bytes` and closed its end.
async fn session_after(bytes: &[u8]) -> Session {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let child = tokio::process::Command::new("/bin/true")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pool = Pool::new(PoolConfig::new("/bin/true".into()));
    let session = Session::begin(Worker::new(child, ours), pool, start())
        .await
        .unwrap();
    theirs.write_all(bytes).await.unwrap();
    session
}

fn frame(json: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(json);
    bytes
}

/// Takes all frames as the executor does; checks what it may rely on.
async fn take_all(bytes: &[u8]) -> Option<Died> {
    let mut session = session_after(bytes).await;
    let mut open = HashSet::new();
    let mut last = 0;
    loop {
        let event = match session.next().await {
            Ok(frame) => frame.event,
            Err(died) => return Some(died),
        };
        match event {
            WorkerEvent::Calls { calls } => {
                for call in calls {
                    assert_eq!(call.id, last + 1, "calls are counted");
                    assert!(call.args.get().len() <= 1_000 + 256);
                    last = call.id;
                    assert!(open.insert(call.id));
                }
                let Some(id) = open.iter().next().copied() else {
                    continue;
                };
                open.remove(&id);
                let answer = || Answer {
                    id,
                    now: Time(0),
                    outcome: Outcome::Ok(RawValue::NULL.to_owned()),
                };
                if session.answer(answer()).await.is_err() {
                    return None;
                }
                assert!(session.answer(answer()).await.is_err(), "one answer a call");
            }
            WorkerEvent::Done { result, .. } => {
                assert!(result.get().len() <= 1_000);
                return None;
            }
            WorkerEvent::Failed(failure) => {
                assert!(failure.message.len() <= 4_100 && failure.stack.len() <= 8_200);
                return None;
            }
            WorkerEvent::Ready => panic!("a session does not hand this on"),
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            tokio::time::timeout(std::time::Duration::from_secs(20), future)
                .await
                .unwrap()
        })
}

/// JSON that is nearly, or really, a frame.
fn json_frame() -> impl Strategy<Value = String> {
    let args = prop_oneof![
        Just("{}".to_owned()),
        Just("null".to_owned()),
        "[\\[{\"a:1,]{0,40}",
        (1usize..3_000).prop_map(|n| format!("\"{}\"", "x".repeat(n))),
        (1usize..600).prop_map(|n| "[".repeat(n) + &"]".repeat(n))
    ];
    let call = (0u32..5, args.clone())
        .prop_map(|(id, args)| format!(r#"{{"id":{id},"tool":"web.fetch","args":{args}}}"#));
    let calls = prop::collection::vec(call, 0..4).prop_map(|c| format!("[{}]", c.join(",")));
    let logs = prop_oneof![3 => Just("[]".to_owned()), 1 => (0usize..40_000).prop_map(|n| {
        format!("[{}]", vec![r#"{"level":"info","message":""}"#; n].join(","))
    })];
    let event = prop_oneof![
        1 => Just("\"ready\"".to_owned()),
        4 => calls.clone().prop_map(|c| format!(r#"{{"calls":{{"calls":{c}}}}}"#)),
        1 => (args, calls).prop_map(|(a, c)| format!(r#"{{"done":{{"result":{a},"state":{{}},"calls":{c}}}}}"#)),
        1 => (0usize..20_000).prop_map(|n| format!(r#"{{"failed":{{"class":"limit","code":"x","message":"{}","stack":"é{}"}}}}"#, "ä".repeat(n), "é".repeat(n))),
        1 => any::<String>(),
    ];
    (logs, event).prop_map(|(logs, event)| format!(r#"{{"logs":{logs},"event":{event}}}"#))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_error_of_the_run(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(run(take_all(&bytes)).is_some());
    }

    #[test]
    fn any_frames_are_checked(frames in prop::collection::vec(json_frame(), 0..5)) {
        let bytes: Vec<u8> = frames.iter().flat_map(|json| frame(json.as_bytes())).collect();
        // A pipe holds so much; more would wait for a reader, as a worker does.
        prop_assume!(bytes.len() < 150_000);
        run(take_all(&bytes));
    }
}

#[test]
fn a_length_takes_no_memory_before_its_bytes_come() {
    let before = resident();
    let length = (100u32 << 20).to_le_bytes();
    assert!(matches!(run(take_all(&length)), Some(Died::Crashed(_))));
    let too_long = u32::MAX.to_le_bytes();
    assert!(matches!(run(take_all(&too_long)), Some(Died::Protocol(_))));
    assert!(resident().saturating_sub(before) < 50 << 20);
}

/// Bytes of memory that this process uses.
fn resident() -> usize {
    let pages: usize = std::fs::read_to_string("/proc/self/statm")
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    pages * rustix::param::page_size()
}

#[test]
fn calls_out_of_order_are_refused() {
    for ids in [[2u32, 3], [1, 1], [1, 3], [0, 1]] {
        let calls = ids
            .map(|id| format!(r#"{{"id":{id},"tool":"mail.send","args":{{}}}}"#))
            .join(",");
        let bytes = frame(format!(r#"{{"event":{{"calls":{{"calls":[{calls}]}}}}}}"#).as_bytes());
        assert!(
            matches!(run(take_all(&bytes)), Some(Died::Protocol(_))),
            "{ids:?}"
        );
    }
}
