//! The ring: messages of any length, many producers, many consumers, and nobody hangs, sees half
//! a message or sees one twice when any of them is killed at any instruction.
//!
//! # The words
//!
//! `tail` counts the messages that were put, `head` those that were taken; each is a count, times
//! four, and two bits: `CLOSED`, and `WAIT`: someone sleeps on this word or did. A side's lock
//! excludes the others of that side.
//!
//! | step | word | from | to | by |
//! |---|---|---|---|---|
//! | put | tail | no `WAIT` | one more | CAS, under the producers' lock |
//! | put | tail | `WAIT` | one more, and one is woken | one `FUTEX_WAKE_OP`, under the lock |
//! | get | head | no `WAIT` | one more | CAS, under the consumers' lock |
//! | get | head | `WAIT` | one more, and one is woken | one `FUTEX_WAKE_OP`, under the lock |
//! | nobody slept | either | any | `WAIT` cleared, and all are woken | one `FUTEX_WAKE_OP` |
//! | wait for a message | tail | empty | `WAIT`, then sleep on exactly that value | CAS, futex wait |
//! | wait for room | head | full | `WAIT`, then sleep on exactly that value | CAS, futex wait |
//! | close | tail, then head | any | `CLOSED`, and all are woken | one `FUTEX_WAKE_OP` each, under the producers' lock |
//!
//! # Why a death harms nobody
//!
//! * *A producer* writes its message and the message's slot beyond the tail, where nobody looks,
//!   and commits both by the one step that counts. Killed before: nothing is visible, and the
//!   next producer writes over it. Killed after: all is done.
//! * *A consumer* copies the message out and commits by counting. Killed before: the message is
//!   still there, for the next. Killed after: it was taken.
//! * *The locks* are robust, and the state is valid at every instruction, so a lock whose owner
//!   died is simply taken.
//! * *A sleeper* that was woken and killed leaves others asleep that could go on: all look again
//!   every 100 ms.
//! * *Whoever closes* has closed with its step on the tail; those who wait for room look there
//!   again within 100 ms.
//!
//! # What is not believed
//!
//! A peer may write anything anywhere. Each number is read once, and checked before it is an
//! index or a length; what cannot be is [`Refusal::Corrupt`].

use crate::error::Error;
use crate::ipc::patience::Patience;
use crate::ipc::ring_memory::{GRANULE, RingMemory};
use crate::ipc::unfinished::Unfinished;
use crate::shm::Mapping;
use crate::sync::RawLock;
use crate::sys::{ALL, Deadline, Granule, Op, Ordering, Ordering::*, Wait, Word, site};

const WAIT_BIT: u32 = 0;
pub(crate) const WAIT: u32 = 1 << WAIT_BIT;
const CLOSED_BIT: u32 = 1;
const CLOSED: u32 = 1 << CLOSED_BIT;
/// One message, in a word.
const ONE_BIT: u32 = 2;
pub(crate) const ONE: u32 = 1 << ONE_BIT;
pub(crate) const COUNT: u32 = !(ONE - 1);

/// Why a message was not put or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Full, or empty, until now or until the deadline.
    NotNow,
    /// Closed; for consumers: and empty.
    Closed,
    /// The memory holds what no producer or consumer writes.
    Corrupt,
}

/// How long to wait for room or for a message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patient {
    /// Not at all; only for those who hold the side's lock just now.
    Not,
    /// Until then.
    Until(Deadline),
}

/// Where a message lies.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    bytes: u32,
}

impl Place {
    #[inline]
    fn unpack(slot: u64) -> Self {
        Place { start: slot as u32, bytes: (slot >> 32) as u32 }
    }

    #[inline]
    fn pack(self) -> u64 {
        u64::from(self.start) | u64::from(self.bytes) << 32
    }

    /// Never none, so that only an empty ring begins where it ends.
    #[inline]
    fn granules(self) -> u32 {
        self.bytes.div_ceil(GRANULE as u32).max(1)
    }
}

/// What one look at the ring, under a side's lock, came to.
enum Look {
    Done,
    /// Full or empty, by the other side's word as it was seen.
    NotNow(u32),
    Refused(Refusal),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: RingMemory,
}

/// How many messages lie between two words.
#[inline]
pub(crate) fn between(head: u32, tail: u32) -> u32 {
    (tail & COUNT).wrapping_sub(head & COUNT) >> ONE_BIT
}

impl Ring {
    /// A ring for at most `messages` messages of at most `bytes` bytes together; `stamp` says of
    /// what kind they are.
    pub(crate) fn new(messages: usize, bytes: usize, stamp: u64) -> Result<Self, Error> {
        Ok(Ring { memory: RingMemory::new(messages, bytes, stamp)? })
    }

