//! What must never happen to a schedule, against a real agent whose clock a test moves. Most of
//! these happened to users of other systems; the thread is named at each.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ECHO, World, time, try_ask};
use deputy_protocol::control::{Request, Response};
use deputy_protocol::{AutomationState, NeedKind, RunState, Time};
use serde_json::json;

const DAY: i64 = 86_400_000;

fn cron(pattern: &str) -> serde_json::Value {
    json!({"triggers": [{"cron": pattern}]})
}

// n8n-io/n8n #23906, #28423, #34628: a missed tick silenced a schedule for up to a year.
#[tokio::test(flavor = "multi_thread")]
async fn three_years_of_days_never_miss_one_and_never_double_one() {
    let world = World::at("2026-01-01T00:00:00Z").await;
    let id = world.install(cron("0 8 * * *"), ECHO).await;
    let end = time("2029-01-01T00:00:00Z");
    world.live_until(end).await;
    let runs = world.runs(&id).await;
    assert_eq!(runs.len(), 3 * 365 + 1);
    for (n, run) in (0i64..).zip(&runs) {
        assert_eq!(run.due_at, time("2026-01-01T08:00:00Z").plus_ms(n * DAY));
        assert_eq!(run.state, RunState::Succeeded);
        assert_eq!(run.started_at, Some(run.due_at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_never_drifts_over_a_year() {
    let world = World::at("2026-01-01T00:00:00Z").await;
    let every = 7 * 3_600_000 + 13;
    let id = world
        .install(json!({"triggers": [{"every_ms": every}]}), ECHO)
        .await;
    let start = world.clock_now();
    world.live_until(start.plus_ms(365 * DAY)).await;
    let runs = world.runs(&id).await;
    assert_eq!(runs.len() as i64, 365 * DAY / every + 1);
    for (n, run) in (0i64..).zip(&runs) {
        assert_eq!(run.due_at, start.plus_ms(n * every));
    }
}

// temporalio/temporal #8205, home-assistant/core #140771, systemd/systemd #5595,
// harrisiirak/cron-parser #435: zero, one or two runs in a gap or an overlap.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_in_a_gap_or_an_overlap_never_runs_twice_or_not_at_all() {
    let rows: &[(&str, &str, &str, &str, &[&str])] = &[
        // zone, pattern, from, until, due times around both changes of the year
        (
            "Europe/Berlin",
            "30 2 29 3 *",
            "2026-03-28T00:00:00Z",
            "2026-03-31T00:00:00Z",
            &["2026-03-29T01:00:00Z"],
        ),
        (
            "Europe/Berlin",
            "30 2 25 10 *",
            "2026-10-24T00:00:00Z",
            "2026-10-27T00:00:00Z",
            &["2026-10-25T00:30:00Z"],
        ),
        (
            "America/New_York",
            "30 2 8 3 *",
            "2026-03-07T00:00:00Z",
            "2026-03-10T00:00:00Z",
            &["2026-03-08T07:00:00Z"],
        ),
        (
            "America/New_York",
            "30 1 1 11 *",
            "2026-10-31T00:00:00Z",
            "2026-11-03T00:00:00Z",
            &["2026-11-01T05:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 4 10 *",
            "2026-10-03T00:00:00Z",
            "2026-10-06T00:00:00Z",
            &["2026-10-03T15:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 5 4 *",
            "2026-04-04T00:00:00Z",
            "2026-04-07T00:00:00Z",
            &["2026-04-04T14:45:00Z"],
        ),
        (
            "Antarctica/Troll",
            "30 1 29 3 *",
            "2026-03-28T00:00:00Z",
            "2026-03-31T00:00:00Z",
            &["2026-03-29T01:00:00Z"],
        ),
        (
            "Antarctica/Troll",
            "30 1 25 10 *",
            "2026-10-24T00:00:00Z",
            "2026-10-27T00:00:00Z",
            &["2026-10-24T23:30:00Z"],
        ),
    ];
    for (zone, pattern, from, until, expected) in rows {
        let world = World::at(from).await;
        let contract = json!({"timezone": zone, "triggers": [{"cron": pattern}]});
        let id = world.install(contract, ECHO).await;
        world.live_until(time(until)).await;
        assert_eq!(world.due_times(&id).await, *expected, "{pattern} in {zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_asleep_never_run_more_than_the_contract_says() {
    let rows = [
        (json!("latest"), vec!["2026-07-01T06:00:00Z"]),
        (json!("skip"), vec![]),
        (
            json!({"all": 3}),
            vec![
                "2026-06-29T06:00:00Z",
                "2026-06-30T06:00:00Z",
                "2026-07-01T06:00:00Z",
            ],
        ),
    ];
    for (policy, mut expected) in rows {
        let world = World::at("2026-06-01T07:00:00Z").await;
        let contract =
            json!({"triggers": [{"cron": "0 6 * * *"}], "on_missed": policy, "overlap": "queue"});
        let id = world.install(contract, ECHO).await;
        world.jump_to("2026-07-01T12:00:00Z").await;
        assert_eq!(world.due_times(&id).await, expected, "{policy}");
        // And it goes on as if nothing had been.
        world.live_until(time("2026-07-02T12:00:00Z")).await;
        expected.push("2026-07-02T06:00:00Z");
        assert_eq!(world.due_times(&id).await, expected, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_hours_both_ways_never_silences_or_doubles_a_tick() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let id = world.install(cron("0 * * * *"), ECHO).await;
    world.live_until(time("2026-06-01T08:10:00Z")).await;
    // Wrong by five hours for a moment.
    world.jump_to("2026-06-01T13:10:00Z").await;
    world.jump_to("2026-06-01T08:20:00Z").await;
    world
        .until("the next due time is counted from now", async || {
            let next = world.status().await.next_due_at;
            (next == Some(time("2026-06-01T09:00:00Z"))).then_some(())
        })
        .await;
    world.live_until(time("2026-06-01T14:30:00Z")).await;
    let mut due = world.due_times(&id).await;
    due.sort();
    assert_eq!(
        due,
        [
            "2026-06-01T08:00:00Z",
            "2026-06-01T09:00:00Z",
            "2026-06-01T10:00:00Z",
            "2026-06-01T11:00:00Z",
            "2026-06-01T12:00:00Z",
            "2026-06-01T13:00:00Z",
            "2026-06-01T14:00:00Z",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_while_the_agent_is_down_never_silences_a_schedule() {
    let mut world = World::at("2026-06-01T12:30:00Z").await;
    let id = world.install(cron("0 * * * *"), ECHO).await;
    world.live_until(time("2026-06-01T13:10:00Z")).await;
    world.down().await;
    world.clock.set(time("2026-06-01T09:10:00Z"));
    world.up().await;
    world.live_until(time("2026-06-01T10:30:00Z")).await;
    assert_eq!(
        world.due_times(&id).await,
        ["2026-06-01T13:00:00Z", "2026-06-01T10:00:00Z"]
    );
}

// openclaw/openclaw #33092: a two-second restart at the due time skipped the job, no record.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_at_the_due_time_never_skips_the_run() {
    for policy in [json!("latest"), json!("skip"), json!({"all": 2})] {
        let mut world = World::at("2026-06-01T07:59:59Z").await;
        let contract = json!({"triggers": [{"cron": "0 8 * * *"}], "on_missed": policy});
        let id = world.install(contract, ECHO).await;
        world.down().await;
        world.clock.set(time("2026-06-01T08:00:01Z"));
        world.up().await;
        world.idle().await;
        assert_eq!(world.due_times(&id).await, ["2026-06-01T08:00:00Z"]);
    }
}

// openclaw/openclaw #42640, #42039: all jobs of the day ran again after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn what_ran_never_runs_again_after_a_restart() {
    let mut world = World::at("2026-06-01T00:30:00Z").await;
    let id = world
        .install(
            json!({"triggers": [{"cron": "0 * * * *"}, {"every_ms": 3_600_000}], "on_missed": {"all": 100}}),
            ECHO,
        )
        .await;
    world.live_until(time("2026-06-01T12:10:00Z")).await;
    let before = world.due_times(&id).await;
    assert_eq!(before.len(), 12 + 12);
    for _ in 0..3 {
        world.restart().await;
        world.idle().await;
        assert_eq!(world.due_times(&id).await, before);
    }
}

// n8n-io/n8n #15791: deleted or disabled triggers went on firing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_or_archived_never_fires() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let contract = json!({"triggers": [{"cron": "0 * * * *"}, {"event": "go"}]});
    let paused = world.install(contract.clone(), ECHO).await;
    let archived = world.install(contract, ECHO).await;
    world.pause(&paused).await;
    world.archive(&archived).await;
    world.send(&paused, "go", 1).await.unwrap();
    assert_eq!(
        world.send(&archived, "go", 1).await.unwrap_err().code,
        "not_found"
    );
    world.clock.set(time("2026-06-03T00:10:00Z"));
    // By hand it runs, and nothing else with it.
    let by_hand = Request::AutomationRun {
        automation: paused.clone(),
        input: None,
        wait: true,
    };
    let Response::Run(run) = world.ask(by_hand).await else {
        panic!("no run")
    };
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(world.runs(&paused).await.len(), 1);
    assert!(world.runs(&archived).await.is_empty());
    // What carried data is kept; ticks of the pause are not made up for.
    world.resume(&paused).await;
    world.idle().await;
    let runs = world.runs(&paused).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1].result.as_ref().unwrap()["input"], json!({"n": 1}));
}

// n8n-io/n8n #15791, for what had begun: a queued run of a paused automation must not go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_wakes_never_goes_on_while_its_automation_is_paused() {
    let mut world = World::at("2026-06-01T07:30:00Z").await;
    let script = "export default async (ctx) => { await ctx.sleep(3600000); return 'woke'; }";
    let id = world
        .install(json!({"triggers": [{"event": "go"}]}), script)
        .await;
    world.send(&id, "go", 1).await.unwrap();
    world.idle().await;
    world.pause(&id).await;
    world.clock.set(time("2026-06-01T09:00:00Z"));
    let queued = async || {
        let runs = world.runs(&id).await;
        (runs[0].state == RunState::Queued).then_some(())
    };
    world.until("the run has woken", queued).await;
    world.restart().await;
    assert_eq!(world.runs(&id).await[0].attempt, 1);
    world.resume(&id).await;
    world.idle().await;
    let runs = world.runs(&id).await;
    assert_eq!((runs.len(), runs[0].attempt), (1, 2));
    assert_eq!(runs[0].result, Some(json!("woke")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_automation_never_leaves_a_run_or_a_question_behind() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let script = "export default async (ctx) => { await tools.notes.put({name: 'n', text: 't'}); }";
    let contract = json!({
        "triggers": [{"event": "go"}], "capabilities": {"notes.put": {}}, "overlap": {"parallel": 4},
        "requires_approval": [{"of": "notes.put"}],
    });
    let id = world.install(contract, script).await;
    for n in 0..3 {
        world.send(&id, "go", n).await.unwrap();
    }
    world.idle().await;
    assert_eq!(world.needs().await.len(), 3);
    world.archive(&id).await;
    assert!(world.needs().await.is_empty());
    for run in world.runs(&id).await {
        assert_eq!(run.state, RunState::Cancelled);
    }
    for input in world.inputs(Some(&id), None).await {
        assert_eq!(input.reason.as_deref(), Some("the automation was archived"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_an_automation_never_overtake_one_another() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let id = world
        .install(json!({"triggers": [{"event": "go"}]}), ECHO)
        .await;
    for n in 0..50 {
        world.send(&id, "go", n).await.unwrap();
    }
    world.idle().await;
    let order: Vec<i64> = (world.runs(&id).await.iter())
        .map(|run| run.result.as_ref().unwrap()["input"]["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_items_of_one_automation_never_starve_another() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let contract = json!({"triggers": [{"event": "go"}], "overlap": {"parallel": 64}});
    let greedy = world.install(contract.clone(), ECHO).await;
    let modest = world.install(contract, ECHO).await;
    world.pause(&greedy).await;
    for n in 0..1_000 {
        world.send(&greedy, "go", n).await.unwrap();
    }
    world.resume(&greedy).await;
    world.send(&modest, "go", 0).await.unwrap();
    let begun = world.runs(&greedy).await.len();
    world
        .until("the other has run", async || {
            let runs = world.runs(&modest).await;
            runs.first()
                .filter(|run| run.state == RunState::Succeeded)
                .map(|_| ())
        })
        .await;
    let by_then = world.runs(&greedy).await.len();
    assert!(
        by_then < begun + 200,
        "{begun} had begun, {by_then} by the time the other was over"
    );
    world.idle().await;
    assert_eq!(world.runs(&greedy).await.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_never_drops_an_event_in_silence() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let id = world
        .install(json!({"triggers": [{"event": "go"}]}), ECHO)
        .await;
    world.pause(&id).await;
    let sends = (0..2_000).map(|n| world.send(&id, "go", n));
    for send in sends {
        send.await.unwrap();
    }
    assert_eq!(
        world.send(&id, "go", 2_000).await.unwrap_err().code,
        "queue_full"
    );
    // What is in the queue already is still answered as taken.
    world.send(&id, "go", 7).await.unwrap();
    assert_eq!(world.inputs(Some(&id), Some("pending")).await.len(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_contract_does_not_list_is_never_taken() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let id = world
        .install(
            json!({"triggers": [{"event": "go"}, {"event": "stop"}]}),
            ECHO,
        )
        .await;
    let error = world.send(&id, "went", 1).await.unwrap_err();
    assert_eq!(error.code, "unknown_topic");
    assert!(error.hint.contains("go, stop"), "{}", error.hint);
    assert!(world.inputs(Some(&id), None).await.is_empty());
}

// n8n-io/n8n #36859, #31100: schedules active, nothing ran, no error.
#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_nothing_begins_is_never_silent() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let script = "export default async (ctx) => { if (ctx.trigger.kind === 'event') await ctx.sleep(7200000); }";
    let contract =
        json!({"triggers": [{"cron": "0 8 * * *"}, {"event": "go"}], "overlap": "queue"});
    let id = world.install(contract, script).await;
    world.send(&id, "go", 1).await.unwrap();
    world.idle().await;
    world.clock.set(time("2026-06-01T08:00:00Z"));
    world
        .until("the tick waits", async || {
            (!world.inputs(Some(&id), Some("pending")).await.is_empty()).then_some(())
        })
        .await;
    assert!(world.needs().await.is_empty());
    // The lease ends while the run before it sleeps.
    world.clock.set(time("2026-06-01T08:15:00Z"));
    let need = world
        .until("somebody is told", async || world.needs().await.pop())
        .await;
    assert_eq!(
        (need.kind, need.automation.as_deref()),
        (NeedKind::Stalled, Some(id.as_str()))
    );
    // When it begins after all, there is nothing left to see.
    world.clock.set(time("2026-06-01T09:30:00Z"));
    world.idle().await;
    assert_eq!(world.runs(&id).await.len(), 2);
    assert!(world.needs().await.is_empty());
}

// openclaw/openclaw #42640: everything that was missed started at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_by_many_never_starts_all_at_once() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    for _ in 0..20 {
        world.install(cron("0 8 * * *"), ECHO).await;
    }
    world.clock.set(time("2026-06-05T12:00:00Z"));
    let ended = async |n: usize| {
        world
            .until("some have run", async || {
                let request = Request::Runs {
                    automation: None,
                    state: Some("succeeded".into()),
                    before: None,
                    limit: 100,
                };
                let Response::Runs(runs) = world.ask(request).await else {
                    return None;
                };
                (runs.len() >= n).then_some(runs.len())
            })
            .await
    };
    assert_eq!(ended(8).await, 8);
    assert_eq!(world.inputs(None, Some("pending")).await.len(), 12);
    world.clock.advance(1_000);
    assert_eq!(ended(16).await, 16);
    world.clock.advance(1_000);
    assert_eq!(ended(20).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_never_passes_over_an_automation_without_a_next_due_time() {
    let world = World::at("2026-06-01T07:30:00Z").await;
    let once = json!({"triggers": [{"at": "2026-06-01T08:00:00Z"}]});
    let id = world.install(once, ECHO).await;
    let said = async || {
        let Response::Findings(findings) = world.ask(Request::Doctor).await else {
            panic!("no findings")
        };
        let mine = findings
            .into_iter()
            .find(|f| f.id == "schedule" && f.message.starts_with(&id));
        mine.map(|f| (f.level, f.message)).unwrap()
    };
    let (level, message) = said().await;
    assert_eq!(level, "ok");
    assert!(message.contains("2026-06-01T08:00:00"), "{message}");
    world.live_until(time("2026-06-01T08:01:00Z")).await;
    assert_eq!(world.runs(&id).await.len(), 1);
    assert_eq!(said().await.0, "warning");
    let Response::Automation(detail) = world
        .ask(Request::AutomationShow {
            automation: id.clone(),
        })
        .await
    else {
        panic!("no detail")
    };
    assert_eq!(detail.automation.state, AutomationState::Active);
    assert_eq!(detail.automation.next_due_at, None);
    assert!(try_ask(world.agent(), Request::Status).await.is_ok());
}

impl World {
    fn clock_now(&self) -> Time {
        deputy_agent::clock::Clock::now(&self.clock)
    }
}
