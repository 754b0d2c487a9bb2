//! What may happen next, and that it does.

use super::{Slices, Status, Task, Thread, Turn, Var, World};

impl World {
    /// What may happen next: nothing, where nobody can go on.
    pub(crate) fn turns(&self) -> Vec<(Task, Turn)> {
        if let Some((var, _)) = self.owed {
            return self.places[var].sleepers.iter().map(|&task| (task, Turn::Wake)).collect();
        }
        let own = |turn| vec![(self.current, Turn::Go), (self.current, turn)];
        match self.threads[self.current].status {
            Status::Private => return own(Turn::Die),
            Status::Asking => return own(Turn::Expire),
            _ => {}
        }
        // The current one first: so a failure is found with few changes of thread.
        let others = (0..self.threads.len()).filter(|&task| task != self.current);
        let order: Vec<Task> = std::iter::once(self.current).chain(others).collect();
        let asleep = self.asleep();
        let mut turns = Vec::new();
        for &task in &order {
            match self.threads[task].status {
                Status::Ready | Status::Private => turns.push((task, Turn::Go)),
                Status::Asking => turns.extend([(task, Turn::Go), (task, Turn::Expire)]),
                Status::Dying => turns.push((task, Turn::Bury)),
                Status::Joining(other) if self.joined(other).is_some() => {
                    turns.push((task, Turn::Go))
                }
                Status::Awaiting(n) if asleep >= n => turns.push((task, Turn::Go)),
                Status::Asleep { ends, .. } => {
                    if ends.in_time {
                        turns.push((task, Turn::Expire));
                    }
                    if self.spurious > 0 {
                        turns.push((task, Turn::Spurious));
                    }
                    if self.early > 0 && ends.in_slices && self.threads[task].slices > 0 {
                        turns.push((task, Turn::Early));
                    }
                }
                _ => {}
            }
        }
        // Slices end only where they must, or they would hide a wake that was lost; of a wait that ends in
        // time anyway, always.
        let only_go_on =
            |&(task, turn): &(Task, Turn)| turn == Turn::Go && self.threads[task].sliced;
        let must = match self.rules.slices {
            Slices::Never => false,
            Slices::Singly => turns.is_empty(),
            Slices::AtOnce => turns.iter().all(only_go_on),
        };
        if self.rules.slices != Slices::Never && self.has_left_something() {
            turns.extend(order.iter().filter_map(|&task| match self.threads[task] {
                Thread { status: Status::Asleep { ends, .. }, slices: 1.., .. } => {
                    (ends.in_slices && (must || ends.in_time)).then_some((task, Turn::Slice))
                }
                _ => None,
            }));
        }
        if self.straight {
            turns.sort_by_key(|&(_, turn)| turn != Turn::Go);
            turns.truncate(1);
        } else if !turns.is_empty() && self.deaths > 0 {
            let mortal = |&task: &Task| self.threads[task].mortal && self.lives(task);
            turns.extend(order.into_iter().filter(mortal).map(|task| (task, Turn::Die)));
        }
        turns
    }

    /// Does what was decided; the thread finds it when it runs on.
    pub(crate) fn decide(&mut self, task: Task, turn: Turn) {
        if turn == Turn::Wake {
            return self.wake(task);
        }
        self.current = task;
        self.turn = turn;
        match turn {
            Turn::Die => self.kill(task),
            Turn::Bury => self.bury(task),
            Turn::Spurious => self.spurious -= 1,
            Turn::Early => {
                self.early -= 1;
                self.threads[task].slices -= 1;
            }
            Turn::Slice => {
                self.threads[task].slices -= 1;
                self.threads[task].sliced = self.rules.slices == Slices::AtOnce;
            }
            Turn::Go | Turn::Expire | Turn::Wake => {}
        }
    }

    /// Wakes up to so many of those who sleep there, and gives how many. If it is not all of them, the
    /// search decides whom before anything else happens, since the kernel promises no order; but not where
    /// only one way is tried, or somebody unwinds, who takes no steps in between.
    pub(super) fn rouse(&mut self, var: Var, n: u32) -> u32 {
        let sleepers = self.places[var].sleepers.clone();
        let n = sleepers.len().min(n as usize);
        let one_way = self.straight || std::thread::panicking();
        if 0 < n && n < sleepers.len() && !one_way {
            self.owed = Some((var, n));
        } else {
            sleepers[..n].iter().for_each(|&task| self.wake_up(task, var));
        }
        n as u32
    }

    fn wake(&mut self, task: Task) {
        let (var, n) = self.owed.take().expect("somebody wakes another");
        self.wake_up(task, var);
        self.owed = (n > 1).then_some((var, n - 1));
    }

    fn wake_up(&mut self, task: Task, var: Var) {
        self.places[var].sleepers.retain(|&sleeper| sleeper != task);
        let thread = &mut self.threads[task];
        thread.woken = true;
        thread.status = Status::Ready;
    }

    fn has_ended(&self, task: Task) -> bool {
        matches!(self.threads[task].status, Status::Done | Status::Dead)
    }

    /// Who has ended that is joined by waiting for this one: of threads that are alike, nothing tells one
    /// from another, so the first that ends may be taken for it.
    pub(super) fn joined(&self, task: Task) -> Option<Task> {
        let mut alike: Vec<Task> = vec![task];
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
    pub(crate) fn lives(&self, task: Task) -> bool {
        !self.has_ended(task) && self.threads[task].status != Status::Dying
    }

    /// Whether nobody bears the number any more, and what who bore it held is marked.
    pub(super) fn is_gone(&self, number: Task) -> bool {
        let mut bearers = self.threads.iter().filter(|thread| thread.number == number);
        bearers.all(|thread| thread.status == Status::Dead)
    }

    /// Whether it was killed, and what it held is marked.
    pub(crate) fn is_dead(&self, task: Task) -> bool {
        self.threads[task].status == Status::Dead
    }
}
