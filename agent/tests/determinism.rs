//! The same script, input, seed and ends give the same steps, whatever the outside's order and
//! wherever a crash cuts the run; and no effect happens twice.
#![allow(clippy::unwrap_used)]

#[path = "worker/mod.rs"]
mod worker;

use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{RunDetail, Step};
use deputy_protocol::{EffectClass, RunState, StepState};
use worker::house::{House, World};

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn contract(world: &World) -> Value {
    let here = json!({"hosts": [world.address]});
    json!({
        "contract": 1, "purpose": "test", "timezone": "Europe/Berlin",
        "triggers": [{"manual": true}], "overlap": "queue",
        "capabilities": {"web.fetch": here, "web.request": here, "notes.put": {}, "notes.get": {}},
    })
}

/// What a generated script does.
#[derive(Clone, Debug)]
enum Act {
    Read,
    Missing,
    Put,
    Post,
    Note,
    Recall,
    Emit,
    Sleep,
    Pure,
    Seq(Vec<Act>),
    All(Vec<Act>),
    Settled(Vec<Act>),
    Race(Vec<Act>),
    Detached(Box<Act>),
}

impl Act {
    /// An expression to be awaited; each call has arguments of its own.
    fn js(&self, next: &mut u32) -> String {
        *next += 1;
        let id = *next;
        let list = |acts: &[Act], next: &mut u32| {
            acts.iter()
                .map(|a| format!("(async () => {})()", a.js(next)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::Read => format!("(await tools.web.fetch({{ url: base + '/r/{id}' }})).text"),
            Self::Missing => format!(
                "await tools.web.fetch({{ url: base + '/missing/{id}' }}).catch((e) => e.class)"
            ),
            Self::Put => format!(
                "(await tools.web.request({{ url: base + '/put/{id}', method: 'PUT', text: 'x' }})).status"
            ),
            Self::Post => format!(
                "(await tools.web.request({{ url: base + '/post/{id}', method: 'POST', text: 'x' }})).status"
            ),
            Self::Note => {
                format!("(await tools.notes.put({{ name: 'n{id}', text: 't{id}' }})).name")
            }
            Self::Recall => format!("(await tools.notes.get({{ name: 'none{id}' }})).text"),
            Self::Emit => {
                format!("await ctx.emit({{ topic: 'child', id: 'e{id}', payload: {id} }})")
            }
            Self::Sleep => format!("await ctx.sleep({})", 1_000 + id),
            Self::Pure => {
                format!("(await tools.text.diff({{ before: 'a', after: '{id}' }})).changed")
            }
            Self::Seq(acts) => {
                let parts: Vec<_> = acts.iter().map(|a| a.js(next)).collect();
                format!(
                    "await (async () => {{ const seen = []; {} return seen; }})()",
                    parts
                        .iter()
                        .map(|p| format!("seen.push({p});"))
                        .collect::<String>()
                )
            }
            Self::All(acts) => format!("await Promise.all([{}])", list(acts, next)),
            Self::Settled(acts) => format!(
                "(await Promise.allSettled([{}])).map((s) => s.value)",
                list(acts, next)
            ),
            Self::Race(acts) => format!("await Promise.race([{}])", list(acts, next)),
            Self::Detached(act) => format!("void (async () => {})()", act.js(next)),
        }
    }

    /// Whether results or steps may depend on what comes first.
    fn races(&self) -> bool {
        match self {
            Self::Race(_) | Self::Detached(_) => true,
            Self::Seq(acts) | Self::All(acts) | Self::Settled(acts) => acts.iter().any(Self::races),
            _ => false,
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let leaf = prop_oneof![
        3 => Just(Act::Read), 3 => Just(Act::Put), 3 => Just(Act::Post), 3 => Just(Act::Note),
        1 => Just(Act::Recall), 2 => Just(Act::Emit), 1 => Just(Act::Sleep), 1 => Just(Act::Pure),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            3 => some.clone().prop_map(Act::Seq), 4 => some.clone().prop_map(Act::All), 1 => some.clone().prop_map(Act::Settled),
            2 => some.prop_map(Act::Race), 1 => inner.prop_map(|a| Act::Detached(Box::new(a))),
        ]
    })
}

fn script(world: &World, act: &Act) -> String {
    format!(
        "const base = 'http://{}';
         export default async function main(ctx) {{ return [{}]; }}
         export const on = {{ child: async (ctx) => ctx.input }};",
        world.address,
        act.js(&mut 0)
    )
}

/// What of a step the script decides.
fn identity(step: &Step) -> (String, String) {
    // A sleep is told by its end, which depends on when the script began.
    let args = if step.tool == "ctx.sleep" {
        String::new()
    } else {
        step.args.to_string()
    };
    (step.tool.clone(), args)
}

/// Which request an effect on the outside is.
fn request(step: &Step) -> Option<String> {
    let url = step.args["url"].as_str()?;
    let path = &url[url.rfind(":").unwrap()..];
    let path = &path[path.find('/').unwrap()..];
    let method = step.args["method"].as_str().unwrap_or("GET");
    Some(format!("{method} {path}"))
}

/// Every state in which a crash can leave the database after a point: the log cut after each commit.
struct Crashes {
    database: Vec<u8>,
    log: Vec<u8>,
    cuts: Vec<usize>,
}

fn log_length(home: &Path) -> usize {
    std::fs::metadata(home.join("deputy.db-wal")).map_or(0, |m| usize::try_from(m.len()).unwrap())
}

impl Crashes {
    fn of(home: &Path, since: usize) -> Self {
        let database = std::fs::read(home.join("deputy.db")).unwrap();
        let log = std::fs::read(home.join("deputy.db-wal")).unwrap();
        let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
        let frame = 24 + usize::try_from(word(8)).unwrap();
        let mut cuts = Vec::new();
        let mut at = 32;
        while at + frame <= log.len() && log[at + 8..at + 16] == log[16..24] {
            let commits = word(at + 4) != 0;
            at += frame;
            if commits && at > since {
                cuts.push(at);
            }
        }
        Self {
            database,
            log,
            cuts,
        }
    }

    fn restore(&self, cut: usize) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("deputy.db"), &self.database).unwrap();
        std::fs::write(home.path().join("deputy.db-wal"), &self.log[..cut]).unwrap();
        home
    }
}

