//! The legs that explore: loom without any bound, counted, and beside its twins.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once};
use std::time::Instant;

use multiproc::model_support;

use crate::harness::Model;
use crate::stage::take_witnessed;

/// Steps that one interleaving may take: a model that needs more does not end.
const LONGEST: usize = 20_000;

/// How loads are explored. loom's own can be stale, as the machine's, but it forgets the load of
/// a thread that then writes the same word, and with it interleavings (tokio-rs/loom#392, #166);
/// loads that always read the latest value do not. Each way finds what the other cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loads {
    Stale,
    Latest,
}

/// What a model is explored with, where it does not say otherwise.
pub(crate) const BOTH: &[Loads] = &[Loads::Stale, Loads::Latest];

impl fmt::Display for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loads::Stale => "stale",
            Loads::Latest => "latest",
        })
    }
}

/// How an exploration ended.
struct Explored {
    interleavings: usize,
    failure: Option<String>,
    seen: BTreeSet<&'static str>,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

impl Model {
    /// Explores all interleavings; each must hold.
    pub(crate) fn holds(&self, name: &str, loads: &[Loads]) {
        assert!(self.floor > 1, "{name}: a model of one interleaving spawns nothing");
        let start = Instant::now();
        let mut seen = BTreeSet::new();
        let mut parts = Vec::new();
        let mut sum = 0;
        for &loads in loads {
            let explored = self.explore(loads);
            if let Some(failure) = explored.failure {
                panic!(
                    "{name} fails in interleaving {} with {loads} loads: {failure}",
                    explored.interleavings
                );
            }
            seen.extend(explored.seen);
            sum += explored.interleavings;
            parts.push(format!("{} with {loads} loads", explored.interleavings));
        }
        say(&format!(
            "{name}: {sum} interleavings, all hold ({}; {:.1} s): {}",
            parts.join(", "),
            start.elapsed().as_secs_f64(),
            self.shows
        ));
        assert!(
            sum >= self.floor,
            "{name} explored {sum} interleavings, not the {} that it should at least",
            self.floor
        );
        for witness in self.witnesses {
            assert!(seen.contains(witness), "{name} never came to `{witness}`");
        }
    }

    /// Explores the model with each of its sites weakened; each must make it fail.
    pub(crate) fn twins_fall(&self, name: &str, loads: &[Loads]) {
        for site in self.twins {
            let mut held = 0;
            let fallen = loads.iter().find_map(|&loads| {
                let explored = model_support::mutate(site, || self.explore(loads));
                held += explored.interleavings;
                explored.failure.map(|why| (loads, why))
            });
            let Some((loads, why)) = fallen else {
                panic!("{name} holds in all {held} interleavings without `{site}`");
            };
            let why = why.lines().next().unwrap_or_default();
            say(&format!(
                "{name} without {site}: falls in interleaving {held} with {loads} loads ({why})"
            ));
        }
    }

    fn explore(&self, loads: Loads) -> Explored {
        refuse_bounds();
        let mut builder = loom::model::Builder::new();
        builder.max_branches = LONGEST;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.preemption_bound = None;
        builder.checkpoint_file = None;

        take_witnessed();
        model_support::forget_sites_seen();
        model_support::load_latest(loads == Loads::Latest);
        let count = Arc::new(Mutex::new(0));
        let (counter, run) = (count.clone(), self.run);
        let outcome = quietly(|| {
            builder.check(move || {
                *counter.lock().expect("nobody panics while counting") += 1;
                model_support::forget_sleepers();
                model_support::forget_lives();
                run();
            });
        });
        let interleavings = *count.lock().expect("nobody panics while counting");
        let mut seen = take_witnessed();
        seen.extend(model_support::sites_seen());
        Explored { interleavings, failure: outcome.err().map(|panic| text_of(&*panic)), seen }
    }
}

/// loom takes bounds from the environment, and ends at them without a word.
fn refuse_bounds() {
    const BOUNDS: [&str; 5] = [
        "LOOM_MAX_PERMUTATIONS",
        "LOOM_MAX_DURATION",
        "LOOM_MAX_PREEMPTIONS",
        "LOOM_MAX_BRANCHES",
        "LOOM_CHECKPOINT_FILE",
    ];
    for bound in BOUNDS {
        assert!(std::env::var_os(bound).is_none(), "unset {bound}: models run to their end");
    }
}

/// Runs `model` without the panic hook's noise: a twin that falls is what we want to see.
fn quietly(model: impl FnOnce()) -> Result<(), Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(model));
    QUIET.set(false);
    outcome
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}

/// Prints past the test harness, which would keep the lines of whoever passes to itself.
fn say(line: &str) {
    // Nobody left to read it: no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

macro_rules! loads {
    () => {
        $crate::explore::BOTH
    };
    (stale_loads) => {
        &[$crate::explore::Loads::Stale]
    };
    (latest_loads) => {
        &[$crate::explore::Loads::Latest]
    };
}
pub(crate) use loads;

/// What is run of a model: with `(latest_loads)`, stale loads are left out: for models of who wakes
/// whom that are too large with them. What a stale load could do, a smaller model beside it shows.
/// With `(stale_loads)`, latest loads are, since with them there are too many steps.
macro_rules! legs {
    (explored_only) => {
        $crate::explore::legs!();
    };
    ($loads:ident, explored_only) => {
        $crate::explore::legs!($loads);
    };
    ($($loads:ident)?) => {
        const LOADS: &[$crate::explore::Loads] = $crate::explore::loads!($($loads)?);

        #[test]
        fn holds() {
            MODEL.holds($crate::harness::name_of(module_path!()), LOADS);
        }

        #[test]
        fn twins_fall() {
            MODEL.twins_fall($crate::harness::name_of(module_path!()), LOADS);
        }
    };
}
pub(crate) use legs;
