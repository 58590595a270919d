//! A listener that is slow, throws or panics harms itself alone.

use super::*;
use crate::listener::Queue;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// Hands over what it is told, and first waits for a word to go on.
struct Slow {
    may: Mutex<std::sync::mpsc::Receiver<()>>,
    told: mpsc::UnboundedSender<Notice>,
}

impl Listener for Slow {
    fn told(&self, notice: Notice) -> Result<(), ListenerError> {
        // The word does not come any more when the test is over.
        let _ = self.may.lock().unwrap().recv();
        self.told.send(notice).unwrap();
        Ok(())
    }
}

/// Makes a mistake each time.
struct Bad(mpsc::UnboundedSender<Notice>);

impl Listener for Bad {
    fn told(&self, notice: Notice) -> Result<(), ListenerError> {
        let number = number(&notice);
        self.0.send(notice).unwrap();
        if number.is_multiple_of(2) {
            panic!("an app's mistake");
        }
        Err(ListenerError::Failed {
            why: "an app's mistake".to_owned(),
        })
    }
}

fn notice(number: u64) -> Notice {
    Notice::CommandForgotten {
        id: number.to_string(),
    }
}

fn number(notice: &Notice) -> u64 {
    match notice {
        Notice::CommandForgotten { id } => id.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn slow() -> (
    Arc<Queue>,
    std::sync::mpsc::Sender<()>,
    mpsc::UnboundedReceiver<Notice>,
) {
    let (may, wait) = std::sync::mpsc::channel();
    let (told, notices) = mpsc::unbounded_channel();
    let may_wait = Mutex::new(wait);
    let listener = Arc::new(Slow {
        may: may_wait,
        told,
    });
    let queue = Queue::new(
        listener,
        crate::runtime::runtime().unwrap().handle().clone(),
    );
    (queue, may, notices)
}

#[test]
fn a_listener_that_makes_mistakes_is_told_everything_in_order() {
    let (told, mut notices) = mpsc::unbounded_channel();
    let runtime = crate::runtime::runtime().unwrap();
    let queue = Queue::new(Arc::new(Bad(told)), runtime.handle().clone());
    for n in 0..100 {
        queue.push(notice(n));
    }
    for n in 0..100 {
        assert_eq!(number(&notices.blocking_recv().unwrap()), n);
    }
}

#[test]
fn what_a_slow_listener_misses_it_is_told_of_and_what_comes_then_comes() {
    let (queue, may, mut notices) = slow();
    // One is being told, at the most; the queue holds 4,096.
    for n in 0..5_000 {
        queue.push(notice(n));
    }
    for _ in 0..5_000 {
        may.send(()).unwrap();
    }
    let mut next = 0;
    let missed = loop {
        match notices.blocking_recv().unwrap() {
            Notice::Missed { count } => break count,
            other => assert_eq!(number(&other), next),
        }
        next += 1;
    };
    assert!((4_096..=4_097).contains(&next), "{next}");
    assert_eq!(next + missed, 5_000);
    queue.push(notice(7));
    assert_eq!(number(&notices.blocking_recv().unwrap()), 7);
}

#[test]
fn nothing_is_told_after_the_end() {
    let (queue, may, mut notices) = slow();
    for n in 0..10 {
        queue.push(notice(n));
    }
    may.send(()).unwrap();
    assert_eq!(number(&notices.blocking_recv().unwrap()), 0);
    queue.close();
    queue.push(notice(11));
    drop(may);
    drop(queue);
    // The one that was being told when it ended, if there was one, and no other.
    let rest: Vec<u64> = std::iter::from_fn(|| notices.blocking_recv())
        .map(|notice| number(&notice))
        .collect();
    assert!(rest.is_empty() || rest == [1], "{rest:?}");
}
