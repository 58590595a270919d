//! Repair: the case's script is installed and run while the pages change under it; the live model
//! mends what fails. What arrived in the end is what the case says must arrive.

use crate::card::Row;
use crate::live::{House, Model};
use deputy_protocol::RunState;
use deputy_tests::{Page, bundle};
use serde_json::Value;

/// The effects that a case may have: paths below `/out/`.
const OUT: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c"];

/// Plays a case; `None` when it is about anything but a failure that can be mended.
pub(crate) fn play(case: &Value, model: &Model) -> Option<Row> {
    let steps = case["steps"].as_array()?;
    let plain = ["pages", "run", "model", "then"];
    let is_plain = |step: &Value| {
        step.as_object()
            .is_some_and(|step| step.keys().all(|key| plain.contains(&key.as_str())))
    };
    let last = steps.last()?;
    let is_mended = steps.iter().any(|step| !step["model"].is_null())
        && last["then"]["state"] == "succeeded"
        && !last["then"]["out"].is_null();
    if case["no_model"] == true || !steps.iter().all(is_plain) || !is_mended {
        return None;
    }
    let house = House::open();
    let case = house.filled(case);
    let steps = case["steps"].as_array()?;
    for id in OUT {
        for server in [&house.web, &house.other] {
            server.put(&format!("/out/{id}"), Page::new("text/plain", "ok"));
        }
    }
    house.serve(&steps.first()?["pages"]);
    let home = &house.home;
    let name = case["name"].as_str().unwrap_or("case");
    let script = case["script"].as_str()?;
    let automation = home.install(bundle(name, case["contract"].clone(), script));
    model.set(home);
    home.cli(&["config", "set", "repair.cool_down_ms", "0"])
        .done();
    let mut ended = None;
    for step in steps {
        house.serve(&step["pages"]);
        home.cli(&["automation", "run", &automation]);
        let state = house.until(|| {
            let run = home.runs(Some(&automation)).into_iter().next()?;
            // A failed run that is being mended goes on; one that a person is asked about does not.
            let is_over = run.state == RunState::Succeeded || !home.needs().is_empty();
            is_over.then_some(run.state)
        });
        if state != Some(RunState::Succeeded) {
            ended = Some("not mended".to_owned());
            break;
        }
    }
    let wanted = &steps.last()?["then"]["out"];
    let arrived = |id: &str| house.web.hits(&format!("/out/{id}"));
    let mut row = Row::default();
    for id in OUT {
        let wanted = wanted[*id].as_u64().unwrap_or(0);
        row.repeated += arrived(id).saturating_sub(wanted.max(1));
        row.outside += house.other.hits(&format!("/out/{id}"));
        if ended.is_none() && arrived(id) != wanted {
            ended = Some(format!("effect {id} arrived {} times", arrived(id)));
        }
    }
    row.works = ended.is_none();
    row.ended = ended.unwrap_or_else(|| "works".to_owned());
    (row.answers, row.cost_micros) = house.paid();
    row.seconds = house.seconds();
    Some(row)
}
