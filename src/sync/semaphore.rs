//! A number of permits.

use std::time::{Duration, Instant};

use crate::error::Overflow;
use crate::shm::{Layout, ProcessSafe};
use crate::sync::waiters::wake_and_clear;
use crate::sys::{Deadline, Futex, Ordering::*, Wait, const_fn};

const WAIT_BIT: u32 = 0;
const WAIT: u32 = 1 << WAIT_BIT;
/// One permit, in the word.
const ONE_BIT: u32 = 1;
const ONE: u32 = 1 << ONE_BIT;

/// A number of permits that threads and processes take and give back: as many as there are
/// permits may be inside at once.
///
/// ```
/// use multiproc::Semaphore;
///
/// static PERMITS: Semaphore = Semaphore::new(3);
/// {
///     let _permit = PERMITS.acquire();
///     assert_eq!(PERMITS.value(), 2);
/// }
/// assert_eq!(PERMITS.value(), 3);
/// ```
///
/// # Costs
///
/// 4 bytes. With a permit free and nobody asleep, taking and giving are an atomic operation each.
///
/// # If a process dies
///
/// A permit has no owner, so one that a dead process held is lost, as in POSIX and in Python.
/// Nobody hangs for another reason: permits are given in one step, all or none, and when the giver
/// is killed before it could wake anyone, or the woken before it could take one, the sleepers see
/// within 100 ms by themselves that permits are there.
///
/// # Fairness
///
/// Whoever comes when a permit is free takes it, also before those who sleep. Of those, a release
/// wakes the one that lay down first, which takes the permit or, when another was faster, lies down
/// again behind the rest; so does whoever has slept for 100 ms. Nobody is guaranteed a turn.
///
/// Of 64 threads that each came back at once for one permit, for two seconds, the one in the middle
/// waited 0.1 to 0.8 s at the longest, and the unluckiest 0.2 to 1.8 s; of 64 processes, much the
/// same. Sleepers to whom permits came one by one all went in the order in which they came.
/// (2026-11-24, a busy Zen 4 VM of 2 cores, six runs of `cargo bench -- fairness`.)
///
/// # Different from Python
///
/// [`Semaphore::acquire`] gives a [`Permit`], which gives itself back; [`Permit::forget`] keeps it
/// for a [`Semaphore::release`] elsewhere.
///
/// # The word
///
/// The number of permits, times two, and `WAIT`: someone sleeps or did.
///
/// | step | from | to | by |
/// |---|---|---|---|
/// | acquire | a permit | one less, `WAIT` kept | CAS |
/// | acquire | no permit | `WAIT`, then sleep on exactly that value | CAS, futex wait |
/// | release | any | more, `WAIT` kept; with `WAIT`, as many are woken next | CAS, futex wake |
/// | fewer slept | any | `WAIT` cleared, and all are woken | one `FUTEX_WAKE_OP` |
#[repr(transparent)]
#[derive(Debug)]
pub struct Semaphore(Futex);

// SAFETY: one atomic word, any bits of which are some state.
unsafe impl ProcessSafe for Semaphore {
    const PINNED: bool = false;
    const LAYOUT: Layout = Layout::of::<Self>().named("Semaphore");
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Semaphore {
    /// The most permits that can be free at once.
    pub const MAX: u32 = 1 << 30;

    const_fn! {
        /// A semaphore with `permits` free.
        ///
        /// # Panics
        ///
        /// When `permits` is more than [`Semaphore::MAX`]; in a const, at compile time.
        pub fn new(permits: u32) -> Self {
            assert!(permits <= Self::MAX, "more permits than a semaphore can count");
            Semaphore(Futex::new(permits << ONE_BIT))
        }
    }

    /// Waits until a permit is free and takes it.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        let taken = self.take_by(|| Deadline::Never);
        debug_assert!(taken, "without a deadline the permit is waited for");
        self.permit(Self::MAX)
    }

