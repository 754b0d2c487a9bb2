//! A number of permits.

use std::time::{Duration, Instant};

use crate::error::Overflow;
use crate::shm::ProcessSafe;
use crate::sys::{ALL, Deadline, Op, Ordering::*, Wait, Word, const_fn, site};

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
/// Nobody hangs for another reason: giving back and waking are one step inside the kernel, and a
/// wake that went to one who was killed before it could take the permit is made good within 100 ms
/// by the sleepers themselves.
///
/// # Fairness
///
/// Whoever comes when a permit is free takes it, also before those who sleep.
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
/// | release | `WAIT` clear | more | CAS |
/// | release | `WAIT` | one more, and one is woken | one `FUTEX_WAKE_OP` |
/// | nobody slept | any | `WAIT` cleared, and all are woken | one `FUTEX_WAKE_OP` |
///
/// So several permits are as many steps as there are sleepers, and one for the rest.
#[repr(transparent)]
#[derive(Debug)]
pub struct Semaphore(Word);

// SAFETY: one atomic word, any bits of which are some state.
unsafe impl ProcessSafe for Semaphore {
    const PINNED: bool = false;
}

impl Semaphore {
    /// The most permits that can be free at once. The word could count twice as many; the rest is
    /// for releases that pass the check at the same time.
    pub const MAX: u32 = 1 << 30;

    const_fn! {
        /// A semaphore with `permits` free.
        ///
        /// # Panics
        ///
        /// When `permits` is more than [`Semaphore::MAX`]; in a const, at compile time.
        pub fn new(permits: u32) -> Self {
            assert!(permits <= Self::MAX, "more permits than a semaphore can count");
            Semaphore(Word::new(permits << ONE_BIT))
        }
    }

    /// Waits until a permit is free and takes it.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        let taken = self.take() || self.take_slow(Deadline::Never);
        debug_assert!(taken, "without a deadline the permit is waited for");
        Permit(self)
    }

    /// Takes a permit if one is free.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.take().then(|| Permit(self))
    }

    /// As [`Semaphore::acquire`], but for at most `timeout`.
    pub fn acquire_for(&self, timeout: Duration) -> Option<Permit<'_>> {
        (self.take() || self.take_slow(Deadline::after(timeout))).then(|| Permit(self))
    }

    /// As [`Semaphore::acquire_for`], up to a point in time.
    pub fn acquire_until(&self, deadline: Instant) -> Option<Permit<'_>> {
        (self.take() || self.take_slow(Deadline::at(deadline))).then(|| Permit(self))
    }

    /// Gives `permits` back, or in addition: whoever sleeps for one is woken.
    ///
    /// # Errors
    ///
    /// [`Overflow`] when more than [`Semaphore::MAX`] would be free; nothing is given then.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<(), Overflow> {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.0.load(Relaxed);
        while seen & WAIT == 0 {
            match self.give(seen, self.sum(seen, permits)?) {
                Ok(_) => return Ok(()),
                Err(now) => seen = now,
            }
        }
        self.sum(seen, permits)?;
        self.release_slow(permits);
        Ok(())
    }

    /// How many permits are free at this moment.
    pub fn value(&self) -> u32 {
        // Acquire: who sees a permit given back may rely on what was done before: "all are done".
        self.0.load(site!("semaphore.value", Acquire => Relaxed)) >> ONE_BIT
    }

    /// The word with `permits` more.
    fn sum(&self, seen: u32, permits: u32) -> Result<u32, Overflow> {
        let value = seen >> ONE_BIT;
        match value.checked_add(permits) {
            Some(sum) if sum <= Self::MAX => Ok(seen & WAIT | sum << ONE_BIT),
            _ => Err(Overflow { released: permits, value, max: Self::MAX }),
        }
    }

    /// Nobody sleeps: the word becomes `more`, if it is still as seen.
    #[inline]
    fn give(&self, seen: u32, more: u32) -> Result<u32, u32> {
        // Release: pairs with the Acquire of whoever takes the permit; carries what was done
        // while it was held. Weaker: the model `semaphore::hands_over` sees the race.
        let order = site!("semaphore.release", Release => Relaxed);
        self.0.compare_exchange(seen, more, order, Relaxed)
    }

    /// Takes a permit as long as one is seen.
    #[inline]
    fn take(&self) -> bool {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.0.load(Relaxed);
        while seen >= ONE {
            // Acquire: pairs with the Release of `release`. Weaker: `semaphore::hands_over` sees
            // the race.
            let order = site!("semaphore.acquire", Acquire => Relaxed);
            match self.0.compare_exchange(seen, seen - ONE, order, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    #[cold]
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
                    let order = site!("semaphore.slow.acquire", Acquire => Relaxed);
                    match self.0.compare_exchange(seen, seen - ONE, order, Relaxed) {
                        Ok(_) => return true,
                        Err(now) => now,
                    }
                }
            }
        }
    }

    /// A step inside the kernel for each permit that a sleeper may get: it adds and wakes, or does
    /// neither. What is left when nobody sleeps is one step more.
    #[cold]
    fn release_slow(&self, mut permits: u32) {
        while permits > 0 {
            // Release: as in `give`. Weaker: `semaphore::wakes` sees the race.
            let order = site!("semaphore.wake.release", Release => Relaxed);
            let one = site!("semaphore.wake.one", 1 => 0);
            permits -= 1;
            if self.0.wake_op(Op::AddBit(ONE_BIT), one, order) < one {
                // Relaxed: nothing is handed over. All, because a sleeper may have come meanwhile,
                // trusting in the bit that is now cleared.
                let all = site!("semaphore.clear.all", ALL => 0);
                self.0.wake_op(Op::ClearBit(WAIT_BIT), all, Relaxed);
                permits = self.release_rest(permits);
            }
        }
    }

    /// Gives the rest in one step if nobody sleeps; how many are left to give.
    fn release_rest(&self, permits: u32) -> u32 {
        if permits == 0 {
            return 0;
        }
        // Relaxed: only a guess for the CAS.
        let mut seen = self.0.load(Relaxed);
        while seen & WAIT == 0 {
            // That it fits was checked before. Should others have released as many meanwhile, the
            // word is full: nobody has taken so many.
            let sum = (seen >> ONE_BIT).saturating_add(permits).min(u32::MAX >> ONE_BIT);
            match self.give(seen, sum << ONE_BIT) {
                Ok(_) => return 0,
                Err(now) => seen = now,
            }
        }
        permits
    }
}

/// A permit of a [`Semaphore`]; gives itself back when dropped, from any thread.
///
/// A fork copies it, as it copies all memory: of a permit that is alive then, or that is moved into
/// the child, the parent gives back one and the child another. If the semaphore is shared by both,
/// that is one too many: let one side [`forget`](Permit::forget) it, or have the child acquire.
#[must_use = "the permit is given back as soon as it is dropped"]
#[derive(Debug)]
pub struct Permit<'a>(&'a Semaphore);

impl Permit<'_> {
    /// Keeps the permit taken: someone else will [`Semaphore::release`] it.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // Full only when someone released what was never taken: then there is nothing to give.
        let _ = self.0.release(1);
    }
}
