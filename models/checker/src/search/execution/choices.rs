//! What may happen next, and that it does.

use super::{Choice, Execution, Slices, Status, Thread};
use crate::executor::{ThreadId, VariableId};

impl Execution {
    /// What may happen next: nothing, where nobody can go on.
    pub(crate) fn choices(&self) -> Vec<(ThreadId, Choice)> {
        if let Some((var, _)) = self.pending_wakes {
            return self.variables[var].sleepers.iter().map(|&task| (task, Choice::Wake)).collect();
        }
        let own = |choice| vec![(self.current, Choice::Step), (self.current, choice)];
        match self.threads[self.current].status {
            Status::Private => return own(Choice::Kill),
            Status::Asking => return own(Choice::TimeOut),
            _ => {}
        }
        // The current one first: so a failure is found with few changes of thread.
        let others = (0..self.threads.len()).filter(|&task| task != self.current);
        let order: Vec<ThreadId> = std::iter::once(self.current).chain(others).collect();
        let asleep = self.asleep();
        let mut choices = Vec::new();
        for &task in &order {
            match self.threads[task].status {
                Status::Ready | Status::Private => choices.push((task, Choice::Step)),
                Status::Asking => choices.extend([(task, Choice::Step), (task, Choice::TimeOut)]),
                Status::Dying => choices.push((task, Choice::WalkList)),
                Status::Joining(other) if self.joined(other).is_some() => {
                    choices.push((task, Choice::Step))
                }
                Status::AwaitingSleepers(n) if asleep >= n => choices.push((task, Choice::Step)),
                Status::Asleep { timeouts, .. } => {
                    if timeouts.deadline {
                        choices.push((task, Choice::TimeOut));
                    }
                    if self.spurious > 0 {
                        choices.push((task, Choice::Spurious));
                    }
                    if self.early > 0 && timeouts.slices && self.threads[task].slices > 0 {
                        choices.push((task, Choice::EarlySlice));
                    }
                }
                _ => {}
            }
        }
        // Slices end only where they must, or they would hide a wake that was lost; of a wait that ends in
        // time anyway, always.
        let only_go_on = |&(task, choice): &(ThreadId, Choice)| {
            choice == Choice::Step && self.threads[task].sliced
        };
        let must = match self.rules.slices {
            Slices::Never => false,
            Slices::Singly => choices.is_empty(),
            Slices::AtOnce => choices.iter().all(only_go_on),
        };
        if self.rules.slices != Slices::Never && self.has_left_something() {
            choices.extend(order.iter().filter_map(|&task| {
                match self.threads[task] {
                    Thread { status: Status::Asleep { timeouts, .. }, slices: 1.., .. } => {
                        (timeouts.slices && (must || timeouts.deadline))
                            .then_some((task, Choice::Slice))
                    }
                    _ => None,
                }
            }));
        }
        if self.single_path {
            choices.sort_by_key(|&(_, choice)| choice != Choice::Step);
            choices.truncate(1);
        } else if !choices.is_empty() && self.deaths > 0 {
            let mortal = |&task: &ThreadId| self.threads[task].mortal && self.lives(task);
            choices.extend(order.into_iter().filter(mortal).map(|task| (task, Choice::Kill)));
        }
        choices
    }

    /// Does what was decided; the thread finds it when it runs on.
    pub(crate) fn decide(&mut self, task: ThreadId, choice: Choice) {
        if choice == Choice::Wake {
            return self.wake(task);
        }
        self.current = task;
        self.choice = choice;
        match choice {
            Choice::Kill => self.kill(task),
            Choice::WalkList => self.walk_list(task),
            Choice::Spurious => self.spurious -= 1,
            Choice::EarlySlice => {
                self.early -= 1;
                self.threads[task].slices -= 1;
            }
            Choice::Slice => {
                self.threads[task].slices -= 1;
                self.threads[task].sliced = self.rules.slices == Slices::AtOnce;
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
            sleepers[..n].iter().for_each(|&task| self.wake_up(task, var));
        }
        n as u32
    }

    fn wake(&mut self, task: ThreadId) {
        let (var, n) = self.pending_wakes.take().expect("somebody wakes another");
        self.wake_up(task, var);
        self.pending_wakes = (n > 1).then_some((var, n - 1));
    }

    fn wake_up(&mut self, task: ThreadId, var: VariableId) {
        self.variables[var].sleepers.retain(|&sleeper| sleeper != task);
        let thread = &mut self.threads[task];
        thread.woken = true;
        thread.status = Status::Ready;
    }

    fn has_ended(&self, task: ThreadId) -> bool {
        matches!(self.threads[task].status, Status::Done | Status::Dead)
    }

    /// Who has ended that is joined by waiting for this one: of threads that are alike, nothing tells one
    /// from another, so the first that ends may be taken for it.
    pub(super) fn joined(&self, task: ThreadId) -> Option<ThreadId> {
        let mut alike: Vec<ThreadId> = vec![task];
        if let Some(kind) = self.threads[task].kind {
            alike = (0..self.threads.len())
                .filter(|&one| self.threads[one].kind == Some(kind))
                .collect();
        }
        alike.into_iter().find(|&one| self.has_ended(one) && !self.threads[one].is_joined)
    }

    /// Whether all have ended who still can.
    pub(crate) fn is_done(&self) -> bool {
        (0..self.threads.len()).all(|task| self.has_ended(task))
    }

    /// Whether it can still do something.
    pub(crate) fn lives(&self, task: ThreadId) -> bool {
        !self.has_ended(task) && self.threads[task].status != Status::Dying
    }

    /// Whether it was killed, and what it held is marked.
    pub(crate) fn is_dead(&self, task: ThreadId) -> bool {
        self.threads[task].status == Status::Dead
    }
}
