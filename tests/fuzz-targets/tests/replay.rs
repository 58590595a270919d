//! What fuzzing has found worth keeping, and changes of it, with every run of the tests: what was once
//! mended stays so, and needs neither libFuzzer nor a nightly compiler to show it.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use deputy_fuzz_targets::{TARGETS, Target};
use std::path::Path;

/// How many changes are tried of all that is kept of a target, and how many less of one that is
/// slow. `DEPUTY_CHANGES` is another number, `DEPUTY_SEED` draws others.
const CHANGES: usize = 2_000;
const SLOW: usize = 20;

fn number<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    let given = std::env::var(variable).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let folder = Path::new(folder).join(target.name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    // The same order everywhere, so that the changes are the same.
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// A change such as libFuzzer makes.
fn changed(random: &mut fastrand::Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut data = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=data.len());
        match random.u8(..5) {
            0 => data.insert(at, random.u8(..)),
            1 if at < data.len() => data[at] ^= 1 << random.u8(..8),
            2 if at < data.len() => data[at] = random.u8(..),
            3 => {
                let end = random.usize(at..=data.len());
                data.drain(at..end);
            }
            _ => {
                let other = &corpus[random.usize(..corpus.len())];
                let from = random.usize(..=other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
        }
    }
    data
}

/// Says which bytes broke a promise, when some do.
struct Culprit<'a>(&'a Target, &'a [u8]);

impl Drop for Culprit<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(target, data) = self;
            eprintln!("{} breaks on {data:?}", target.name);
        }
    }
}

fn play(target: &Target) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{}", target.name);
    let try_it = |data: &[u8]| {
        let culprit = Culprit(target, data);
        target.run(culprit.1);
    };
    corpus.iter().for_each(|data| try_it(data));
    let mut random = fastrand::Rng::with_seed(number("DEPUTY_SEED", 7));
    let changes = number("DEPUTY_CHANGES", CHANGES);
    for _ in 0..changes / if target.is_slow { SLOW } else { 1 } {
        try_it(&changed(&mut random, &corpus));
    }
}

#[test]
fn nothing_that_was_found_and_no_change_of_it_breaks_a_promise() {
    std::thread::scope(|scope| {
        let playing: Vec<_> = TARGETS
            .iter()
            .map(|target| (target.name, scope.spawn(|| play(target))))
            .collect();
        let broken: Vec<_> = { playing.into_iter() }
            .filter_map(|(name, thread)| thread.join().is_err().then_some(name))
            .collect();
        assert!(broken.is_empty(), "{broken:?}");
    });
}
