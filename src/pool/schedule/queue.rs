//! The ring of the tasks that are queued.
//!
//! An entry names a task and the ticket under which it was queued. It is a hint: what is true stands in
//! the task's word. Whoever finds at `head` an entry whose task is not queued under that ticket any more
//! moves `head` past it: so nothing waits for one that has claimed a task and was killed before it did.
//!
//! A task that is queued has an entry at `head` or behind it, since its word says so before its entry is
//! there, and nobody passes an entry while the word says so.

use crate::pool::schedule::Schedule;
use crate::pool::schedule::word::Word;
use crate::sys::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// A task that a worker has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The task's place.
    pub index: u32,
    /// Under which it was queued.
    pub ticket: u16,
}

/// What the pool's process knows of the ring's entries, in its own memory.
#[derive(Debug, Default)]
pub struct Entries {
    /// How many it has written.
    written: u64,
    /// How many of them were passed, when it last looked.
    passed: u64,
}

impl Schedule {
    /// Whether the ring has room for another entry. By the pool's process alone.
    pub fn has_room(&self, entries: &mut Entries) -> bool {
        let is_full = |entries: &Entries| {
            entries.written.wrapping_sub(entries.passed) >= self.memory.entries() as u64
        };
        if is_full(entries) {
            // Acquire: pairs with the Release in `pass`. Whoever has passed the entry that will be written
            // over has read it.
            let head = self.memory.common().head.0.load(Acquire);
            // One that is beyond what was written is a peer's scribble.
            if entries.written.wrapping_sub(head) <= self.memory.entries() as u64 {
                entries.passed = head;
            }
        }
        !is_full(entries)
    }

    /// Queues the task, whose message is in its place: it can be claimed from here on. By the pool's
    /// process alone, to whose count of entries this one is added.
    pub fn push(&self, index: u32, ticket: u16, entries: &mut Entries) {
        let task = self.memory.task(index);
        // Relaxed: it is read when the owner is dead.
        task.begun.store(0, Relaxed);
        // Release: pairs with the Acquire in `claim`; carries the message.
        task.word.store(Word::queued(ticket).0, Release);
        self.enter(index, ticket, entries);
    }

    /// Writes the entry of a task that is queued.
    pub fn enter(&self, index: u32, ticket: u16, entries: &mut Entries) {
        let entry = u32::from(ticket) << 16 | index;
        // Relaxed: it is published by the next store.
        self.memory.entry(entries.written).store(entry, Relaxed);
        entries.written = entries.written.wrapping_add(1);
        // Release: pairs with the Acquire in `claim`; carries the entry, and that the word says that the
        // task is queued.
        self.memory.common().tail.0.store(entries.written, Release);
    }

    /// Claims the task that has been queued longest for the worker; `None` when none is queued.
    #[inline]
    pub fn claim(&self, worker: u32) -> Option<Claim> {
        let common = self.memory.common();
        loop {
            // Acquire, and the head first: whoever has moved it there has seen a tail beyond it, so that
            // one that is read later is beyond it too.
            let head = common.head.0.load(Acquire);
            // Acquire: pairs with the Release in `enter`.
            let tail = common.tail.0.load(Acquire);
            let queued = tail.wrapping_sub(head);
            // More than there is room for is a peer's scribble.
            if queued == 0 || queued > self.memory.entries() as u64 {
                return None;
            }
            // Relaxed: published by the tail. One that was written over meanwhile names another task that
            // is queued, or is stale, and then `head` has moved.
            let entry = self.memory.entry(head).load(Relaxed);
            let (index, ticket) = (entry & 0xffff, (entry >> 16) as u16);
            if index < self.memory.tasks {
                let word = &self.memory.task(index).word;
                // Relaxed: that it was queued is known by the tail; what is claimed is acquired below.
                let seen = Word(word.load(Relaxed));
                if seen.is_queued(ticket) {
                    let ours = Word::running(worker, ticket).keep_waiter(seen);
                    // Acquire: pairs with the Release in `push`; carries the message. Relaxed when it fails:
                    // it is looked at again.
                    if word.compare_exchange(seen.0, ours.0, Acquire, Relaxed).is_ok() {
                        self.pass(head);
                        return Some(Claim { index, ticket });
                    }
                    continue;
                }
            }
            self.pass(head);
        }
    }

    /// Moves `head` past an entry whose task is queued under its ticket no more.
    #[inline]
    fn pass(&self, head: u64) {
        // Release: pairs with the Acquire in `has_room`: the entry was read before it is written over.
        // Acquire, so that who moves it on from what others have left carries theirs too. Relaxed when it
        // fails: somebody else has moved it.
        let next = head.wrapping_add(1);
        let _ = self.memory.common().head.0.compare_exchange(head, next, AcqRel, Relaxed);
    }

    /// How many entries there are, at most the ring's size: those of tasks that are queued, and stale ones.
    #[inline]
    pub fn queued(&self) -> u64 {
        let common = self.memory.common();
        // Acquire, and the head first: as in `claim`.
        let head = common.head.0.load(Acquire);
        // Acquire: as in `claim`.
        let tail = common.tail.0.load(Acquire);
        tail.wrapping_sub(head).min(self.memory.entries() as u64)
    }
}
