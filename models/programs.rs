//! Random small programs, whatever their orderings: by either engine they come to the same outcomes with
//! what it leaves out and without, and by loom to all that the search finds.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::env;
use std::sync::Arc;

use multiproc::{Event, Lock, Semaphore, Value};
use multiproc_checker::thread::{JoinHandle, spawn};
use multiproc_checker::{Failure, Loads, Search, Weak, mutants};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use crate::explore::say;
use crate::mutants::id_of;

#[derive(Clone, Debug)]
enum Op {
    Get(usize),
    Set(usize, u32),
    Swap(usize, u32),
    SetEvent,
    AwaitEvent,
    AskEvent,
    Acquire,
    Release,
    Lock(u32),
    /// If the last that was seen is not 0.
    IfSo(Box<Op>),
    Spawn(usize),
    Join,
}

impl Op {
    fn stores(&self) -> bool {
        match self {
            Op::Set(..) => true,
            Op::IfSo(op) => op.stores(),
            _ => false,
        }
    }
}

/// What each thread does; the first is the program's own.
type Program = Vec<Vec<Op>>;

fn op() -> impl Strategy<Value = Op> {
    let value = (0..2usize, 1..9u32);
    let simple = prop_oneof![
        3 => (0..2usize).prop_map(Op::Get),
        3 => value.clone().prop_map(|(at, to)| Op::Set(at, to)),
        1 => value.prop_map(|(at, to)| Op::Swap(at, to)),
        3 => select(vec![Op::SetEvent, Op::AwaitEvent, Op::AskEvent, Op::Acquire, Op::Release]),
        1 => (1..9u32).prop_map(Op::Lock),
    ];
    (simple, prop::bool::weighted(0.25))
        .prop_map(|(op, if_so)| if if_so { Op::IfSo(Box::new(op)) } else { op })
}

fn program() -> impl Strategy<Value = Program> {
    let threads = (
        prop::collection::vec(op(), 0..3),
        prop::collection::vec(prop::collection::vec(op(), 1..3), 1..4),
        prop::collection::vec(any::<(Index, Index, bool)>(), 3),
    );
    threads.prop_map(|(own, others, places)| {
        let mut program: Program = [own].into_iter().chain(others).collect();
        for (thread, (parent, at, joins)) in (1..program.len()).zip(places) {
            let ops = &mut program[parent.index(thread)];
            let at = at.index(ops.len() + 1);
            ops.insert(at, Op::Spawn(thread));
            if joins {
                ops.insert(at + 1, Op::Join);
            }
        }
        program
    })
}

struct Things {
    values: [Value<u32>; 2],
    event: Event,
    seats: Semaphore,
    lock: Lock<u32>,
}

fn start(thread: usize, program: &Arc<Program>, things: &Arc<Things>) -> JoinHandle<Vec<u32>> {
    let (program, things) = (program.clone(), things.clone());
    spawn(move || play(thread, &program, &things))
}

/// Plays one thread of it, and all that it spawns; gives all that they saw.
fn play(thread: usize, program: &Arc<Program>, things: &Arc<Things>) -> Vec<u32> {
    let (mut seen, mut spawned) = (Vec::new(), Vec::new());
    for op in &program[thread] {
        let op = match op {
            Op::IfSo(op) if seen.last().is_some_and(|&last| last != 0) => op,
            Op::IfSo(_) => continue,
            op => op,
        };
        match *op {
            Op::Get(at) => seen.push(things.values[at].get()),
            Op::Set(at, to) => things.values[at].set(to),
            Op::Swap(at, to) => seen.push(things.values[at].swap(to)),
            Op::SetEvent => things.event.set(),
            Op::AwaitEvent => things.event.wait(),
            Op::AskEvent => seen.push(things.event.is_set().into()),
            Op::Acquire => things.seats.acquire().forget(),
            Op::Release => things.seats.release(1).unwrap(),
            Op::Lock(more) => {
                let mut held = things.lock.lock().unwrap();
                seen.push(*held);
                *held += more;
            }
            Op::IfSo(_) => unreachable!("none is within another"),
            Op::Spawn(thread) => spawned.push(start(thread, program, things)),
            Op::Join => seen.extend(spawned.pop().into_iter().flat_map(JoinHandle::join)),
        }
    }
    if thread == 0 {
        // For whoever still waits.
        things.event.set();
        things.seats.release(8).unwrap();
    }
    spawned.into_iter().for_each(|one| seen.extend(one.join()));
    seen
}

thread_local! {
    static OUTCOMES: RefCell<BTreeSet<Vec<u32>>> = RefCell::default();
    static RUNS: Cell<usize> = Cell::default();
}

/// So often a program is run at most.
const MOST: usize = 4_000;
const TOO_LARGE: &str = "this program is too large";
/// How one fails that is right to fail.
const FAILS: [&str; 2] = ["deadlock", "Causality violation"];

/// What may be seen; `None` where one waits for ever, or two are at once in a lock that is weakened.
type Outcomes = Option<BTreeSet<Vec<u32>>>;

