//! A value that the threads of a process change, which a fork copies whole and leaves unlocked.
//!
//! A `Mutex` would stay locked for ever in a child that was forked while another thread had it, and
//! around a value that is half changed. So, as in a list ([`ForkList`](crate::sys::ForkList)):
//!
//! * a change is made to a copy, which takes the value's place by one store of a pointer: what the
//!   child has is the value before the change or after it;
//! * the lock is each process's own ([`ForkLocal`]).
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::fmt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::ForkLocal;

pub(crate) struct ForkCell<T> {
    /// Null for the default.
    value: AtomicPtr<T>,
    lock: ForkLocal<Mutex<()>>,
}

// SAFETY: the value is owned here, as in a `Box`.
unsafe impl<T: Send> Send for ForkCell<T> {}
// SAFETY: the value is reached under the lock, by one thread of a process at a time.
unsafe impl<T: Send> Sync for ForkCell<T> {}

impl<T: Clone + Default + fmt::Debug> fmt::Debug for ForkCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|value| value.fmt(f))
    }
}

impl<T: Clone + Default> ForkCell<T> {
    /// One with the default value.
    pub(crate) const fn new() -> Self {
        ForkCell { value: AtomicPtr::new(null_mut()), lock: ForkLocal::new(|| Mutex::new(())) }
    }

    /// Looks at the value. Other threads of this process wait meanwhile; `look` must not come here
    /// again.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        let _held = self.lock();
        // Acquire: pairs with the Release in `change` (as does the lock).
        // SAFETY: null or the value, which only `change` frees, under the lock.
        match unsafe { self.value.load(Acquire).as_ref() } {
            Some(value) => look(value),
            None => look(&T::default()),
        }
    }

    /// Changes the value; if `change` panics, not at all. Other threads of this process wait meanwhile;
    /// `change` must not come here again.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.lock();
        // Acquire: as in `read`.
        let old = self.value.load(Acquire);
        // SAFETY: as in `read`.
        let copy = unsafe { old.as_ref() }.cloned().unwrap_or_default();
        let mut new = Box::new(copy);
        let answer = change(&mut new);
        // Release: a copy of the memory that has the pointer has the value.
        self.value.store(Box::into_raw(new), Release);
        if !old.is_null() {
            // SAFETY: it was made here, and nobody else has it: the lock is held, and the pointer is
            // another now.
            drop(unsafe { Box::from_raw(old) });
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // A panic in here leaves the value as whole as a fork does.
        self.lock.get().lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for ForkCell<T> {
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() {
            // SAFETY: made by `change`, and nobody else is here any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What a child of a bare fork finds with `look`, as its exit code.
    fn in_fork(look: impl FnOnce() -> u8) -> i32 {
        // SAFETY: the child looks at a cell, which takes no lock that another thread may have but the
        // allocator's, which glibc sees to, and leaves.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: an alarm ends a child that would wait for ever; then the child ends.
                unsafe {
                    libc::alarm(60);
                    libc::_exit(i32::from(look()))
                }
            }
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert!(libc::WIFEXITED(status), "{status:#x}");
                libc::WEXITSTATUS(status)
            }
        }
    }

    /// A thread that a child does not have may have been in here when it was forked.
    #[test]
    fn a_child_of_any_fork_finds_the_value_unlocked_and_whole() {
        let cell = ForkCell::<(u8, u8)>::new();
        let child = || {
            let inherited = cell.read(|&(a, b)| 10 * a + b);
            cell.change(|value| *value = (9, 9));
            inherited + 100 * u8::from(cell.read(|&value| value == (9, 9)))
        };
        assert_eq!(cell.read(|_| in_fork(child)), 100, "the default, as it is looked at");
        let meanwhile = cell.change(|value| {
            value.0 = 1;
            let half_changed = in_fork(child);
            value.1 = 1;
            half_changed
        });
        assert_eq!(meanwhile, 100, "a child has nothing half changed");
        assert_eq!(in_fork(child), 111);
        assert_eq!(cell.read(|&value| value), (1, 1), "a child changes nothing for the parent");
    }

    #[test]
    fn a_change_that_panics_is_none_and_no_value_is_kept() {
        let cell = ForkCell::<Vec<Arc<u8>>>::new();
        let one = Arc::new(1);
        cell.change(|value| value.push(one.clone()));
        assert_eq!(Arc::strong_count(&one), 2);
        let panicked = std::panic::catch_unwind(|| {
            cell.change(|value| {
                value.clear();
                panic!("in the middle")
            })
        });
        panicked.unwrap_err();
        assert_eq!(cell.read(Vec::len), 1);
        assert_eq!(cell.change(|value| value.pop()), Some(one.clone()));
        cell.change(|value| value.push(one.clone()));
        drop(cell);
        assert_eq!(Arc::strong_count(&one), 1);
    }
}