    /// The ring in a mapping that was handed over.
    pub(crate) fn attach(mapping: Mapping) -> Result<Self, Error> {
        Ok(Ring { memory: RingMemory::attach(mapping)? })
    }

    /// Puts a message, which must not be longer than [`Ring::bytes`].
    pub(crate) fn put(&self, message: &[u8], patient: Patient) -> Result<(), Refusal> {
        let sides = self.memory.sides();
        let (until, mut last) = match patient {
            Patient::Not => (Deadline::Never, true),
            Patient::Until(deadline) => (deadline, false),
        };
        let mut slept_on = None;
        loop {
            let hold = sides.producers.lock.lock(until).ok_or(Refusal::NotNow)?;
            let look = self.put_locked(message);
            // What is left is for another who sleeps: the wake that came here is handed on, once
            // for each change of the head that a sleeper wakes to.
            let hand_on = slept_on.is_some_and(|old| self.has_room_since(old));
            sides.producers.lock.unlock(hold);
            if sides.producers.lock.poison().is_some() {
                recovered(&sides.producers.lock, "put");
            }
            if hand_on {
                // Weaker: the model `ring::hands_on` sees the sleeper who is left behind.
                sides.head.wake(site!("ring.put.hand_on", 1 => 0));
            }
            match look {
                Look::Done => return Ok(()),
                Look::Refused(refusal) => return Err(refusal),
                Look::NotNow(_) if last => return Err(Refusal::NotNow),
                Look::NotNow(seen) => {
                    let ended = sleep(&sides.head, &sides.producers.patience, seen, until);
                    slept_on = Some(seen);
                    last = ended == Wait::TimedOut;
                }
            }
        }
    }

    /// Takes the message that is next into `buffer`, and gives its length there.
    pub(crate) fn get(&self, buffer: &mut Vec<u8>, patient: Patient) -> Result<usize, Refusal> {
        let sides = self.memory.sides();
        let (until, mut last) = match patient {
            Patient::Not => (Deadline::Never, true),
            Patient::Until(deadline) => (deadline, false),
        };
        let mut length = 0;
        loop {
            let hold = sides.consumers.lock.lock(until).ok_or(Refusal::NotNow)?;
            let look = self.get_locked(buffer, &mut length);
            sides.consumers.lock.unlock(hold);
            if sides.consumers.lock.poison().is_some() {
                recovered(&sides.consumers.lock, "get");
            }
            match look {
                Look::Done => return Ok(length),
                Look::Refused(refusal) => return Err(refusal),
                Look::NotNow(_) if last => return Err(Refusal::NotNow),
                Look::NotNow(seen) => {
                    let ended = sleep(&sides.tail, &sides.consumers.patience, seen, until);
                    last = ended == Wait::TimedOut;
                }
            }
        }
    }

    #[inline]
    fn put_locked(&self, message: &[u8]) -> Look {
        let (memory, sides) = (&self.memory, self.memory.sides());
        // Relaxed: only producers count here, and the lock orders them.
        let tail = sides.tail.load(Relaxed);
        if tail & CLOSED != 0 {
            return Look::Refused(Refusal::Closed);
        }
        let count = tail >> ONE_BIT;
        let Some(start) = self.end_of(count.wrapping_sub(1)) else {
            return Look::Refused(Refusal::Corrupt);
        };
        let place = Place { start, bytes: message.len() as u32 };
        // Relaxed: it was seen under this lock.
        let seen = sides.producers.seen.load(Relaxed);
        if !self.fits(tail, place, seen as u32, (seen >> 32) as u32) {
            // Acquire: pairs with the Release of the consumers' commit: they have done with what
            // is written over. Weaker: the model `ring::reuses` sees the race.
            let head = sides.head.load(site!("ring.head.acquire", Acquire => Relaxed));
            let Some(begin) = self.begin_of(tail, head, start) else {
                return Look::Refused(Refusal::Corrupt);
            };
            sides.producers.seen.store(u64::from(head) | u64::from(begin) << 32, Relaxed);
            if !self.fits(tail, place, head, begin) {
                return Look::NotNow(head);
            }
        }
        self.write(place, message);
        memory.slot(count).write(place.pack());
        // Release: pairs with the Acquire of the consumers; carries the message and its slot.
        // Weaker: the models `ring::carries` and `ring::wakes` see the race.
        let order = site!("ring.put.release", Release => Relaxed);
        let wake_order = site!("ring.put.wake.release", Release => Relaxed);
        commit(&sides.tail, tail, order, wake_order);
        Look::Done
    }

