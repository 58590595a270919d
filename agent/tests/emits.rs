//! A script that feeds itself: as far as it may go, and what a person hears of it then.
#![allow(clippy::unwrap_used)]

mod common;

use common::World;
use deputy_protocol::{NeedKind, RunState};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_emits_what_emits_is_stopped_and_a_person_is_asked() {
    let world = World::at("2026-01-01T00:00:00Z").await;
    let script = "const next = (ctx, n) => ctx.emit({topic: 'part', id: String(n), title: `part ${n}`, payload: n});
        export default (ctx) => next(ctx, 1);
        export const on = {part: async (ctx) => { try { await next(ctx, ctx.input + 1); } catch { return 'went on'; } }};";
    let triggers = json!({"triggers": [{"event": "go"}], "overlap": "queue"});
    let id = world.install(triggers, script).await;
    world.send(&id, "go", 1).await.unwrap();
    let need = world
        .until("a person is asked", async || world.needs().await.pop())
        .await;
    assert_eq!(need.kind, NeedKind::Limit);
    let said = need.detail["failure"]["message"].as_str().unwrap();
    assert!(said.contains("100th item in a chain"), "{said}");
    world.idle().await;
    let runs = world.runs(&id).await;
    // The one that was sent, and a hundred that followed from it.
    assert_eq!(runs.len(), 101);
    let ended = |state| runs.iter().filter(|run| run.state == state).count();
    assert_eq!(
        (ended(RunState::Succeeded), ended(RunState::Failed)),
        (100, 1)
    );
    let status = world.status().await;
    assert_eq!(status.automations.paused, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_only_share_their_beginning_are_no_chain() {
    let world = World::at("2026-01-01T00:00:00Z").await;
    let script = "export default async (ctx) => { for (let n = 0; n < 300; n++) await ctx.emit({topic: 'part', id: String(n), payload: n}); };
        export const on = {part: async (ctx) => { await ctx.emit({topic: 'last', id: String(ctx.input)}); }, last: async () => 'done'};";
    let triggers = json!({"triggers": [{"event": "go"}], "overlap": "queue"});
    let id = world.install(triggers, script).await;
    world.send(&id, "go", 1).await.unwrap();
    world.idle().await;
    let runs = world.runs(&id).await;
    assert_eq!(runs.len(), 601);
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded));
}
