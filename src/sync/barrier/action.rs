//! Waits of which the last to come does something before anyone goes on.

use std::time::{Duration, Instant};

use crate::error::BrokenBarrier;
use crate::sync::barrier::Barrier;
use crate::sync::barrier::state::State;
use crate::sys::{Deadline, Ordering::*};

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Barrier {
    /// As [`Barrier::wait`], but the last to come runs `action` before anyone goes on, and what it
    /// does they all see. All parties should come with the same action: only that of the last is run.
    ///
    /// # Errors
    ///
    /// As for [`Barrier::wait`]; if it was broken while the action ran, it ran all the same.
    ///
    /// # Panics
    ///
    /// When the action does; the barrier is then broken for the others.
    pub fn wait_then(&self, action: impl FnOnce()) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::Never, Some(action))
    }

    /// As [`Barrier::wait_then`], but waits for the others for at most `timeout`, after which it is
    /// broken for all. (How long the action takes is the action's.)
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use multiproc::{Barrier, BrokenBarrier};
    ///
    /// let barrier = Barrier::new(2);
    /// let alone = barrier.wait_then_for(Duration::from_millis(10), || unreachable!("one is missing"));
    /// assert_eq!(alone, Err(BrokenBarrier::TimedOut));
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Barrier::wait_then`] and [`Barrier::wait_for`].
    ///
    /// # Panics
    ///
    /// As for [`Barrier::wait_then`].
    pub fn wait_then_for(
        &self,
        timeout: Duration,
        action: impl FnOnce(),
    ) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::after(timeout), Some(action))
    }

    /// As [`Barrier::wait_then_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Barrier::wait_then_for`].
    ///
    /// # Panics
    ///
    /// As for [`Barrier::wait_then`].
    pub fn wait_then_until(
        &self,
        deadline: Instant,
        action: impl FnOnce(),
    ) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::at(deadline), Some(action))
    }

    /// Runs the action of the last, who came when the state was `seen`, and ends the round.
    pub(super) fn act(&self, seen: State, action: impl FnOnce()) -> Result<(), BrokenBarrier> {
        struct Unfinished<'a>(&'a Barrier, State);
        impl Drop for Unfinished<'_> {
            fn drop(&mut self) {
                let Unfinished(barrier, full) = *self;
                barrier.break_from(full, BrokenBarrier::ActionPanicked, |now| now == full);
            }
        }
        let full = State(seen.0 + 1);
        let unfinished = Unfinished(self, full);
        action();
        std::mem::forget(unfinished);
        // Release: carries what the action did. Weaker: `barrier::acts` sees the race.
        match self.change(full, full.next(false), Release) {
            Ok(()) => Ok(()),
            Err(now) => {
                let cause = now.cause().unwrap_or(BrokenBarrier::Reset);
                Err(cause)
            }
        }
    }
}
