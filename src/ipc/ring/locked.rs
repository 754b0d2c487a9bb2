//! What is done under a side's lock: one look at the ring, and the copy of a message.

use crate::ipc::ring::buffer::Buffer;
use crate::ipc::ring::place::Place;
use crate::ipc::ring::words::{CLOSED, COUNT, ONE_BIT, WAIT, between, commit};
use crate::ipc::ring::{GRANULE, Refusal, Ring};
use crate::sys::{Granule, Ordering::*};

/// What one look at the ring, under a side's lock, came to.
pub(super) enum Look {
    Done,
    /// Full or empty, by the other side's word as it was seen.
    NotNow(u32),
    Refused(Refusal),
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Ring {
    #[inline]
    pub(super) fn put_locked(&self, message: &Buffer) -> Look {
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
            // is written over. Weaker: the model `queue::reuses` sees the race.
            let head = sides.head.load(Acquire);
            let Some(begin) = self.begin_of(tail, head, start) else {
                return Look::Refused(Refusal::Corrupt);
            };
            sides.producers.seen.store(u64::from(head) | u64::from(begin) << 32, Relaxed);
            if !self.fits(tail, place, head, begin) {
                return Look::NotNow(head);
            }
        }
        self.write(place, message.granules());
        memory.slot(count).write(place.pack());
        // Release: pairs with the Acquire of the consumers; carries the message and its slot.
        // Weaker: `queue::carries` sees the race.
        commit(&sides.tail, tail, Release, Release);
        Look::Done
    }

    #[inline]
    pub(super) fn get_locked(&self, buffer: &mut Buffer) -> Look {
        let (memory, sides) = (&self.memory, self.memory.sides());
        // Relaxed: only consumers count here, and the lock orders them.
        let head = sides.head.load(Relaxed);
        // Relaxed: it was seen under this lock.
        let seen = between(head, sides.consumers.seen.load(Relaxed));
        if !(1..=memory.capacity).contains(&seen) {
            // Acquire: pairs with the Release of the producers' commit. Weaker: the model
            // `queue::carries` sees the race.
            let tail = sides.tail.load(Acquire);
            match between(head, tail) {
                0 if tail & CLOSED != 0 => {
                    return Look::Refused(Refusal::Closed);
                }
                0 => return Look::NotNow(tail),
                ready if ready > memory.capacity => return Look::Refused(Refusal::Corrupt),
                _ => sides.consumers.seen.store(tail, Relaxed),
            }
        }
        let place = Place::unpack(memory.slot(head >> ONE_BIT).read());
        if place.start >= memory.granules || place.granules() > memory.granules {
            return Look::Refused(Refusal::Corrupt);
        }
        self.read(place, buffer.room(place.bytes as usize));
        // Release: pairs with the Acquire in `put_locked`: the copy above is done before anyone
        // writes there. Weaker: `queue::reuses` sees the race.
        commit(&sides.head, head, Release, Release);
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
    pub(super) fn has_room_since(&self, old: u32) -> bool {
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

    #[inline]
    fn write(&self, place: Place, message: &[[u8; GRANULE]]) {
        let (first, second) = self.parts(place.start);
        let (front, back) = message.split_at(message.len().min(first.len()));
        Granule::write_all(first, front);
        if !back.is_empty() {
            Granule::write_all(second, back);
        }
    }

    #[inline]
    fn read(&self, place: Place, into: &mut [[u8; GRANULE]]) {
        let (first, second) = self.parts(place.start);
        let (front, back) = into.split_at_mut(into.len().min(first.len()));
        Granule::read_all(first, front);
        if !back.is_empty() {
            Granule::read_all(second, back);
        }
    }

    /// All granules, from where a message begins: up to the end, and from the beginning.
    #[inline]
    fn parts(&self, start: u32) -> (&[Granule], &[Granule]) {
        (self.memory.granules(start, self.memory.granules - start), self.memory.granules(0, start))
    }
}

#[inline]
#[cfg_attr(modelled, multiproc_checker::mutants)]
fn wrap(at: u64, all: u32) -> u32 {
    (if at >= u64::from(all) { at - u64::from(all) } else { at }) as u32
}
