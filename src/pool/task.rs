//! A task, as the pool's process has it.

use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Instant;

use crate::error::TaskError;
use crate::sys::Ordering::{Acquire, Release};
use crate::sys::{ALL, Futex};

/// The result of one task, encoded.
pub(super) type Part = Result<Bytes, TaskError>;

/// A message: a short one takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    Short { len: u8, bytes: [u8; Bytes::SHORT] },
    Long(Vec<u8>),
}

impl Bytes {
    pub(super) const SHORT: usize = 48;
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Short { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Long(bytes) => bytes,
        }
    }
}

/// From when a task is given to the pool until nobody asks for its outcome any more.
#[derive(Debug)]
pub(super) struct Task {
    place: Futex,
    outcome: OnceLock<Part>,
    /// When it was given, if the pool had no worker then.
    pub(super) given: Option<Instant>,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In this process alone: it waits for room in the schedule, or its outcome is being read.
    Here,
    /// In the schedule, under this index and ticket.
    Schedule { index: u32, ticket: u16 },
    /// Its outcome is there.
    Ended,
}

/// As a number: an index has 15 bits, so these are none of the schedule.
const HERE: u32 = u32::MAX;
/// The same, and somebody sleeps on the word.
const HERE_WAITER: u32 = u32::MAX - 1;
const ENDED: u32 = u32::MAX - 2;

impl Task {
    pub(super) fn new(given: Option<Instant>) -> Self {
        Task { place: Futex::new(HERE), outcome: OnceLock::new(), given }
    }

    #[inline]
    pub(super) fn place(&self) -> Place {
        // Acquire: pairs with the Release in `move_to`.
        match self.place.load(Acquire) {
            HERE | HERE_WAITER => Place::Here,
            ENDED => Place::Ended,
            place => Place::Schedule { index: place & 0xffff, ticket: (place >> 16) as u16 },
        }
    }

    /// Only under the lock of [`Tasks`](super::tasks::Tasks), as all that changes the place.
    pub(super) fn move_to(&self, place: Place) {
        let place = match place {
            Place::Here => HERE,
            Place::Schedule { index, ticket } => u32::from(ticket) << 16 | index,
            Place::Ended => ENDED,
        };
        // Acquire: nothing is read by it; the lock orders the changes.
        let before = self.place.load(Acquire);
        // Release: who sees the place sees what led there.
        self.place.store(place, Release);
        if before == HERE_WAITER {
            self.place.wake(ALL);
        }
    }

    /// Gives it its outcome, unless it has one. Under the lock, too.
    pub(super) fn end(&self, outcome: Part) {
        if self.outcome.set(outcome).is_ok() {
            self.move_to(Place::Ended);
        }
    }

    #[inline]
    pub(super) fn outcome(&self) -> Option<&Part> {
        self.outcome.get()
    }

    /// Under the lock: says that somebody sleeps until the task is [`Place::Here`] no more. Gives the word to
    /// sleep on without the lock, and its value, if it is there.
    pub(super) fn announce_sleeper(&self) -> Option<(&Futex, u32)> {
        if self.place() != Place::Here {
            return None;
        }
        // Release: as in `move_to`.
        self.place.store(HERE_WAITER, Release);
        Some((&self.place, HERE_WAITER))
    }
}
