//! A number of permits that never grows.

use std::time::{Duration, Instant};

use crate::error::Overflow;
use crate::shm::{Layout, ProcessSafe};
use crate::sync::semaphore::{Permit, Semaphore};
use crate::sys::{Deadline, Futex, Ordering::Relaxed, const_fn};

/// A [`Semaphore`] that refuses a release of more than was taken: it never has more permits than it
/// began with.
///
/// ```
/// use multiproc::BoundedSemaphore;
///
/// static SEATS: BoundedSemaphore = BoundedSemaphore::new(2);
/// let seat = SEATS.acquire();
/// assert_eq!(SEATS.value(), 1);
/// drop(seat);
/// let refused = SEATS.release(1).unwrap_err();
/// assert_eq!((refused.value, refused.max), (2, 2));
/// ```
///
/// # Costs
///
/// 8 bytes, and what a [`Semaphore`] costs: with a permit free and nobody asleep, taking and giving
/// are an atomic operation each.
///
/// # If a process dies
///
/// As with a [`Semaphore`]: a permit that it held is lost, and nobody hangs for another reason.
///
/// # Fairness
///
/// That of a [`Semaphore`].
///
/// # Different from Python
///
/// The refusal is an error to be looked at, not an exception; and a [`Permit`] that gives itself back
/// after someone has released in its stead is silently refused, where Python raises at the end of
/// the `with` block.
#[repr(C)]
#[derive(Debug)]
pub struct BoundedSemaphore {
    permits: Semaphore,
    /// Written once. A word, since a peer can write there too.
    limit: Futex,
}

// SAFETY: two atomic words, any bits of which are some state.
unsafe impl ProcessSafe for BoundedSemaphore {
    const PINNED: bool = false;
    const LAYOUT: Layout = Layout::of::<Self>().named("BoundedSemaphore");
}

impl BoundedSemaphore {
    const_fn! {
        /// A semaphore with `permits` free, and never more.
        ///
        /// # Panics
        ///
        /// When `permits` is more than [`Semaphore::MAX`]; in a const, at compile time.
        pub fn new(permits: u32) -> Self {
            BoundedSemaphore { permits: Semaphore::new(permits), limit: Futex::new(permits) }
        }
    }

    /// Waits until a permit is free and takes it.
    #[inline]
    pub fn acquire(&self) -> Permit<'_> {
        let taken = self.permits.take_by(|| Deadline::Never);
        debug_assert!(taken, "without a deadline the permit is waited for");
        self.permit()
    }

    /// Takes a permit if one is free.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.permits.take().then(|| self.permit())
    }

    /// As [`BoundedSemaphore::acquire`], but for at most `timeout`.
    pub fn acquire_for(&self, timeout: Duration) -> Option<Permit<'_>> {
        self.permits.take_by(|| Deadline::after(timeout)).then(|| self.permit())
    }

    /// As [`BoundedSemaphore::acquire_for`], up to a point in time.
    pub fn acquire_until(&self, deadline: Instant) -> Option<Permit<'_>> {
        self.permits.take_by(|| Deadline::at(deadline)).then(|| self.permit())
    }

    /// Gives back `permits` that were taken and [forgotten](Permit::forget): whoever sleeps for one is
    /// woken.
    ///
    /// # Errors
    ///
    /// [`Overflow`] when more would be free than there were at first; nothing is given then.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<(), Overflow> {
        self.permits.release_within(self.limit(), permits)
    }

    /// How many permits are free at this moment.
    pub fn value(&self) -> u32 {
        self.permits.value()
    }

    /// How many permits there are, free or not.
    #[inline]
    pub fn limit(&self) -> u32 {
        // Relaxed: written before anyone else knew of the semaphore.
        self.limit.load(Relaxed)
    }

    /// The permits, without the limit.
    pub(crate) fn permits(&self) -> &Semaphore {
        &self.permits
    }

    #[inline]
    fn permit(&self) -> Permit<'_> {
        self.permits.permit(self.limit())
    }
}
