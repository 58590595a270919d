//! Relays as processes: several behind one name that find each other over NATS, killed and halted
//! while agents and apps are linked. Whatever dies, a command is applied once, every event is told in
//! order, and what was cut comes back by itself.

use crate::client::{App, install, start};
use crate::house::{House, runtime};
use deputy_mobile_core::client::{CommandState, LineState, Why};
use deputy_protocol::remote::Ask;
use deputy_tests::{
    Certificate, Home, NatsServer, PATIENCE, RelayProcess, SharedName, wait_until, wait_up_to,
};
use std::time::Duration;

/// How long it may take until somebody is missed who only stopped to answer: silence is noticed by
/// the clock, on purpose not at once.
const MISSED: Duration = Duration::from_secs(180);

/// Apps on devices of their own, and what they were told to do.
struct Apps {
    apps: Vec<(Home, App)>,
    said: Vec<(usize, String)>,
}

impl Apps {
    fn of(house: &House, count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|n| format!("phone-{n}")).collect();
        let homes = names
            .iter()
            .map(|name| house.pair(name, "view,control,approve"));
        let open = |there: Home| {
            let app = App::open(house, &there);
            (there, app)
        };
        let apps: Vec<(Home, App)> = homes.map(open).collect();
        let all = Self {
            apps,
            said: Vec::new(),
        };
        all.wait_for_lines();
        all
    }

    fn wait_for_lines(&self) {
        wait_until("all lines", || {
            self.apps.iter().all(|(_, app)| app.is_open()).then_some(())
        });
    }

    /// One of them says a command, which waits for its line if need be.
    fn say(&mut self, house: &House, by: usize) -> String {
        let said = self.apps[by].1.agent.command(start());
        let id = house.runtime.block_on(said).unwrap();
        self.said.push((by, id.clone()));
        id
    }

    fn are_applied(&self, house: &House, ids: &[String]) {
        wait_up_to(MISSED, "the commands", || {
            let mut said = self.said.iter().filter(|(_, id)| ids.contains(id));
            said.all(|(by, id)| self.apps[*by].1.is_applied(house, id))
                .then_some(())
        });
    }

    /// All commands were applied, each once, and each app was told the same events in one order.
    fn all_is_well(&self, house: &House) {
        let ids: Vec<String> = self.said.iter().map(|(_, id)| id.clone()).collect();
        self.are_applied(house, &ids);
        assert_eq!(house.home.runs(None).len(), ids.len());
        wait_up_to(MISSED, "every run's end, at every app", || {
            let is_told = |app: &App| {
                let events = app.events();
                events
                    .iter()
                    .filter(|(_, kind)| kind == "run_ended")
                    .count()
                    == ids.len()
            };
            self.apps.iter().all(|(_, app)| is_told(app)).then_some(())
        });
        let mut follow = house.home.follow(0).unwrap();
        let (mut happened, mut ended) = (Vec::new(), 0);
        while ended < ids.len() {
            let event = follow.next(PATIENCE).expect("the agent tells its events");
            ended += usize::from(event.kind == "run_ended");
            happened.push((event.seq, event.kind));
        }
        for (_, app) in &self.apps {
            let told = app.events();
            let first = told[0].0;
            let last = happened.last().unwrap().0;
            let missed = happened.iter().filter(|(seq, _)| *seq >= first);
            let told: Vec<_> = told.iter().filter(|(seq, _)| *seq <= last).collect();
            assert_eq!(told, missed.collect::<Vec<_>>());
        }
    }

    fn state(&self, of: usize) -> LineState {
        self.apps[of].1.agent.line().borrow().clone()
    }
}

/// Several relays behind one name, and an agent that is linked to one of them.
struct Cluster {
    nats: NatsServer,
    relays: Vec<RelayProcess>,
    name: SharedName,
    house: House,
}

impl Cluster {
    /// The agent is at the first.
    fn of(count: usize) -> Self {
        let certificate = Certificate::new();
        let nats = NatsServer::start();
        let relays: Vec<RelayProcess> = (0..count)
            .map(|_| RelayProcess::among_others(&certificate, &nats))
            .collect();
        let ports: Vec<u16> = relays.iter().map(|relay| relay.port).collect();
        let runtime = runtime();
        let name = runtime.block_on(SharedName::of(&ports));
        name.give_newcomers_to(Some(0));
        let house = House::linked_to(name.port, runtime, certificate);
        install(&house);
        let cluster = Self {
            nats,
            relays,
            name,
            house,
        };
        wait_until("the agent at the first relay", || {
            (cluster.agent_is_at() == Some(0)).then_some(())
        });
        cluster
    }

    /// Which of the living relays holds the agent.
    fn agent_is_at(&self) -> Option<usize> {
        self.relays
            .iter()
            .position(|relay| relay.lives() && relay.metric("deputy_relay_agents") > 0)
    }
}

fn pointed_elsewhere(relay: &RelayProcess) -> i64 {
    relay.metric("deputy_relay_refusals_total{code=\"elsewhere\"}")
}

