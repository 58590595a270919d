//! The maintainer, case by case: each file in `tests/corpus/repair` is an automation that meets what
//! its script did not expect, what a model says about it on a provider's real wire format, and what
//! must come of it. Whatever a model says, nothing happens outside the contract and nothing twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "repair/case.rs"]
mod case;
#[path = "repair/play.rs"]
mod play;

use case::Case;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases are played at a time.
const AT_A_TIME: usize = 3;

#[test]
fn whatever_a_model_says_nothing_happens_outside_the_contract_and_nothing_twice() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/repair");
    let only = std::env::var("CASE").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.display().to_string().contains(&only))
        .collect();
    files.sort();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let sum = Mutex::new(play::Figures::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let text = std::fs::read_to_string(file).unwrap();
                    let played = std::panic::catch_unwind(|| play::play(&text));
                    match played {
                        Ok(figures) => sum.lock().unwrap().add(&figures),
                        Err(_) => failed.lock().unwrap().push(file.clone()),
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    println!("{} cases: {sum}", files.len());
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "failed: {failed:#?}");
    assert_eq!(sum.outside, 0, "effects outside the contract");
    assert_eq!(sum.repeated, 0, "effects repeated");
    if only.is_empty() {
        assert!(files.len() >= 30, "the corpus is there: {}", files.len());
        assert!(sum.repairs > 0 && sum.refusals > 0 && sum.taken_back > 0 && sum.effects > 0);
    }
}

/// Reads a case with its places filled in.
fn read(text: &str, places: &[(&str, &str)]) -> Case {
    let mut text = text.to_owned();
    for (place, value) in places {
        text = text.replace(place, value);
    }
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}
