//! The calling thread as the kernel and its peers know it: its number, and the locks it holds.
//!
//! # What is believed
//!
//! The nodes of the robust list (see `robust.rs`) lie in shared memory, so a peer can write
//! anything into them. What this thread has put on its list therefore stands a second time in its
//! [`Record`], in private memory, and the list is mended from there; a node's `next` and `prev` are
//! written for the kernel and for glibc, and never read.
//!
//! That takes that none of glibc's robust mutexes stands under a lock of ours: glibc would take it out
//! by changing our `next`, and nothing else would know. So a lock that is taken while such a mutex is
//! held stays off the list ([`UNLISTED`]); that its owner is gone is for its waiters to find. Those that
//! are taken later stand above ours, and are found by following glibc's own nodes: whoever can write
//! those has glibc's trust.
//!
//! # A thread that ends with a lock
//!
//! In a process that lives, a thread ends with a lock only when its guard was leaked, or dropped too late;
//! and what was reached through a leaked guard (`&'static mut T`) may live on in another thread. The kernel
//! marks the word as that of a dead owner. Whether the lock is free then, its note of the process tells (see
//! `sync/raw_lock/lending.rs`). The thread's record keeps it, so that a fork is refused.
//!
//! # The end of a thread
//!
//! No handler of ours is known to be the last one. A pthread key's may come before those of keys that
//! others have made later; and where std drops its thread-locals by a key of its own, as in a program
//! that is linked statically, before those drops. In all of them there may be guards, and calls of this
//! crate. So nothing ends there: `RECORD` stays as it is, and the record only says that its thread has
//! come to its end. Another thread gets it when the kernel has no thread of that number any more; one that
//! has got the number since only delays it.
//!
//! # The orderings
//!
//! What is Relaxed here is the thread's own: its list, which only the kernel reads when the thread dies
//! (see `robust.rs`: program order is enough, so compiler fences are), and the numbers in its record,
//! which it writes before it uses them. What other threads read of a record has its own reason.
//!
//! # A fork past glibc
//!
//! A thread's number is kept, and read anew in a forked child by a handler (`pthread_atfork`). A bare
//! `clone` runs no handlers: its child takes locks in its parent's name. To ask each time which copy of
//! the memory this is would cost every lock more than it is worth: whoever calls `clone` himself, which
//! is unsafe, promises that the child uses no lock of this crate's.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::Cell;
use std::ops::Range;
use std::ptr::{self, NonNull, null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence};

use crate::sys::real::liveness;
use crate::sys::real::own_entries::OwnEntries;
use crate::sys::real::process_instance::ProcessInstance;
use crate::sys::real::record::{Record, UNLISTED};
use crate::sys::real::robust::{Head, Link, Node, find_above};

/// The owner's number in a lock's word (the kernel's FUTEX_TID_MASK).
pub(super) const OWNER: u32 = libc::FUTEX_TID_MASK;

/// The slot of the record in which a lock stands; never 0.
pub(crate) type Slot = u32;

/// The pthread key that tells the end of a thread, plus 1; 0 until there is one.
///
/// Not a `OnceLock`: a child that is forked while another thread is at the first call would
/// wait for that thread, which it does not have.
static ENDING: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static RECORD: Cell<*const Record> = const { Cell::new(null()) };
}

/// The calling thread. Not `Send`: what it does, it does to this thread's list.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct CurrentThread(NonNull<Record>);

