//! The planner with a model, case by case: each file in `tests/corpus/plan` is what a user says, what
//! a model answers on a provider's real wire format, and what must come of it. Whatever a model says,
//! nothing happens outside what the user agreed to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "plan/case.rs"]
mod case;
#[path = "plan/figures.rs"]
mod figures;
#[path = "plan/play.rs"]
mod play;

use case::Case;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases are played at a time.
const AT_A_TIME: usize = 3;

#[test]
fn whatever_a_model_says_nothing_happens_that_the_user_did_not_agree_to() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/plan");
    let only = std::env::var("CASE").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.display().to_string().contains(&only))
        .collect();
    files.sort();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let sum = Mutex::new(figures::Figures::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let text = std::fs::read_to_string(file).unwrap();
                    let played = std::panic::catch_unwind(|| play::play(&Case::read(&text)));
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
    assert_eq!(sum.outside, 0, "effects outside a contract");
    if only.is_empty() {
        assert!(files.len() >= 35, "the corpus is there: {}", files.len());
        assert!(sum.refusals > 0 && sum.doubts > 0 && sum.questions > 0 && sum.effects > 0);
    }
}
