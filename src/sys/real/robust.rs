//! The robust list: how the kernel learns which locks a dying thread holds.
//!
//! Each thread has a list, in memory, of the locks it holds. When the thread dies, however it
//! dies, the kernel walks the list and marks each lock `OWNER_DIED`; a `pending` entry covers the
//! instructions in which a lock is held and not yet, or no more, on the list. glibc registers the
//! head at the start of every thread, for its own robust mutexes; this crate adds its locks to
//! that same list, so the nodes of both lie alike: the futex word 32 bytes before `next`, and
//! `prev` just before it.
//!
//! ```text
//! head (glibc's, of this thread) -> youngest lock -> ... -> oldest lock -> head
//! ```
//!
//! Of glibc's mutexes some may stand above all locks of ours, but none under one (see `thread.rs`).
//!
//! # Why compiler fences are enough
//!
//! A thread alone writes its list: the head, the pending entry, and the `next` of what stands on it.
//! The kernel alone reads it, when the thread dies, and it reads in that thread: the walk is a part of
//! the thread's own exit, on whatever processor that runs (`exit_robust_list`). There the memory is as
//! the thread has left it: an interrupt stops a thread between two instructions, all before it are done
//! and none after it. That holds on every processor, in whatever order others see its stores, and where
//! the scheduler has moved the thread from one to another. So nothing is asked for but program order.
//! The processor keeps that towards the thread itself; the compiler keeps it between two accesses with
//! a `compiler_fence(SeqCst)` between them, over which it moves neither, in either direction. To the
//! compiler the walk is a signal handler that does not return, which is what these fences are for. The
//! accesses themselves are Relaxed: atomic, so that each is made whole or not at all.
//!
//! | first | then | else, if the thread dies in between |
//! |---|---|---|
//! | the pending entry names the lock | the word names the thread | nobody is told of the owner's death |
//! | `next` names the older lock | the head names the lock | the walk goes astray |
//! | the head names the lock | the pending entry names another | nobody is told of the owner's death |
//! | the head does not name the lock | the word is free | another's lock is on two lists |
//! | the word is free | the pending entry is null | nobody is told of the owner's death |
//!
//! (The fourth is kept by the Release with which the word is freed.) What an owner wrote under
//! the lock before it died does not depend on this: the kernel marks the word in the same thread, by an
//! exchange that is a full barrier.
//!
//! Who else might read the list:
//!
//! * Other threads of the process do not. They read the record of the list (`record.rs`) to know whether
//!   memory must stay mapped; that takes Release and Acquire, and is argued there.
//! * Another process can read and write the nodes, which lie in shared memory. It gets no promise, and
//!   what it writes is not believed here; the kernel follows at most 2048 nodes, and changes a word only
//!   if that names the dying thread.
//! * A signal handler runs in the thread, between two instructions, and so finds the list as the kernel
//!   would. One that locks and unlocks puts back what it found but the pending entry, which is null then:
//!   if the thread dies before the interrupted step is over, those who sleep on that lock find out at
//!   the end of a slice, as without a list. (Nor can it wait for a lock that the thread has. It is
//!   unsafe to install one, and as with every lock, it had better take none.)
//! * exec walks the list of the thread that calls it, before the old memory goes; the process's other
//!   threads have died before, each with its own walk. A thread that is not the process's first has that
//!   one's number by then, so the kernel takes its locks for another's: those who sleep find out that
//!   the owner's process does not map the lock any more (`liveness.rs`).
//! * A fork copies the list with the memory. No thread of the child is on it: glibc empties the head of the
//!   one that there is, and `Record::begin_anew` the pending entry.
//! * A debugger sees a thread that is stopped, between two instructions.
//!
//! # Without it
//!
//! An emulator or a sandbox may have no such lists, or not tell where they are. Then each thread keeps
//! its list under a head of this crate's own, at which the kernel never looks, and nothing else
//! changes: that the owner is gone, or that a woken sleeper died before it took the lock, those who
//! sleep find at the end of a slice of 100 ms, as they find what the kernel overlooks elsewhere.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::mem::offset_of;
use std::ptr::{self, NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::sys::real::futex::Futex;

/// How many of glibc's mutexes a list is followed past: the kernel's own limit.
const WALK: u32 = 2048;

/// Where a lock hangs on its owner's list. Lies 24 bytes into the lock.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Node {
    prev: AtomicPtr<Link>,
    pub(super) next: Link,
}

