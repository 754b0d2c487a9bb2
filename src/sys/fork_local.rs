//! What each fork copy of the memory has for itself.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::sys::fork_generation;

/// A value that each process has for itself, also a process that somebody forked without this crate:
/// there the parent's value may be half changed, and a lock in it held by a thread that is not there.
///
/// The value of a process lives as long as this. Those of its ancestors are never freed: a lock in them
/// may be held for ever.
pub(crate) struct ForkLocal<T> {
    /// Of this process, or, in a child that has not asked yet, of its parent.
    newest: AtomicPtr<Instance<T>>,
    make: fn() -> T,
}

struct Instance<T> {
    generation: u64,
    value: T,
}

impl<T: Sync> ForkLocal<T> {
    pub(crate) const fn new(make: fn() -> T) -> Self {
        ForkLocal { newest: AtomicPtr::new(null_mut()), make }
    }

    /// The value of the running process, which is made when it is first asked for.
    pub(crate) fn get(&self) -> &T {
        let generation = fork_generation();
        // Acquire: here and below, pairs with the Release of the exchange; carries the instance.
        let mut newest = self.newest.load(Ordering::Acquire);
        loop {
            // SAFETY: null, or an instance that was made below, by this process or by one of which it
            // is a copy; only a drop frees it, and nobody changes its generation.
            if let Some(known) = unsafe { newest.as_ref() }
                && known.generation == generation
            {
                return &known.value;
            }
            let fresh = Box::into_raw(Box::new(Instance { generation, value: (self.make)() }));
            let (success, failure) = (Ordering::Release, Ordering::Acquire);
            match self.newest.compare_exchange(newest, fresh, success, failure) {
                // SAFETY: made above, and freed by nobody who is not the only one to have `self`.
                Ok(_) => return unsafe { &(*fresh).value },
                Err(other) => {
                    // SAFETY: made above, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(fresh) });
                    newest = other;
                }
            }
        }
    }
}

impl<T> Drop for ForkLocal<T> {
    fn drop(&mut self) {
        let newest = *self.newest.get_mut();
        // SAFETY: as in `get`.
        if let Some(known) = unsafe { newest.as_ref() }
            && known.generation == fork_generation()
        {
            // SAFETY: made in `get`, and nobody else is here any more.
            drop(unsafe { Box::from_raw(newest) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static NUMBERS: ForkLocal<Mutex<Vec<u32>>> = ForkLocal::new(|| Mutex::new(Vec::new()));

    #[test]
    fn a_fork_has_its_own_also_while_the_parents_is_locked() {
        let mut parents = NUMBERS.get().lock().unwrap();
        parents.push(1);
        // SAFETY: the child takes no lock that another thread may hold, and leaves.
        match unsafe { libc::fork() } {
            0 => {
                let length = NUMBERS.get().try_lock().map_or(9, |numbers| numbers.len());
                // SAFETY: it ends the child.
                unsafe { libc::_exit(length as i32) }
            }
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert_eq!(libc::WEXITSTATUS(status), 0, "the child's is new");
            }
        }
        drop(parents);
        let other = std::thread::spawn(|| NUMBERS.get().lock().unwrap().clone());
        assert_eq!(other.join().unwrap(), [1], "one for all threads");
    }
}
