//! The message of a task: at first its function and argument, then its outcome in the same place.

use crate::pool::schedule::Schedule;
use crate::sys::Granule;
use crate::sys::Ordering::Relaxed;

/// What stands beside a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What it is: the request has its own, and each outcome.
    pub kind: u32,
    /// Its bytes.
    pub len: u64,
    /// How many bytes of the task's room for long messages have memory.
    pub room: u64,
    /// Which function is to be called; of a request.
    pub function: u64,
    /// What knows the function's types; of a request.
    pub runner: u64,
}

impl Schedule {
    /// Writes what stands beside a message. Only who may write the task: its owner, or the pool's process
    /// while it is not queued.
    #[inline]
    pub fn set_header(&self, index: u32, header: Header) {
        let task = self.memory.task(index);
        // Relaxed: here and below, published with the word.
        task.kind.store(header.kind, Relaxed);
        // Relaxed: as above.
        task.len.store(header.len, Relaxed);
        // Relaxed: as above.
        task.room.store(header.room, Relaxed);
        // Relaxed: as above.
        task.function.store(header.function, Relaxed);
        // Relaxed: as above.
        task.runner.store(header.runner, Relaxed);
    }

    /// What stands there now: numbers that a peer may have written.
    #[inline]
    pub fn header(&self, index: u32) -> Header {
        let task = self.memory.task(index);
        Header {
            // Relaxed: here and below, acquired with the word.
            kind: task.kind.load(Relaxed),
            // Relaxed: as above.
            len: task.len.load(Relaxed),
            // Relaxed: as above.
            room: task.room.load(Relaxed),
            // Relaxed: as above.
            function: task.function.load(Relaxed),
            // Relaxed: as above.
            runner: task.runner.load(Relaxed),
        }
    }

    /// Room for a message that is short enough.
    #[inline]
    pub(crate) fn short(&self, index: u32) -> &[Granule] {
        self.memory.granules(index)
    }

    /// How many bytes a short message has at most.
    pub fn longest_short(&self) -> usize {
        self.memory.granules(0).len() * size_of::<u64>()
    }
}
