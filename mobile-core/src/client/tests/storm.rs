//! Whatever breaks whenever, every command is applied exactly once.

use super::super::*;
use super::world::{World, pause, run_ask, status};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Happens {
    Say(u8),
    Withdraw(u8),
    Cut,
    Restart,
    AgentGone,
    AgentBack,
    Deaf,
    Hearing,
    Late(bool),
    Suspend,
    Resume,
    NetworkChanged,
    Event,
    Pass(u16),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..4u8).prop_map(Happens::Say),
        1 => any::<u8>().prop_map(Happens::Withdraw),
        2 => Just(Happens::Cut),
        2 => Just(Happens::Restart),
        1 => Just(Happens::AgentGone),
        2 => Just(Happens::AgentBack),
        1 => Just(Happens::Deaf),
        2 => Just(Happens::Hearing),
        2 => any::<bool>().prop_map(Happens::Late),
        1 => Just(Happens::Suspend),
        2 => Just(Happens::Resume),
        1 => Just(Happens::NetworkChanged),
        3 => Just(Happens::Event),
        4 => (0..40_000u16).prop_map(Happens::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_command_is_applied_exactly_once_and_every_event_told_in_order(
        story in proptest::collection::vec(happens(), 1..60)
    ) {
        let mut world = World::new();
        world.client.watch(status(), world.now).unwrap();
        let (mut said, mut withdrawn, mut seq) = (Vec::new(), Vec::new(), 0);
        let mut told = Vec::new();
        for step in story {
            match step {
                Happens::Say(n) => {
                    let ask = if n < 2 { run_ask(&format!("a{n}")) } else { pause(&format!("a{n}")) };
                    said.push(world.client.command(ask, world.now).unwrap());
                }
                Happens::Withdraw(n) => {
                    if let Some(id) = said.get(usize::from(n) % said.len().max(1))
                        && world.client.withdraw(id)
                    {
                        withdrawn.push(id.clone());
                    }
                }
                Happens::Cut => world.cut(),
                Happens::Restart => {
                    // What was said is on disk by the time that it is said to be safe.
                    world.settle();
                    told.append(&mut world.events());
                    world.restart();
                    world.client.watch(status(), world.now).unwrap();
                }
                Happens::AgentGone => {
                    world.agent.is_there = false;
                    world.cut();
                }
                Happens::AgentBack => world.agent.is_there = true,
                Happens::Deaf => world.agent.deaf = true,
                Happens::Hearing => world.agent.deaf = false,
                Happens::Late(late) => world.agent.answers_late = late,
                Happens::Suspend => world.client.suspend(),
                Happens::Resume => world.client.resume(world.now),
                Happens::NetworkChanged => world.client.network_changed(world.now),
                Happens::Event => {
                    seq += 1;
                    world.agent.happens("need_opened", seq);
                }
                Happens::Pass(ms) => world.pass(u64::from(ms)),
            }
            if !matches!(step, Happens::Cut) {
                world.settle();
            }
        }
        world.agent.is_there = true;
        world.agent.deaf = false;
        world.agent.answers_late = false;
        world.client.resume(world.now);
        world.pass(120_000);
        prop_assert_eq!(world.client.state(), LineState::Open);

        let mut expected: Vec<String> = said.into_iter().filter(|id| !withdrawn.contains(id)).collect();
        let mut applied = world.agent.applied.clone();
        for command in world.client.commands() {
            prop_assert!(matches!(command.state, CommandState::Applied { .. }), "{:?}", command);
        }
        expected.sort();
        applied.sort();
        prop_assert_eq!(applied, expected);

        // Within one life of the app each once and in order; a later life may tell the last again.
        let now = world.events();
        prop_assert!(now.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", now);
        prop_assert!(world.client.view(&status()).unwrap().is_fresh());
    }
}
