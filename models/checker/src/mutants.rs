//! The ways in which what a model runs can be weakened, found by the machine: each place that a model
//! passes tells here what it could be instead, and asks whether it is to be that now.
//!
//! Two kinds of places tell: the operations of the model's machine (an ordering, a wake, what is written),
//! which know where they were called, and the decisions of the protocol, which the attribute
//! [`mutants`](macro@crate::mutants) finds in the source.
//!
//! The threads of a model are coroutines of one OS thread, so a plain thread-local is one switch a model,
//! and models that run side by side do not meet.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Not;
use std::panic::Location;
use std::sync::atomic::Ordering;

/// A decision in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// Its file, as the compiler knows it.
    pub file: &'static str,
    /// The path of the function within its file; nothing where the place is only a location.
    pub function: &'static str,
    /// The expression.
    pub text: &'static str,
    /// Line and column of the decision that it is a part of.
    pub decision: (u32, u32),
}

/// A place, weakened in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    /// What is weakened.
    pub place: Place,
    /// What becomes of it.
    pub change: &'static str,
}

impl Mutant {
    /// What tells it from all others: its location, and the change.
    pub fn id(&self) -> String {
        let Place { line, column, file, text, .. } = self.place;
        format!("{file}:{line}:{column} {text} → {}", self.change)
    }

    /// What it is a part of. Of a condition, of what that is worked out from, and of any other number, one
    /// way to weaken it may make no difference, such as a look that is taken though it is not needed; but
    /// not all. Of anything else, each is for itself.
    pub fn decision(&self) -> String {
        let Place { file, decision: (line, column), .. } = self.place;
        let alone = ["nothing", "no match", "None", "Ok(())"].contains(&self.change);
        match line {
            // To wake too few can be made good by a later wake; to wake nobody, not always.
            0 if self.change.starts_with("wakes") => {
                let Place { line, column, file, text, .. } = self.place;
                format!("{file}:{line}:{column} {text} wakes")
            }
            1.. if !alone => format!("{file}:{line}:{column}"),
            _ => self.id(),
        }
    }

    /// Whether it is an ordering that is weakened.
    pub fn is_ordering(&self) -> bool {
        ORDERINGS.contains(&self.change)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, function, text, .. } = self.place;
        match function {
            "" => write!(f, "{file}:{line}: {text} → {}", self.change),
            _ => write!(f, "{function}: {text} → {}", self.change),
        }
    }
}

/// Which mutant is on.
#[derive(Clone)]
struct On {
    line: u32,
    column: u32,
    file: &'static str,
    text: &'static str,
    change: &'static str,
}

thread_local! {
    static ON: RefCell<Option<On>> = const { RefCell::new(None) };
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    static RECORDS: Cell<bool> = const { Cell::new(false) };
    static PASSED: RefCell<BTreeSet<Mutant>> = const { RefCell::new(BTreeSet::new()) };
    static ROUNDS: Cell<u32> = const { Cell::new(0) };
}

/// So many decisions are come to between two operations of the machine, at most: a loop that does nothing
/// else has no end.
const MOST_ROUNDS: u32 = 100_000;

/// Runs `model` with the mutant on that has this [`Mutant::id`], or that is the [`mutant!`](crate::mutant) of
/// this name.
pub fn with<R>(id: &str, model: impl FnOnce() -> R) -> R {
    struct Restore(Option<On>);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_ON.set(self.0.is_some());
            ON.set(self.0.take());
        }
    }
    let on = On::read(id).or_else(|| On::read(&format!(":0:0 {id} → weakened")));
    let on = on.expect("what is no id is a name");
    let _restore = Restore(ON.replace(Some(on)));
    IS_ON.set(true);
    ROUNDS.set(0);
    model()
}

impl On {
    fn read(id: &str) -> Option<Self> {
        let (id, change) = id.rsplit_once(" → ")?;
        let (place, text) = id.split_once(' ')?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let [file, text, change] = [parts.next()?, text, change].map(|it| &*it.to_owned().leak());
        Some(On { line, column, file, text, change })
    }
}

/// Runs `model`; also gives every mutant that it has passed.
pub fn record<R>(model: impl FnOnce() -> R) -> (R, BTreeSet<Mutant>) {
    PASSED.take();
    RECORDS.set(true);
    let result = model();
    RECORDS.set(false);
    (result, PASSED.take())
}

/// A place is passed which could be weakened so: whether it is to be.
pub fn is_on(place: Place, change: &'static str) -> bool {
    if RECORDS.get() {
        PASSED.with_borrow_mut(|passed| passed.insert(Mutant { place, change }));
    }
    let is_on = IS_ON.get()
        && ON.with_borrow(|on| {
            on.as_ref().is_some_and(|on| {
                (on.line, on.column) == (place.line, place.column)
                    && on.change == change
                    && on.text == place.text
                    && on.file == place.file
            })
        });
    if IS_ON.get() {
        ROUNDS.set(ROUNDS.get() + 1);
        assert!(ROUNDS.get() < MOST_ROUNDS, "it goes round for ever");
    }
    is_on
}

