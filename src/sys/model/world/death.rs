//! What the kernel does where a thread is killed, and what is left for others to find.

use super::{OWNER, OWNER_DIED, Status, Task, Thread, WAITERS, World, name_of, named};
use crate::sys::model::trace::{self, Action};
use crate::sys::model::world::Var;
use multiproc_checker::mutant;

impl World {
    /// Whether one has died, and what it left may be for those to find whose slices end: where the kernel
    /// has not marked it, that is its name.
    pub(super) fn has_left_something(&self) -> bool {
        let dead = |task: Task| self.is_dead(task);
        if self.rules.unmarked {
            return self.places.iter().any(|place| named(place.value).is_some_and(dead));
        }
        (0..self.threads.len()).any(dead)
    }

    /// Kills a thread, and does what the kernel then does with its robust list.
    pub(super) fn kill(&mut self, task: Task) {
        self.deaths -= 1;
        trace::note(task, Action::Dies);
        for place in &mut self.places {
            place.sleepers.retain(|&sleeper| sleeper != task);
        }
        let Thread { status, held, pending, .. } = &mut self.threads[task];
        *status = Status::Dying;
        if self.rules.unmarked {
            // Since it took what it holds, the pending entry has been another.
            *pending = pending.filter(|var| !held.contains(var));
            held.clear();
        }
        held.retain(|&var| Some(var) != *pending);
        self.bury(task);
    }

    /// The kernel does what is to be done with the next lock of the dying, the youngest first, the pending
    /// one last. Before the next, others can come in.
    pub(super) fn bury(&mut self, task: Task) {
        let Thread { status, held, pending, .. } = &mut self.threads[task];
        let (var, is_pending) = match held.pop() {
            Some(var) => (Some(var), false),
            None => (pending.take(), true),
        };
        if held.is_empty() && pending.is_none() {
            *status = Status::Dead;
        }
        if let Some(var) = var {
            self.mark(var, name_of(task).into(), is_pending);
        }
    }

    fn mark(&mut self, var: Var, name: u64, pending: bool) {
        let word = self.places[var].value;
        if pending && word & OWNER == 0 {
            self.rouse(var, mutant!("kernel.wakes.next", 1 => 0));
        } else if word & OWNER == name {
            let waiters = mutant!("kernel.keeps.waiters", word & WAITERS => 0);
            self.places[var].value = waiters | mutant!("kernel.marks", OWNER_DIED => 0);
            if word & WAITERS != 0 {
                self.rouse(var, mutant!("kernel.wakes.heir", 1 => 0));
            }
        }
    }
}