/// By which it is explored, and what it may have seen then; or that it is too large.
fn outcomes(
    program: &Program,
    explore: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> Option<Failure>,
) -> Result<Outcomes, ()> {
    OUTCOMES.take();
    RUNS.take();
    let program = Arc::new(program.clone());
    let failure = explore(Box::new(move || {
        RUNS.set(RUNS.get() + 1);
        assert!(RUNS.get() <= MOST, "{TOO_LARGE}");
        let things = Arc::new(Things {
            values: Default::default(),
            event: Event::new(),
            seats: Semaphore::new(0),
            lock: Lock::new(0),
        });
        let seen = play(0, &program, &things);
        OUTCOMES.with_borrow_mut(|outcomes| outcomes.insert(seen));
    }));
    match failure {
        None => Ok(Some(OUTCOMES.take())),
        Some(Failure { message, .. }) if message.contains(TOO_LARGE) => Err(()),
        Some(Failure { message, .. }) if FAILS.iter().any(|how| message.contains(how)) => Ok(None),
        Some(failure) => panic!("{failure}"),
    }
}

/// Whether all of this is among that; where one fails, the rest is not gone through.
fn is_within(some: &Outcomes, all: &Outcomes) -> bool {
    match (some, all) {
        (Some(some), Some(all)) => some.is_subset(all),
        (some, all) => some.is_some() || all.is_none(),
    }
}

/// Compares; or says that it is too large.
fn compare(program: &Program) -> Result<(), ()> {
    let by_search =
        |plain| outcomes(program, |run| Search { plain, ..Search::default() }.run(run).failure);
    let by_loom = |loads, plain| {
        outcomes(program, |run| Weak { plain, ..Weak::with(loads) }.run(run).failure)
    };
    let [search, plain_search] = [by_search(false)?, by_search(true)?];
    assert_eq!(search, plain_search, "the search");
    let [latest, plain_latest] = [by_loom(Loads::Latest, false)?, by_loom(Loads::Latest, true)?];
    assert_eq!(latest, plain_latest, "loom, latest loads");
    assert!(is_within(&search, &latest), "{search:?} by the search, {latest:?} by loom");
    // Of plain stores loom has more orders than one.
    let is_ordered = !program.iter().flatten().any(Op::stores) && latest.is_some();
    assert!(!is_ordered || search == latest, "{search:?} by the search, {latest:?} by loom");
    let [stale, plain_stale] = [by_loom(Loads::Stale, false)?, by_loom(Loads::Stale, true)?];
    // What loom forgets of stale loads, latest ones have.
    let both = stale.zip(latest).map(|(stale, latest)| &stale | &latest);
    assert!(
        is_within(&plain_stale, &both),
        "{plain_stale:?} by loom, {both:?} without some moments"
    );
    Ok(())
}

/// How many of so many random ones were compared, and how many are too large.
pub(crate) fn compare_some(programs: u32) -> (usize, usize) {
    const WEAK: [&str; 7] = [
        "get: T::load(atom, Acquire) → Relaxed for Acquire",
        "set: T::store(atom, value, Release) → Relaxed for Release",
        "Event::set: compare_exchange(seen, set, Release, Relaxed) → Relaxed for Release",
        "Event::wait_by: load(Acquire) → Relaxed for Acquire",
        "Event::is_set: load(Acquire) → Relaxed for Acquire",
        "Semaphore::release_within: compare_exchange(seen, wait | sum << ONE_BIT, Release, Relaxed) → \
         Relaxed for Release",
        "RawLock::unlock: compare_exchange(name, 0, Release, Relaxed) → Relaxed for Release",
    ];
    let passes_all = || {
        let (value, event) = (Value::new(0u32), Event::new());
        value.set(value.get());
        event.set();
        event.wait();
        assert!(event.is_set());
        Semaphore::new(0).release(1).unwrap();
        drop(Lock::new(0u32).lock());
    };
    let ids = WEAK.map(|name| Some(id_of(name, passes_all)));
    let mutants: Vec<Option<String>> = ids.into_iter().chain([None]).collect();
    let config = Config { cases: programs, failure_persistence: None, ..Config::default() };
    let (compared, large) = (Cell::new(0), Cell::new(0));
    let outcome =
        TestRunner::new(config).run(&(program(), select(mutants)), |(program, mutant)| {
            let compared_so = match mutant {
                Some(id) => mutants::with(&id, || compare(&program)),
                None => compare(&program),
            };
            let count = match compared_so {
                Ok(()) => &compared,
                Err(()) => &large,
            };
            count.set(count.get() + 1);
            Ok(())
        });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    (compared.get(), large.get())
}

#[test]
fn come_to_the_same_outcomes() {
    let programs = env::var("MULTIPROC_PROGRAMS").map_or(200, |programs| programs.parse().unwrap());
    let (compared, large) = compare_some(programs);
    say(&format!("{compared} programs come to the same outcomes; {large} are too large"));
    assert!(compared > large, "most are too large");
}