/// Whether the mutant of this name is on, whose place is passed.
pub fn is_weakened(name: &'static str) -> bool {
    let place =
        Place { line: 0, column: 0, file: "", function: "machine", text: name, decision: (0, 0) };
    is_on(place, "weakened")
}

/// `mutant!("name", strong => weak)` is `strong`, or `weak` while the mutant of that name is on: for what the
/// machine of a model does for a program.
#[macro_export]
macro_rules! mutant {
    ($name:literal, $strong:expr => $weak:expr) => {
        if $crate::mutants::is_weakened($name) { $weak } else { $strong }
    };
}

// What the attribute writes calls these.

/// A condition.
#[doc(hidden)]
pub fn holds(place: &'static Place, value: bool) -> bool {
    let negated = is_on(*place, "negated");
    let always = is_on(*place, "true");
    let never = is_on(*place, "false");
    (value ^ negated | always) & !never
}

/// A pattern has matched.
#[doc(hidden)]
pub fn matched(place: &'static Place) -> bool {
    !is_on(*place, "no match")
}

/// What may be a condition, or else bits.
#[doc(hidden)]
pub fn bits<T: Not<Output = T>>(place: &'static Place, value: T) -> T {
    if is_on(*place, "negated") { !value } else { value }
}

/// Whether there is this change of a place.
#[doc(hidden)]
pub fn becomes(place: &'static Place, change: &'static str) -> bool {
    is_on(*place, change)
}

/// A statement is to be run.
#[doc(hidden)]
pub fn is_run(place: &'static Place) -> bool {
    !is_on(*place, "nothing")
}

/// What a function gives, if anything.
#[doc(hidden)]
pub fn given<T>(place: &'static Place, value: Option<T>) -> Option<T> {
    if is_on(*place, "None") { None } else { value }
}

/// A failure that a function gives.
#[doc(hidden)]
pub fn failed<E>(place: &'static Place, value: Result<(), E>) -> Result<(), E> {
    if is_on(*place, "Ok(())") { Ok(()) } else { value }
}

// What the machine's operations call.

const ORDERINGS: [&str; 5] = [
    "Relaxed for Acquire",
    "Relaxed for Release",
    "Acquire for AcqRel",
    "Release for AcqRel",
    "on failure Relaxed for Acquire",
];

fn here(at: &'static Location<'static>, text: &'static str) -> Place {
    ROUNDS.set(0);
    Place {
        line: at.line(),
        column: at.column(),
        file: at.file(),
        function: "",
        text,
        decision: (0, 0),
    }
}

/// The ordering of an operation `what` that was called at `at`.
#[track_caller]
pub fn ordering(what: &'static str, order: Ordering) -> Ordering {
    let place = here(Location::caller(), what);
    let weaker: &[(&str, Ordering)] = match order {
        Ordering::Acquire => &[("Relaxed for Acquire", Ordering::Relaxed)],
        Ordering::Release => &[("Relaxed for Release", Ordering::Relaxed)],
        Ordering::AcqRel => {
            &[("Acquire for AcqRel", Ordering::Acquire), ("Release for AcqRel", Ordering::Release)]
        }
        // A model has `SeqCst` as `AcqRel`: nothing could tell.
        _ => &[],
    };
    weaker.iter().find(|(change, _)| is_on(place, change)).map_or(order, |&(_, weak)| weak)
}

/// As [`ordering`], of an exchange that fails.
#[track_caller]
pub fn failure_ordering(what: &'static str, order: Ordering) -> Ordering {
    let place = here(Location::caller(), what);
    match order {
        Ordering::Acquire if is_on(place, "on failure Relaxed for Acquire") => Ordering::Relaxed,
        _ => order,
    }
}

/// How many a wake of `n` really wakes; it goes on telling how many it should have.
#[track_caller]
pub fn wakes(what: &'static str, n: u32) -> u32 {
    let place = here(Location::caller(), what);
    match n {
        0 => 0,
        _ if is_on(place, "wakes nobody") => 0,
        2.. if is_on(place, "wakes only one") => 1,
        _ => n,
    }
}

/// Whether what an operation writes is written.
#[track_caller]
pub fn writes(what: &'static str) -> bool {
    !is_on(here(Location::caller(), what), "writes nothing")
}

/// Whether an exchange makes the version of the word another.
#[track_caller]
pub fn versions(what: &'static str) -> bool {
    !is_on(here(Location::caller(), what), "keeps the version")
}

/// Whether an exchange needs the version to be the one that was seen.
#[track_caller]
pub fn asks_version(what: &'static str) -> bool {
    !is_on(here(Location::caller(), what), "asks no version")
}

/// Whether a sleep first compares the word.
#[track_caller]
pub fn compares(what: &'static str) -> bool {
    !is_on(here(Location::caller(), what), "compares nothing")
}
