//! The search's two reductions, each of which it is told and cannot know: that threads are alike, and
//! that a thread has forgotten. Small sizes are gone through with and without them, and with mutants:
//! the verdicts are the same.

use multiproc::model_support::{Search, mutate};

use crate::explore::say;
use crate::notebook;

fn verdicts(name: &str, run: fn(), sites: &[&'static str]) {
    for site in [None].into_iter().chain(sites.iter().copied().map(Some)) {
        let [reduced, plain] = [false, true].map(|plain| {
            let search = move || Search { plain, ..Search::default() }.run(run);
            match site {
                Some(site) => mutate(site, search),
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
            if plain.failure.is_some() { "falls" } else { "holds" },
        ));
        assert_eq!(reduced.failure.is_some(), plain.failure.is_some());
        assert_eq!(site.is_some(), plain.failure.is_some(), "{name} without {site:?}");
        assert!(reduced.states <= plain.states);
    }
}

#[test]
fn semaphore() {
    verdicts("semaphore", || notebook::semaphore(2, 1), &["semaphore.wake.many"]);
}

#[test]
fn event() {
    verdicts("event", || notebook::event(3), &["event.wake.all"]);
}

#[test]
fn lock() {
    verdicts("lock", || notebook::lock(2), &["lock.wake.one"]);
}

#[test]
fn barrier() {
    verdicts("barrier", || notebook::barrier(3), &["barrier.wake.all"]);
}
