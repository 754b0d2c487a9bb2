//! What the kernel does where a thread is killed, and what is left for others to find.

use super::steps::{leaving, observe, pause};
use super::{Execution, Status, Thread, with};
use crate::executor::{ThreadId, VariableId};
use crate::mutant;
use crate::robust::{OWNER, OWNER_DIED, WAITERS, name_of, thread_named};
use crate::trace::{self, Action};

impl Execution {
    /// Whether one has died, and what it left may be for those to find whose slices end: where the kernel
    /// has not marked it, that is its name.
    pub(super) fn has_left_something(&self) -> bool {
        let dead = |id: ThreadId| self.is_dead(id);
        let gone = |number: ThreadId| self.is_gone(number);
        if self.rules.unmarked {
            return self
                .variables
                .iter()
                .any(|variable| thread_named(variable.value).is_some_and(gone));
        }
        (0..self.threads.len()).any(dead)
    }

    /// What is wrong with the robust list of a thread that has ended, which nobody uses any more: the kernel
    /// would go through it all the same, also where that memory is no more.
    pub(super) fn left_on_list(&self, id: ThreadId) -> Option<String> {
        let Thread { held, pending, .. } = &self.threads[id];
        let owner = |var: VariableId| self.variables[var].value as u32 & OWNER;
        let stray = held.iter().find(|&&var| owner(var) != name_of(id)).or(pending.as_ref());
        let label = self.label(*stray?);
        Some(format!("thread {id} has ended, and {label}, which it does not hold, is on its list"))
    }

    /// Kills a thread, and does what the kernel then does with its robust list.
    pub(super) fn kill(&mut self, id: ThreadId) {
        self.deaths -= 1;
        trace::note(id, Action::Dies);
        for variable in &mut self.variables {
            variable.sleepers.retain(|&sleeper| sleeper != id);
        }
        let Thread { status, held, pending, version, .. } = &mut self.threads[id];
        *status = Status::Dying;
        *version = None;
        if self.rules.unmarked {
            // Since it took what it holds, the pending entry has been another.
            *pending = pending.filter(|var| !held.contains(var));
            held.clear();
        }
        held.retain(|&var| Some(var) != *pending);
        self.walk_list(id);
    }

    /// The kernel comes to the next lock on the list of a thread that was killed, the last taken first, the
    /// pending one last. Before the next, others can run.
    pub(super) fn walk_list(&mut self, id: ThreadId) {
        let Thread { status, held, pending, .. } = &mut self.threads[id];
        let (var, is_pending) = match held.pop() {
            Some(var) => (Some(var), false),
            None => (pending.take(), true),
        };
        if held.is_empty() && pending.is_none() {
            *status = Status::Dead;
        }
        if let Some(var) = var {
            self.mark(var, name_of(self.threads[id].number), is_pending);
        }
    }

    fn mark(&mut self, var: VariableId, name: u32, pending: bool) {
        let word = self.variables[var].value as u32;
        if pending && word & OWNER == 0 {
            self.wake_sleepers(var, mutant!("kernel.wakes.next", 1 => 0));
        } else if word & OWNER == name {
            let waiters = mutant!("kernel.keeps.waiters", word & WAITERS => 0);
            let died = mutant!("kernel.marks", OWNER_DIED => 0);
            self.variables[var].value = (waiters | died).into();
            if word & WAITERS != 0 {
                self.wake_sleepers(var, mutant!("kernel.wakes.heir", 1 => 0));
            }
        }
    }
}

/// Whether this is the name of a thread that was killed, and nobody else bears its number.
pub(in crate::search) fn is_named_dead(name: u32) -> bool {
    with(|execution| thread_named(name.into()).is_some_and(|number| execution.is_gone(number)))
}

/// As [`is_named_dead`], where that is a step.
pub(in crate::search) fn is_named_dead_in_step(name: u32) -> bool {
    if !leaving() {
        pause(Status::Ready);
    }
    let is_dead = is_named_dead(name);
    observe(is_dead);
    is_dead
}