    #[inline]
    fn get_locked(&self, buffer: &mut Vec<u8>, length: &mut usize) -> Look {
        let (memory, sides) = (&self.memory, self.memory.sides());
        // Relaxed: only consumers count here, and the lock orders them.
        let head = sides.head.load(Relaxed);
        // Relaxed: it was seen under this lock.
        let seen = between(head, sides.consumers.seen.load(Relaxed));
        if seen == 0 || seen > memory.capacity {
            // Acquire: pairs with the Release of the producers' commit. Weaker: the model
            // `ring::carries` sees the race.
            let tail = sides.tail.load(site!("ring.tail.acquire", Acquire => Relaxed));
            match between(head, tail) {
                0 if tail & CLOSED != 0 => return Look::Refused(Refusal::Closed),
                0 => return Look::NotNow(tail),
                ready if ready > memory.capacity => return Look::Refused(Refusal::Corrupt),
                _ => sides.consumers.seen.store(tail, Relaxed),
            }
        }
        let place = Place::unpack(memory.slot(head >> ONE_BIT).read());
        if place.start >= memory.granules || place.granules() > memory.granules {
            return Look::Refused(Refusal::Corrupt);
        }
        self.read(place, buffer);
        *length = place.bytes as usize;
        // Release: pairs with the Acquire in `put_locked`: the copy above is done before anyone
        // writes there. Weaker: the models `ring::reuses` and `ring::makes_room` see the race.
        let order = site!("ring.get.release", Release => Relaxed);
        let wake_order = site!("ring.get.wake.release", Release => Relaxed);
        commit(&sides.head, head, order, wake_order);
        Look::Done
    }

    /// Where the message after `count` begins.
    #[inline]
    fn end_of(&self, count: u32) -> Option<u32> {
        let all = self.memory.granules;
        let place = Place::unpack(self.memory.slot(count).read());
        (place.start < all && place.granules() <= all)
            .then(|| wrap(u64::from(place.start) + u64::from(place.granules()), all))
    }

    /// Where the oldest message begins: at `end` when there is none.
    fn begin_of(&self, tail: u32, head: u32, end: u32) -> Option<u32> {
        match between(head, tail) {
            0 => Some(end),
            ready if ready > self.memory.capacity => None,
            _ => {
                let begin = Place::unpack(self.memory.slot(head >> ONE_BIT).read()).start;
                (begin < self.memory.granules).then_some(begin)
            }
        }
    }

    /// Whether there is room for a message at `place`, with the oldest beginning at `begin`.
    #[inline]
    fn fits(&self, tail: u32, place: Place, head: u32, begin: u32) -> bool {
        let (all, ready) = (self.memory.granules, between(head, tail));
        if ready == 0 {
            return place.granules() <= all;
        }
        let free = match begin.checked_sub(place.start) {
            Some(free) => free,
            None => begin.wrapping_add(all).wrapping_sub(place.start),
        };
        ready < self.memory.capacity && begin < all && place.granules() <= free
    }

    /// Under the producers' lock, after a sleep: whether the head has moved from `old` and there
    /// is room for some message.
    #[cold]
    fn has_room_since(&self, old: u32) -> bool {
        let sides = self.memory.sides();
        // Relaxed: only for a wake; whoever is woken looks with an Acquire.
        let (tail, head) = (sides.tail.load(Relaxed), sides.head.load(Relaxed));
        let seen = sides.producers.seen.load(Relaxed);
        head & WAIT != 0
            && (head ^ old) & COUNT != 0
            && self.end_of((tail >> ONE_BIT).wrapping_sub(1)).is_some_and(|start| {
                let least = Place { start, bytes: 0 };
                self.fits(tail, least, seen as u32, (seen >> 32) as u32)
            })
    }

    fn write(&self, place: Place, message: &[u8]) {
        let (first, second) = self.parts(place);
        let (front, back) = message.split_at(message.len().min(first.len() * GRANULE));
        for (part, granules) in [(front, first), (back, second)] {
            let (whole, rest) = part.as_chunks::<GRANULE>();
            for (bytes, granule) in whole.iter().zip(granules) {
                granule.write(u64::from_ne_bytes(*bytes));
            }
            if let Some(granule) = granules.get(whole.len()).filter(|_| !rest.is_empty()) {
                let mut bytes = [0; GRANULE];
                bytes[..rest.len()].copy_from_slice(rest);
                granule.write(u64::from_ne_bytes(bytes));
            }
        }
    }

