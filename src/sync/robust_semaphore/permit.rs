//! A permit that is held.

use crate::sync::robust_semaphore::{AWAITED, FREE, NOBODY, pass, wake};
use crate::sys::{Entry, Futex, Ordering::*, fork_generation};

/// A permit of a [`RobustSemaphore`](crate::RobustSemaphore); gives itself back when dropped, from any
/// thread of the process that acquired it.
///
/// A fork copies it, as it copies all memory. The child's copy is worth nothing and gives nothing
/// back: it is the parent that holds the permit. (One that is moved into the child is dropped in
/// the parent, and so given back there: have the child acquire its own.) If the semaphore is in
/// private memory, the fork copies that as well, and in the copy it stays taken until the parent ends.
#[must_use = "the permit is given back as soon as it is dropped"]
#[derive(Debug)]
pub struct RobustPermit<'a> {
    entry: &'a Entry,
    turn: &'a Futex,
    /// The process instance that acquired it, as it stands in the entry.
    life: u64,
    /// Which copy of the memory acquired it. The instance alone does not tell where no start is known, as
    /// in another time namespace: the number of a process that has ended may go to its grandchild.
    generation: u64,
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl<'a> RobustPermit<'a> {
    /// Of an entry that `holder` has just taken.
    #[inline]
    pub(super) fn new(entry: &'a Entry, turn: &'a Futex, holder: u64) -> Self {
        RobustPermit { entry, turn, life: holder & !AWAITED, generation: fork_generation() }
    }

    /// Whether this is no copy, which a fork has made. It is not asked whose the entry is: the process
    /// that has a copy may have acquired a permit of its own there.
    #[inline]
    fn is_held(&self) -> bool {
        self.generation == fork_generation()
    }

    /// Keeps the permit taken, also when this process ends: someone else will
    /// [`release`](crate::RobustSemaphore::release) it.
    pub fn forget(self) {
        if self.is_held() {
            // Relaxed: nothing is handed over before it is released.
            pass(self.entry, self.life, NOBODY, Relaxed);
        }
        std::mem::forget(self);
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Drop for RobustPermit<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_held() {
            return;
        }
        // Release: pairs with the Acquire of whoever takes the permit; carries what was done while
        // it was held. Weaker: the model `robust_semaphore::hands_over` sees the race.
        if pass(self.entry, self.life, FREE, Release) == Some(true) {
            wake(self.turn, 1);
        }
    }
}
