//! A word to sleep on.

use std::time::Duration;

use multiproc_checker::futex::{self, Timeouts};

use crate::sys::{AtomicU32, Deadline, Op, Ordering, Wait};

#[derive(Debug)]
pub(crate) struct Futex(AtomicU32);

impl Futex {
    #[track_caller]
    pub(crate) fn new(value: u32) -> Self {
        Futex(AtomicU32::new(value))
    }

    pub(super) fn atomic(&self) -> &AtomicU32 {
        &self.0
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange(old, new, success, failure)
    }

    /// A model has every interleaving anyway: the look that was taken is as good as a hundred.
    pub(crate) fn spin(&self, seen: u32, _done: impl Fn(u32) -> bool) -> u32 {
        seen
    }

    #[track_caller]
    pub(crate) fn wait(&self, expected: u32, deadline: Deadline) -> Wait {
        self.sleep(expected, deadline, false)
    }

    #[track_caller]
    pub(crate) fn wait_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.sleep(expected, deadline, true)
    }

    /// As [`Futex::spin`].
    #[track_caller]
    pub(crate) fn spin_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.sleep(expected, deadline, true)
    }

    /// How long a slice is, a model does not ask.
    #[track_caller]
    pub(crate) fn wait_at_most(&self, expected: u32, deadline: Deadline, _slice: Duration) -> Wait {
        self.sleep(expected, deadline, true)
    }

    /// A future that would wait: in a model no thread sleeps in its stead, but its own does, in the poll.
    #[track_caller]
    pub(crate) fn sleeps_here(&self, expected: u32, slices: bool) -> bool {
        self.sleep(expected, Deadline::Never, slices);
        true
    }

    #[track_caller]
    fn sleep(&self, expected: u32, deadline: Deadline, slices: bool) -> Wait {
        let timeouts = Timeouts { deadline: deadline != Deadline::Never, slices };
        match futex::wait(&self.0, expected, timeouts) {
            futex::Wait::Woken => Wait::Woken,
            futex::Wait::Changed => Wait::Changed,
            futex::Wait::Slice => Wait::Slice,
            futex::Wait::TimedOut => Wait::TimedOut,
        }
    }

    #[track_caller]
    pub(crate) fn wake(&self, n: u32) -> u32 {
        futex::wake(&self.0, n)
    }

    #[track_caller]
    pub(crate) fn wake_op(&self, op: Op, n: u32, order: Ordering) -> u32 {
        let op = match op {
            Op::SetBit(bit) => futex::Op::Set(1 << bit),
            Op::OrBit(bit) => futex::Op::Or(1 << bit),
            Op::ClearBit(bit) => futex::Op::AndNot(1 << bit),
            Op::AddBit(bit) => futex::Op::Add(1 << bit),
        };
        futex::wake_op(&self.0, op, n, order)
    }
}
