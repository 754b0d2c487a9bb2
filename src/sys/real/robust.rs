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
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::io::Errno;

use crate::sys::real::word::Word;

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
    pub(crate) const fn of(_: &Word) -> Self {
        Node { prev: AtomicPtr::new(null_mut()), next: AtomicPtr::new(null_mut()) }
    }

    #[inline]
    pub(super) fn link(&self) -> *mut Link {
        ptr::from_ref(&self.next).cast_mut()
    }
}

/// `struct robust_list_head` of the kernel.
#[repr(C)]
pub(super) struct Head {
    pub(super) list: Link,
    futex_offset: libc::c_long,
    pub(super) pending: Link,
}

/// The list head that glibc registered for this thread.
pub(super) fn robust_list_head() -> *mut Head {
    let mut head: *mut Head = null_mut();
    let mut size: libc::size_t = 0;
    // SAFETY: the kernel writes one pointer and one size; thread 0 is the caller.
    let asked = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut size) };
    assert!(
        asked == 0 && !head.is_null() && size == size_of::<Head>(),
        "the kernel gives no robust list for this thread: {}",
        Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::NOSYS)
    );
    // SAFETY: the kernel has it as this thread's head, and glibc keeps it in the control block.
    let offset = unsafe { (*head).futex_offset };
    assert_eq!(offset, -32, "this libc lays its robust mutexes out unlike glibc; use glibc");
    head
}

/// # Safety
/// `link` is an entry of this thread's list that belongs to a glibc mutex.
pub(super) unsafe fn set_prev(link: *mut Link, prev: *mut Link) {
    // SAFETY: glibc keeps `prev` in the word before `next`; the low bit of a pointer marks a
    // priority-inheriting mutex.
    unsafe {
        let link = link.map_addr(|addr| addr & !1);
        (*link.cast::<AtomicPtr<Link>>().sub(1)).store(prev, Ordering::Relaxed);
    }
}

/// The entry whose `next` is `node`, looked for from the head of a list that glibc's mutexes and
/// `ours` locks are on. `None` when it is not there.
///
/// # Safety
/// `base` is the head of this thread's list, and every entry before `node` can be read.
pub(super) unsafe fn find_above(base: *mut Link, node: *mut Link, ours: u32) -> Option<*mut Link> {
    let mut above = base;
    for _ in 0..WALK + ours {
        // SAFETY: by the caller's promise.
        let next = unsafe { (*above).load(Ordering::Relaxed) }.cast::<Link>();
        if next == node {
            return Some(above);
        }
        if next == base || next.is_null() {
            return None;
        }
        above = next.map_addr(|addr| addr & !1);
    }
    None
}
