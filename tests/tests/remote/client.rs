//! The client that apps are made of, with real sockets and files: whatever breaks, a command is
//! applied once, and every event is told in order.

use crate::house::House;
use deputy_mobile_core::client::{CommandState, LineState, Notice};
use deputy_mobile_core::native::{self, AgentHandle, Files};
use deputy_mobile_core::{PairedDevice, RemoteAgent};
use deputy_protocol::RunState;
use deputy_protocol::control::Response;
use deputy_protocol::remote::{Ask, Right};
use deputy_tests::{Home, bundle, wait_until};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// An app on a device: its client, and what it was told.
pub(crate) struct App {
    pub(crate) agent: AgentHandle,
    told: Arc<Mutex<Vec<Notice>>>,
}

impl App {
    pub(crate) fn open(house: &House, there: &Home) -> Self {
        Self::of_device(house, there, house.device(there))
    }

    pub(crate) fn of_device(house: &House, there: &Home, device: PairedDevice) -> Self {
        let told: Arc<Mutex<Vec<Notice>>> = Arc::default();
        let listener = {
            let told = Arc::clone(&told);
            Box::new(move |notice| told.lock().unwrap().push(notice))
        };
        let files = Files::in_directory(there.path().join("client")).unwrap();
        let entered = house.runtime.enter();
        let agent = AgentHandle::open(device, Some(Box::new(files)), listener);
        drop(entered);
        Self { agent, told }
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.agent.line().borrow() == LineState::Open
    }

    pub(crate) fn state_of(&self, house: &House, id: &str) -> Option<CommandState> {
        let commands = house.runtime.block_on(self.agent.commands());
        let found = commands.into_iter().find(|command| command.id == id)?;
        Some(found.state)
    }

    pub(crate) fn is_applied(&self, house: &House, id: &str) -> bool {
        match self.state_of(house, id) {
            Some(CommandState::Applied { .. }) => true,
            Some(CommandState::Waiting | CommandState::Sent) => false,
            other => panic!("{other:?}"),
        }
    }

    /// How often the line was opened so far.
    pub(crate) fn times_opened(&self) -> usize {
        let told = self.told.lock().unwrap();
        { told.iter() }
            .filter(|notice| matches!(notice, Notice::Line(LineState::Open)))
            .count()
    }

    pub(crate) fn events(&self) -> Vec<(i64, String)> {
        let told = self.told.lock().unwrap();
        let events = told.iter().filter_map(|notice| match notice {
            Notice::Event(event) => Some((event.seq, event.kind.clone())),
            _ => None,
        });
        events.collect()
    }
}

pub(crate) fn start() -> Ask {
    Ask::AutomationRun {
        automation: "a1".to_owned(),
    }
}

fn with_an_automation() -> House {
    let house = House::open();
    install(&house);
    house
}

/// An automation with an effect.
pub(crate) fn install(house: &House) {
    let script = "export default async () => { await tools.notify.send({title: 't', body: 'b'}); }";
    let contract = json!({"capabilities": {"notify.send": {}}});
    house.home.install(bundle("one", contract, script));
}

#[test]
fn an_app_sees_what_happens_without_asking_for_it() {
    let house = with_an_automation();
    let there = house.pair("phone", "view,control,approve");
    let app = App::open(&house, &there);
    let runs = Ask::Runs {
        automation: None,
        state: None,
        before: None,
        limit: 20,
    };
    house
        .runtime
        .block_on(app.agent.watch(runs.clone()))
        .unwrap();
    wait_until("the line", || app.is_open().then_some(()));
    let id = house.runtime.block_on(app.agent.command(start())).unwrap();
    wait_until("the run in the view", || {
        let view = house.runtime.block_on(app.agent.view(runs.clone()))?;
        let Ok(Response::Runs(runs)) = serde_json::from_value(view.answer?) else {
            return None;
        };
        (runs.first()?.state == RunState::Succeeded).then_some(())
    });
    assert!(app.is_applied(&house, &id));
    let kinds: Vec<String> = app.events().into_iter().map(|(_, kind)| kind).collect();
    for kind in ["run_started", "run_ended"] {
        assert!(kinds.iter().any(|k| k == kind), "{kinds:?}");
    }
}

#[test]
fn a_command_said_while_everything_is_down_is_applied_once_when_it_is_up_again() {
    let mut house = with_an_automation();
    let there = house.pair("phone", "view,control,approve");
    let app = App::open(&house, &there);
    wait_until("the line", || app.is_open().then_some(()));
    house.agent.take().unwrap().kill9();
    house.kill_relay();
    wait_until("the line to be gone", || (!app.is_open()).then_some(()));
    let id = house.runtime.block_on(app.agent.command(start())).unwrap();
    assert_eq!(app.state_of(&house, &id), Some(CommandState::Waiting));
    // The app is closed, too, and opened again.
    drop(app);
    let app = App::open(&house, &there);
    assert_eq!(app.state_of(&house, &id), Some(CommandState::Waiting));
    house.start_relay();
    house.agent = Some(house.home.start_with(&house.launch));
    wait_until("the command", || app.is_applied(&house, &id).then_some(()));
    assert_eq!(house.home.runs(None).len(), 1);
}

