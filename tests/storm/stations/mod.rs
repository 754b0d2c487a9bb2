//! Every primitive as the workers use it.

mod array;
mod barrier;
mod condition;
mod event;
mod lock;
mod queue;
mod rlock;
mod robust;
mod semaphore;
mod value;

use std::ops::RangeInclusive;
use std::time::Duration;

use multiproc::{BoundedSemaphore, Semaphore};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::Station;

/// A wait that is often too short.
const SHORT: Duration = Duration::from_micros(50);

/// A moment in the middle of something, in which one may be killed.
fn linger(rng: &mut StdRng) {
    (0..rng.random_range(0..200)).for_each(|_| std::hint::spin_loop());
}

/// Fresh ones, for this round.
pub(crate) fn stations(round: u64) -> Vec<Box<dyn Station>> {
    vec![
        Box::new(lock::Pair::new()),
        Box::new(rlock::Nested::new()),
        Box::new(condition::Exchange::new()),
        Box::new(semaphore::Counter::<Semaphore>::new()),
        Box::new(semaphore::Counter::<BoundedSemaphore>::new()),
        Box::new(robust::Robust::new()),
        Box::new(barrier::Meeting::new()),
        Box::new(value::Single::new()),
        Box::new(array::Numbers::new()),
        Box::new(event::Signal::new()),
        Box::new(queue::Messages::new(round)),
    ]
}

/// What may have been done, when this was done for certain, and each of the dead may or may not
/// have.
fn between(done: u64, deaths: u64) -> RangeInclusive<u64> {
    done..=done + deaths
}
