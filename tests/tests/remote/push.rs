//! What needs a person reaches devices that are not there, once each, through a real push service.

use crate::house::House;
use deputy_protocol::control::{Request, Response};
use deputy_protocol::model::{Device, Need};
use deputy_protocol::push::{PushKind, PushState, PushTarget, Quiet, SIZE};
use deputy_tests::{Agent, AskError, Home, Launch, PushService, Taken, bundle, wait_until};
use serde_json::json;
use std::collections::HashMap;

/// Each run of it asks a person.
const ASKING: &str = "export default async () => {
  await tools.notify.send({title: 't', body: 'b'});
}";

/// An agent with a device that is somewhere else, and its push service.
struct Away {
    house: House,
    service: PushService,
}

impl Away {
    fn new() -> Self {
        let house = House::without_relay();
        house.pair("phone", "view,control,approve");
        let service = PushService::new();
        let named = json!([service.host()]).to_string();
        house
            .home
            .cli(&["config", "set", "push_hosts", &named])
            .done();
        Self { house, service }
    }

    fn home(&self) -> &Home {
        &self.house.home
    }

    /// An automation whose runs ask.
    fn automation(&self) -> String {
        let contract = json!({
            "capabilities": {"notify.send": {}},
            "requires_approval": [{"of": "notify.send"}],
        });
        self.home().install(bundle("Invoices", contract, ASKING))
    }

    /// What starts a run of it, however often it is sent.
    fn go(automation: &str) -> Request {
        Request::EventSend {
            automation: automation.to_owned(),
            topic: "go".to_owned(),
            payload: None,
            key: Some("once".to_owned()),
        }
    }

    /// A run that asks.
    fn ask_a_person(&self) {
        let automation = self.automation();
        self.home().ask(Self::go(&automation)).unwrap();
    }

    /// One more item, and its id.
    fn one_more(&self) -> Need {
        let known = self.home().needs();
        self.ask_a_person();
        wait_until("another item", || {
            let needs = self.home().needs();
            needs
                .into_iter()
                .find(|need| known.iter().all(|k| k.id != need.id))
        })
    }

    fn wants(&self, target: &PushTarget, quiet: Option<Quiet>) -> Device {
        let request = Request::PushSubscribe {
            device: Some("d1".to_owned()),
            target: target.clone(),
            quiet,
        };
        match self.home().ask(request) {
            Ok(Response::Device(device)) => *device,
            other => panic!("{other:?}"),
        }
    }

