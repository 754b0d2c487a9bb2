//! Every interleaving with every value that a weakly ordered load may give: loom, without a bound.

mod atomic;
mod executor;
mod thread;

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use executor::ByLoom;
use executor::{add_sleepers, forget_sleepers};

use crate::failure::Failure;
use crate::trace::{self, quietly};

std::thread_local! {
    static LATEST: Cell<bool> = const { Cell::new(false) };
}

/// Whether loads are of [`Loads::Latest`].
fn loads_latest() -> bool {
    LATEST.get()
}

/// How loads are explored. loom's own can be stale, as the machine's, but it forgets the load of
/// a thread that then writes the same word, and with it interleavings (tokio-rs/loom#392, #166);
/// loads that always read the latest value do not. Each way finds what the other cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// As the machine's.
    Stale,
    /// Always of the latest value.
    Latest,
}

impl fmt::Display for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loads::Stale => "stale",
            Loads::Latest => "latest",
        })
    }
}

/// How a program is explored by loom.
#[derive(Clone, Copy, Debug)]
pub struct Weak {
    /// What loads give.
    pub loads: Loads,
    /// The most changes of thread that nobody asked for; none is without a bound.
    pub preemptions: Option<usize>,
    /// Only as far as this interleaving, of which every step is noted.
    pub replay: Option<usize>,
    /// Without the reduction of `thread.rs`: as loom has it.
    pub plain: bool,
}

/// How an exploration ended.
#[derive(Clone, Debug)]
pub struct WeakResult {
    /// How many there were, the one that failed among them.
    pub interleavings: usize,
    /// The first that failed.
    pub failure: Option<Failure>,
}

/// Steps that one interleaving may take: a model that needs more does not end.
const LONGEST: usize = 20_000;

/// The panic that ends a replay.
const ENOUGH: &str = "the interleaving that was asked for has been played, and holds";

impl Weak {
    /// With no bound.
    pub fn with(loads: Loads) -> Self {
        Weak { loads, preemptions: None, replay: None, plain: false }
    }

    /// Of a [`Failure`]'s schedule, if it is one of loom's: `stale:2:37` is the 37th interleaving with
    /// stale loads and at most two changes of thread that nobody asked for.
    pub fn read(schedule: &str) -> Option<Self> {
        let mut parts = schedule.split(':');
        let loads = match parts.next()? {
            "stale" => Loads::Stale,
            "latest" => Loads::Latest,
            _ => return None,
        };
        let preemptions = parts.next()?.parse().ok();
        let replay = Some(parts.next()?.parse().ok()?);
        Some(Weak { preemptions, replay, ..Weak::with(loads) })
    }

    /// Goes through all interleavings of `program`, until one fails.
    pub fn run(self, program: impl Fn() + Sync + Send + 'static) -> WeakResult {
        refuse_bounds();
        let mut builder = loom::model::Builder::new();
        builder.max_branches = LONGEST;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.preemption_bound = self.preemptions;
        builder.checkpoint_file = None;

        LATEST.set(self.loads == Loads::Latest);
        let count = Arc::new(Mutex::new(0));
        let counter = count.clone();
        let Weak { replay, plain, .. } = self;
        let outcome = quietly(|| {
            builder.check(move || {
                let mut count = counter.lock().unwrap_or_else(PoisonError::into_inner);
                assert!(replay != Some(*count), "{ENOUGH}");
                *count += 1;
                trace::clear();
                trace::switch(replay == Some(*count));
                drop(count);
                forget_sleepers();
                thread::begin(plain);
                crate::begin_execution();
                program();
            });
        });
        let table = trace::table();
        trace::switch(false);
        LATEST.set(false);
        let interleavings = *count.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = outcome.err().map(|panic| {
            let bound = self.preemptions.map_or("-".to_owned(), |bound| bound.to_string());
            let schedule = format!("{}:{bound}:{interleavings}", self.loads);
            Failure { message: trace::text_of(&*panic), schedule, table }
        });
        WeakResult { interleavings, failure }
    }

    /// The failure with the fewest changes of thread, step by step. The program must be one that fails.
    pub fn explain(self, program: impl Fn() + Sync + Send + Clone + 'static) -> Option<Failure> {
        let bounds = (0..8).map(Some).chain([None]);
        let found = bounds.into_iter().find_map(|preemptions| {
            let bounded = Weak { preemptions, ..self };
            let explored = bounded.run(program.clone());
            explored.failure.map(|_| Weak { replay: Some(explored.interleavings), ..bounded })
        });
        found?.run(program).failure
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
