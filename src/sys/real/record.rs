//! What a thread knows of itself, in private memory: its numbers, and the locks on its list.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use rustix::thread::gettid;

use crate::sys::real::robust::{Head, Link, robust_list_head};
use crate::sys::real::thread::{OWNER, Slot};

/// Locks that one thread can have on its list at once. What is locked beyond that carries the
/// number of the process, and is found by its waiters all the same when that dies, only later: they
/// look every 100 ms.
pub(super) const HELD: u32 = 31;

/// What this thread has put on its list.
pub(super) struct Record {
    pub(super) head: AtomicPtr<Head>,
    pub(super) tid: AtomicU32,
    /// The thread's name in private memory, which a fork copies: there the thread stays the owner
    /// of what it holds, whatever its new number.
    pub(super) name: AtomicU32,
    /// Locks in shared memory that it holds and that are not on the list.
    pub(super) unlisted: AtomicU32,
    /// Whether mutexes of glibc's stand among the locks, or under them.
    pub(super) mixed: AtomicBool,
    /// Whether a living thread uses this record.
    pub(super) taken: AtomicBool,
    /// Slot 0 is the list's head; then come the locks, oldest first, and null after the youngest.
    held: [AtomicPtr<Link>; HELD as usize + 1],
    /// The next record of the process; records are never freed, but used again.
    next: AtomicPtr<Record>,
}

static RECORDS: AtomicPtr<Record> = AtomicPtr::new(null_mut());

impl Record {
    #[inline]
    pub(super) fn slot(&self, i: u32) -> &AtomicPtr<Link> {
        // `i` is at most HELD, so the mask only spares the check.
        &self.held[(i & HELD) as usize]
    }

    #[inline]
    pub(super) fn node(&self, i: u32) -> *mut Link {
        self.slot(i).load(Ordering::Relaxed)
    }

    /// How many locks it holds.
    pub(super) fn len(&self) -> u32 {
        (1..=HELD).find(|&i| self.node(i).is_null()).map_or(HELD, |free| free - 1)
    }

    /// In which slot the lock stands.
    pub(super) fn place(&self, link: *mut Link) -> Option<Slot> {
        (1..=self.len()).rfind(|&i| self.node(i) == link)
    }

    pub(super) fn forget(&self) {
        self.unlisted.store(0, Ordering::Relaxed);
        (1..=HELD).for_each(|i| self.slot(i).store(null_mut(), Ordering::Relaxed));
        self.mixed.store(false, Ordering::Relaxed);
    }

    /// All records of the process.
    pub(super) fn all() -> impl Iterator<Item = &'static Record> {
        // Acquire: pairs with the Release in `take`; carries the record's first contents.
        let first = RECORDS.load(Ordering::Acquire);
        // SAFETY: records are never freed, and linked for good.
        std::iter::successors(unsafe { first.as_ref() }, |record| unsafe {
            record.next.load(Ordering::Relaxed).as_ref()
        })
    }

    /// A record for the calling thread: one that is free, or a new one.
    pub(super) fn take() -> &'static Record {
        let free = Record::all().find(|record| {
            // Acquire: pairs with the Release in `at_thread_end`; the last user is done with it.
            record.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        });
        let record = free.unwrap_or_else(|| {
            let record: &'static Record = Box::leak(Box::new(Record {
                head: AtomicPtr::new(null_mut()),
                tid: AtomicU32::new(0),
                name: AtomicU32::new(0),
                unlisted: AtomicU32::new(0),
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
        // Names come round again after 2^30 threads; they only tell who would wait for itself.
        static NAMES: AtomicU32 = AtomicU32::new(0);
        let name = NAMES.fetch_add(1, Ordering::Relaxed) % (OWNER - 1) + 1;
        record.name.store(name, Ordering::Relaxed);
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
