//! Where the results of a call are put until they are asked for.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crate::error::TaskError;
use crate::pool::task::Request;
use crate::sys::{Deadline, fork_generation};

/// The result of one task, encoded.
pub(super) type Part = Result<Vec<u8>, TaskError>;

/// What is complete in a fork's copy of a slot that was not: nobody fills it there.
static ELSEWHERE: [Part; 1] = [Err(TaskError::OtherProcess)];

/// The results of the tasks of one call; complete when each has its part.
#[derive(Debug)]
pub(super) struct Slot {
    /// Of the process that made the call. In another, which has a copy, the lock may be held by a
    /// thread that is not there: it is never taken there.
    generation: u64,
    parts: Mutex<Vec<Option<Part>>>,
    complete: OnceLock<Vec<Part>>,
    changed: Condvar,
}

impl Slot {
    pub(super) fn new(parts: usize) -> Self {
        let slot = Slot {
            generation: fork_generation(),
            parts: Mutex::new(vec![None; parts]),
            complete: OnceLock::new(),
            changed: Condvar::new(),
        };
        if parts == 0 {
            slot.complete.get_or_init(Vec::new);
        }
        slot
    }

    /// The first result that a part gets counts.
    fn put(&self, part: usize, result: Part) {
        let mut parts = self.lock();
        match parts.get_mut(part) {
            Some(empty @ None) => *empty = Some(result),
            _ => return,
        }
        if parts.iter().all(Option::is_some) {
            let all = std::mem::take(&mut *parts).into_iter().flatten().collect();
            let _ = self.complete.set(all);
            self.changed.notify_all();
        }
    }

    pub(super) fn complete(&self) -> Option<&[Part]> {
        match self.complete.get() {
            None if self.generation != fork_generation() => Some(&ELSEWHERE),
            parts => parts.map(Vec::as_slice),
        }
    }

    /// Waits until it is complete; `None` when the deadline came first.
    pub(super) fn wait(&self, deadline: Deadline) -> Option<&[Part]> {
        if let Some(complete) = self.complete() {
            return Some(complete);
        }
        let mut parts = self.lock();
        while self.complete.get().is_none() {
            parts = match deadline.remaining() {
                None => self.changed.wait(parts).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => {
                    let woken = self.changed.wait_timeout(parts, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        self.complete()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Part>>> {
        // Nothing that is done under the lock can panic half way.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task, from when it is given to the pool until its part of the slot is filled: which happens
/// at the latest when the task is dropped, so nobody waits for it in vain.
#[derive(Debug)]
pub(super) struct Task {
    /// `None` while a worker has it.
    pub(super) request: Option<Request>,
    /// The number of that request.
    pub(super) number: u64,
    pub(super) given: Instant,
    slot: std::sync::Arc<Slot>,
    part: usize,
}

impl Task {
    pub(super) fn new(request: Request, slot: std::sync::Arc<Slot>, part: usize) -> Self {
        Task { request: Some(request), number: 0, given: Instant::now(), slot, part }
    }

    pub(super) fn finish(self, result: Part) {
        self.slot.put(self.part, result);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.slot.put(self.part, Err(TaskError::Terminated));
    }
}
