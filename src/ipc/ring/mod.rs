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

mod attempt;
pub(crate) mod buffer;
#[cfg(test)]
mod hostile;
mod locked;
mod memory;
mod place;
mod unfinished;
mod words;

use crate::error::Error;
use crate::ipc::ring::buffer::Buffer;
use crate::ipc::ring::unfinished::Unfinished;
use crate::shm::Mapping;
use crate::sync::{Hold, RawLock};
use crate::sys::{ALL, Deadline, Op, Ordering::*, Wait};

pub(crate) use memory::{GRANULE, RingMemory};
pub(crate) use words::{COUNT, ONE, WAIT, between};

use locked::Look;
use memory::Sides;
use words::{CLOSED, CLOSED_BIT, sleep};

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
pub(crate) enum WaitMode {
    /// Not at all; only for those who hold the side's lock just now.
    Not,
    /// Until then.
    Until(Deadline),
}

impl WaitMode {
    /// The deadline, and whether the first look is the last.
    fn unpack(&self) -> (Deadline, bool) {
        match *self {
            WaitMode::Not => (Deadline::Never, true),
            WaitMode::Until(deadline) => (deadline, false),
        }
    }
}

/// See this file's top.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: RingMemory,
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
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
    #[inline]
    pub(crate) fn put(&self, message: &Buffer, mode: &WaitMode) -> Result<(), Refusal> {
        let producers = &self.memory.sides().producers;
        let Some(hold) = producers.lock.try_lock() else {
            return self.put_slow(message, mode, None);
        };
        let look = self.put_locked(message);
        producers.lock.unlock(hold);
        match look {
            Look::Done => Ok(()),
            other => self.put_slow(message, mode, Some(other)),
        }
    }

    #[cold]
    fn put_slow(
        &self,
        message: &Buffer,
        mode: &WaitMode,
        mut first: Option<Look>,
    ) -> Result<(), Refusal> {
        let Sides { producers, head, .. } = self.memory.sides();
        let (until, mut last) = mode.unpack();
        let mut slept_on = None;
        loop {
            let look = match first.take() {
                Some(look) => look,
                None => self.put_look(message, until, slept_on)?,
            };
            match look {
                Look::Done => return Ok(()),
                Look::Refused(refusal) => return Err(refusal),
                Look::NotNow(_) if last => return Err(Refusal::NotNow),
                Look::NotNow(seen) => {
                    slept_on = Some(seen);
                    last = sleep(head, &producers.adaptive_spin, seen, until) == Wait::TimedOut;
                }
            }
        }
    }

    fn put_look(
        &self,
        message: &Buffer,
        until: Deadline,
        slept_on: Option<u32>,
    ) -> Result<Look, Refusal> {
        let Sides { producers, head, .. } = self.memory.sides();
        let hold = producers.lock.lock(until).ok_or(Refusal::NotNow)?;
        let look = self.put_locked(message);
        // What is left is for another who sleeps: the wake that came here is handed on, once for
        // each change of the head that a sleeper wakes to.
        let hand_on = slept_on.is_some_and(|old| self.has_room_since(old));
        unlock(&producers.lock, hold, "put");
        if hand_on {
            // Weaker: the model `queue::hands_on` sees the sleeper who is left behind.
            head.wake(1);
        }
        Ok(look)
    }

    /// Takes the message that is next into `buffer`.
    #[inline]
    pub(crate) fn get(&self, buffer: &mut Buffer, mode: &WaitMode) -> Result<(), Refusal> {
        let consumers = &self.memory.sides().consumers;
        let Some(hold) = consumers.lock.try_lock() else {
            return self.get_slow(buffer, mode, None);
        };
        let look = self.get_locked(buffer);
        consumers.lock.unlock(hold);
        match look {
            Look::Done => Ok(()),
            other => self.get_slow(buffer, mode, Some(other)),
        }
    }

    #[cold]
    fn get_slow(
        &self,
        buffer: &mut Buffer,
        mode: &WaitMode,
        mut first: Option<Look>,
    ) -> Result<(), Refusal> {
        let Sides { consumers, tail, .. } = self.memory.sides();
        let (until, mut last) = mode.unpack();
        loop {
            let look = match first.take() {
                Some(look) => look,
                None => {
                    let hold = consumers.lock.lock(until).ok_or(Refusal::NotNow)?;
                    let look = self.get_locked(buffer);
                    unlock(&consumers.lock, hold, "get");
                    look
                }
            };
            match look {
                Look::Done => return Ok(()),
                Look::Refused(refusal) => return Err(refusal),
                Look::NotNow(_) if last => return Err(Refusal::NotNow),
                Look::NotNow(seen) => {
                    last = sleep(tail, &consumers.adaptive_spin, seen, until) == Wait::TimedOut;
                }
            }
        }
    }

    /// Closes: nothing can be put any more. What is there can still be taken.
    pub(crate) fn close(&self) {
        let sides = self.memory.sides();
        let Some(hold) = sides.producers.lock.lock(Deadline::Never) else {
            unreachable!("without a deadline the lock is waited for")
        };
        // Under the lock, so that no producer is between its look and its commit.
        // Release: whoever is told that the queue is closed sees what was done before. Weaker: the
        // model `queue::tells` sees the race.
        sides.tail.wake_op(Op::OrBit(CLOSED_BIT), ALL, Release);
        sides.producers.lock.unlock(hold);
        // The head changes, so that a producer that is about to sleep on it does not. Weaker: the
        // model `queue::closing_frees` sees it asleep. Relaxed: it looks at the tail under the lock.
        sides.head.wake_op(Op::OrBit(CLOSED_BIT), ALL, Relaxed);
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`. Weaker: the model `queue::tells` sees the
        // race.
        self.memory.sides().tail.load(Acquire) & CLOSED != 0
    }

    /// How many messages are there at this moment.
    pub(crate) fn len(&self) -> usize {
        let sides = self.memory.sides();
        // Acquire, and the head first: it never passes a tail that is read later. Weaker: the model
        // `queue::is_counted` sees more than ever were there.
        let head = sides.head.load(Acquire);
        // Acquire: who sees a message there sees what was done before it was put. Weaker: the model
        // `queue::is_counted` sees the race.
        let tail = sides.tail.load(Acquire);
        between(head, tail).min(self.memory.capacity) as usize
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

/// Unlocks. The state is valid at every instruction: the lock of a dead owner is as good as any.
fn unlock(lock: &RawLock, hold: Hold, what: &str) {
    lock.unlock(hold);
    if lock.poison().is_some() {
        log::warn!("a process died in the middle of a {what}: the queue goes on");
        lock.clear_poison();
    }
}
