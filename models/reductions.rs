//! What is left out on purpose: by the search, which is told that threads are alike, and that a thread has
//! forgotten; by loom, for which coming on and the first access are one step. Small sizes are gone through
//! with and without, as they are and with mutants: the verdicts are the same.

use multiproc_checker::{Loads, Search, Weak, mutants};

use crate::ALL;
use crate::explore::{Legs, say};
use crate::harness::Model;
use crate::mutants::{Mutant, record};
use crate::notebook;

/// The mutants of these names, which `run` passes, behind nothing.
fn mutants_of(run: fn(), names: &[&str]) -> Vec<Option<Mutant>> {
    let (_, passed) = record(|| Search::default().run(run));
    let named = |name: &&str| passed.iter().find(|mutant| mutant.name == **name).cloned();
    let named =
        names.iter().map(|name| named(name).unwrap_or_else(|| panic!("no {name}"))).map(Some);
    [None].into_iter().chain(named).collect()
}

fn with<R>(mutant: Option<&Mutant>, explore: impl FnOnce() -> R) -> R {
    match mutant {
        Some(mutant) => mutants::with(&mutant.id, explore),
        None => explore(),
    }
}

fn name_of(mutant: Option<&Mutant>) -> &str {
    mutant.map_or("nothing", |mutant| &mutant.name)
}

fn verdicts(name: &str, run: fn(), names: &[&str]) {
    for mutant in mutants_of(run, names) {
        let mutant = mutant.as_ref();
        let [reduced, plain] = [false, true].map(|plain| {
            let search = move || Search { plain, ..Search::default() }.run(run);
            with(mutant, search)
        });
        say(&format!(
            "{name} with {}: {} states of {}, {} executions of {}: {}",
            name_of(mutant),
            reduced.states,
            plain.states,
            reduced.executions,
            plain.executions,
            if plain.failure.is_some() { "falls" } else { "holds" },
        ));
        assert_eq!(reduced.failure.is_some(), plain.failure.is_some());
        assert_eq!(mutant.is_some(), plain.failure.is_some(), "{name} with {}", name_of(mutant));
        assert!(mutant.is_some() || reduced.states <= plain.states);
    }
}

/// A model, as it is and with every `step`th mutant that it passes and that is no ordering, also those that
/// it need not fall with: what the plain search says of it, if it comes to an end within so many states or finds
/// something, the reduced one says too. Gives of how many that could be said, and of how many not.
pub(crate) fn compare(
    path: &str,
    model: &Model,
    legs: Legs,
    most: usize,
    step: usize,
) -> (usize, usize) {
    let explore = |plain| {
        let limits =
            Search { max_states: Some(most), max_decisions: Some(2_000), ..legs.searching() };
        let search = Search { plain, ..limits };
        search.run(model.run)
    };
    let (mut compared, mut large) = (0, 0);
    let mut compare = |mutant: Option<&Mutant>| {
        let [plain, reduced] = [true, false].map(|plain| with(mutant, || explore(plain)));
        let falls = plain.failure.is_some();
        if !falls && !plain.complete {
            large += 1;
            return;
        }
        assert_eq!(reduced.failure.is_some(), falls, "{path} with {}", name_of(mutant));
        compared += 1;
    };
    let (_, passed) = record(|| compare(None));
    let decisions = passed.iter().filter(|mutant| !mutant.is_ordering);
    decisions.step_by(step).for_each(|mutant| compare(Some(mutant)));
    (compared, large)
}

#[test]
fn everywhere() {
    let (mut compared, mut large) = (0, 0);
    for (path, model, legs) in ALL.iter().copied().flatten() {
        let (some, others) = compare(path, model, *legs, 200, 16);
        (compared, large) = (compared + some, large + others);
    }
    say(&format!("{compared} equal verdicts; SKIPPED: {large} larger ones, in a quick run"));
    assert!(compared > 400, "only {compared} verdicts are compared");
}

fn verdicts_by_loom(name: &str, run: fn(), names: &[&str]) {
    for mutant in mutants_of(run, names) {
        let mutant = mutant.as_ref();
        for loads in [Loads::Stale, Loads::Latest] {
            let [reduced, plain] = [false, true].map(|plain| {
                let explore = move || Weak { plain, ..Weak::with(loads) }.run(run);
                with(mutant, explore)
            });
            say(&format!(
                "{name} with {} by loom, {loads} loads: {} interleavings of {}: {}",
                name_of(mutant),
                reduced.interleavings,
                plain.interleavings,
                if plain.failure.is_some() { "falls" } else { "holds" },
            ));
            assert_eq!(reduced.failure.is_some(), plain.failure.is_some());
            assert_eq!(
                mutant.is_some(),
                plain.failure.is_some(),
                "{name} with {}",
                name_of(mutant)
            );
        }
    }
}

#[test]
fn semaphore() {
    let names = &["Semaphore::wake: wake(n) → wakes nobody"];
    verdicts("semaphore", || notebook::semaphore(2, 1), names);
    verdicts_by_loom("semaphore", || notebook::semaphore(2, 1), names);
}

#[test]
fn event() {
    verdicts(
        "event",
        || notebook::event(3),
        &["Event::set: wake_op(Op::OrBit(SET_BIT), ALL, Release) → wakes only one"],
    );
    let names = &[
        "Event::set: wake_op(Op::OrBit(SET_BIT), ALL, Release) → wakes only one",
        "Event::set: compare_exchange(seen, set, Release, Relaxed) → Relaxed for Release",
        "Event::wait_by: load(Acquire) → Relaxed for Acquire",
    ];
    verdicts_by_loom("event", || notebook::event(2), names);
}

#[test]
fn lock() {
    verdicts(
        "lock",
        || notebook::lock(2),
        &["RawLock::unlock_slow: wake_op(Op::SetBit(WAITERS_BIT), n, Release) → wakes nobody"],
    );
    let names = &[
        "RawLock::unlock_slow: wake_op(Op::SetBit(WAITERS_BIT), n, Release) → wakes nobody",
        "RawLock::acquire: compare_exchange(0, name, Acquire, Relaxed) → Relaxed for Acquire",
        "RawLock::unlock: compare_exchange(name, 0, Release, Relaxed) → Relaxed for Release",
        "RawLock::take: exchange(seen, name | seen & WAITERS, Acquire) → Relaxed for Acquire",
    ];
    verdicts_by_loom("lock", || notebook::lock(1), names);
}

#[test]
fn barrier() {
    verdicts(
        "barrier",
        || notebook::barrier(3),
        &["Barrier::wake_all: wake_op(Op::AddBit(0), ALL, Release) → wakes only one"],
    );
}
