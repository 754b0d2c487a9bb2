//! Why a lock is not taken while anyone can still use what it guards.
//!
//! A guard gives references, and they go to other threads (`std::thread::scope`, or `&'static mut` of a
//! guard that was leaked). That the owner died does not mean that those have: a thread may have ended alone;
//! and when a process ends or goes on to another program, its threads die one after the other, the owner
//! perhaps first, while another is in a system call that writes what it was lent. So whoever gives a guard
//! notes in the lock the life of its process ([`RawLock::lend`]), and the unlock erases it:
//!
//! | step | note |
//! |---|---|
//! | the lock is taken | as the last owner has left it: 0, or the life of a process that is gone |
//! | before there is a guard | the life |
//! | the guard is gone, and all that was borrowed by it | 0 |
//! | the lock is free | 0 |
//!
//! A lock whose owner died, and which has a note, is held until that process has ended with all its threads
//! or does not map the lock any more. Who is killed before the note, or after it is erased, has lent
//! nothing. A note of the own process is that of a thread which has ended with the lock: it is held as long as
//! the process lives. Only an owner writes a note: so whoever finds that an owner died looks at it when the lock
//! is taken, and otherwise gives it back as it was.
//!
//! A queue's locks have no note: what they guard, the thread alone touches that holds them. A peer that
//! writes into the note can keep the lock, or have it given too early: both it can do by the word as well.

use std::time::Duration;

use crate::sync::raw_lock::{Hold, OWNER, OWNER_DIED, PRIVATE, RawLock, WAITERS};
use crate::sys::{CurrentThread, Deadline, Ordering::*, ProcessInstance};

/// Whoever waits for the end of a process looks after the first whether it still maps the lock, and then after
/// twice as long each time, up to the second.
pub(super) const PAUSES: (Duration, Duration) =
    (Duration::from_millis(1), Duration::from_millis(128));

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl RawLock {
    /// To be called by whoever has taken the lock, before it gives a reference to what is guarded.
    #[inline(always)]
    pub(crate) fn lend(&self, Hold(slot, me): Hold) {
        // Relaxed: it is read when this thread is gone, which the kernel has made known after all that the
        // thread has done (see `is_lent`). Another thread that is given a reference gets it by what the
        // compiler keeps behind this.
        if slot != PRIVATE {
            self.lender.store(me.life(), Relaxed);
        }
    }

    /// The lock that was taken from a dead owner is as it was before.
    #[cold]
    pub(super) fn take_back(&self, name: u32) {
        // Relaxed: only a guess for the exchange.
        let mut seen = self.word.load(Relaxed);
        while seen & OWNER == name {
            let before = seen & WAITERS | OWNER_DIED;
            // Relaxed: what the dead have written is passed on by a read-modify-write in any ordering, which
            // goes on with the release sequence of the kernel's. Nobody is owed a wake: the lock was not free.
            match self.word.compare_exchange(seen, before, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Waits for the end of the process to whose threads the value is lent; gives the word.
    #[cold]
    pub(super) fn await_lender(&self, seen: u32, until: Deadline) -> u32 {
        // Relaxed: it is only waited for; who then takes the lock looks again, in order.
        let lender = self.lender.load(Relaxed);
        if !ProcessInstance::wait_over(lender, until) {
            self.word.wait_slice(seen, until);
        }
        // Relaxed: the exchange that takes the lock has the ordering.
        self.word.load(Relaxed)
    }

    /// Whether an owner that is gone has lent the value to threads that may still use it.
    pub(super) fn is_lent(&self, look_closely: bool) -> bool {
        if !self.placement.is_settled() {
            return false;
        }
        // Relaxed: a glance, but where the lock was taken. Then the exchange, which is Acquire, has
        // read what the kernel wrote, by an exchange that is a full barrier, after all that the owner had
        // written. (Of one that is seen to be gone there is nothing to pair with: as in `take_over`.)
        let lender = self.lender.load(Relaxed);
        lender != 0 && !CurrentThread::has_left(lender, &self.node, look_closely)
    }

    /// Whether that thread cannot hold the lock any more, nor any other use what it lent.
    pub(super) fn is_dead(&self, owner: u32, look_closely: bool) -> bool {
        CurrentThread::is_dead(owner, &self.node, look_closely) && !self.is_lent(look_closely)
    }
}
