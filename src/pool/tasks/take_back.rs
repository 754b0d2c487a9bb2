//! Tasks that do not end by themselves: their workers are dead, or they are taken from whoever has them.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::TaskError;
use crate::pool::schedule::{Remains, Revoked};
use crate::pool::task::{Place, Task};
use crate::pool::tasks::{Holder, PlaceState, Stage, State, Tasks, corrupt};
use crate::sys::millis;

impl Tasks {
    /// The worker is dead, in this way: what it had fails, or goes to another. Whether it had a task.
    pub(in crate::pool) fn reap(&self, worker: u32, how: TaskError) -> bool {
        let schedule = &self.messages.schedule;
        schedule.clear_idle(worker);
        let mut state = self.state();
        let how = if state.stage == Stage::Terminated { TaskError::Terminated } else { how };
        let mut had_one = false;
        for index in 0..state.places.len() as u32 {
            let place = &mut state.places[index as usize];
            match place.holder {
                Holder::Nobody | Holder::Reading => continue,
                Holder::Revoked(owner) if owner == worker => {
                    had_one = true;
                    let room = place.room;
                    self.vacate(&mut state, index, room);
                    continue;
                }
                Holder::Revoked(_) => continue,
                Holder::Task(_) | Holder::Forgotten => {}
            }
            let remains = schedule.remains(index, place.ticket, worker);
            had_one |= matches!(remains, Remains::NotBegun | Remains::Begun);
            match remains {
                Remains::Others => {}
                Remains::Done => schedule.wake_waiters(index),
                Remains::NotBegun => {
                    place.ticket = place.ticket.wrapping_add(1);
                    schedule.requeue(index, place.ticket);
                    if let Holder::Task(task) = &place.holder {
                        task.move_to(Place::Schedule { index, ticket: place.ticket });
                    }
                    state.requeued.push_back(index);
                }
                Remains::Begun => self.fail(&mut state, index, how.clone()),
                Remains::Corrupt => self.fail(&mut state, index, corrupt()),
            }
        }
        self.queue_waiting(&mut state);
        drop(state);
        // In any case: a wake may have gone to the dead one.
        schedule.wake_all();
        had_one
    }

    /// Takes the task from the queue, or from its worker, which is to be killed. Whether it had not ended.
    pub(in crate::pool) fn cancel(&self, task: &Task) -> bool {
        if !self.is_ours() || task.outcome().is_some() {
            return false;
        }
        let mut state = self.state();
        if state.cancel_waiting(task) {
            return true;
        }
        let Some(index) = state.place_of(task) else { return false };
        let revoked = self.revoke(&mut state, index, TaskError::Cancelled);
        drop(state);
        if matches!(revoked, Some(Revoked::From(_))) {
            let _ = self.wakeup.send();
        }
        self.feed();
        revoked.is_some()
    }

    /// Takes the task from the queue, unless a worker has claimed it.
    pub(in crate::pool) fn cancel_queued(&self, task: &Task) {
        if !self.is_ours() || task.outcome().is_some() {
            return;
        }
        let mut state = self.state();
        if state.cancel_waiting(task) {
            return;
        }
        let Some(index) = state.place_of(task) else { return };
        let ticket = state.places[index as usize].ticket;
        let withdrawn = self.messages.schedule.withdraw(index, ticket);
        if withdrawn {
            self.withdrawn(&mut state, index, TaskError::Cancelled);
        }
        drop(state);
        if withdrawn {
            self.feed();
        }
    }

    /// Takes the task in this place from whoever has it, and ends it with this error.
    pub(super) fn revoke(
        &self,
        state: &mut State,
        index: u32,
        error: TaskError,
    ) -> Option<Revoked> {
        let place = &mut state.places[index as usize];
        let revoked = self.messages.schedule.revoke(index, place.ticket)?;
        match revoked {
            Revoked::From(owner) => {
                self.end_with(place, error);
                place.holder = Holder::Revoked(owner);
            }
            Revoked::NotClaimed => self.withdrawn(state, index, error),
        }
        Some(revoked)
    }

    /// Ends the task in this place, which was taken from the queue, with this error.
    fn withdrawn(&self, state: &mut State, index: u32, error: TaskError) {
        let place = &state.places[index as usize];
        self.end_with(place, error);
        let room = place.room;
        state.requeued.retain(|&requeued| requeued != index);
        self.vacate(state, index, room);
    }