impl CurrentThread {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        match NonNull::new(RECORD.get().cast_mut()) {
            Some(record) => CurrentThread(record),
            None => Self::arrive(),
        }
    }

    #[cold]
    fn arrive() -> Self {
        // Relaxed: the key stands for itself; libc keeps what belongs to it.
        let ending = match ENDING.load(Ordering::Relaxed) {
            0 => register(),
            known => known - 1,
        };
        let record = Record::take();
        // SAFETY: the key is a living one, whose handler takes a record.
        let errno = unsafe { libc::pthread_setspecific(ending, ptr::from_ref(record).cast()) };
        assert_eq!(errno, 0, "no memory left to register what is to be done when a thread ends");
        RECORD.set(record);
        if !record.is_known_to_kernel() {
            tell_of_slow_recovery();
        }
        CurrentThread(NonNull::from(record))
    }

    #[inline]
    fn record(&self) -> &Record {
        // SAFETY: records are never freed.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: the kernel gave the address of this thread's list head, which lives in the
        // thread's control block as long as the thread, and `CurrentThread` does not leave its thread; or it is
        // the record's own, and records are never freed.
        // Relaxed: the thread itself has written it.
        unsafe { &*self.record().head.load(Ordering::Relaxed) }
    }

    /// The number by which the kernel and peers know this thread; below 2^30.
    #[inline]
    pub(crate) fn tid(self) -> u32 {
        // Relaxed: the thread itself has written it.
        self.record().tid.load(Ordering::Relaxed)
    }

    /// The thread's name in private memory; below 2^30, and not 0.
    #[inline]
    pub(crate) fn name(self) -> u32 {
        // Relaxed: the thread itself has written it.
        self.record().name.load(Ordering::Relaxed)
    }

    /// The life of this process.
    #[inline(always)]
    pub(crate) fn life(self) -> u64 {
        self.record().life()
    }

    /// From here to [`CurrentThread::end`], or to the next operation of this thread on any robust lock, the
    /// kernel looks at `node`'s lock too when the thread dies. A lock that was taken may stay the
    /// pending entry while it is held: whether the kernel finds it there or on the list is the
    /// same to it, and a store less before the next atomic instruction is felt.
    ///
    /// Gives the number by which the kernel and peers know this thread.
    #[inline(always)]
    pub(crate) fn begin(self, node: &Node) -> u32 {
        // Relaxed: only the kernel reads it, when this thread has died (see `robust.rs`).
        self.head().pending.store(node.link().cast(), Ordering::Relaxed);
        // SeqCst: it is there before the caller changes the word, or takes the lock off the list.
        compiler_fence(Ordering::SeqCst);
        self.tid()
    }

    /// Ends what [`CurrentThread::begin`] began.
    #[inline(always)]
    pub(crate) fn end(self) {
        // SeqCst: it is there until the caller has changed the word, also by an exchange that is
        // Release, over which a later store may be moved.
        compiler_fence(Ordering::SeqCst);
        // Relaxed: as in `begin`.
        self.head().pending.store(null_mut(), Ordering::Relaxed);
    }

    /// Puts a lock that was just taken on the list. (Of a longer list than 2048 the kernel looks at
    /// the youngest; that the owner of the others is gone is for their waiters to find.)
    #[inline(always)]
    pub(crate) fn link(self, node: &Node) -> Slot {
        let record = self.record();
        // Relaxed: here and below, the thread itself has written it.
        let below = self.head().list.load(Ordering::Relaxed).cast::<Link>();
        let (base, oldest) = (record.early(0), record.early(1));
        if below != base.load(Ordering::Relaxed) || !oldest.load(Ordering::Relaxed).is_null() {
            return self.link_above(node, below);
        }
        // Relaxed: the record was empty, so no lock has moved down that another thread could miss by
        // this (see `Record::holds_in`). Who looks for this one knows that it is held, from this thread.
        oldest.store(node.link(), Ordering::Relaxed);
        self.put(node, below);
        1
    }

    /// This thread holds other locks, or mutexes of glibc's.
    #[inline(never)]
    fn link_above(self, node: &Node, below: *mut Link) -> Slot {
        let record = self.record();
        let slot = record.len() + 1;
        if below == record.listed_below(slot) {
            record.set(slot, node.link());
            self.put(node, below);
        } else {
            // The youngest is a mutex of glibc's. Relaxed: only this thread reads it.
            record.unlisted.store(true, Ordering::Relaxed);
            record.set(slot, node.link().map_addr(|addr| addr | UNLISTED));
        }
        slot
    }

    /// In which slot of its list this thread has the lock. (Whether the lock's word names this thread is
    /// asked in a model, which has no list that knows better.)
    #[inline]
    pub(crate) fn slot_of(self, node: &Node, _: impl FnOnce() -> bool) -> Option<Slot> {
        self.record().place(node.link())
    }

    #[inline(always)]
    fn put(self, node: &Node, below: *mut Link) {
        // Relaxed: here and below, only the kernel reads it, when this thread has died.
        node.next.store(below.cast(), Ordering::Relaxed);
        // SeqCst: the node leads on before it is on the list.
        compiler_fence(Ordering::SeqCst);
        self.head().list.store(node.link().cast(), Ordering::Relaxed);
        // SeqCst: it is on the list before the pending entry becomes another lock, in the next `begin`.
        compiler_fence(Ordering::SeqCst);
    }

    /// Takes the lock off the list that [`CurrentThread::link`] gave a slot. False when this thread did not
    /// put it there: it is a copy that a fork made.
    #[inline(always)]
    pub(crate) fn unlink(self, node: &Node, slot: Slot) -> bool {
        let (record, head) = (self.record(), self.head());
        let own = record.early(slot);
        // The slot is outdated once an older lock went first: then look for it.
        // Relaxed: here and below, the thread itself has written it.
        if own.load(Ordering::Relaxed) != node.link()
            || head.list.load(Ordering::Relaxed).cast() != node.link()
            || record.unlisted.load(Ordering::Relaxed)
        {
            return self.unlink_slow(node.link());
        }
        let below = record.early(slot - 1).load(Ordering::Relaxed);
        // Relaxed: only the kernel reads it, when this thread has died.
        head.list.store(below.cast(), Ordering::Relaxed);
        // SeqCst: off the list before it is off the record, which is what keeps its memory mapped.
        compiler_fence(Ordering::SeqCst);
        // Release: see `Record::holds_in`.
        own.store(null_mut(), Ordering::Release);
        true
    }

    /// A lock that is not the youngest, or not on the list, or has mutexes of glibc's above it.
    #[cold]
    fn unlink_slow(self, link: *mut Link) -> bool {
        let record = self.record();
        let Some(place) = record.place(link) else { return false };
        if record.is_listed(place) {
            let above = record.listed_above(place).or_else(|| {
                // SAFETY: what stands above the youngest lock of ours is glibc's.
                unsafe { find_above(record.node(0), link) }
            });
            if let Some(above) = above {
                let below = record.listed_below(place);
                // Relaxed: as in `unlink`.
                // SAFETY: the head, or a lock or mutex that this thread holds and that is mapped.
                unsafe { (*above).store(below.cast(), Ordering::Relaxed) };
            }
            // SeqCst: as in `unlink`.
            compiler_fence(Ordering::SeqCst);
        }
        record.remove(place);
        true
    }

    /// How many locks in shared memory the threads of this process hold. What else stands on the calling
    /// thread's list, a lock of another copy of this crate or a robust mutex of glibc's, counts as one.
    pub(crate) fn held() -> usize {
        // Also those that threads have left locked which are gone. Whoever must not miss a lock, before a
        // fork, is the only thread: the system has told it that the others have ended.
        let current = CurrentThread::current();
        let held: u32 = Record::all().map(Record::len).sum();
        let others = u32::from(current.lists_others());
        (held + others) as usize
    }

    /// Whether anything but this crate's locks stands on the thread's list: then it stands above those.
    fn lists_others(self) -> bool {
        // Relaxed: this thread's own list.
        let youngest = self.head().list.load(Ordering::Relaxed).cast::<Link>();
        youngest != self.record().listed_below(self.record().len() + 1)
    }

    /// Whether any thread of this process has a lock in `range` on its list: then the memory
    /// must stay mapped, for the kernel and for that list's neighbours.
    pub(crate) fn holds_in(range: Range<usize>) -> bool {
        Record::all().any(|record| record.holds_in(&range))
    }

    /// Whether the thread with that number cannot hold the lock any more: it has ended, or (where
    /// that is to be looked at too, which costs as much as the processes have mapped) its process
    /// does not map the lock.
    pub(crate) fn is_dead(tid: u32, node: &Node, look_closely: bool) -> bool {
        liveness::has_ended(tid)
            || look_closely && liveness::no_longer_maps(tid, node.link().addr())
    }

    /// Whether no thread of the process of that life can use the lock's memory any more: it has ended
    /// whole, or (where that is to be looked at too) does not map the memory.
    pub(crate) fn has_left(life: u64, node: &Node, look_closely: bool) -> bool {
        ProcessInstance::has_exited(life)
            || look_closely
                && life != ProcessInstance::current()
                && liveness::no_longer_maps(ProcessInstance::pid(life), node.link().addr())
    }

    /// What glibc's `fork` does in a child by itself, in one that was made otherwise and has one thread.
    pub(crate) fn after_fork() {
        after_fork_in_child();
    }

    /// The number of this process, as of a thread.
    pub(crate) fn process() -> u32 {
        rustix::process::getpid().as_raw_nonzero().get() as u32
    }
}

