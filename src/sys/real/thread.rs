//! The calling thread as the kernel and its peers know it: its number, and the locks it holds.
//!
//! # What is believed
//!
//! The nodes of the robust list (see `robust.rs`) lie in shared memory, so a peer can write
//! anything into them. What this thread has put on its list therefore stands a second time in its
//! [`Record`], in private memory, and the list is mended from there; `next` and `prev` are written
//! for the kernel and for glibc, and read only when glibc's own mutexes stand among ours, since
//! nothing else knows their place.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::Cell;
use std::ops::Range;
use std::ptr::{self, NonNull, null, null_mut};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, compiler_fence};

use rustix::thread::gettid;

use super::robust::{Head, Link, Node, find_above, robust_list_head, set_prev};

/// Locks that one thread can have on its list at once. What is locked beyond that is found by
/// its waiters all the same when the thread dies, only later: they look every 100 ms.
const HELD: u32 = 31;

/// What this thread has put on its list.
struct Record {
    head: AtomicPtr<Head>,
    tid: AtomicU32,
    /// Whether mutexes of glibc's stand among the locks, or under them.
    mixed: AtomicBool,
    /// Whether a living thread uses this record.
    taken: AtomicBool,
    /// Slot 0 is the list's head; then come the locks, oldest first, and null after the youngest.
    held: [AtomicPtr<Link>; HELD as usize + 1],
    /// The next record of the process; records are never freed, but used again.
    next: AtomicPtr<Record>,
}

/// The slot of the record in which a lock stands; 0 for a lock that stands in none.
pub(crate) type Slot = u32;

static RECORDS: AtomicPtr<Record> = AtomicPtr::new(null_mut());

thread_local! {
    static RECORD: Cell<*const Record> = const { Cell::new(null()) };
    static LEAVING: Leaving = const { Leaving };
}

/// The calling thread. Not `Send`: what it does, it does to this thread's list.
#[derive(Clone, Copy)]
pub(crate) struct Me(NonNull<Record>);

impl Me {
    #[inline(always)]
    pub(crate) fn current() -> Self {
        match NonNull::new(RECORD.get().cast_mut()) {
            Some(record) => Me(record),
            None => Self::arrive(),
        }
    }

