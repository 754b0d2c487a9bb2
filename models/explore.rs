//! The legs that explore: the search, and loom without any bound, both counted.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use multiproc_checker::{Failure, Loads, Search, Slices, Weak, mutants};
use serde::{Deserialize, Serialize};

use crate::harness::Model;
use crate::mutants::{Mutant, record};
use crate::stage::take_reached;

/// By what a model is explored.
#[derive(Clone, Copy)]
pub(crate) struct Legs {
    pub(crate) loads: &'static [Loads],
    deaths: u32,
    unmarked: bool,
    slices: Slices,
    spurious: u32,
    early: u32,
}

impl Legs {
    pub(crate) const ALL: Legs = Legs {
        loads: &[Loads::Stale, Loads::Latest],
        deaths: 0,
        unmarked: false,
        slices: Slices::Never,
        spurious: 0,
        early: 0,
    };

    /// With latest loads there are too many steps: a smaller model has them.
    pub(crate) const fn stale_loads(self) -> Self {
        Legs { loads: &[Loads::Stale], ..self }
    }

    /// Too large for loom, or of what loom does not have.
    pub(crate) const fn search_only(self) -> Self {
        Legs { loads: &[], ..self }
    }

    /// The machine does not play it; those who explore do.
    pub(crate) const fn explored_only(self) -> Self {
        self
    }

    /// One of its mortal threads may be killed, at any step. The others must come on by being woken.
    pub(crate) const fn one_dies(self) -> Self {
        Legs { loads: &[], deaths: 1, ..self }
    }

    /// As [`Legs::one_dies`], but what it holds the kernel does not find.
    pub(crate) const fn one_vanishes(self) -> Self {
        Legs { unmarked: true, ..self.one_dies().slices_end() }
    }

    /// Who sleeps looks again from time to time, as it must where nobody wakes it after a death.
    pub(crate) const fn slices_end(self) -> Self {
        Legs { slices: Slices::Singly, ..self }
    }

    /// As [`Legs::slices_end`]; slices of several waits may end at once.
    pub(crate) const fn slices_meet(self) -> Self {
        Legs { slices: Slices::AtOnce, ..self }
    }

    /// One wait may end for no reason.
    pub(crate) const fn one_wakes(self) -> Self {
        Legs { spurious: 1, ..self }
    }

    /// Once one who sleeps looks round, as for [`Legs::two_look`].
    pub(crate) const fn one_looks(self) -> Self {
        Legs { early: 1, ..self }
    }

    /// Twice one who sleeps looks round, while others go on as they can, and though nobody has died.
    pub(crate) const fn two_look(self) -> Self {
        Legs { early: 2, ..self }
    }

    /// As [`Legs::two_look`], six times.
    pub(crate) const fn six_look(self) -> Self {
        Legs { early: 6, ..self }
    }

    pub(crate) fn searching(self) -> Search {
        let Legs { deaths, unmarked, slices, spurious, early, .. } = self;
        Search { deaths, unmarked, slices, spurious, early, ..Search::default() }
    }
}

/// In a quick run loom is given models of at most so many interleavings.
const QUICK: usize = 3_000;

/// And the search models of at most so many states, where they are its alone.
const QUICK_SEARCH: usize = 50_000;

/// Whether this is to be the whole, and not a quick run.
pub(crate) fn is_whole() -> bool {
    std::env::var("MULTIPROC_MODELS").is_ok_and(|which| which == "all")
}

/// How an exploration ended.
#[derive(Serialize, Deserialize)]
pub(crate) struct Explored {
    /// By which leg, for a person.
    pub(crate) leg: String,
    /// Interleavings by loom, or executions by the search.
    pub(crate) runs: usize,
    /// Different states that the search came to.
    pub(crate) states: usize,
    /// Deaths that the search tried.
    pub(crate) deaths: usize,
    #[serde(skip)]
    pub(crate) failure: Option<Failure>,
    pub(crate) reached: BTreeSet<String>,
    /// Those that it passes.
    pub(crate) mutants: Vec<Mutant>,
    pub(crate) took: Duration,
}

impl Explored {
    /// Whether this was witnessed, or a mutant whose name begins so was passed.
    fn reached(&self, state: &str) -> bool {
        self.reached.contains(state)
            || self.mutants.iter().any(|mutant| mutant.name.starts_with(state))
    }
}

impl Model {
    /// Explores all of it by each leg; each must hold.
    pub(crate) fn holds(&self, name: &str, legs: Legs) -> Vec<Explored> {
        assert!(self.min_explored > 1, "{name}: a model of one interleaving spawns nothing");
        if let Ok(schedule) = std::env::var("MULTIPROC_REPLAY") {
            panic!("{}", self.replayed(legs, &schedule));
        }
        let (mut sum, mut all) = (0, Vec::new());
        let spared = self.spared(legs);
        // There the search is enough of a model that is large for loom.
        let enough = spared.map_or(usize::MAX, |_| legs.loads.len().min(1));
        for leg in self.legs(legs).into_iter().take(enough) {
            let explored = self.weakened(legs, &leg);
            if let Some(failure) = &explored.failure {
                let explained = || self.explained(name, legs, &explored, failure);
                panic!("{}", self.weakened(legs, explained));
            }
            if explored.states == 0 || legs.loads.is_empty() {
                sum += explored.runs.max(explored.states);
            }
            all.push(explored);
        }
        if !all.is_empty() {
            say(&self.told(name, &all));
        }
        if let Some(what) = spared {
            say(&format!("SKIPPED: {name}{what}, in a quick run"));
            return all;
        }
        let min = self.min_explored;
        assert!(sum >= min, "{name} explored {sum}, not the {min} that it should at least");
        for state in self.must_reach {
            let reached = all.iter().any(|explored| explored.reached(state));
            assert!(reached, "{name} never reached `{state}`");
        }
        all
    }

