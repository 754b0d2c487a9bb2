//! Which worker runs which task: words in memory that the pool's process shares with its workers.
//!
//! Each task has a [word](Word). These are its steps:
//!
//! | step | from | to | by |
//! |---|---|---|---|
//! | queue | `FREE`, `DONE` | `QUEUED` under a new ticket; then its entry in the [ring](queue) | the pool's process, a store |
//! | claim | `QUEUED` | `RUNNING` with the owner | a worker, one CAS |
//! | begin | `RUNNING`, not begun | `RUNNING`, begun | its owner, a store |
//! | finish | `RUNNING` | `DONE`; then it wakes who waits | its owner, one CAS |
//! | wait | any but `DONE` | the same with `WAITER`; then sleep on exactly that value | whoever waits for the outcome |
//! | requeue | `RUNNING`, not begun, its owner is dead | `QUEUED` under a new ticket | the pool's process |
//! | revoke | `QUEUED`, `RUNNING` | `FREE`; then it wakes who waits, and kills the owner | the pool's process, one CAS |
//!
//! # Why a death harms nobody
//!
//! Who has which task is true at each instruction, since claiming is one step on the task's word. When a
//! worker has died, the pool's process looks at each task whose owner it is:
//!
//! * *Running and begun:* it fails. It may have run, so it is not run again.
//! * *Running and not begun:* it is queued again, for another worker.
//! * *Done:* the outcome is there. Who waits is woken, since the dead one may not have come to that.
//! * Then it wakes all workers: a wake may have gone to the dead one, and who gave a task may have counted
//!   on its spinning.
//!
//! A worker that is killed between its claim and its step on the ring's `head` has left an entry that is
//! stale: the next one passes it (see [queue]).
//!
//! # What is not believed
//!
//! A worker may write anything anywhere. Each number is read once, and checked before it is an index or a
//! length. Tickets, the count of entries and which task is whose are in the memory of the pool's process
//! alone; a word that contradicts them fails its task.

mod hand_over;
mod idle;
mod memory;
mod message;
mod queue;
#[cfg(test)]
mod tests;
mod word;

use crate::error::Error;
use crate::pool::schedule::memory::Memory;
use crate::shm::Mapping;
use crate::sys;

pub use hand_over::{Look, Remains, Revoked};
pub use idle::Next;
pub(crate) use memory::STAMP;
pub use message::Header;
pub use queue::Entries;
pub use word::MOST_WORKERS;

/// What one who waits has learned of when to look for a short time before it sleeps.
#[derive(Debug)]
pub struct Spin(sys::Spin);

impl Spin {
    /// One that looks, or never does: on a single processor the other cannot come meanwhile.
    pub fn new(looks: bool) -> Self {
        Spin(sys::Spin::new(looks))
    }
}

/// See this file's top.
#[derive(Debug)]
pub struct Schedule {
    memory: Memory,
}

impl Schedule {
    /// One for so many tasks at a time (a power of two) and workers, with room for `short` times eight
    /// bytes of each task's message.
    pub fn new(tasks: u32, workers: u32, short: u32) -> Result<Self, Error> {
        Ok(Schedule { memory: Memory::new(tasks, workers, short)? })
    }

    /// The schedule in a mapping that was handed over.
    pub(crate) fn attach(mapping: Mapping) -> Result<Self, Error> {
        Ok(Schedule { memory: Memory::attach(mapping)? })
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        self.memory.mapping()
    }

    /// How many tasks it has room for.
    pub fn tasks(&self) -> u32 {
        self.memory.tasks
    }
}