/// The journal that a crash left, before anything resumes.
fn left_behind(home: &Path) -> BTreeMap<u32, (String, Option<String>, Option<u32>)> {
    let db = rusqlite::Connection::open(home.join("deputy.db")).unwrap();
    let mut query = db
        .prepare("SELECT id & 1048575, state, outcome, settled FROM steps WHERE id >> 20 = (SELECT min(id) FROM runs)")
        .unwrap();
    query
        .query_map([], |r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

async fn same_on_replay(house: &House, run: &str) {
    let Response::Replay(replay) = house
        .ask(Request::Replay {
            run: run.to_owned(),
            script: None,
        })
        .await
    else {
        panic!("no replay")
    };
    assert!(replay.same, "{:?}", replay.differences);
}

fn sorted(detail: &RunDetail) -> Vec<(String, String)> {
    let mut all: Vec<_> = detail.journal.iter().map(identity).collect();
    all.sort();
    all
}

/// Runs a script once, then from every state in which a crash could have left it.
async fn survives_a_crash_after_every_commit(world: &World, act: &Act, coin: u64) -> usize {
    let script = script(world, act);
    let home = tempfile::tempdir().unwrap();
    let house = House::open(home.path(), worker::START).await;
    let automation = house.install(contract(world), &script).await;
    world.take();
    let since = log_length(home.path());
    let run = house.run(&automation, json!({})).await;
    let runs = house
        .settle(&automation, |need| {
            panic!("nothing is to be asked: {need:?}")
        })
        .await;
    assert_eq!(run.state, RunState::Succeeded, "{script}\n{run:?}");
    let whole = house.show(&run.id).await;
    let asked = world.take();
    for (what, count) in &asked {
        assert_eq!(*count, 1, "{what} was asked once in an undisturbed run");
    }
    same_on_replay(&house, &run.id).await;
    let crashes = Crashes::of(home.path(), since);
    house.close().await;
    for (n, cut) in crashes.cuts.iter().enumerate() {
        let home = crashes.restore(*cut);
        let before = left_behind(home.path());
        let house = House::open(home.path(), worker::START.plus_ms(60_000)).await;
        // Of an effect that was begun and not confirmed nobody knows; a person tells the truth.
        let happened = |step: u32| (coin >> ((step as usize + n) % 64)) & 1 == 1;
        let resumed = house
            .settle(&automation, |need| {
                let step = need.detail["call"]["step"].as_u64().unwrap();
                assert_eq!(need.kind.as_str(), "in_doubt", "{need:?}");
                if happened(u32::try_from(step).unwrap()) {
                    "happened"
                } else {
                    "redo"
                }
            })
            .await;
        assert_eq!(
            resumed[0].state,
            RunState::Succeeded,
            "cut {n} of {script}\n{before:?}\n{resumed:?}"
        );
        let after = house.show(&resumed[0].id).await;
        let done = world.take();
        let context =
            format!("cut {n} of {script}\nbefore: {before:#?}\nafter: {after:#?}\ndone: {done:?}");
        for step in &after.journal {
            let was = before.get(&step.seq);
            let recorded = was.and_then(|(_, outcome, _)| outcome.as_ref());
            if let Some(recorded) = recorded {
                let recorded: Value = serde_json::from_str(recorded).unwrap();
                assert_eq!(
                    step.outcome, recorded,
                    "step {} kept its end\n{context}",
                    step.seq
                );
            }
            let Some(request) = request(step) else {
                continue;
            };
            let times = done.get(&request).copied().unwrap_or(0);
            let begun = was.is_some_and(|(state, ..)| {
                matches!(StepState::parse(state), Some(StepState::Intent))
            });
            let known = recorded.is_some()
                || (begun && step.effect_class == EffectClass::Opaque && happened(step.seq));
            let expected = u32::from(!known);
            assert_eq!(times, expected, "{request} after the crash\n{context}");
        }
        if !act.races() {
            assert_eq!(sorted(&after), sorted(&whole), "the same steps\n{context}");
            assert_eq!(
                after.run.result, whole.run.result,
                "the same result\n{context}"
            );
            assert_eq!(
                resumed.len(),
                runs.len(),
                "the same inputs were emitted\n{context}"
            );
        }
        same_on_replay(&house, &resumed[0].id).await;
        house.close().await;
    }
    crashes.cuts.len()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 12,
        failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_generated_run_resumes_from_every_point_with_each_effect_once(act in act(), seed in any::<u64>(), coin in any::<u64>()) {
        runtime().block_on(async {
            let world = World::start(seed).await;
            survives_a_crash_after_every_commit(&world, &act, coin).await;
        });
    }
}

#[test]
fn a_run_of_everything_resumes_from_every_point_with_each_effect_once() {
    use Act::*;
    let everything = Seq(vec![
        Read,
        All(vec![
            Put,
            Seq(vec![Read, Post, Note]),
            Post,
            Emit,
            Settled(vec![Missing, Put]),
        ]),
        Sleep,
        All(vec![Sleep, Post, Seq(vec![Sleep, Put])]),
        Pure,
        Recall,
        Post,
    ]);
    runtime().block_on(async {
        let world = World::start(1).await;
        let cuts =
            survives_a_crash_after_every_commit(&world, &everything, 0x5555_3333_0f0f_aaaa).await;
        assert!(cuts > 20, "{cuts} crashes are enough to mean something");
    });
}

/// The journal as bytes, without what only the machine's own time decides.
async fn journal(house: &House, run: &str) -> String {
    let detail = house.show(run).await;
    let steps: Vec<Value> = detail
        .journal
        .iter()
        .map(|s| json!([s.seq, s.tool, s.effect_class, s.state, s.args, s.outcome]))
        .collect();
    json!([steps, detail.run.result]).to_string()
}

#[test]
fn the_same_script_seed_and_time_give_the_same_journal_on_any_worker() {
    // Everything a script can ask about time and chance goes into its steps.
    let script = "export default async function main(ctx) {
        const seen = { now: Date.now(), date: String(new Date()), local: new Date(2026, 2, 29, 2, 30).toISOString(),
            random: [Math.random(), Math.random()], uuid: crypto.randomUUID(), bytes: [...crypto.getRandomValues(new Uint8Array(8))],
            zone: new Date().getTimezoneOffset(), parts: [new Date().getHours(), new Date().getDay()] };
        const texts = await Promise.all([1, 2, 3].map(async (n) => (await tools.web.fetch({ n, random: Math.random() })).id));
        return { seen, texts, after: Date.now(), again: Math.random(), run: ctx.run };
    }";
    runtime().block_on(async {
        let mut first: Option<String> = None;
        // Few runs a worker, so that many processes take part.
        let pool = deputy_agent::sandbox::Pool::new(deputy_agent::sandbox::PoolConfig {
            max_workers: 4,
            runs_per_worker: 50,
            ..deputy_agent::sandbox::PoolConfig::new(worker::exe())
        });
        for n in 0..1_000 {
            let played = worker::play(&pool, worker::start(script), worker::echo).await;
            let told = format!("{:?} {:?} {:?}", played.finale, played.calls, played.state);
            let first = first.get_or_insert_with(|| told.clone());
            assert_eq!(&told, first, "run {n}");
        }
        assert!(first.is_some_and(
            |told| told.contains("GMT+0100 (CET)") && told.contains("2026-03-29T01:30:00.000Z")
        ));
        let mut other = worker::start(script);
        other.seed = [8; 32];
        let played = worker::play(&pool, other, worker::echo).await;
        assert!(
            !format!("{:?}", played.finale).contains("nothing"),
            "it ran"
        );
    });
}

#[test]
fn ends_in_any_order_leave_journals_that_replay_without_a_difference() {
    let act = Act::All(vec![
        Act::Race(vec![
            Act::Read,
            Act::Seq(vec![Act::Read, Act::Put]),
            Act::Note,
        ]),
        Act::Seq(vec![Act::Race(vec![Act::Read, Act::Read]), Act::Post]),
        Act::Detached(Box::new(Act::Seq(vec![Act::Put, Act::Emit]))),
        Act::Sleep,
    ]);
    runtime().block_on(async {
        let world = World::start(77).await;
        let home = tempfile::tempdir().unwrap();
        let house = House::open(home.path(), worker::START).await;
        let automation = house.install(contract(&world), &script(&world, &act)).await;
        let mut journals = std::collections::HashSet::new();
        for _ in 0..30 {
            let run = house.run(&automation, json!({})).await;
            assert_eq!(run.state, RunState::Succeeded, "{run:?}");
            journals.insert(journal(&house, &run.id).await);
            same_on_replay(&house, &run.id).await;
        }
        assert!(journals.len() > 1, "the order did vary");
        house.close().await;
    });
}