    fn state(&self) -> Option<PushState> {
        match self.home().ask(Request::Devices) {
            Ok(Response::Devices(all)) => all.into_iter().find(|d| d.id == "d1")?.push,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&self, need: &Need) {
        let request = Request::NeedAnswer {
            item: need.id.clone(),
            choice: "approve".to_owned(),
            note: None,
        };
        self.home().ask(request).unwrap();
    }

    fn wait_for(&self, name: &str, count: usize) -> Vec<Taken> {
        wait_until(&format!("{count} pushes"), || {
            Some(self.service.taken(name)).filter(|taken| taken.len() >= count)
        })
    }
}

/// What a device shows after these: by item, or by `several`; an id that was seen is not shown again.
fn shown(taken: &[Taken]) -> HashMap<String, String> {
    let mut seen = Vec::new();
    let mut shown = HashMap::new();
    for push in taken.iter().map(|taken| &taken.content) {
        if seen.contains(&push.id) {
            continue;
        }
        seen.push(push.id.clone());
        let tag = push.need.clone().unwrap_or_else(|| "several".to_owned());
        match push.kind {
            PushKind::Settled => drop(shown.remove(&tag)),
            _ => drop(shown.insert(tag, push.title.clone())),
        }
    }
    shown
}

#[test]
fn an_item_is_pushed_once_says_nothing_to_the_service_and_goes_when_it_is_answered_elsewhere() {
    let away = Away::new();
    let device = away.wants(&away.service.subscribe("phone"), None);
    assert_eq!(device.push.unwrap().provider, "web");
    let need = away.one_more();
    let taken = away.wait_for("phone", 1);
    let push = &taken[0];
    assert_eq!(push.content.kind, PushKind::Need);
    assert_eq!(push.content.need.as_deref(), Some(need.id.as_str()));
    assert_eq!(
        (push.content.title.as_str(), push.content.text.as_str()),
        ("Invoices", need.title.as_str())
    );
    assert_eq!(push.urgency, "high");
    // The header of the encoding, the content, a delimiter and a tag: the same for all.
    assert_eq!(push.body.len(), 86 + SIZE + 1 + 16);
    let state = wait_until("the state", || {
        away.state().filter(|s| s.reached_at.is_some())
    });
    assert!(state.not_reached_since.is_none() && state.trouble.is_none());
    away.answer(&need);
    let taken = away.wait_for("phone", 2);
    assert_eq!(taken[1].content.kind, PushKind::Settled);
    assert_eq!(taken[1].topic, taken[0].topic);
    assert_eq!(taken[1].body.len(), taken[0].body.len());
    assert_eq!(shown(&taken), HashMap::new());
    // Nothing more comes of either, also after a restart; another item does.
    let mut house = away.house;
    house.agent.take().unwrap().kill9();
    house.agent = Some(house.home.start_with(&house.launch));
    let away = Away { house, ..away };
    let second = away.one_more();
    let last = wait_until("its push", || {
        let taken = away.service.taken("phone");
        let of_it = |t: &Taken| t.content.need.as_deref() == Some(second.id.as_str());
        taken.into_iter().find(of_it)
    });
    assert_ne!(last.topic, taken[0].topic);
    // What was taken but not yet written down when the agent was killed came again as what it was.
    let taken = away.service.taken("phone");
    let mut ids: Vec<_> = taken.iter().map(|t| t.content.id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{taken:?}");
    assert_eq!(shown(&taken).len(), 1);
    assert_eq!(away.service.senders(), 1);
}

#[test]
fn a_storm_becomes_one_push_and_that_goes_with_the_last_of_its_items() {
    let away = Away::new();
    away.wants(&away.service.subscribe("phone"), None);
    for _ in 0..20 {
        away.ask_a_person();
    }
    wait_until("twenty items", || {
        (away.home().needs().len() == 20).then_some(())
    });
    wait_until("a push of several", || {
        let taken = away.service.taken("phone");
        taken
            .iter()
            .any(|taken| taken.content.kind == PushKind::Several)
            .then_some(())
    });
    let needs = away.home().needs();
    for need in &needs {
        away.answer(need);
    }
    let taken = wait_until("nothing to be shown", || {
        let taken = away.service.taken("phone");
        let several = |taken: &Taken| taken.content.kind == PushKind::Several;
        (taken.iter().any(several) && shown(&taken).is_empty()).then_some(taken)
    });
    // The first few may have come before it was a storm.
    let loud = |taken: &&Taken| taken.content.kind != PushKind::Settled;
    let told = taken.iter().filter(loud).count();
    assert!((1..=4).contains(&told), "{taken:?}");
}

#[test]
fn quiet_hours_keep_everything_until_they_end() {
    let away = Away::new();
    let target = away.service.subscribe("phone");
    // All of today but for the minute that ended twelve hours ago.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let minutes = (now.unwrap().as_secs() / 60 + 720) % 1_440;
    let clock = |m: u64| format!("{:02}:{:02}", (m % 1_440) / 60, m % 60);
    let quiet = Quiet {
        from: clock(minutes),
        to: clock(minutes + 1_439),
        timezone: "UTC".to_owned(),
    };
    away.wants(&target, Some(quiet.clone()));
    away.one_more();
    // One that is asked for comes at any time, and shows that what waits has been looked at.
    wait_until("the item to be put off", || {
        let test = Request::PushTest {
            device: Some("d1".to_owned()),
        };
        away.home().ask(test).unwrap();
        let taken = away.service.taken("phone");
        (taken.len() >= 3).then_some(())
    });
    let taken = away.service.taken("phone");
    assert!(
        taken
            .iter()
            .all(|taken| taken.content.kind == PushKind::Test)
    );
    assert_eq!(away.state().unwrap().quiet, Some(quiet));
    away.wants(&target, None);
    wait_until("the item", || {
        let taken = away.service.taken("phone");
        taken
            .iter()
            .any(|taken| taken.content.kind == PushKind::Need)
            .then_some(())
    });
}

#[test]
fn a_push_that_is_not_taken_is_seen_and_comes_later() {
    let away = Away::new();
    away.wants(&away.service.subscribe("phone"), None);
    away.service.answer("phone", 503, Some(1));
    let need = away.one_more();
    let state = wait_until("the trouble to be seen", || {
        away.state().filter(|s| s.not_reached_since.is_some())
    });
    assert!(state.trouble.unwrap().contains("503") && !state.is_gone);
    away.service.answer("phone", 201, None);
    let taken = away.wait_for("phone", 1);
    assert_eq!(taken[0].content.need.as_deref(), Some(need.id.as_str()));
    wait_until("the trouble to be over", || {
        away.state()
            .filter(|s| s.not_reached_since.is_none() && s.reached_at.is_some())
    });
    // A subscription that has ended is asked no more, and what waits goes to the next one.
    away.service.answer("phone", 410, None);
    let need = away.one_more();
    wait_until("the end of the subscription", || {
        away.state().filter(|s| s.is_gone)
    });
    let refused = away.service.refused("phone");
    let third = away.one_more();
    away.wants(&away.service.subscribe("tablet"), None);
    let taken = away.wait_for("tablet", 2);
    let items: Vec<_> = taken.iter().map(|t| t.content.need.clone()).collect();
    assert_eq!(items, [Some(need.id), Some(third.id)]);
    assert_eq!(away.service.refused("phone"), refused);
    assert!(!away.state().unwrap().is_gone);
}

#[test]
fn pushes_go_only_where_the_user_allows_and_to_devices_that_are_still_the_users() {
    let away = Away::new();
    let target = away.service.subscribe("phone");
    let PushTarget::Web { p256dh, auth, .. } = &target else {
        panic!("{target:?}")
    };
    for endpoint in [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1/x",
        "https://192.168.1.1/x",
        "https://[::1]/x",
        "http://push.example.org/x",
        "https://user@push.example.org/x",
        "file:///etc/passwd",
        "",
    ] {
        let request = Request::PushSubscribe {
            device: Some("d1".to_owned()),
            target: PushTarget::Web {
                endpoint: endpoint.to_owned(),
                p256dh: p256dh.clone(),
                auth: auth.clone(),
            },
            quiet: None,
        };
        match away.home().ask(request) {
            Err(AskError::Refused(error)) => assert_eq!(error.code, "bad_push_target"),
            other => panic!("{endpoint}: {other:?}"),
        }
    }
    assert!(away.state().is_none());
    away.wants(&target, None);
    away.one_more();
    away.wait_for("phone", 1);
    away.home().cli(&["device", "revoke", "d1"]).done();
    assert!(away.state().is_none());
    away.one_more();
    let test = Request::PushTest {
        device: Some("d1".to_owned()),
    };
    match away.home().ask(test) {
        Err(AskError::Refused(error)) => assert_eq!(error.code, "no_pushes"),
        other => panic!("{other:?}"),
    }
    assert_eq!(away.service.taken("phone").len(), 1);
}

#[test]
fn an_agent_that_is_killed_at_any_point_neither_loses_nor_doubles_a_push() {
    let mut away = Away::new();
    let target = away.service.subscribe("phone");
    away.wants(&target, None);
    let mut automation = away.automation();
    away.house.agent.take().unwrap().kill9();
    let (mut survived, mut killed, mut again) = (0, 0, 0);
    // By name too, as which number they have differs from start to start.
    let named = ["push.sending", "push.answered"].map(str::to_owned);
    for point in { named.into_iter() }.chain((1..).map(|n: u64| n.to_string())) {
        if survived == 2 {
            break;
        }
        let launch = Launch::with_faults().env("DEPUTY_FAULT_KILL", &point);
        let Ok(mut agent) = Agent::start(away.home(), &launch) else {
            continue;
        };
        let before = away.service.taken("phone").len();
        let sent = away.home().ask(Away::go(&automation));
        wait_until("the kill, or the push", || {
            (!agent.alive() || away.service.taken("phone").len() > before).then_some(())
        });
        // One that has it still has to write that down.
        let lived = sent.is_ok()
            && wait_until("the kill, or the word of it", || {
                if !agent.alive() {
                    return Some(false);
                }
                let reached = away.state_or_none()?.reached_at;
                reached.map(|_| true)
            });
        survived = if lived && agent.alive() {
            survived + 1
        } else {
            0
        };
        killed += u32::from(survived == 0);
        assert!(!agent.alive() || !point.starts_with("push."), "{point}");
        drop(agent);
        away.house.agent = Some(away.home().start());
        // The same event again is the same one.
        away.home().ask(Away::go(&automation)).unwrap();
        let need = wait_until("its item", || away.home().needs().into_iter().next());
        let taken = wait_until("its push", || {
            let taken = away.service.taken("phone");
            let of_it = |t: &Taken| t.content.need.as_ref() == Some(&need.id);
            taken.iter().any(of_it).then_some(taken)
        });
        assert_eq!(shown(&taken).len(), 1, "after a kill at point {point}");
        away.answer(&need);
        let taken = wait_until("it to be taken back", || {
            let taken = away.service.taken("phone");
            shown(&taken).is_empty().then_some(taken)
        });
        let mut ids: Vec<_> = taken.iter().map(|t| t.content.id.clone()).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        again = all - ids.len();
        automation = away.automation();
        // Anew, or what so many rounds have to tell would be told together.
        let forget = Request::PushUnsubscribe {
            device: Some("d1".to_owned()),
        };
        away.home().ask(forget).unwrap();
        away.wants(&target, None);
        away.house.agent.take().unwrap().kill9();
    }
    // Some pushes went out a second time, under their own ids.
    assert!(killed > 10 && again > 0, "{killed} {again}");
}

impl Away {
    /// Where the device stands, from an agent that may be dying.
    fn state_or_none(&self) -> Option<PushState> {
        match self.home().ask(Request::Devices) {
            Ok(Response::Devices(all)) => all.into_iter().find(|d| d.id == "d1")?.push,
            _ => None,
        }
    }
}
