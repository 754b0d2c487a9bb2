//! What may happen next, and what then becomes of the state.

use super::{Choice, Execution, Slices, Status, Thread};
use crate::executor::{ThreadId, VariableId};

impl Execution {
    /// What may happen next: nothing, where nobody can go on.
    pub(crate) fn choices(&self) -> Vec<(ThreadId, Choice)> {
        if let Some((var, _)) = self.pending_wakes {
            return self.variables[var].sleepers.iter().map(|&id| (id, Choice::Wake)).collect();
        }
        let own = |choice| vec![(self.current, Choice::Step), (self.current, choice)];
        match self.threads[self.current].status {
            Status::Private => return own(Choice::Kill),
            Status::Asking => return own(Choice::TimeOut),
            _ => {}
        }
        // The current one first: so a failure is found with few changes of thread.
        let others = (0..self.threads.len()).filter(|&id| id != self.current);
        let order: Vec<ThreadId> = std::iter::once(self.current).chain(others).collect();
        let asleep = self.asleep();
        let mut choices = Vec::new();
        for &id in &order {
            match self.threads[id].status {
                Status::Ready | Status::Private => choices.push((id, Choice::Step)),
                Status::Asking => choices.extend([(id, Choice::Step), (id, Choice::TimeOut)]),
                Status::Dying => choices.push((id, Choice::WalkList)),
                Status::Joining(other) if self.joined(other).is_some() => {
                    choices.push((id, Choice::Step))
                }
                Status::AwaitingSleepers(n) if asleep >= n => choices.push((id, Choice::Step)),
                Status::Asleep { timeouts, .. } => {
                    if timeouts.deadline {
                        choices.push((id, Choice::TimeOut));
                    }
                    if self.spurious > 0 {
                        choices.push((id, Choice::Spurious));
                    }
                    if self.early > 0 && timeouts.slices && self.threads[id].slices > 0 {
                        choices.push((id, Choice::EarlySlice));
                    }
                }
                _ => {}
            }
        }
        // Slices end only where they must, or they would hide a wake that was lost; of a wait that ends in
        // time anyway, always.
        let only_go_on =
            |&(id, choice): &(ThreadId, Choice)| choice == Choice::Step && self.threads[id].sliced;
        let must = match self.rules.slices {
            Slices::Never => false,
            Slices::Singly => choices.is_empty(),
            Slices::AtOnce => choices.iter().all(only_go_on),
        };
        if self.rules.slices != Slices::Never && self.has_left_something() {
            choices.extend(order.iter().filter_map(|&id| match self.threads[id] {
                Thread { status: Status::Asleep { timeouts, .. }, slices: 1.., .. } => {
                    (timeouts.slices && (must || timeouts.deadline)).then_some((id, Choice::Slice))
                }
                _ => None,
            }));
        }
        if self.single_path {
            choices.sort_by_key(|&(_, choice)| choice != Choice::Step);
            choices.truncate(1);
        } else if !choices.is_empty() && self.deaths > 0 {
            let mortal = |&id: &ThreadId| self.threads[id].mortal && self.lives(id);
            choices.extend(order.into_iter().filter(mortal).map(|id| (id, Choice::Kill)));
        }
        choices
    }

    /// Does what was decided; the thread finds it when it runs on.
    pub(crate) fn decide(&mut self, id: ThreadId, choice: Choice) {
        if choice == Choice::Wake {
            return self.wake(id);
        }
        self.current = id;
        self.choice = choice;
        match choice {
            Choice::Kill => self.kill(id),
            Choice::WalkList => self.walk_list(id),
            Choice::Spurious => self.spurious -= 1,
            Choice::EarlySlice => {
                self.early -= 1;
                self.threads[id].slices -= 1;
            }
            Choice::Slice => {
                self.threads[id].slices -= 1;
                self.threads[id].sliced = self.rules.slices == Slices::AtOnce;
            }
            Choice::Step | Choice::TimeOut | Choice::Wake => {}
        }
    }

    /// Wakes up to so many of those who sleep there, and gives how many. If it is not all of them, the
    /// search decides whom before anything else happens, since the kernel promises no order; but not where
    /// only one way is tried, or somebody unwinds, who takes no steps in between.
    pub(super) fn wake_sleepers(&mut self, var: VariableId, n: u32) -> u32 {
        let sleepers = self.variables[var].sleepers.clone();
        let n = sleepers.len().min(n as usize);
        let one_way = self.single_path || std::thread::panicking();
        if 0 < n && n < sleepers.len() && !one_way {
            self.pending_wakes = Some((var, n));
        } else {
            sleepers[..n].iter().for_each(|&id| self.wake_up(id, var));
        }
        n as u32
    }

    fn wake(&mut self, id: ThreadId) {
        let (var, n) = self.pending_wakes.take().expect("somebody wakes another");
        self.wake_up(id, var);
        self.pending_wakes = (n > 1).then_some((var, n - 1));
    }

    fn wake_up(&mut self, id: ThreadId, var: VariableId) {
        self.variables[var].sleepers.retain(|&sleeper| sleeper != id);
        let thread = &mut self.threads[id];
        thread.woken = true;
        thread.status = Status::Ready;
    }

    fn has_ended(&self, id: ThreadId) -> bool {
        matches!(self.threads[id].status, Status::Done | Status::Dead)
    }

    /// Who has ended that is joined by waiting for this one: of threads that are alike, nothing tells one
    /// from another, so the first that ends may be taken for it.
    pub(super) fn joined(&self, id: ThreadId) -> Option<ThreadId> {
        let mut alike: Vec<ThreadId> = vec![id];
        if let Some(kind) = self.threads[id].kind {
            alike = (0..self.threads.len())
                .filter(|&one| self.threads[one].kind == Some(kind))
                .collect();
        }
        alike.into_iter().find(|&one| self.has_ended(one) && !self.threads[one].is_joined)
    }

    /// Whether all have ended who still can.
    pub(crate) fn is_done(&self) -> bool {
        (0..self.threads.len()).all(|id| self.has_ended(id))
    }

    /// Whether it can still do something.
    pub(crate) fn lives(&self, id: ThreadId) -> bool {
        !self.has_ended(id) && self.threads[id].status != Status::Dying
    }

    /// Whether nobody bears the number any more, and what those who bore it held is marked.
    pub(super) fn is_gone(&self, number: ThreadId) -> bool {
        let mut bearers = self.threads.iter().filter(|thread| thread.number == number);
        bearers.all(|thread| thread.status == Status::Dead)
    }

    /// Whether it was killed, and what it held is marked.
    pub(crate) fn is_dead(&self, id: ThreadId) -> bool {
        self.threads[id].status == Status::Dead
    }
}
