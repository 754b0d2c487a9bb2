//! Workers without a task: they spin, they sleep, and they are woken.
//!
//! Each worker has two bits in the word of its group: that it spins, and that it sleeps. Only the worker
//! itself sets them; whoever wakes it clears the second, and the pool's process both when it is dead.
//!
//! | step | by |
//! |---|---|
//! | queue a task; then read the groups *by a step that writes*; if nobody spins, clear a sleeper's bit and wake it | who gives a task |
//! | set the bit; then look for tasks; sleep if there are none | a worker that goes to sleep |
//! | clear the bit; then look for tasks; if there are some, wake another, as who gives a task | a worker that spun and has claimed one |
//!
//! Of the two steps on a group one comes first. If it is that of who gives the task, the worker finds the
//! task, else it is found itself. A wake that went to one that was killed is made up for: the pool's
//! process wakes all when a worker is dead. So is one that counted on a dead spinner.

use crate::pool::schedule::queue::Claim;
use crate::pool::schedule::{Schedule, Spin};
use crate::sys::Deadline;
use crate::sys::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// The bits of workers that sleep; those that spin are above.
const SLEEPING: u64 = u32::MAX as u64;

/// The bits of a worker in its group: that it sleeps, that it spins.
fn bits(worker: u32) -> (u64, u64) {
    let sleeps = 1 << (worker % 32);
    (sleeps, sleeps << 32)
}

/// What a worker without a task is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The task that it has claimed.
    Task(Claim),
    /// End: the pool is closed and nothing is queued, or the pool said so.
    End,
}

impl Schedule {
    /// The next task of the worker, which waits for it. `idle` is called before it sleeps, when it is known
    /// to have no task.
    pub fn next(&self, worker: u32, spin: &Spin, idle: impl Fn()) -> Next {
        loop {
            if self.is_to_leave(worker) {
                return Next::End;
            }
            if let Some(claim) = self.look(worker, spin) {
                return Next::Task(claim);
            }
            if self.is_closed() && self.queued() == 0 {
                return Next::End;
            }
            self.sleep(worker, &idle);
        }
    }

    /// A task for the worker, if one is queued or comes soon.
    #[inline]
    pub fn look(&self, worker: u32, spin: &Spin) -> Option<Claim> {
        self.claim(worker).or_else(|| self.spin(worker, spin))
    }

    /// Looks for a task for a short time.
    #[inline]
    fn spin(&self, worker: u32, spin: &Spin) -> Option<Claim> {
        let group = self.memory.group(worker as usize / 32);
        let (_, spins) = bits(worker);
        // Relaxed: a hint. One that spins is as good as all.
        if group.load(Relaxed) & !SLEEPING != 0 || !spin.0.is_due() {
            return None;
        }
        // AcqRel: as in `sleep`.
        group.fetch_or(spins, AcqRel);
        spin.0.look(|| self.queued() > 0 || self.is_closed());
        let claim = self.claim(worker);
        self.stop_spinning(worker);
        if claim.is_some() && self.queued() > 0 {
            // Who has given that saw one that spins.
            self.wake_one();
        }
        claim
    }

    fn stop_spinning(&self, worker: u32) {
        let (_, spins) = bits(worker);
        // AcqRel: as in `sleep`.
        self.memory.group(worker as usize / 32).fetch_and(!spins, AcqRel);
    }

    /// Sleeps until it is woken, unless there is something to do.
    fn sleep(&self, worker: u32, idle: impl Fn()) {
        let words = self.memory.worker(worker);
        let group = self.memory.group(worker as usize / 32);
        let (sleeps, _) = bits(worker);
        // Relaxed: released by the next step.
        words.wake.store(0, Relaxed);
        // Release: who clears the bit comes after the store above. Acquire: what was queued before a step of
        // `wake_one` that came before this one is found below.
        group.fetch_or(sleeps, AcqRel);
        if self.queued() == 0 && !self.is_closed() && !self.is_to_leave(worker) {
            idle();
            words.wake.wait(0, Deadline::Never);
        }
        // AcqRel: as above; unless whoever has woken it has cleared the bit.
        group.fetch_and(!sleeps, AcqRel);
    }

