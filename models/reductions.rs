//! What is left out on purpose: by the search, which is told that threads are alike, and that a thread has
//! forgotten; by loom, for which coming on and the first access are one step. Small sizes are gone through
//! with and without, as they are and with mutants: the verdicts are the same.

use multiproc_checker::mutants::{self, Site};
use multiproc_checker::{Loads, Search, Weak};

use crate::ALL;
use crate::explore::{Legs, say};
use crate::harness::Model;
use crate::notebook;

fn verdicts(name: &str, run: fn(), sites: &[&'static str]) {
    for site in [None].into_iter().chain(sites.iter().copied().map(Some)) {
        let [reduced, plain] = [false, true].map(|plain| {
            let search = move || Search { plain, ..Search::default() }.run(run);
            match site {
                Some(site) => mutants::with(site, search),
                None => search(),
            }
        });
        say(&format!(
            "{name} without {}: {} states of {}, {} executions of {}: {}",
            site.unwrap_or("nothing"),
            reduced.states,
            plain.states,
            reduced.executions,
            plain.executions,
            if plain.failure.is_some() { "fails" } else { "holds" },
        ));
        assert_eq!(reduced.failure.is_some(), plain.failure.is_some());
        assert_eq!(site.is_some(), plain.failure.is_some(), "{name} without {site:?}");
        assert!(site.is_some() || reduced.states <= plain.states);
    }
}

/// A model, as it is and with each decision that it passes weakened, also those that it need not fall
/// without: what the plain search says of it, if it comes to an end within so many states or finds
/// something, the reduced one says too. Gives of how many that could be said, and of how many not.
pub(crate) fn compare(path: &str, model: &Model, legs: Legs, most: usize) -> (usize, usize) {
    let explore = |plain| {
        let limits =
            Search { max_states: Some(most), max_decisions: Some(2_000), ..legs.searching() };
        let search = Search { plain, ..limits };
        search.run(model.run)
    };
    let (mut compared, mut large) = (0, 0);
    let mut compare = |site: Option<Site>| {
        let [plain, reduced] = [true, false].map(|plain| match site {
            Some(site) => mutants::with(site, || explore(plain)),
            None => explore(plain),
        });
        let fails = plain.failure.is_some();
        if !fails && !plain.complete {
            large += 1;
            return;
        }
        assert_eq!(reduced.failure.is_some(), fails, "{path} without {site:?}");
        compared += 1;
    };
    mutants::forget_seen();
    compare(None);
    let decisions = mutants::seen().into_iter().filter(|&(_, is_ordering)| !is_ordering);
    decisions.for_each(|(site, _)| compare(Some(site)));
    (compared, large)
}

#[test]
fn everywhere() {
    let (mut compared, mut large) = (0, 0);
    for (path, model, legs) in ALL.iter().copied().flatten() {
        let (some, others) = compare(path, model, *legs, 200);
        (compared, large) = (compared + some, large + others);
    }
    say(&format!("{compared} equal verdicts; SKIPPED: {large} larger ones, in a quick run"));
    assert!(compared > 400, "only {compared} verdicts are compared");
}

fn verdicts_by_loom(name: &str, run: fn(), sites: &[&'static str]) {
    for site in [None].into_iter().chain(sites.iter().copied().map(Some)) {
        for loads in [Loads::Stale, Loads::Latest] {
            let [reduced, plain] = [false, true].map(|plain| {
                let explore = move || Weak { plain, ..Weak::with(loads) }.run(run);
                match site {
                    Some(site) => mutants::with(site, explore),
                    None => explore(),
                }
            });
            say(&format!(
                "{name} without {} by loom, {loads} loads: {} interleavings of {}: {}",
                site.unwrap_or("nothing"),
                reduced.interleavings,
                plain.interleavings,
                if plain.failure.is_some() { "fails" } else { "holds" },
            ));
            assert_eq!(reduced.failure.is_some(), plain.failure.is_some());
            assert_eq!(site.is_some(), plain.failure.is_some(), "{name} without {site:?}");
        }
    }
}

#[test]
fn semaphore() {
    let sites = &["semaphore.wake.many"];
    verdicts("semaphore", || notebook::semaphore(2, 1), sites);
    verdicts_by_loom("semaphore", || notebook::semaphore(2, 1), sites);
}

#[test]
fn event() {
    verdicts("event", || notebook::event(3), &["event.wake.all"]);
    let sites = &["event.wake.all", "event.set.release", "event.wait.acquire"];
    verdicts_by_loom("event", || notebook::event(2), sites);
}

#[test]
fn lock() {
    verdicts("lock", || notebook::lock(2), &["lock.wake.one"]);
    let sites = &["lock.wake.one", "lock.fast.acquire", "lock.unlock.release", "lock.slow.acquire"];
    verdicts_by_loom("lock", || notebook::lock(1), sites);
}

#[test]
fn barrier() {
    verdicts("barrier", || notebook::barrier(3), &["barrier.wake.all"]);
}