#[test]
fn lines_break_again_and_again_and_nothing_is_done_twice_or_told_twice() {
    let mut house = with_an_automation();
    let there = house.pair("phone", "view,control,approve");
    let app = App::open(&house, &there);
    let mut said = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            said.push(house.runtime.block_on(app.agent.command(start())).unwrap());
        }
        match round {
            0 => {
                house.kill_relay();
                house.start_relay();
            }
            1 => {
                house.agent.take().unwrap().kill9();
                house.agent = Some(house.home.start_with(&house.launch));
            }
            2 => house.runtime.block_on(app.agent.network_changed()),
            _ => house.runtime.block_on(async {
                app.agent.suspend().await;
                app.agent.resume().await;
            }),
        }
    }
    wait_until("all commands", || {
        said.iter()
            .all(|id| app.is_applied(&house, id))
            .then_some(())
    });
    assert_eq!(house.home.runs(None).len(), said.len());
    wait_until("every run's end", || {
        let ended = app
            .events()
            .iter()
            .filter(|(_, kind)| kind == "run_ended")
            .count();
        (ended >= said.len()).then_some(())
    });
    let seqs: Vec<i64> = app.events().into_iter().map(|(seq, _)| seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
}

/// slopus/happy #1208: a permission prompt that is left waiting cuts the remote link. Waiting is a
/// state, not a time-out.
#[test]
fn an_approval_waits_for_as_long_as_it_takes_and_is_given_from_afar() {
    let house = House::open();
    let script = "export default async () => { await tools.notify.send({title: 't', body: 'b'}); return 'done'; }";
    let contract = json!({
        "capabilities": {"notify.send": {}},
        "requires_approval": [{"of": "notify.send"}],
    });
    house.home.install(bundle("one", contract, script));
    let there = house.pair("phone", "view,control,approve");
    let app = App::open(&house, &there);
    let needs = Ask::Needs { all: false };
    house
        .runtime
        .block_on(app.agent.watch(needs.clone()))
        .unwrap();
    house.runtime.block_on(app.agent.command(start())).unwrap();
    let need = wait_until("the item", || {
        let view = house.runtime.block_on(app.agent.view(needs.clone()))?;
        match serde_json::from_value(view.answer?) {
            Ok(Response::Needs(needs)) => needs.into_iter().next(),
            _ => None,
        }
    });
    // Longer than it takes to find out that a line is dead.
    let began = std::time::Instant::now();
    wait_until("a while to go by", || {
        (began.elapsed() > std::time::Duration::from_secs(13)).then_some(())
    });
    assert_eq!(app.times_opened(), 1);
    assert!(house.home.runs(None)[0].ended_at.is_none());
    let answer = Ask::NeedAnswer {
        item: need.id,
        choice: "approve".to_owned(),
        note: None,
    };
    let id = house.runtime.block_on(app.agent.command(answer)).unwrap();
    wait_until("the run's end", || {
        let run = house.home.runs(None).remove(0);
        (run.state == RunState::Succeeded).then_some(())
    });
    assert!(app.is_applied(&house, &id));
    wait_until("the item to be gone", || {
        let view = house.runtime.block_on(app.agent.view(needs.clone()))?;
        match serde_json::from_value(view.answer?) {
            Ok(Response::Needs(needs)) => needs.is_empty().then_some(()),
            _ => None,
        }
    });
    assert_eq!(app.times_opened(), 1);
}

#[test]
fn a_device_that_loses_the_line_while_the_phrases_are_compared_is_paired_all_the_same() {
    let mut house = House::open();
    let (id, link) = house.begin("view");
    let pairing = house
        .runtime
        .block_on(native::pair(&link, "phone"))
        .unwrap();
    let compare = house.home.cli(&["pair", "--id", &id]);
    assert_eq!(compare.text("phrase"), pairing.phrase);
    house.kill_relay();
    let finishing = house.runtime.spawn(pairing.finish());
    house.home.cli(&["pair", "--id", &id, "--same"]).done();
    house.start_relay();
    let device = house.runtime.block_on(finishing).unwrap().unwrap();
    assert_eq!(device.id, "d1");
    assert!(device.rights.has(Right::View) && !device.rights.has(Right::Control));
    let asked = house.runtime.block_on(async {
        let mut agent = RemoteAgent::connect(&device).await.unwrap();
        agent.ask("1", &Ask::Devices).await
    });
    assert!(matches!(asked, Ok(Response::Devices(all)) if all.len() == 1));
}
