//! A list of what a process has, which a fork copies whole and leaves unlocked.
//!
//! A fork that this crate does not see may come while another thread is at work here. The child
//! then has the memory as it was at some instruction of that thread, and not the thread. So
//!
//! * every change is one store of a pointer: what the child has is the list before it or after it;
//! * the lock is each process's own ([`ForkLocal`]): the copy, which nobody might ever unlock, is left
//!   alone.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::ForkLocal;

/// How many chains there are: a process has at most some ten thousand mappings.
const CHAINS: usize = 256;

pub(crate) struct ForkList<T> {
    chains: [AtomicPtr<Node<T>>; CHAINS],
    lock: ForkLocal<Mutex<()>>,
}

struct Node<T> {
    value: T,
    next: AtomicPtr<Node<T>>,
}

// SAFETY: the values are copied in and out under the lock, by whichever thread.
unsafe impl<T: Copy + Send> Sync for ForkList<T> {}

impl<T: Copy> ForkList<T> {
    pub(crate) const fn new() -> Self {
        ForkList {
            chains: [const { AtomicPtr::new(null_mut()) }; CHAINS],
            lock: ForkLocal::new(|| Mutex::new(())),
        }
    }

    /// Waits for the other threads of this process.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        // A panic in here leaves the list as whole as a fork does.
        Locked { list: self, _held: self.lock.get().lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// The list, as long as no other thread of this process can change it.
pub(crate) struct Locked<'a, T> {
    list: &'a ForkList<T>,
    _held: MutexGuard<'a, ()>,
}

impl<T: Copy> Locked<'_, T> {
    /// The value in the chain of `key` that is the one.
    pub(crate) fn get(&self, key: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        // Acquire: here and below, pairs with the Release in `set` (as does the lock).
        // SAFETY: the link is null or a node, which only `set` frees; and there is no other `set`
        // as long as this one has the lock.
        unsafe { self.link(key, is).load(Acquire).as_ref() }.map(|node| node.value)
    }

    /// Puts `value` in the place of the one in the chain of `key` that is the one; at the end where
    /// there is none. `None` takes that one out.
    pub(crate) fn set(&mut self, key: u64, is: impl Fn(&T) -> bool, value: Option<T>) {
        let link = self.link(key, is);
        // Acquire: here and below, as in `get`.
        let old = link.load(Acquire);
        // SAFETY: null or a node, as in `get`.
        let next = unsafe { old.as_ref() }.map_or(null_mut(), |node| node.next.load(Acquire));
        let new = value.map_or(next, |value| {
            Box::into_raw(Box::new(Node { value, next: AtomicPtr::new(next) }))
        });
        // Release: a copy of the memory that has the pointer has the node.
        link.store(new, Release);
        if !old.is_null() {
            // SAFETY: a node of ours that was just taken out; nobody else is in here.
            drop(unsafe { Box::from_raw(old) });
        }
    }

    /// What points at the node that is the one, or the end of the chain.
    fn link(&self, key: u64, is: impl Fn(&T) -> bool) -> &AtomicPtr<Node<T>> {
        let mut link = &self.list.chains[key as usize % CHAINS];
        // Acquire: as in `get`.
        // SAFETY: as in `get`.
        while let Some(node) = unsafe { link.load(Acquire).as_ref() } {
            if is(&node.value) {
                break;
            }
            link = &node.next;
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_replaced_and_taken_out_wherever_it_stands() {
        let list = ForkList::new();
        let key = CHAINS as u64 + 5;
        // All in one chain.
        let values = [10u32, 11, 12];
        for out in values {
            let mut locked = list.lock();
            values.iter().for_each(|&value| locked.set(key, |_| false, Some((value, 0))));
            locked.set(5, |&(value, _)| value == out, Some((out, 1)));
            let now = |locked: &Locked<'_, _>| {
                values.map(|value| locked.get(5, |&(other, _)| other == value))
            };
            assert_eq!(now(&locked), values.map(|value| Some((value, u32::from(value == out)))));
            locked.set(5, |&(value, _)| value == out, None);
            assert_eq!(now(&locked), values.map(|value| (value != out).then_some((value, 0))));
            values.iter().for_each(|&value| locked.set(key, |&(other, _)| other == value, None));
            assert_eq!(now(&locked), [None; 3]);
            assert_eq!(locked.get(6, |_| true), None);
        }
    }

    /// A thread that a child does not have may have been in here when it was forked.
    #[test]
    fn a_child_of_any_fork_finds_the_list_unlocked_and_whole() {
        let list = ForkList::new();
        let mut locked = list.lock();
        locked.set(1, |_| false, Some(7u32));
        // SAFETY: the child looks at the list, which takes no lock that another thread may have
        // but the allocator's, which glibc sees to, and leaves.
        let child = match unsafe { libc::fork() } {
            0 => {
                // SAFETY: an alarm ends a child that would wait for ever.
                unsafe { libc::alarm(60) };
                let mut locked = list.lock();
                let inherited = locked.get(1, |_| true) == Some(7);
                locked.set(1, |_| true, Some(8));
                let changed = locked.get(1, |_| true) == Some(8);
                // SAFETY: it ends the child.
                unsafe { libc::_exit(i32::from(!inherited) + 2 * i32::from(!changed)) }
            }
            child => child,
        };
        let mut status = 0;
        // SAFETY: there is room for a status.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        assert_eq!(locked.get(1, |_| true), Some(7), "a child changes nothing for the parent");
    }
}