/// A `next` field, which is what the list's pointers point at.
pub(super) type Link = AtomicPtr<LinkEnd>;
/// Keeps `Link` from being a type that contains itself.
#[derive(Debug)]
pub(crate) enum LinkEnd {}

impl Node {
    /// Of the lock with this word, beside which it lies: so the kernel finds that.
    pub(crate) const fn of(_: &Futex) -> Self {
        Node { prev: AtomicPtr::new(null_mut()), next: AtomicPtr::new(null_mut()) }
    }

    /// Whether the kernel finds the lock's word, where these are the offsets of node and word in the lock.
    pub(crate) const fn finds(node: usize, word: usize) -> bool {
        word as libc::c_long == (node + offset_of!(Node, next)) as libc::c_long + OFFSET
    }

    #[inline]
    pub(super) fn link(&self) -> *mut Link {
        ptr::from_ref(&self.next).cast_mut()
    }
}

/// `struct robust_list_head` of the kernel.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Head {
    pub(super) list: Link,
    futex_offset: libc::c_long,
    pub(super) pending: Link,
}

/// Where the word lies, seen from a node's `next`.
const OFFSET: libc::c_long = -32;

impl Head {
    /// One of this crate's own, for a thread that has none of glibc's. It must be emptied first.
    pub(super) const fn new() -> Self {
        let (list, pending) = (AtomicPtr::new(null_mut()), AtomicPtr::new(null_mut()));
        Head { list, futex_offset: OFFSET, pending }
    }

    /// The list's end, which an empty list begins with.
    pub(super) fn base(&self) -> *mut Link {
        ptr::from_ref(&self.list).cast_mut()
    }

    pub(super) fn clear(&self) {
        // Relaxed: by the thread whose list it is; the kernel does not look at a head of ours.
        self.list.store(self.base().cast(), Ordering::Relaxed);
        self.pending.store(null_mut(), Ordering::Relaxed);
    }
}

/// The list head that glibc registered for this thread. `None` where the kernel does not tell (an
/// emulator, a sandbox), or where robust mutexes are laid out otherwise than glibc's.
pub(super) fn robust_list_head() -> Option<NonNull<Head>> {
    let mut head: *mut Head = null_mut();
    let mut size: libc::size_t = 0;
    // SAFETY: the kernel writes one pointer and one size; thread 0 is the caller.
    let asked = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut size) };
    let head = NonNull::new(head).filter(|_| asked == 0 && size == size_of::<Head>())?;
    // SAFETY: the kernel has it as this thread's head, and libc keeps it in the control block.
    let offset = unsafe { head.as_ref() }.futex_offset;
    (offset == OFFSET).then_some(head)
}

/// The entry whose `next` is `node`, looked for from the head of a list on which mutexes of glibc's stand
/// above it. `None` when it is not there.
///
/// # Safety
/// `base` is the head of this thread's list, and every entry before `node` is a mutex of glibc's.
pub(super) unsafe fn find_above(base: *mut Link, node: *mut Link) -> Option<*mut Link> {
    let mut above = base;
    for _ in 0..WALK {
        // Relaxed: this thread's own list, as it has written it.
        // SAFETY: by the caller's promise, the head or a mutex that this thread holds.
        let next = unsafe { (*above).load(Ordering::Relaxed) }.cast::<Link>();
        if next == node {
            return Some(above);
        }
        if next == base || next.is_null() {
            return None;
        }
        // The lowest bit marks a priority-inheriting mutex.
        above = next.map_addr(|addr| addr & !1);
    }
    None
}