    /// Workers from which tasks were taken: they are to be killed.
    pub(in crate::pool) fn workers_to_kill(&self) -> Vec<u32> {
        let state = self.state();
        let owner = |place: &PlaceState| match place.holder {
            Holder::Revoked(owner) => Some(owner),
            _ => None,
        };
        state.places.iter().filter_map(owner).collect()
    }

    /// Takes tasks from their workers that have run for so long; gives when to look again, `None` if none
    /// runs.
    pub(in crate::pool) fn time_out(&self, limit: Duration) -> Option<Instant> {
        let mut state = self.state();
        let mut next = None;
        for index in 0..state.places.len() as u32 {
            let place = &state.places[index as usize];
            if !matches!(place.holder, Holder::Task(_) | Holder::Forgotten) {
                continue;
            }
            let Some(since) = self.messages.schedule.runs_since(index, place.ticket) else {
                let done = self.messages.schedule.is_done(index, place.ticket);
                // It may begin at any time.
                next = next.max((!done).then_some(Duration::ZERO));
                continue;
            };
            // A worker may say that it has begun in the future: then it has begun now.
            let ran = Duration::from_millis(u64::from(millis().wrapping_sub(since)));
            let ran = if ran > Duration::from_secs(1 << 21) { Duration::ZERO } else { ran };
            if ran >= limit {
                self.revoke(&mut state, index, TaskError::TimedOut);
            } else {
                next = next.max(Some(ran));
            }
        }
        let more = !state.backlog.is_empty();
        let longest = next.max(more.then_some(Duration::ZERO))?;
        // One that begins at this moment ends no sooner than the one that has run longest.
        Instant::now().checked_add(limit.saturating_sub(longest).max(Duration::from_millis(1)))
    }

    /// Fails the tasks that no worker has claimed for so long, or since then; gives when the next one will
    /// have waited so long.
    pub(in crate::pool) fn expire(
        &self,
        since: Instant,
        after: Duration,
        why: &TaskError,
    ) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        let end =
            |task: &Task| task.given.map_or(since, |given| given.max(since)).checked_add(after);
        let has_passed = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        let mut next: Option<Instant> = None;
        for index in 0..state.places.len() as u32 {
            let place = &state.places[index as usize];
            let expires = match &place.holder {
                Holder::Task(task) => end(task),
                Holder::Forgotten => since.checked_add(after),
                _ => continue,
            };
            if !self.messages.schedule.is_waiting(index, place.ticket) {
                continue;
            }
            if has_passed(expires) {
                if self.messages.schedule.withdraw(index, place.ticket) {
                    self.withdrawn(&mut state, index, why.clone());
                }
            } else {
                next = [next, expires].into_iter().flatten().min();
            }
        }
        while let Some((task, _)) = state.backlog.front() {
            let expires = end(task);
            if !has_passed(expires) {
                next = [next, expires].into_iter().flatten().min();
                break;
            }
            if let Some((task, _)) = state.backlog.pop_front() {
                task.end(Err(why.clone()));
            }
        }
        self.queue_waiting(&mut state);
        next
    }

    /// No worker is left, and none will come: what has not ended fails with this error.
    pub(in crate::pool) fn end_all(&self, error: &TaskError) {
        let mut state = self.state();
        state.stage = state.stage.max(Stage::Closed);
        self.collect_all(&mut state);
        for index in 0..state.places.len() as u32 {
            if matches!(state.places[index as usize].holder, Holder::Task(_) | Holder::Forgotten) {
                self.fail(&mut state, index, error.clone());
            }
        }
        state.requeued.clear();
        let backlog = mem::take(&mut state.backlog);
        backlog.iter().for_each(|(task, _)| task.end(Err(error.clone())));
        drop(state);
    }
}

impl State {
    /// Cancels a task that waits for a place; false when it is none.
    fn cancel_waiting(&mut self, task: &Task) -> bool {
        let waits = |(other, _): &(Arc<Task>, _)| std::ptr::eq(&**other, task);
        let Some(at) = self.backlog.iter().position(waits) else { return false };
        self.backlog.remove(at);
        task.end(Err(TaskError::Cancelled));
        true
    }
}