    /// Has a worker look for a task that was queued: one that spins, or else one that sleeps. If there is
    /// neither, all have tasks, and look when they are done. Whether one was there.
    #[inline]
    pub fn wake_one(&self) -> bool {
        let mut sleeper = None;
        for index in 0..self.memory.groups() {
            // A step that writes, though it changes nothing: so it comes before the step by which a worker
            // goes to sleep, or after. AcqRel: in the first case that worker sees what was queued before,
            // in the second its bit is seen, and its word as it was before.
            let seen = self.memory.group(index).fetch_or(0, AcqRel);
            if seen & !SLEEPING != 0 {
                return true;
            }
            if sleeper.is_none() && seen & SLEEPING != 0 {
                sleeper = Some(index);
            }
        }
        let Some(first) = sleeper else { return false };
        (first..self.memory.groups()).any(|group| self.wake_in(group))
    }

    #[cold]
    fn wake_in(&self, index: usize) -> bool {
        let group = self.memory.group(index);
        loop {
            // Relaxed: only a guess for the next step.
            let sleepers = group.load(Relaxed) & SLEEPING;
            if sleepers == 0 {
                return false;
            }
            // The same ones again and again: those whose memory is still in the processor.
            let bit = sleepers & sleepers.wrapping_neg();
            // AcqRel: as in `wake_one`. Who clears the bit wakes.
            if group.fetch_and(!bit, AcqRel) & bit != 0 {
                let worker = index as u32 * 32 + bit.trailing_zeros();
                if worker < self.memory.workers {
                    self.wake(worker);
                    return true;
                }
            }
        }
    }

    fn wake(&self, worker: u32) {
        let wake = &self.memory.worker(worker).wake;
        // Release: as the steps on the groups.
        wake.store(1, Release);
        wake.wake(1);
    }

    /// Has all workers look for tasks, and whether they are to end. By the pool's process.
    pub fn wake_all(&self) {
        for index in 0..self.memory.groups() {
            // AcqRel: as in `wake_one`.
            self.memory.group(index).fetch_or(0, AcqRel);
        }
        (0..self.memory.workers).for_each(|worker| self.wake(worker));
    }

    /// The worker is dead: it neither spins nor sleeps. By the pool's process, before it wakes all.
    pub fn clear_idle(&self, worker: u32) {
        let (sleeps, spins) = bits(worker);
        // AcqRel: as in `wake_one`.
        self.memory.group(worker as usize / 32).fetch_and(!(sleeps | spins), AcqRel);
    }

    /// No more tasks come: workers end when none is queued.
    pub fn close(&self) {
        // Release: what was queued before is seen by those who see this.
        self.memory.common().closed.0.store(1, Release);
        self.wake_all();
    }

    #[inline]
    fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.memory.common().closed.0.load(Acquire) != 0
    }

    /// Has the worker end after the task that it has. By the pool's process.
    pub fn dismiss(&self, worker: u32) {
        // Relaxed: nothing rides on it; that it is seen is `wake_all`'s business.
        self.memory.worker(worker).leave.store(1, Relaxed);
        self.wake_all();
    }

    #[inline]
    fn is_to_leave(&self, worker: u32) -> bool {
        // Relaxed: as in `dismiss`.
        self.memory.worker(worker).leave.load(Relaxed) != 0
    }

    /// More tasks wait, or no more, than there is room for. By the pool's process.
    pub fn set_backlog(&self, more: bool) {
        // Relaxed: it is seen, at the latest, by a worker that has gone to sleep after the step of
        // `wake_one` that follows.
        self.memory.common().backlog.store(u32::from(more), Relaxed);
    }

    /// Whether more tasks wait than there is room for, and what there is will soon be done: whoever is
    /// told so first tells the pool's process.
    #[inline]
    pub fn wants_more(&self) -> bool {
        let backlog = &self.memory.common().backlog;
        // Relaxed: as in `set_backlog`.
        backlog.load(Relaxed) != 0
            && self.queued() <= u64::from(self.memory.tasks / 4)
            // Relaxed: as in `set_backlog`.
            && backlog.compare_exchange(1, 0, Relaxed, Relaxed).is_ok()
    }
}
