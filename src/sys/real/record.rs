//! What a thread knows of itself, in private memory: its numbers, and the locks on its list.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ops::Range;
use std::ptr::{self, NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use rustix::thread::gettid;

use crate::sys::Life;
use crate::sys::real::gone;
use crate::sys::real::robust::{Head, Link, robust_list_head};
use crate::sys::real::thread::{OWNER, Slot};

/// In the slot of a lock that is held, but not on the list that the kernel follows.
pub(super) const UNLISTED: usize = 1;

/// What stands in `ending` as long as the record's thread has not come to its end.
pub(super) const IN_USE: u32 = 0;

/// What stands there when no thread of this process has the record.
const FREE: u32 = u32::MAX;

/// Locks for which a record has room from the start; it grows as a thread holds more at once.
const HELD: usize = 32;

/// What this thread has put on its list. The thread alone writes it, and reads it Relaxed; what other
/// threads read of it is said where they do: [`Record::holds_in`], [`Record::new_name`].
pub(super) struct Record {
    /// The head of the thread's list: glibc's, or `own`.
    pub(super) head: AtomicPtr<Head>,
    /// What a thread has for which the kernel keeps no list.
    own: Head,
    pub(super) tid: AtomicU32,
    /// The thread's name in private memory, which a fork copies: there the thread stays the owner
    /// of what it holds, whatever its new number.
    pub(super) name: AtomicU32,
    /// Whether any of the locks is not on the list.
    pub(super) unlisted: AtomicBool,
    /// The life of the process; 0 until it is asked for.
    life: AtomicU64,
    /// [`IN_USE`], [`FREE`], or the number of the thread that has come to its end with this record,
    /// and may still use it as long as there is a thread of that number.
    pub(super) ending: AtomicU32,
    /// Slot 0 is the list's head; then come the locks, oldest first, each on the list or with
    /// [`UNLISTED`], and null after the youngest.
    held: [AtomicPtr<Link>; HELD],
    /// The slots after those.
    more: AtomicPtr<More>,
    /// The next record of the process; records are never freed, but used again.
    next: AtomicPtr<Record>,
}

/// More slots: as many as there are before them. Never freed, as the record.
struct More {
    held: Box<[AtomicPtr<Link>]>,
    more: AtomicPtr<More>,
}

static RECORDS: AtomicPtr<Record> = AtomicPtr::new(null_mut());

impl Record {
    /// One of the first slots, without a look at how many there are: number `i`, or one that lies
    /// as many times [`HELD`] before it. A lock stands in one slot only, so whoever finds it in
    /// this one has found the right one.
    #[inline]
    pub(super) fn early(&self, i: u32) -> &AtomicPtr<Link> {
        // The mask only spares the check.
        &self.held[i as usize % HELD]
    }

    fn slot(&self, i: u32) -> Option<&AtomicPtr<Link>> {
        let i = i as usize;
        self.held.get(i).or_else(|| self.later(i - HELD))
    }

    #[cold]
    fn later(&self, mut i: usize) -> Option<&AtomicPtr<Link>> {
        let mut next = &self.more;
        loop {
            // Acquire: pairs with the Release in `grow`; carries the slots' first contents.
            // SAFETY: what is there is never freed.
            let more = unsafe { next.load(Ordering::Acquire).as_ref() }?;
            if let Some(slot) = more.held.get(i) {
                return Some(slot);
            }
            i -= more.held.len();
            next = &more.more;
        }
    }

    /// What stands in the slot, on the list or not; null also where there is no such slot.
    pub(super) fn node(&self, i: u32) -> *mut Link {
        self.entry(i).map_addr(|addr| addr & !UNLISTED)
    }

    fn entry(&self, i: u32) -> *mut Link {
        // Acquire: see `holds_in`.
        self.slot(i).map_or(null_mut(), |slot| slot.load(Ordering::Acquire))
    }

    pub(super) fn is_listed(&self, i: u32) -> bool {
        self.entry(i).addr() & UNLISTED == 0
    }

    /// The next lock on the list that is older than the one in slot `i`, or the list's head.
    pub(super) fn listed_below(&self, i: u32) -> *mut Link {
        let older = (0..i).rev().find(|&i| self.is_listed(i));
        self.node(older.unwrap_or(0))
    }

    /// The next lock on the list that is younger than the one in slot `i`.
    pub(super) fn listed_above(&self, i: u32) -> Option<*mut Link> {
        (i + 1..=self.len()).find(|&i| self.is_listed(i)).map(|i| self.node(i))
    }

    /// Empties slot `i`; what is younger moves down.
    pub(super) fn remove(&self, i: u32) {
        let len = self.len();
        (i..len).for_each(|i| self.set(i, self.entry(i + 1)));
        self.set(len, null_mut());
        let unlisted = (1..len).any(|i| !self.is_listed(i));
        // Relaxed: only this thread reads it.
        self.unlisted.store(unlisted, Ordering::Relaxed);
    }

    /// By the record's thread alone.
    pub(super) fn set(&self, i: u32, node: *mut Link) {
        loop {
            match self.slot(i) {
                // Release: see `holds_in`.
                Some(slot) => return slot.store(node, Ordering::Release),
                None => self.grow(),
            }
        }
    }

    #[cold]
    fn grow(&self) {
        let (mut slots, mut last) = (HELD, &self.more);
        // Relaxed: only this thread writes it.
        // SAFETY: as in `later`.
        while let Some(more) = unsafe { last.load(Ordering::Relaxed).as_ref() } {
            slots += more.held.len();
            last = &more.more;
        }
        let held = (0..slots).map(|_| AtomicPtr::new(null_mut())).collect();
        let more = Box::new(More { held, more: AtomicPtr::new(null_mut()) });
        // Release: pairs with the Acquire in `later`.
        last.store(Box::leak(more), Ordering::Release);
    }

    /// The locks that it holds, oldest first.
    pub(super) fn nodes(&self) -> impl Iterator<Item = *mut Link> {
        (1..).map(|i| self.node(i)).take_while(|node| !node.is_null())
    }

    /// Whether a lock in `range`, where none is taken meanwhile, is held: seen from any thread.
    ///
    /// The record's own thread may take older locks out at the same time. Then what is younger moves
    /// down, and stands in the slot below before another comes to its own: so whoever looks at the
    /// youngest first does not miss it. (Each slot is written with Release and read with Acquire: who
    /// sees that another has come, or none, sees also the slots below as they were then.)
    ///
    /// What a thread held that is gone, the kernel has marked, and looks at no more.
    pub(super) fn holds_in(&self, range: &Range<usize>) -> bool {
        (1..=self.len()).rev().any(|i| range.contains(&self.node(i).addr())) && self.has_thread()
    }

    fn has_thread(&self) -> bool {
        // Acquire: as in `claim`.
        match self.ending.load(Ordering::Acquire) {
            IN_USE => true,
            FREE => false,
            thread => gone::exists(thread),
        }
    }

    /// How many locks it holds.
    pub(super) fn len(&self) -> u32 {
        self.nodes().count() as u32
    }

    /// In which slot the lock stands.
    pub(super) fn place(&self, link: *mut Link) -> Option<Slot> {
        self.nodes().zip(1..).find(|&(node, _)| node == link).map(|(_, place)| place)
    }

    fn forget(&self) {
        (1..=self.len()).for_each(|i| self.set(i, null_mut()));
        // Relaxed: only the record's thread reads it.
        self.unlisted.store(false, Ordering::Relaxed);
    }

    /// In a forked child: whose it was, is not there, and holds nothing.
    pub(super) fn free(&self) {
        self.forget();
        // Relaxed: there is one thread.
        self.life.store(0, Ordering::Relaxed);
        self.ending.store(FREE, Ordering::Relaxed);
    }

    /// All records of the process.
    pub(super) fn all() -> impl Iterator<Item = &'static Record> {
        // Acquire: pairs with the Release in `take`; carries the record's first contents. Those of
        // the records behind it, too: each exchange of RECORDS goes on with the releases before it.
        // Relaxed: so `next` is there.
        let first = RECORDS.load(Ordering::Acquire);
        // SAFETY: records are never freed, and linked for good.
        std::iter::successors(unsafe { first.as_ref() }, |record| unsafe {
            record.next.load(Ordering::Relaxed).as_ref()
        })
    }

    /// The life of the process, as a lock's note of it: by the record's thread.
    #[inline(always)]
    pub(super) fn life(&self) -> u64 {
        // Relaxed: the thread itself has written it.
        match self.life.load(Ordering::Relaxed) {
            0 => self.ask_for_life(),
            life => life,
        }
    }

    #[cold]
    fn ask_for_life(&self) -> u64 {
        let life = Life::mine();
        // Relaxed: as above.
        self.life.store(life, Ordering::Relaxed);
        life
    }

    /// A name that no living thread of this process has: by it one is let in again where it is already
    /// (`RLock`). Names come round after 2^30 threads. That of a thread which ended with a leaked guard
    /// may then let another in; nobody else is there any more, as what an `RLock`'s guard gives access
    /// to does not leave its thread, unless all threads may have it.
    fn new_name() -> u32 {
        static NAMES: AtomicU32 = AtomicU32::new(0);
        loop {
            // Relaxed: here and below, a name stands for itself. Two threads get two; and a living one
            // that has the same was given it 2^30 names ago, and has long written it down.
            let name = NAMES.fetch_add(1, Ordering::Relaxed) % (OWNER - 1) + 1;
            let has_it = |record: &Record| record.name.load(Ordering::Relaxed) == name;
            if !Record::all().any(has_it) {
                return name;
            }
        }
    }

    /// Whether the record is the caller's now: no thread of this process is left that has it, and no
    /// lock that one has left locked stands on it.
    fn claim(&self) -> bool {
        // Relaxed: the exchange has the ordering.
        let seen = self.ending.load(Ordering::Relaxed);
        if seen == IN_USE || self.len() > 0 {
            return false;
        }
        // Acquire: pairs with the Release in `at_thread_end`; carries what the thread had written by
        // then. What it has written since, in its very last steps, was before the kernel says that it
        // is gone. Relaxed: another has claimed it.
        let claim =
            self.ending.compare_exchange(seen, IN_USE, Ordering::Acquire, Ordering::Relaxed);
        if claim.is_err() {
            return false;
        }
        // Only now: nobody else can give it to another thread any more, which comes to its end, too,
        // with the same number.
        if (seen == FREE || !gone::exists(seen)) && self.len() == 0 {
            return true;
        }
        // Release: whoever claims it next sees what this one has seen.
        self.ending.store(seen, Ordering::Release);
        false
    }

    /// A record for the calling thread: one that is free, or a new one.
    pub(super) fn take() -> &'static Record {
        let record = Record::all().find(|record| record.claim()).unwrap_or_else(|| {
            let record: &'static Record = Box::leak(Box::new(Record {
                head: AtomicPtr::new(null_mut()),
                own: Head::new(),
                tid: AtomicU32::new(0),
                name: AtomicU32::new(0),
                unlisted: AtomicBool::new(false),
                held: [const { AtomicPtr::new(null_mut()) }; HELD],
                more: AtomicPtr::new(null_mut()),
                life: AtomicU64::new(0),
                ending: AtomicU32::new(IN_USE),
                next: AtomicPtr::new(null_mut()),
            }));
            // Relaxed: what is there is only pointed at; the exchange publishes `next`.
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
        // Relaxed: here and below, the thread's own from here on.
        record.name.store(Self::new_name(), Ordering::Relaxed);
        record.tid.store(gettid().as_raw_nonzero().get() as u32, Ordering::Relaxed);
        record.forget();
        record.own.clear();
        let head = robust_list_head().unwrap_or(NonNull::from(&record.own));
        record.head.store(head.as_ptr(), Ordering::Relaxed);
        // SAFETY: the head was just given by the kernel for this thread, or is the record's own.
        record.set(0, unsafe { head.as_ref() }.base());
        record
    }

    /// Whether the kernel looks at this thread's list when the thread dies.
    pub(super) fn is_known_to_kernel(&self) -> bool {
        // Relaxed: the thread itself has written it.
        !ptr::eq(self.head.load(Ordering::Relaxed), &self.own)
    }

    /// In a forked child: the thread holds nothing there. (A list of glibc's glibc has emptied, but
    /// for the pending entry that a lock held at the fork may have.)
    pub(super) fn begin_anew(&self) {
        // Relaxed: here and below, there is one thread.
        self.ending.store(IN_USE, Ordering::Relaxed);
        // The kernel finds the parent's lock in the pending
        // entry until then, which does not name this thread.
        self.tid.store(gettid().as_raw_nonzero().get() as u32, Ordering::Relaxed);
        if self.is_known_to_kernel() {
            // SAFETY: the kernel gave the address for this thread, in whose control block it lies.
            let head = unsafe { &*self.head.load(Ordering::Relaxed) };
            head.pending.store(null_mut(), Ordering::Relaxed);
        } else {
            self.own.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Me;

    /// Also where one that has been joined is in the kernel for another moment.
    #[test]
    fn threads_one_after_the_other_share_records() {
        const THREADS: usize = 1_000;
        let before = Record::all().count();
        for _ in 0..THREADS {
            let thread = std::thread::spawn(|| Me::current().name());
            thread.join().expect("it has a name");
        }
        // Other tests have threads, too.
        let more = Record::all().count() - before;
        assert!(more < THREADS / 2, "{more} records more for {THREADS} threads");
    }

    /// Another thread looks while the record's own takes older locks out, so that what is looked for
    /// moves down.
    #[test]
    fn a_lock_that_is_held_is_seen_while_older_ones_go() {
        const OLDER: usize = 40;
        let links = [const { AtomicPtr::new(null_mut()) }; OLDER + 2];
        let held = links[OLDER..OLDER + 1].as_ptr_range();
        let held = held.start.addr()..held.end.addr();
        let record = Record::take();
        // Even while the lock is held; the next number when it is not, and will be anew.
        let turn = AtomicU64::new(1);
        let (turns, ended) = (4_000, AtomicBool::new(false));
        let looks = std::thread::scope(|scope| {
            let looks = scope.spawn(|| {
                let mut looks = 0u64;
                // Relaxed: it carries nothing.
                while !ended.load(Ordering::Relaxed) {
                    // SeqCst: here and below, a turn lies before or after what is looked at.
                    let before = turn.load(Ordering::SeqCst);
                    let seen = record.holds_in(&held);
                    if before.is_multiple_of(2) && turn.load(Ordering::SeqCst) == before {
                        assert!(seen, "after {looks} looks");
                        looks += 1;
                    }
                }
                looks
            });
            // SeqCst: as above.
            while turn.load(Ordering::SeqCst) < turns && !looks.is_finished() {
                let taken = links.iter().zip(1..);
                taken.for_each(|(link, slot)| record.set(slot, ptr::from_ref(link).cast_mut()));
                turn.fetch_add(1, Ordering::SeqCst);
                (0..OLDER).for_each(|_| record.remove(1));
                turn.fetch_add(1, Ordering::SeqCst);
                record.forget();
            }
            // Relaxed: as above.
            ended.store(true, Ordering::Relaxed);
            looks.join().expect("it is always seen")
        });
        assert!(looks > 0, "nobody looked at the right time");
        // Release: as in `at_thread_end`. Relaxed: this thread has written it.
        record.ending.store(record.tid.load(Ordering::Relaxed), Ordering::Release);
    }
}