    /// That it holds, for a person.
    pub(crate) fn told(&self, name: &str, all: &[Explored]) -> String {
        let parts = all.iter().map(|explored| match explored.states {
            0 => format!("{}: {} interleavings", explored.leg, explored.runs),
            states => format!("{}: {states} states in {} executions", explored.leg, explored.runs),
        });
        let parts = parts.collect::<Vec<_>>().join(", ");
        let took: Duration = all.iter().map(|explored| explored.took).sum();
        format!("{name} holds ({parts}; {:.1} s): {}", took.as_secs_f64(), self.shows)
    }

    /// What of it a quick run does without: by loom, what is large, and the search's alone, what is very
    /// large.
    pub(crate) fn spared(&self, legs: Legs) -> Option<&'static str> {
        let (most, what) = match legs.loads {
            [] => (QUICK_SEARCH, ""),
            _ => (QUICK, " by loom"),
        };
        (self.min_explored > most && !is_whole()).then_some(what)
    }

    /// Whether it is for the search alone, and large for that.
    pub(crate) fn is_large(&self, legs: Legs) -> bool {
        legs.loads.is_empty() && self.min_explored > QUICK_SEARCH
    }

    fn legs(&self, legs: Legs) -> Vec<Box<dyn Fn() -> Explored + '_>> {
        let mut all: Vec<Box<dyn Fn() -> Explored>> = Vec::new();
        all.push(Box::new(move || self.search(legs)));
        for &loads in legs.loads {
            all.push(Box::new(move || self.weakly(loads)));
        }
        all
    }

    pub(crate) fn search(&self, legs: Legs) -> Explored {
        let start = begin();
        let (searched, mutants) = record(|| legs.searching().run(self.run));
        assert!(searched.complete || searched.failure.is_some(), "nothing limits it");
        Explored {
            leg: "search".to_owned(),
            runs: searched.executions,
            states: searched.states,
            deaths: searched.deaths,
            failure: searched.failure,
            reached: reached(),
            mutants,
            took: start.elapsed(),
        }
    }

    pub(crate) fn weakly(&self, loads: Loads) -> Explored {
        let start = begin();
        let (explored, mutants) = record(|| Weak::with(loads).run(self.run));
        Explored {
            leg: format!("loom, {loads} loads"),
            runs: explored.interleavings,
            states: 0,
            deaths: 0,
            failure: explored.failure,
            reached: reached(),
            mutants,
            took: start.elapsed(),
        }
    }

    fn explained(&self, name: &str, legs: Legs, explored: &Explored, failure: &Failure) -> String {
        let explained = if explored.states > 0 {
            legs.searching().explain(self.run)
        } else {
            let loads = legs.loads.iter().find(|loads| explored.leg.contains(&loads.to_string()));
            loads.and_then(|&loads| Weak::with(loads).explain(self.run))
        };
        let Failure { message, schedule, table } = explained.as_ref().unwrap_or(failure);
        let mutant = std::env::var("MULTIPROC_MUTANT");
        let mutant = mutant.map_or(String::new(), |id| format!("MULTIPROC_MUTANT='{id}' "));
        format!(
            "{name} fails ({}): {message}\n{table}\nTo play exactly this again:\n\
             {mutant}MULTIPROC_REPLAY='{schedule}' RUSTFLAGS=\"--cfg loom\" \
             cargo test --release --test models {name}::holds",
            explored.leg
        )
    }

    fn replayed(&self, legs: Legs, schedule: &str) -> String {
        let failure = self.weakened(legs, || match Weak::read(schedule) {
            Some(weak) => weak.run(self.run).failure,
            None => {
                let replay = Some(schedule.to_owned());
                Search { replay, ..legs.searching() }.run(self.run).failure
            }
        });
        match failure {
            Some(Failure { message, table, .. }) => format!("{message}\n{table}"),
            None => "this schedule holds".to_owned(),
        }
    }

    /// With the mutant on that `MULTIPROC_MUTANT` names, if it is set.
    fn weakened<R>(&self, legs: Legs, explore: impl FnOnce() -> R) -> R {
        let Ok(name) = std::env::var("MULTIPROC_MUTANT") else { return explore() };
        let (_, passed) = record(|| legs.searching().run(self.run));
        let mutant = passed.iter().find(|mutant| mutant.name == name);
        mutants::with(&mutant.expect("the model passes it").id, explore)
    }
}

/// An exploration begins now: it has seen nothing.
fn begin() -> Instant {
    take_reached();
    Instant::now()
}

fn reached() -> BTreeSet<String> {
    take_reached().into_iter().map(str::to_owned).collect()
}

/// Prints past the test harness, which would keep the lines of whoever passes to itself.
pub(crate) fn say(line: &str) {
    // Nobody left to read it: no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// What is run of a model; functions of [`Legs`] say what differs from the usual.
macro_rules! legs {
    ($($how:ident),*) => {
        pub(crate) const LEGS: $crate::explore::Legs = $crate::explore::Legs::ALL$(.$how())*;

        #[test]
        fn holds() {
            MODEL.holds($crate::harness::name_of(module_path!()), LEGS);
        }
    };
}
pub(crate) use legs;
