//! The calling thread as the kernel knows it: its number, and the list of locks it holds.
//!
//! # The robust list
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
//! # What is believed
//!
//! A node lies in shared memory, so a peer can write anything into it. What this thread has put
//! on the list therefore stands a second time in its [`Record`], in private memory, and the list
//! is mended from there; `next` and `prev` are written for the kernel and for glibc, and read
//! only when glibc's own mutexes stand among ours, since nothing else knows their place.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::Cell;
use std::ops::Range;
use std::ptr::{self, NonNull, null, null_mut};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering, compiler_fence};

use rustix::io::Errno;
use rustix::thread::gettid;

/// Locks that one thread can have on its list at once. What is locked beyond that is found by
/// its waiters all the same when the thread dies, only later: they look every 100 ms.
const HELD: usize = 32;

/// How far a list that is not ours alone is followed: the kernel's own limit.
const WALK: usize = 2048;

/// Where a lock hangs on its owner's list. Lies 24 bytes into the lock.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Node {
    prev: AtomicPtr<Link>,
    next: Link,
}

/// A `next` field, which is what the list's pointers point at.
type Link = AtomicPtr<LinkEnd>;
/// Keeps `Link` from being a type that contains itself.
#[derive(Debug)]
pub(crate) enum LinkEnd {}

impl Node {
    pub(crate) const fn new() -> Self {
        Node { prev: AtomicPtr::new(null_mut()), next: AtomicPtr::new(null_mut()) }
    }

    fn link(&self) -> *mut Link {
        ptr::from_ref(&self.next).cast_mut()
    }
}

/// `struct robust_list_head` of the kernel.
#[repr(C)]
struct Head {
    list: Link,
    futex_offset: libc::c_long,
    pending: Link,
}

/// What this thread has put on its list, youngest last. Slot 0 is the list's head.
struct Record {
    tid: AtomicU32,
    head: AtomicPtr<Head>,
    len: AtomicUsize,
    held: [Held; HELD + 1],
    /// Whether a living thread uses this record.
    taken: AtomicBool,
    /// The next record of the process; records are never freed, but used again.
    next: AtomicPtr<Record>,
}

struct Held {
    node: AtomicPtr<Link>,
    /// What the node's `next` was when it went on the list.
    below: AtomicPtr<Link>,
}

static RECORDS: AtomicPtr<Record> = AtomicPtr::new(null_mut());

thread_local! {
    static RECORD: Cell<*const Record> = const { Cell::new(null()) };
    static LEAVING: Leaving = const { Leaving };
}

/// The calling thread. Not `Send`: what it does, it does to this thread's list.
#[derive(Clone, Copy)]
pub(crate) struct Me(NonNull<Record>);

impl Me {
    #[inline]
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

    fn record(&self) -> &Record {
        // SAFETY: records are never freed.
        unsafe { self.0.as_ref() }
    }

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

