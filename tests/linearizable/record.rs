//! Records histories: workers use a target at the same time, and log their operations.

use std::ops::Deref;
use std::sync::Arc;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::SharedArray;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::history::{History, Log, Operation};
use crate::targets::Target;
use crate::workers::{Kind, Workers};

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The number of histories that the same workers record, without a pause between them.
const BATCH: usize = 50;

/// The first word of the clock; after it comes a count of arrived workers for each history.
const TICKET: usize = 0;

/// The argument of one worker.
#[derive(Serialize, Deserialize)]
struct Assignment<P, Op> {
    /// A target and a program for each history.
    targets: Vec<P>,
    programs: Vec<Vec<Op>>,
    clock: SharedArray<u64>,
    workers: u64,
    seed: u64,
}

/// Records so many histories.
pub(crate) fn record<T: Target>(kind: Kind, rng: &mut StdRng, histories: usize) -> Vec<History<T>> {
    let mut recorded = Vec::with_capacity(histories);
    while recorded.len() < histories {
        let batch = BATCH.min(histories - recorded.len());
        let workers = match kind {
            Kind::Threads => {
                let targets = (0..batch).map(|_| Arc::new(T::private())).collect();
                Workers::threads(work::<T, Arc<T>>, assignments::<T, _>(rng, targets))
            }
            Kind::Processes => {
                let targets = (0..batch).map(|_| T::shared()).collect();
                Workers::processes(work::<T, T::Shared>, assignments::<T, _>(rng, targets))
            }
        };
        recorded.extend(histories_of(workers.join(TIMEOUT)));
    }
    recorded
}

/// Three or four assignments.
fn assignments<T: Target, P: Clone>(
    rng: &mut StdRng,
    targets: Vec<P>,
) -> Vec<Assignment<P, T::Op>> {
    let workers = rng.random_range(3..=4);
    let clock = SharedArray::zeroed(TICKET + 1 + targets.len()).unwrap();
    let mut assignments: Vec<_> = (0..workers)
        .map(|_| Assignment {
            targets: targets.clone(),
            programs: Vec::with_capacity(targets.len()),
            clock: clock.clone(),
            workers: workers as u64,
            seed: rng.next_u64(),
        })
        .collect();
    for _ in &targets {
        let programs = T::programs(rng, workers);
        for (assignment, program) in assignments.iter_mut().zip(programs) {
            assignment.programs.push(program);
        }
    }
    assignments
}

/// The logs of each worker, by history.
fn histories_of<T: Target>(logs: Vec<Vec<Log<T>>>) -> Vec<History<T>> {
    let mut logs: Vec<_> = logs.into_iter().map(Vec::into_iter).collect();
    let next = || logs.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>();
    std::iter::from_fn(next).map(History::new).collect()
}

/// Runs one worker's programs, and logs its operations.
///
/// # Why the tickets can be trusted
///
/// Each is drawn by a read-modify-write of one word, Acquire and Release. There is one order of those,
/// and a worker that draws a later ticket sees what was done before an earlier one was drawn. So when
/// one operation's last ticket comes before another's first, the other happened after it by every
/// memory model, and must behave so. Operations that seem to overlap may not have overlapped, which
/// only makes the check weaker. (That no ticket is drawn twice is checked with each history.)
fn work<T: Target, P: Deref<Target = T>>(assignment: Assignment<P, T::Op>) -> Vec<Log<T>> {
    let Assignment { targets, programs, clock, workers, seed } = assignment;
    let mut rng = StdRng::seed_from_u64(seed);
    let ticket = || clock.fetch_add(TICKET, 1).expect("it is there");
    let perform = |(index, (target, program)): (usize, (&P, &Vec<T::Op>))| {
        let mut log = Vec::with_capacity(program.len());
        let mut guards = T::Guards::default();
        wait_for_all(&clock, TICKET + 1 + index, workers);
        for op in program {
            delay(&mut rng);
            let invoked = ticket();
            delay(&mut rng);
            let ret = target.perform(&mut guards, op);
            delay(&mut rng);
            let responded = ticket();
            log.extend(ret.map(|ret| Operation { op: op.clone(), ret, invoked, responded }));
        }
        log
    };
    targets.iter().zip(&programs).enumerate().map(perform).collect()
}

/// Returns when all workers have called it, so that they start at the same time.
fn wait_for_all(clock: &SharedArray<u64>, arrived: usize, workers: u64) {
    clock.fetch_add(arrived, 1).expect("it is there");
    let deadline = Instant::now() + TIMEOUT;
    while clock.get(arrived).expect("it is there") < workers {
        assert!(Instant::now() < deadline, "another worker hangs or is dead");
        (0..20).for_each(|_| std::hint::spin_loop());
        yield_now();
    }
}

/// A random delay, often none.
fn delay(rng: &mut StdRng) {
    match rng.random_range(0..12) {
        0 => yield_now(),
        1..4 => (0..rng.random_range(0..60)).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}