#[test]
fn without_nats_what_is_local_goes_on_and_what_crosses_relays_comes_back_by_itself() {
    let mut cluster = Cluster::of(2);
    let mut apps = Apps::of(&cluster.house, 2);
    // The second app crosses from here on.
    cluster.name.give_newcomers_to(Some(1));
    let other = apps.apps[1].1.agent.clone();
    cluster.house.runtime.block_on(other.network_changed());
    wait_until("the second app to be pointed to the agent", || {
        (pointed_elsewhere(&cluster.relays[1]) > 0).then_some(())
    });
    apps.wait_for_lines();
    let crossed = apps.say(&cluster.house, 1);
    apps.are_applied(&cluster.house, &[crossed]);

    cluster.nats.kill9();
    // What is joined stays joined, here and across.
    let ids: Vec<String> = (0..2).map(|by| apps.say(&cluster.house, by)).collect();
    apps.are_applied(&cluster.house, &ids);
    // What would cross anew does not find the agent.
    cluster.house.runtime.block_on(other.network_changed());
    wait_until(
        "the second app to be told that the agent is not there",
        || {
            let state = apps.state(1);
            matches!(
                &state,
                LineState::Away {
                    why: Why::Offline(_),
                    ..
                }
            )
            .then_some(())
        },
    );
    let crossing = apps.say(&cluster.house, 1);
    // What is local is linked anew, too.
    cluster.name.give_newcomers_to(Some(0));
    let first = apps.apps[0].1.agent.clone();
    cluster.house.runtime.block_on(first.network_changed());
    let local = apps.say(&cluster.house, 0);
    apps.are_applied(&cluster.house, &[local]);
    cluster.name.give_newcomers_to(Some(1));
    let state = apps.apps[1].1.state_of(&cluster.house, &crossing);
    assert_eq!(state, Some(CommandState::Waiting));

    let before = pointed_elsewhere(&cluster.relays[1]);
    cluster.nats.start_again();
    apps.are_applied(&cluster.house, &[crossing]);
    assert!(pointed_elsewhere(&cluster.relays[1]) > before);
    apps.all_is_well(&cluster.house);
}

#[test]
fn of_three_relays_any_may_be_killed_under_load_and_nothing_is_done_twice_or_lost() {
    let mut cluster = Cluster::of(3);
    cluster.name.give_newcomers_to(None);
    let mut apps = Apps::of(&cluster.house, 6);
    let crossed: i64 = cluster.relays.iter().map(pointed_elsewhere).sum();
    assert!(crossed > 0, "all landed at the agent's own relay");
    for _ in 0..2 {
        let at = wait_up_to(MISSED, "the agent at a relay", || cluster.agent_is_at());
        for turn in 0..4 {
            for by in 0..apps.apps.len() {
                apps.say(&cluster.house, by);
            }
            // The one that everything goes through, with much of it on the way.
            if turn == 1 {
                cluster.relays[at].kill9();
            }
        }
        let ids: Vec<String> = apps.said.iter().map(|(_, id)| id.clone()).collect();
        apps.are_applied(&cluster.house, &ids);
        assert_ne!(cluster.agent_is_at(), Some(at));
        cluster.relays[at].start_again();
    }
    apps.all_is_well(&cluster.house);
}

/// A relay as a process, and an agent that is linked to it.
fn alone() -> (RelayProcess, House) {
    let certificate = Certificate::new();
    let relay = RelayProcess::start(&certificate);
    let house = House::linked_to(relay.port, runtime(), certificate);
    install(&house);
    (relay, house)
}

/// While nobody answers the apps find it out, show it, and keep what they are told to do.
fn is_missed(apps: &mut Apps, house: &House) {
    let views = Ask::Status;
    let sent: Vec<String> = (0..2).map(|by| apps.say(house, by)).collect();
    wait_up_to(MISSED, "all apps to miss the agent", || {
        let is_away = |n: usize| matches!(apps.state(n), LineState::Away { .. });
        (0..2).all(is_away).then_some(())
    });
    for (_, app) in &apps.apps {
        let view = house.runtime.block_on(app.agent.view(views.clone()));
        let view = view.expect("what was seen is still at hand");
        assert!(view.answer.is_some() && !view.is_fresh(), "{view:?}");
    }
    let waiting: Vec<String> = (0..2).map(|by| apps.say(house, by)).collect();
    for (by, id) in sent.iter().enumerate() {
        let state = apps.apps[by].1.state_of(house, id);
        assert_eq!(state, Some(CommandState::Sent));
    }
    for (by, id) in waiting.iter().enumerate() {
        let state = apps.apps[by].1.state_of(house, id);
        assert_eq!(state, Some(CommandState::Waiting));
    }
}

/// Two apps that look at something.
fn looking(house: &House) -> Apps {
    let apps = Apps::of(house, 2);
    for (_, app) in &apps.apps {
        house
            .runtime
            .block_on(app.agent.watch(Ask::Status))
            .unwrap();
    }
    are_fresh(&apps, house);
    apps
}

fn are_fresh(apps: &Apps, house: &House) {
    wait_up_to(MISSED, "fresh views", || {
        let is_fresh = |app: &App| {
            let view = house.runtime.block_on(app.agent.view(Ask::Status));
            app.is_open() && view.is_some_and(|view| view.is_fresh())
        };
        apps.apps.iter().all(|(_, app)| is_fresh(app)).then_some(())
    });
}

#[test]
fn a_relay_that_stops_to_answer_for_a_while_is_missed_and_all_come_back_by_themselves() {
    let (relay, house) = alone();
    let mut apps = looking(&house);
    relay.halt();
    is_missed(&mut apps, &house);
    relay.go_on();
    apps.all_is_well(&house);
    are_fresh(&apps, &house);
}

#[test]
fn an_agent_that_falls_asleep_is_missed_and_is_there_again_when_it_wakes() {
    let (relay, house) = alone();
    let mut apps = looking(&house);
    let agent = house.agent.as_ref().unwrap();
    agent.halt();
    is_missed(&mut apps, &house);
    // Long enough for the relay to let it go, too: it has to link anew.
    wait_up_to(MISSED, "the relay to miss the agent", || {
        (relay.metric("deputy_relay_agents") == 0).then_some(())
    });
    agent.go_on();
    apps.all_is_well(&house);
    are_fresh(&apps, &house);
    assert_eq!(relay.metric("deputy_relay_agents"), 1);
}
