//! A bad line between a device and the relay: it gets through, and nothing is done twice or lost.

use crate::client::{App, install, start};
use crate::house::House;
use deputy_tests::{BadLine, Home, wait_until};
use std::time::{Duration, Instant};

/// A device whose way to the relay is a bad line.
struct Far {
    house: House,
    there: Home,
    line: BadLine,
}

impl Far {
    fn new() -> Self {
        let mut line = None;
        let house = House::behind(|runtime, relay| {
            let made = runtime.block_on(BadLine::to(relay));
            let port = made.port;
            line = Some(made);
            port
        });
        let line = line.unwrap();
        install(&house);
        // The agent's own line stays good.
        let there = house.pair("phone", "view,control,approve");
        line.is_bad_from_now_on();
        Self { house, there, line }
    }

    fn app(&self) -> App {
        App::open(&self.house, &self.there)
    }

    /// Says commands one after the other and waits until each is applied.
    fn command(&self, app: &App) {
        let id = self.house.runtime.block_on(app.agent.command(start()));
        let id = id.unwrap();
        wait_until("the command", || {
            app.is_applied(&self.house, &id).then_some(())
        });
    }

    /// So many commands were applied, and their events came in order.
    fn all_is_well(&self, app: &App, commands: usize) {
        assert_eq!(self.house.home.runs(None).len(), commands);
        wait_until("every run's end", || {
            let events = app.events();
            let ended = events.iter().filter(|(_, kind)| kind == "run_ended");
            let ended = ended.count();
            (ended == commands).then_some(())
        });
        let seqs: Vec<i64> = app.events().into_iter().map(|(seq, _)| seq).collect();
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    }
}

#[test]
fn over_a_line_that_loses_delays_and_reorders_everything_arrives_once_and_in_order() {
    let far = Far::new();
    far.line.block_tcp(true);
    far.line.lose(10);
    far.line
        .delay(Duration::from_millis(300), Duration::from_millis(60));
    let app = far.app();
    wait_until("the line", || app.is_open().then_some(()));
    for _ in 0..5 {
        far.command(&app);
    }
    far.all_is_well(&app, 5);
    let (passed, lost) = far.line.datagrams();
    assert!(passed > 0 && lost > 0, "{passed} {lost}");
}

#[test]
fn where_udp_is_blocked_the_agent_is_reached_by_itself_within_three_seconds() {
    let far = Far::new();
    far.line.block_udp(true);
    let began = Instant::now();
    let app = far.app();
    wait_until("the line", || app.is_open().then_some(()));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    far.command(&app);
    far.all_is_well(&app, 1);
}

#[test]
fn when_udp_is_blocked_in_the_middle_the_line_is_found_dead_and_another_way_is_taken() {
    let far = Far::new();
    let app = far.app();
    wait_until("the line", || app.is_open().then_some(()));
    far.command(&app);
    far.line.block_udp(true);
    far.command(&app);
    far.all_is_well(&app, 2);
}

#[test]
fn large_datagrams_that_vanish_stop_nothing() {
    let far = Far::new();
    // What every IPv6 line carries, less the headers.
    far.line.swallow_longer_than(1_232);
    let app = far.app();
    wait_until("the line", || app.is_open().then_some(()));
    far.command(&app);
    // An answer of many datagrams.
    let big = "x".repeat(200_000);
    let said = deputy_protocol::remote::Ask::Say {
        text: big,
        automation: None,
        timezone: None,
    };
    let id = far.house.runtime.block_on(app.agent.command(said)).unwrap();
    wait_until("the long message", || {
        let state = app.state_of(&far.house, &id)?;
        state.is_settled().then_some(())
    });
    far.all_is_well(&app, 1);
}

#[test]
fn a_device_whose_address_changes_keeps_its_session() {
    let far = Far::new();
    let app = far.app();
    wait_until("the line", || app.is_open().then_some(()));
    far.command(&app);
    let opened = app.times_opened();
    for _ in 0..3 {
        far.line.move_client();
        far.command(&app);
    }
    far.all_is_well(&app, 4);
    assert_eq!(app.times_opened(), opened, "the connection has migrated");
}
