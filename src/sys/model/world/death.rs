//! What the kernel does where a thread is killed, and what is left for others to find.

use super::{OWNER, OWNER_DIED, Status, Task, WAITERS, World, name_of, named};
use crate::sys::model::trace::{self, Action};
use crate::sys::model::world::Var;

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
        let thread = &mut self.threads[task];
        thread.status = Status::Dead;
        let (mut held, mut pending) = (std::mem::take(&mut thread.held), thread.pending.take());
        if self.rules.unmarked {
            // Since it took what it holds, the pending entry has been another.
            pending = pending.filter(|var| !held.contains(var));
            held.clear();
        }
        let name = u64::from(name_of(task));
        for &var in held.iter().rev().filter(|&&var| Some(var) != pending) {
            self.bury(var, name, false);
        }
        if let Some(var) = pending {
            self.bury(var, name, true);
        }
    }

    fn bury(&mut self, var: Var, name: u64, pending: bool) {
        let word = self.places[var].value;
        if pending && word & OWNER == 0 {
            self.rouse(var, 1);
        } else if word & OWNER == name {
            self.places[var].value = word & WAITERS | OWNER_DIED;
            if word & WAITERS != 0 {
                self.rouse(var, 1);
            }
        }
    }
}