    /// From here to [`Me::end`], the kernel looks at `node`'s lock too when the thread dies.
    #[inline]
    pub(crate) fn begin(self, node: &Node) {
        self.head().pending.store(node.link().cast(), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Ends what [`Me::begin`] began.
    #[inline]
    pub(crate) fn end(self) {
        compiler_fence(Ordering::SeqCst);
        self.head().pending.store(null_mut(), Ordering::Relaxed);
    }

    /// Puts a lock that was just taken on the list. False when the list is full.
    #[inline]
    pub(crate) fn link(self, node: &Node) -> bool {
        let (record, head) = (self.record(), self.head());
        let len = record.len.load(Ordering::Relaxed) + 1;
        let Some(slot) = record.held.get(len) else { return false };
        let below = head.list.load(Ordering::Relaxed).cast::<Link>();
        slot.node.store(node.link(), Ordering::Relaxed);
        slot.below.store(below, Ordering::Relaxed);
        record.len.store(len, Ordering::Relaxed);
        node.next.store(below.cast(), Ordering::Relaxed);
        if below != record.held[len - 1].node.load(Ordering::Relaxed) {
            // SAFETY: not ours and not the head, so a mutex of glibc's that this thread holds.
            unsafe { set_prev(below, node.link()) };
        }
        compiler_fence(Ordering::SeqCst);
        head.list.store(node.link().cast(), Ordering::Relaxed);
        true
    }

    /// Takes a lock off the list. False when this thread did not put it there.
    #[inline]
    pub(crate) fn unlink(self, node: &Node) -> bool {
        let (record, head) = (self.record(), self.head());
        let len = record.len.load(Ordering::Relaxed);
        if len > 0 && len <= HELD && record.held[len].node.load(Ordering::Relaxed) == node.link() {
            let below = record.held[len].below.load(Ordering::Relaxed);
            if head.list.load(Ordering::Relaxed).cast() == node.link()
                && below == record.held[len - 1].node.load(Ordering::Relaxed)
            {
                head.list.store(below.cast(), Ordering::Relaxed);
                compiler_fence(Ordering::SeqCst);
                record.len.store(len - 1, Ordering::Relaxed);
                return true;
            }
        }
        self.unlink_slow(node)
    }

    /// A lock that is not the youngest, or has mutexes of glibc's beside it.
    #[cold]
    fn unlink_slow(self, node: &Node) -> bool {
        let (record, head) = (self.record(), self.head());
        let len = record.len.load(Ordering::Relaxed);
        let node_at = |i: usize| record.held[i].node.load(Ordering::Relaxed);
        let below_at = |i: usize| record.held[i].below.load(Ordering::Relaxed);
        let Some(place) = (1..=len).find(|&i| node_at(i) == node.link()) else { return false };

        let ours_alone = head.list.load(Ordering::Relaxed).cast() == node_at(len)
            && (1..=len).all(|i| below_at(i) == node_at(i - 1));
        if ours_alone {
            let below = below_at(place);
            if place == len {
                head.list.store(below.cast(), Ordering::Relaxed);
            } else {
                // SAFETY: a lock that this thread holds: its memory is mapped (`holds_in`).
                unsafe { (*node_at(place + 1)).store(below.cast(), Ordering::Relaxed) };
            }
        } else {
            // SAFETY: every entry is a lock of this thread or a mutex of glibc's that it holds.
            unsafe { unlink_among_others(head, node) };
        }
        compiler_fence(Ordering::SeqCst);
        let below = below_at(place);
        for i in place..len {
            record.held[i].node.store(node_at(i + 1), Ordering::Relaxed);
            let under = if i == place { below } else { below_at(i + 1) };
            record.held[i].below.store(under, Ordering::Relaxed);
        }
        record.len.store(len - 1, Ordering::Relaxed);
        true
    }

    /// Whether any thread of this process has a lock in `range` on its list: then the memory
    /// must stay mapped, for the kernel and for that list's neighbours.
    pub(crate) fn holds_in(range: Range<usize>) -> bool {
        Record::all().any(|record| {
            let len = record.len.load(Ordering::Relaxed).min(HELD);
            record.held[1..=len]
                .iter()
                .any(|held| range.contains(&held.node.load(Ordering::Relaxed).addr()))
        })
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
            let held = [const {
                Held { node: AtomicPtr::new(null_mut()), below: AtomicPtr::new(null_mut()) }
            }; HELD + 1];
            let record: &'static Record = Box::leak(Box::new(Record {
                tid: AtomicU32::new(0),
                head: AtomicPtr::new(null_mut()),
                len: AtomicUsize::new(0),
                held,
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
        record.len.store(0, Ordering::Relaxed);
        // SAFETY: the head was just given by the kernel for this thread.
        let base = unsafe { ptr::from_ref(&(*head).list).cast_mut() };
        record.held[0].node.store(base, Ordering::Relaxed);
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
        if record.len.load(Ordering::Relaxed) == 0 {
            // Release: pairs with the Acquire in `take`.
            record.taken.store(false, Ordering::Release);
        }
    }
}

/// The child has one thread, with a new number and an empty list; it owns no lock, even where
/// its memory holds a copy of a guard.
extern "C" fn after_fork_in_child() {
    for record in Record::all() {
        record.len.store(0, Ordering::Relaxed);
        record.taken.store(false, Ordering::Relaxed);
    }
    // SAFETY: records are never freed.
    if let Some(record) = unsafe { RECORD.get().as_ref() } {
        record.taken.store(true, Ordering::Relaxed);
        record.tid.store(gettid().as_raw_nonzero().get() as u32, Ordering::Relaxed);
    }
}

/// The list head that glibc registered for this thread.
fn robust_list_head() -> *mut Head {
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
unsafe fn set_prev(link: *mut Link, prev: *mut Link) {
    // SAFETY: glibc keeps `prev` in the word before `next`; the low bit of a pointer marks a
    // priority-inheriting mutex.
    unsafe {
        let link = link.map_addr(|addr| addr & !1);
        (*link.cast::<AtomicPtr<Link>>().sub(1)).store(prev, Ordering::Relaxed);
    }
}

/// Takes `node` out of a list that holds mutexes of glibc's too, as glibc would.
///
/// # Safety
/// Every entry of the list is a lock or a mutex that this thread holds.
unsafe fn unlink_among_others(head: &Head, node: &Node) {
    let base = ptr::from_ref(&head.list).cast_mut();
    let below = node.next.load(Ordering::Relaxed).cast::<Link>();
    let mut above = base;
    for _ in 0..WALK {
        // SAFETY: the head or an entry, by the caller's promise.
        let next = unsafe { (*above).load(Ordering::Relaxed) }.cast::<Link>();
        if next == node.link() {
            // SAFETY: as above; `set_prev` writes into an entry, never into the head.
            unsafe {
                (*above).store(below.cast(), Ordering::Relaxed);
                if below != base {
                    set_prev(below, above);
                }
            }
            return;
        }
        if next == base || next.is_null() {
            return;
        }
        above = next.map_addr(|addr| addr & !1);
    }
}