    /// Takes a permit if one is free.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.take().then(|| self.permit(Self::MAX))
    }

    /// As [`Semaphore::acquire`], but for at most `timeout`.
    pub fn acquire_for(&self, timeout: Duration) -> Option<Permit<'_>> {
        self.take_by(|| Deadline::after(timeout)).then(|| self.permit(Self::MAX))
    }

    /// As [`Semaphore::acquire_for`], up to a point in time.
    pub fn acquire_until(&self, deadline: Instant) -> Option<Permit<'_>> {
        self.take_by(|| Deadline::at(deadline)).then(|| self.permit(Self::MAX))
    }

    /// Gives `permits` back, or in addition: whoever sleeps for one is woken.
    ///
    /// # Errors
    ///
    /// [`Overflow`] when more than [`Semaphore::MAX`] would be free; nothing is given then.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<(), Overflow> {
        self.release_within(Self::MAX, permits)
    }

    /// How many permits are free at this moment.
    pub fn value(&self) -> u32 {
        // Acquire: who sees a permit given back may rely on what was done before: "all are done".
        self.0.load(Acquire) >> ONE_BIT
    }

    /// A permit that was just taken, of at most `limit`.
    #[inline]
    pub(crate) fn permit(&self, limit: u32) -> Permit<'_> {
        Permit { semaphore: self, limit }
    }

    /// Gives `permits`, unless more than `limit` would be free.
    #[inline]
    #[cfg_attr(modelled, forgets)]
    pub(super) fn release_within(&self, limit: u32, permits: u32) -> Result<(), Overflow> {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.0.load(Relaxed);
        loop {
            let value = seen >> ONE_BIT;
            let sum = value.checked_add(permits).filter(|&sum| sum <= limit);
            let sum = sum.ok_or(Overflow { released: permits, value, max: limit })?;
            // Release: pairs with the Acquire of whoever takes a permit; carries what was done
            // while it was held. Weaker: the model `semaphore::hands_over` sees the race.
            let wait = seen & WAIT;
            match self.0.compare_exchange(seen, wait | sum << ONE_BIT, Release, Relaxed) {
                Ok(_) if seen & WAIT == 0 => return Ok(()),
                Ok(_) => {
                    self.wake(permits);
                    return Ok(());
                }
                Err(now) => seen = now,
            }
        }
    }

    #[cold]
    fn wake(&self, permits: u32) {
        wake_and_clear(&self.0, WAIT_BIT, permits, |word, n| word.wake(n));
    }

    /// Takes a permit by a deadline, which is worked out only when none is free.
    #[inline]
    #[cfg_attr(modelled, forgets)]
    pub(super) fn take_by(&self, until: impl Fn() -> Deadline) -> bool {
        self.take() || self.take_slow(until())
    }

    /// Takes a permit as long as one is seen.
    #[inline]
    #[cfg_attr(modelled, forgets)]
    pub(super) fn take(&self) -> bool {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.0.load(Relaxed);
        while seen >= ONE {
            // Acquire: pairs with the Release of `release`. Weaker: `semaphore::hands_over` sees
            // the race.
            let rest = seen - ONE;
            match self.0.compare_exchange(seen, rest, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    #[cold]
    #[cfg_attr(modelled, forgets)]
    fn take_slow(&self, until: Deadline) -> bool {
        let mut seen = self.0.spin(0, |seen| seen >= ONE || seen & WAIT != 0);
        loop {
            seen = match seen {
                // Relaxed: it only announces a sleeper.
                0 => match self.0.compare_exchange(0, WAIT, Relaxed, Relaxed) {
                    Ok(_) => WAIT,
                    Err(now) => now,
                },
                WAIT => {
                    if self.0.wait_slice(WAIT, until) == Wait::TimedOut {
                        return self.take();
                    }
                    // Relaxed: the CAS that takes has the ordering.
                    self.0.load(Relaxed)
                }
                _ => {
                    // Acquire: as in `take`. Weaker: `semaphore::hands_over` sees the race.
                    let rest = seen - ONE;
                    match self.0.compare_exchange(seen, rest, Acquire, Relaxed) {
                        Ok(_) => return true,
                        Err(now) => now,
                    }
                }
            }
        }
    }
}

/// For waits that do not sleep here: a future's, or one for several things.
impl Semaphore {
    /// The word that whoever waits sleeps on.
    pub(crate) fn word(&self) -> &Futex {
        &self.0
    }

    /// One look of a wait that does not sleep here: takes a permit, or announces a sleeper and gives the value
    /// that it sleeps on.
    pub(crate) fn take_or_announce(&self) -> Option<u32> {
        while !self.take() {
            if self.announce() {
                return Some(WAIT);
            }
        }
        None
    }

    /// As [`Semaphore::take_or_announce`], but leaves a permit that is free where it is.
    pub(crate) fn look(&self) -> Option<u32> {
        while self.value() == 0 {
            if self.announce() {
                return Some(WAIT);
            }
        }
        None
    }

    /// Announces a sleeper, if no permit is free.
    fn announce(&self) -> bool {
        // Relaxed: it only announces a sleeper; whoever takes a permit does that with an Acquire.
        match self.0.compare_exchange(0, WAIT, Relaxed, Relaxed) {
            Ok(_) => true,
            Err(now) => now == WAIT,
        }
    }
}

/// A permit of a [`Semaphore`] or a [`BoundedSemaphore`](crate::BoundedSemaphore); gives itself back
/// when dropped, from any thread.
///
/// A fork copies it, as it copies all memory: of a permit that is alive then, or that is moved into
/// the child, the parent gives back one and the child another. If the semaphore is shared by both,
/// that is one too many: let one side [`forget`](Permit::forget) it, or have the child acquire.
#[must_use = "the permit is given back as soon as it is dropped"]
#[derive(Debug)]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    limit: u32,
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Permit<'_> {
    /// Keeps the permit taken: someone else will release it.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // Full only when someone released what was never taken: then there is nothing to give.
        let _ = self.semaphore.release_within(self.limit, 1);
    }
}
