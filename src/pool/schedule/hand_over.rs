//! From the claim of a task to its outcome, and what is done when its owner dies: see the table of
//! [schedule](super).

use std::time::Instant;

use crate::pool::schedule::queue::Claim;
use crate::pool::schedule::word::{State, Word};
use crate::pool::schedule::{Schedule, Spin};
use crate::sys::Ordering::{Acquire, Relaxed, Release};
use crate::sys::{ALL, Deadline, Futex, Wait};

/// What a task's word says to who waits for its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The outcome is there.
    Done,
    /// It is another task's, or was queued again, or a peer has written there.
    Changed,
    /// The deadline has passed.
    TimedOut,
}

/// What is left of a task when a worker has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// It is not the dead worker's.
    Others,
    /// The dead one had claimed it, and had not called the function.
    NotBegun,
    /// The dead one had called the function.
    Begun,
    /// The outcome is there.
    Done,
    /// What stands there no worker writes.
    Corrupt,
}

impl Schedule {
    /// The worker calls the function next. `now` is the time, where the pool asks for it.
    #[inline]
    pub fn begin(&self, claim: Claim, worker: u32, now: u32) {
        let task = self.memory.task(claim.index);
        // Relaxed: it is read to see how long the task runs.
        task.started.store(now, Relaxed);
        // Relaxed: it is read when the worker is dead, and then all that it did has come before.
        task.begun.store(1, Relaxed);
        let begun = &self.memory.worker(worker).begun;
        // Relaxed: as above; only the worker itself writes it.
        begun.store(begun.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// The outcome is in its place: the task is done. False when the task was taken from the worker, which
    /// is to end.
    #[inline]
    pub fn finish(&self, claim: Claim, worker: u32) -> bool {
        let word = &self.memory.task(claim.index).word;
        let done = Word::done(worker, claim.ticket);
        // Relaxed: only a guess for the next step.
        let mut seen = Word(word.load(Relaxed));
        while seen.is_running(worker, claim.ticket) {
            // Release: pairs with the Acquire in `wait`; carries the outcome. Relaxed when it fails: it is
            // tried again.
            match word.compare_exchange(seen.0, done.0, Release, Relaxed) {
                Ok(_) => {
                    if seen.has_waiter() {
                        word.wake(ALL);
                    }
                    return true;
                }
                Err(now) => seen = Word(now),
            }
        }
        false
    }

    /// How far the task is, to the eyes of who waits for it under this ticket.
    #[inline]
    fn progress(&self, index: u32, ticket: u16) -> (Word, Option<Look>) {
        // Acquire: pairs with the Release in `finish`; carries the outcome.
        let seen = Word(self.memory.task(index).word.load(Acquire));
        let look = match seen.state() {
            _ if seen.ticket() != ticket => Some(Look::Changed),
            Some(State::Done) => Some(Look::Done),
            Some(State::Queued | State::Running) => None,
            Some(State::Free) | None => Some(Look::Changed),
        };
        (seen, look)
    }

    /// Whether the outcome of the task is there.
    #[inline]
    pub fn is_done(&self, index: u32, ticket: u16) -> bool {
        self.progress(index, ticket).1 == Some(Look::Done)
    }

    /// Waits for the outcome of the task, until the deadline if there is one.
    #[inline]
    pub fn wait(&self, index: u32, ticket: u16, spin: &Spin, deadline: Option<Instant>) -> Look {
        if let Some(look) = self.progress(index, ticket).1 {
            return look;
        }
        if spin.0.is_due() {
            spin.0.look(|| self.progress(index, ticket).1.is_some());
        }
        self.wait_asleep(index, ticket, deadline.map_or(Deadline::Never, Deadline::at))
    }

    fn wait_asleep(&self, index: u32, ticket: u16, deadline: Deadline) -> Look {
        loop {
            match self.announce(index, ticket) {
                Err(look) => return look,
                Ok((word, seen)) if word.wait_slice(seen, deadline) == Wait::TimedOut => {
                    return self.progress(index, ticket).1.unwrap_or(Look::TimedOut);
                }
                Ok(_) => {}
            }
        }
    }

    /// Announces a sleeper, unless the outcome of the task is there: the word that it sleeps on, and its value.
    pub(crate) fn announce(&self, index: u32, ticket: u16) -> Result<(&Futex, u32), Look> {
        let word = &self.memory.task(index).word;
        loop {
            let (seen, look) = self.progress(index, ticket);
            if let Some(look) = look {
                return Err(look);
            }
            let announced = seen.with_waiter();
            // Relaxed: it only announces a sleeper, who looks again.
            if seen.has_waiter()
                || word.compare_exchange(seen.0, announced.0, Relaxed, Relaxed).is_ok()
            {
                return Ok((word, announced.0));
            }
        }
    }

    /// What is left of the task, which was queued under this ticket, now that the worker is dead. By the
    /// pool's process, as what follows.
    pub fn remains(&self, index: u32, ticket: u16, worker: u32) -> Remains {
        let task = self.memory.task(index);
        // Acquire: pairs with the Release in `finish`; carries the outcome.
        let seen = Word(task.word.load(Acquire));
        match seen.state() {
            _ if seen.ticket() != ticket => Remains::Corrupt,
            None | Some(State::Free) => Remains::Corrupt,
            Some(State::Queued) => Remains::Others,
            Some(_) if seen.owner() >= self.memory.workers => Remains::Corrupt,
            Some(_) if seen.owner() != worker => Remains::Others,
            Some(State::Done) => Remains::Done,
            // Relaxed: all that the dead one did has come before.
            Some(State::Running) if task.begun.load(Relaxed) == 0 => Remains::NotBegun,
            Some(State::Running) => Remains::Begun,
        }
    }

    /// Wakes who waits for the task: its owner is dead, and may not have come to that.
    pub fn wake_waiters(&self, index: u32) {
        self.memory.task(index).word.wake(ALL);
    }

    /// Says that the task, of which [`Remains::NotBegun`] was found, is queued under this ticket. Its entry
    /// is to follow.
    pub fn requeue(&self, index: u32, ticket: u16) {
        let word = &self.memory.task(index).word;
        // Relaxed: only a guess for the next step.
        let mut seen = Word(word.load(Relaxed));
        loop {
            let queued = Word::queued(ticket).keep_waiter(seen);
            // Release: as in `push`: the message is still there, and is carried on.
            match word.compare_exchange(seen.0, queued.0, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = Word(now),
            }
        }
    }

    /// Takes the task back, whose owner is dead or was never there, and wakes who waits for it.
    pub fn abandon(&self, index: u32, ticket: u16) {
        let word = &self.memory.task(index).word;
        // Relaxed: what has become of it stands in this process's own memory.
        word.store(Word::free(ticket).0, Relaxed);
        word.wake(ALL);
    }

    /// Takes the task from the queue, or from its owner; gives the owner, which may write to the task's
    /// place until it is dead. `None` when it is done, or there is none.
    pub fn revoke(&self, index: u32, ticket: u16) -> Option<Revoked> {
        let word = &self.memory.task(index).word;
        loop {
            if self.withdraw(index, ticket) {
                return Some(Revoked::NotClaimed);
            }
            // Relaxed: only a guess for the next step.
            let seen = Word(word.load(Relaxed));
            if seen.is_queued(ticket) {
                continue;
            }
            let owner = seen.owner();
            if !seen.is_running(owner, ticket) || owner >= self.memory.workers {
                return None;
            }
            // Relaxed: nothing is handed over: the finish that comes after it fails.
            if word.compare_exchange(seen.0, Word::free(ticket).0, Relaxed, Relaxed).is_ok() {
                if seen.has_waiter() {
                    word.wake(ALL);
                }
                return Some(Revoked::From(owner));
            }
        }
    }

    /// Takes the task from the queue; false when a worker has claimed it, or it is done, or there is none.
    pub fn withdraw(&self, index: u32, ticket: u16) -> bool {
        let word = &self.memory.task(index).word;
        // Relaxed: only a guess for the next step.
        let mut seen = Word(word.load(Relaxed));
        while seen.is_queued(ticket) {
            // Relaxed: as in `revoke`.
            match word.compare_exchange(seen.0, Word::free(ticket).0, Relaxed, Relaxed) {
                Ok(_) => {
                    if seen.has_waiter() {
                        word.wake(ALL);
                    }
                    return true;
                }
                Err(now) => seen = Word(now),
            }
        }
        false
    }

    /// Whether the task waits to be claimed.
    pub fn is_waiting(&self, index: u32, ticket: u16) -> bool {
        // Relaxed: only asked.
        Word(self.memory.task(index).word.load(Relaxed)).is_queued(ticket)
    }

    /// Of a task that runs: since when, as its worker has said.
    pub fn runs_since(&self, index: u32, ticket: u16) -> Option<u32> {
        let task = self.memory.task(index);
        // Acquire: what the owner says of the time is of this task, or of none yet.
        let seen = Word(task.word.load(Acquire));
        let runs = seen.ticket() == ticket && seen.state() == Some(State::Running);
        // Relaxed: a time that a worker has written; here and below.
        (runs && task.begun.load(Relaxed) != 0).then(|| task.started.load(Relaxed))
    }

    /// Whether the worker has ever begun a task. (A worker may have written anything: it is a hint.)
    pub fn has_begun(&self, worker: u32) -> bool {
        // Relaxed: a hint.
        self.memory.worker(worker).begun.load(Relaxed) != 0
    }

    /// A worker comes to this place, whose last one is dead.
    pub fn renew(&self, worker: u32) {
        let words = self.memory.worker(worker);
        // Relaxed: the worker that comes is started after this.
        words.begun.store(0, Relaxed);
        // Relaxed: as above.
        words.leave.store(0, Relaxed);
    }
}

/// From whom a task was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// No worker had it.
    NotClaimed,
    /// This worker has it, and is to be killed.
    From(u32),
}