    /// Copies whole granules: `buffer` has room for the message and for what fills its last one.
    fn read(&self, place: Place, buffer: &mut Vec<u8>) {
        let (first, second) = self.parts(place);
        let needed = place.granules() as usize * GRANULE;
        if buffer.len() < needed {
            buffer.resize(needed, 0);
        }
        let (whole, _) = buffer.as_chunks_mut::<GRANULE>();
        for (bytes, granule) in whole.iter_mut().zip(first.iter().chain(second)) {
            *bytes = granule.read().to_ne_bytes();
        }
    }

    /// The granules of a message whose place was checked: up to the end, and from the beginning.
    #[inline]
    fn parts(&self, place: Place) -> (&[Granule], &[Granule]) {
        let count = place.granules();
        let first = count.min(self.memory.granules - place.start);
        (self.memory.granules(place.start, first), self.memory.granules(0, count - first))
    }

    /// Closes: nothing can be put any more. What is there can still be taken.
    pub(crate) fn close(&self) {
        let sides = self.memory.sides();
        let Some(hold) = sides.producers.lock.lock(Deadline::Never) else {
            unreachable!("without a deadline the lock is waited for")
        };
        // Under the lock, so that no producer is between its look and its commit.
        // Release: whoever is told that the queue is closed sees what was done before. Weaker: the
        // model `ring::close_carries` sees the race.
        let order = site!("ring.close.release", Release => Relaxed);
        let all = site!("ring.close.wake_consumers", ALL => 1);
        sides.tail.wake_op(Op::OrBit(CLOSED_BIT), all, order);
        sides.producers.lock.unlock(hold);
        // The head changes, so that a producer that is about to sleep on it does not. Relaxed: the
        // producer looks at the tail under the lock.
        let all = site!("ring.close.wake_producers", ALL => 1);
        sides.head.wake_op(Op::OrBit(CLOSED_BIT), all, Relaxed);
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: what was done before closing is seen.
        self.memory.sides().tail.load(Acquire) & CLOSED != 0
    }

    /// How many messages are there at this moment.
    pub(crate) fn len(&self) -> usize {
        let sides = self.memory.sides();
        // Head first: it never passes a tail that is read later.
        let head = sides.head.load(Acquire);
        between(head, sides.tail.load(Acquire)).min(self.memory.capacity) as usize
    }

    /// Messages that it can hold.
    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity as usize
    }

    /// Bytes that it can hold, and that a message may have.
    pub(crate) fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// How many of the messages that were put are not done with.
    pub(crate) fn unfinished(&self) -> Unfinished<'_> {
        let sides = self.memory.sides();
        Unfinished { put: &sides.tail, done: &sides.done }
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        self.memory.mapping()
    }
}

/// Makes visible what was done: one more on `word`, seen as `seen`, and a sleeper is woken.
#[inline]
fn commit(word: &Word, seen: u32, order: Ordering, wake_order: Ordering) {
    // The count is ours alone, by the side's lock; only bits may have come since.
    if seen & WAIT != 0
        || word.compare_exchange(seen, seen.wrapping_add(ONE), order, Relaxed).is_err()
    {
        commit_slow(word, wake_order);
    }
}

#[cold]
fn commit_slow(word: &Word, order: Ordering) {
    let one = site!("ring.commit.wake_one", 1 => 0);
    if word.wake_op(Op::AddBit(ONE_BIT), one, order) == 0 {
        // Relaxed: nothing is handed over. All, because a sleeper may have come meanwhile,
        // trusting in the bit that is now cleared.
        let all = site!("ring.clear.all", ALL => 0);
        word.wake_op(Op::ClearBit(WAIT_BIT), all, Relaxed);
    }
}

/// Sleeps until `word` is another than `seen` but for `WAIT`: at once, soon, or when woken.
#[cold]
fn sleep(word: &Word, patience: &Patience, seen: u32, until: Deadline) -> Wait {
    let changed = |now: u32| (now ^ seen) & !WAIT != 0;
    let turns = patience.turns();
    let (now, taken) = word.spin_for(turns, changed);
    patience.learn(taken, changed(now));
    if changed(now) {
        return Wait::Woken;
    }
    // Relaxed: it only announces a sleeper; whoever is woken looks with an Acquire.
    if now & WAIT == 0 && word.compare_exchange(now, now | WAIT, Relaxed, Relaxed).is_err() {
        return Wait::Woken;
    }
    word.wait_slice(now | WAIT, until)
}

#[inline]
fn wrap(at: u64, all: u32) -> u32 {
    (if at >= u64::from(all) { at - u64::from(all) } else { at }) as u32
}

/// The state is valid at every instruction: the lock of a dead owner is as good as any.
#[cold]
fn recovered(lock: &RawLock, what: &str) {
    log::warn!("a process died in the middle of a {what}: the queue goes on");
    lock.clear_poison();
}
