//! The primitives, and how the workers use each.

mod array;
mod barrier;
mod condition;
mod event;
mod lock;
mod queue;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod value;

use std::ops::RangeInclusive;
use std::time::Duration;

use multiproc::{BoundedSemaphore, Semaphore};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::Target;

/// A timeout that often expires.
const SHORT: Duration = Duration::from_micros(50);

/// A random delay in the middle of a use, in which the worker may be killed.
fn delay(rng: &mut StdRng) {
    (0..rng.random_range(0..200)).for_each(|_| std::hint::spin_loop());
}

/// Fresh targets for a round.
pub(crate) fn targets(round: u64) -> Vec<Box<dyn Target>> {
    vec![
        Box::new(lock::LockTarget::new()),
        Box::new(rlock::RLockTarget::new()),
        Box::new(condition::ConditionTarget::new()),
        Box::new(semaphore::SemaphoreTarget::<Semaphore>::new()),
        Box::new(semaphore::SemaphoreTarget::<BoundedSemaphore>::new()),
        Box::new(robust_semaphore::RobustSemaphoreTarget::new()),
        Box::new(barrier::BarrierTarget::new()),
        Box::new(value::ValueTarget::new()),
        Box::new(array::ArrayTarget::new()),
        Box::new(event::EventTarget::new()),
        Box::new(queue::QueueTarget::new(round)),
    ]
}

/// The counts that are possible after so many uses that ended, when each killed worker may have
/// counted or not.
fn possible(done: u64, deaths: u64) -> RangeInclusive<u64> {
    done..=done + deaths
}