    #[cold]
    fn arrive() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the handler touches only this module's atomics and a const thread-local.
            let errno = unsafe { libc::pthread_atfork(None, None, Some(after_fork_in_child)) };
            assert_eq!(errno, 0, "no memory left to register a fork handler");
        });
        let record = Record::take();
        RECORD.set(record);
        // When the thread's locals are gone already, its record stays taken: a small leak.
        let _ = LEAVING.try_with(|_| ());
        Me(NonNull::from(record))
    }

    #[inline]
    fn record(&self) -> &Record {
        // SAFETY: records are never freed.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: the kernel gave the address of this thread's list head, which lives in the
        // thread's control block as long as the thread; `Me` does not leave its thread.
        unsafe { &*self.record().head.load(Ordering::Relaxed) }
    }

    /// The number by which the kernel and peers know this thread; below 2^30.
    #[inline]
    pub(crate) fn tid(self) -> u32 {
        self.record().tid.load(Ordering::Relaxed)
    }

    /// From here to [`Me::end`], or to the next operation of this thread on any robust lock, the
    /// kernel looks at `node`'s lock too when the thread dies. A lock that was taken may stay the
    /// pending entry while it is held: whether the kernel finds it there or on the list is the
    /// same to it, and a store less before the next atomic instruction is felt.
    #[inline(always)]
    pub(crate) fn begin(self, node: &Node) {
        self.head().pending.store(node.link().cast(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Ends what [`Me::begin`] began.
    #[inline(always)]
    pub(crate) fn end(self) {
        compiler_fence(Ordering::SeqCst);
        self.head().pending.store(null_mut(), Ordering::Relaxed);
    }

    /// Puts a lock that was just taken on the list, if there is room.
    #[inline(always)]
    pub(crate) fn link(self, node: &Node) -> Slot {
        let record = self.record();
        let below = self.head().list.load(Ordering::Relaxed).cast::<Link>();
        if below != record.node(0) || !record.node(1).is_null() {
            return self.link_above(node, below);
        }
        self.put(node, 1, below);
        1
    }

    /// This thread holds other locks, or mutexes of glibc's.
    #[inline(never)]
    fn link_above(self, node: &Node, below: *mut Link) -> Slot {
        let record = self.record();
        let len = record.len();
        if len == HELD {
            self.end();
            return 0;
        }
        if below != record.node(len) {
            record.mixed.store(true, Ordering::Relaxed);
            // SAFETY: neither ours nor the head, so a mutex of glibc's that this thread holds.
            unsafe { set_prev(below, node.link()) };
        }
        self.put(node, len + 1, below);
        len + 1
    }

    #[inline(always)]
    fn put(self, node: &Node, slot: Slot, below: *mut Link) {
        self.record().slot(slot).store(node.link(), Ordering::Relaxed);
        node.next.store(below.cast(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        self.head().list.store(node.link().cast(), Ordering::Relaxed);
    }

    /// Takes the lock off the list that [`Me::link`] gave a slot. False when this thread did not
    /// put it there: it is a copy that a fork made.
    #[inline(always)]
    pub(crate) fn unlink(self, node: &Node, slot: Slot) -> bool {
        let (record, head) = (self.record(), self.head());
        // The slot is outdated once an older lock went first: then look for it.
        if record.node(slot) != node.link()
            || head.list.load(Ordering::Relaxed).cast() != node.link()
            || record.mixed.load(Ordering::Relaxed)
        {
            return self.unlink_slow(node);
        }
        head.list.store(record.node(slot - 1).cast(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        record.slot(slot).store(null_mut(), Ordering::Relaxed);
        true
    }

    /// A lock that is not the youngest, or has mutexes of glibc's beside it.
    #[cold]
    fn unlink_slow(self, node: &Node) -> bool {
        let record = self.record();
        let len = record.len();
        let Some(place) = (1..=len).rfind(|&i| record.node(i) == node.link()) else { return false };
        let mixed = record.mixed.load(Ordering::Relaxed);
        let base = record.node(0);
        let above = if mixed || place == len {
            // SAFETY: what stands above our youngest lock, or among ours, is glibc's.
            unsafe { find_above(base, node.link()) }
        } else {
            Some(record.node(place + 1))
        };
        let below =
            if mixed { node.next.load(Ordering::Relaxed).cast() } else { record.node(place - 1) };
        if let Some(above) = above {
            // SAFETY: the head, or a lock or mutex that this thread holds and that is mapped.
            unsafe { (*above).store(below.cast(), Ordering::Relaxed) };
            if mixed && below != base {
                // SAFETY: an entry, ours or glibc's: both have `prev` there.
                unsafe { set_prev(below, above) };
            }
        }
        compiler_fence(Ordering::SeqCst);
        for i in place..len {
            record.slot(i).store(record.node(i + 1), Ordering::Relaxed);
        }
        record.slot(len).store(null_mut(), Ordering::Relaxed);
        record.mixed.store(mixed && len > 1, Ordering::Relaxed);
        true
    }

    /// How many locks this thread has on its list.
    pub(crate) fn held(self) -> usize {
        self.record().len() as usize
    }

    /// Whether any thread of this process has a lock in `range` on its list: then the memory
    /// must stay mapped, for the kernel and for that list's neighbours.
    pub(crate) fn holds_in(range: Range<usize>) -> bool {
        Record::all()
            .any(|record| (1..=record.len()).any(|i| range.contains(&record.node(i).addr())))
    }

    /// Whether no thread of the machine has the number `tid` (as this PID namespace counts).
    pub(crate) fn is_gone(tid: u32) -> bool {
        // SAFETY: signal 0 is only asked about, never sent.
        let asked = unsafe { libc::syscall(libc::SYS_tkill, tid, 0) };
        asked == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
    }

    /// Whether no thread of this process has the number `tid`.
    pub(crate) fn is_gone_here(tid: u32) -> bool {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        // SAFETY: signal 0 is only asked about, never sent.
        let asked = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) };
        asked == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
    }
}

impl Record {
    #[inline]
    fn slot(&self, i: u32) -> &AtomicPtr<Link> {
        // `i` is at most HELD, so the mask only spares the check.
        &self.held[(i & HELD) as usize]
    }

    #[inline]
    fn node(&self, i: u32) -> *mut Link {
        self.slot(i).load(Ordering::Relaxed)
    }

    /// How many locks it holds.
    fn len(&self) -> u32 {
        (1..=HELD).find(|&i| self.node(i).is_null()).map_or(HELD, |free| free - 1)
    }

    fn forget(&self) {
        (1..=HELD).for_each(|i| self.slot(i).store(null_mut(), Ordering::Relaxed));
        self.mixed.store(false, Ordering::Relaxed);
    }

    /// All records of the process.
    fn all() -> impl Iterator<Item = &'static Record> {
        // Acquire: pairs with the Release in `take`; carries the record's first contents.
        let first = RECORDS.load(Ordering::Acquire);
        // SAFETY: records are never freed, and linked for good.
        std::iter::successors(unsafe { first.as_ref() }, |record| unsafe {
            record.next.load(Ordering::Relaxed).as_ref()
        })
    }

    /// A record for the calling thread: one that is free, or a new one.
    fn take() -> &'static Record {
        let free = Record::all().find(|record| {
            // Acquire: pairs with the Release in `Leaving::drop`; the last user is done with it.
            record.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        });
        let record = free.unwrap_or_else(|| {
            let record: &'static Record = Box::leak(Box::new(Record {
                head: AtomicPtr::new(null_mut()),
                tid: AtomicU32::new(0),
                mixed: AtomicBool::new(false),
                held: [const { AtomicPtr::new(null_mut()) }; HELD as usize + 1],
                taken: AtomicBool::new(true),
                next: AtomicPtr::new(null_mut()),
            }));
            let mut first = RECORDS.load(Ordering::Relaxed);
            loop {
                record.next.store(first, Ordering::Relaxed);
                let mine = ptr::from_ref(record).cast_mut();
                // Release: pairs with the Acquire in `all`.
                match RECORDS.compare_exchange(first, mine, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => break record,
                    Err(newer) => first = newer,
                }
            }
        });
        let head = robust_list_head();
        record.tid.store(gettid().as_raw_nonzero().get() as u32, Ordering::Relaxed);
        record.head.store(head, Ordering::Relaxed);
        record.forget();
        // SAFETY: the head was just given by the kernel for this thread.
        let base = unsafe { ptr::from_ref(&(*head).list).cast_mut() };
        record.slot(0).store(base, Ordering::Relaxed);
        record
    }
}

/// Gives the thread's record back when the thread ends.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        let record = RECORD.replace(null());
        // SAFETY: records are never freed.
        let Some(record) = (unsafe { record.as_ref() }) else { return };
        // A thread that ends with a leaked guard still has its lock on the list when the kernel
        // walks it: its record stays as it is, so that the memory stays mapped.
        if record.len() == 0 {
            // Release: pairs with the Acquire in `take`.
            record.taken.store(false, Ordering::Release);
        }
    }
}

/// The child has one thread, with a new number and an empty list; it owns no lock, even where
/// its memory holds a copy of a guard.
extern "C" fn after_fork_in_child() {
    for record in Record::all() {
        record.forget();
        record.taken.store(false, Ordering::Relaxed);
    }
    // SAFETY: records are never freed.
    if let Some(record) = unsafe { RECORD.get().as_ref() } {
        record.taken.store(true, Ordering::Relaxed);
        record.tid.store(gettid().as_raw_nonzero().get() as u32, Ordering::Relaxed);
    }
}