/// Says once that the kernel keeps no list of this process's locks.
#[cold]
fn tell_of_slow_recovery() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    // Relaxed: it carries nothing. Before the logger is called, which may lock.
    if !TOLD.swap(true, Ordering::Relaxed) {
        log::warn!(
            "the system call get_robust_list is not to be had: that a process died with a lock, \
             whoever waits for it notices only after 100 to 200 ms"
        );
    }
}

/// The thread has come to its end: its record is another's once the thread is gone. Until then it is this
/// one's: handlers of other keys, and drops that are run by such, may still come, drop guards and lock.
unsafe extern "C" fn at_thread_end(record: *mut libc::c_void) {
    // SAFETY: the key's value is the thread's record, and records are never freed.
    let Some(record) = (unsafe { record.cast::<Record>().as_ref() }) else { return };
    // Relaxed: the thread itself has written it.
    let tid = record.tid.load(Ordering::Relaxed);
    // Release: pairs with the Acquire in `Record::claim`.
    record.ending.store(tid, Ordering::Release);
}

/// Sees to it that the ends of threads and forks are noticed; gives the key of the former. Threads
/// that come here at once all register the handler of forks, which may well run more than once, and
/// agree on a key.
fn register() -> libc::pthread_key_t {
    // SAFETY: the handler touches only the shim's atomics and a const thread-local.
    let errno = unsafe { libc::pthread_atfork(None, None, Some(after_fork_in_child)) };
    assert_eq!(errno, 0, "no memory left to register a fork handler");
    let mut key = 0;
    // SAFETY: there is room for a key; the handler is given the thread's record.
    let errno = unsafe { libc::pthread_key_create(&mut key, Some(at_thread_end)) };
    assert_eq!(errno, 0, "no key left to register what is to be done when a thread ends");
    // Relaxed: as in `arrive`.
    match ENDING.compare_exchange(0, key + 1, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => key,
        Err(other) => {
            // SAFETY: just made, and no thread has set anything under it.
            unsafe { libc::pthread_key_delete(key) };
            other - 1
        }
    }
}

/// The child has one thread, with a new number and an empty list; it owns no lock, even where
/// its memory holds a copy of a guard.
extern "C" fn after_fork_in_child() {
    Record::all().for_each(Record::free);
    // SAFETY: records are never freed.
    if let Some(record) = unsafe { RECORD.get().as_ref() } {
        record.begin_anew();
    }
    OwnEntries::forget();
}
