//! Which messages are not done with: what a queue's `task_done` and `join` are about.

use crate::ipc::ring::{COUNT, ONE, WAIT, between};
use crate::sys::{ALL, Deadline, Futex, Ordering::*, Wait};

/// The messages that were put and not reported as done.
///
/// Only those that are done with are counted; how many were put is the ring's own count. So a
/// producer that is killed has either put its message and is waited for, or has not and is not.
///
/// | step | word | from | to | by |
/// |---|---|---|---|---|
/// | done | done | fewer than were put | one more, `WAIT` kept | CAS |
/// | the last is done | done | one fewer than were put | one more, no `WAIT`, and all are woken | CAS, wake |
/// | join | done | fewer than were put | `WAIT`, then sleep on exactly that value | CAS, futex wait |
///
/// One who is killed between the last step and its wake leaves sleepers that look again within
/// 100 ms.
pub(crate) struct Unfinished<'a> {
    pub(crate) put: &'a Futex,
    pub(crate) done: &'a Futex,
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Unfinished<'_> {
    /// Reports one message as done; false when every message was reported already.
    pub(crate) fn task_done(&self) -> bool {
        // Acquire, also when the CAS fails: it keeps the count of those done older than that of
        // those put, as in `join`, for those who report without having got a message. Weaker: the
        // models `queue::reports` and `queue::reports_beside_another` count too many.
        let mut seen = self.done.load(Acquire);
        loop {
            // Relaxed: it is no older than what those who reported before have seen.
            let left = between(seen, self.put.load(Relaxed));
            if left == 0 {
                return false;
            }
            let last = left == 1;
            let wait = if last { 0 } else { seen & WAIT };
            let more = (seen & COUNT).wrapping_add(ONE) | wait;
            // Release: pairs with the Acquire in `join`; carries what was done with the message. Who
            // sees the last report sees the others' too: each is a step upon the one before. Weaker:
            // the model `queue::joins` sees the race.
            match self.done.compare_exchange(seen, more, Release, Acquire) {
                Ok(_) => {
                    if last && seen & WAIT != 0 {
                        self.done.wake(ALL);
                    }
                    return true;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Waits until every message that was put is done; false when `until` came first.
    pub(crate) fn join(&self, until: Deadline) -> bool {
        let mut last = false;
        loop {
            // Acquire: pairs with the Release in `task_done`, and keeps the count of those done
            // older than that of those put: else the two could be equal and never have been so.
            let seen = self.done.load(Acquire);
            let left = between(seen, self.put.load(Relaxed));
            if left == 0 {
                return true;
            }
            if last {
                return false;
            }
            let announced = seen | WAIT;
            if seen & WAIT == 0 {
                // Relaxed: it only announces a sleeper. Where it fails the word is another, or another has
                // announced itself: the wait finds out.
                let _ = self.done.compare_exchange(seen, announced, Relaxed, Relaxed);
            }
            last = self.done.wait_slice(announced, until) == Wait::TimedOut;
        }
    }

    /// How many there are at this moment.
    pub(crate) fn count(&self) -> u32 {
        // Acquire: as in `join`. Weaker: the model `queue::counts_unfinished` sees too many.
        let done = self.done.load(Acquire);
        between(done, self.put.load(Relaxed))
    }
}
