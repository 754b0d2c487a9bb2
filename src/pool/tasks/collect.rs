//! The end of a task: its outcome is read, and its place given back.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crate::error::TaskError;
use crate::pool::schedule::{Look, Remains};
use crate::pool::task::{Part, Place, Task};
use crate::pool::tasks::{Holder, KEPT, PlaceState, State, Tasks, corrupt};
use crate::sys::{Deadline, Futex, Wait};

/// What becomes of a task in a fork's copy where it had not ended: nobody ends it there.
static ELSEWHERE: Part = Err(TaskError::OtherProcess);

impl Tasks {
    /// Waits until the task has ended; `None` when the deadline came first.
    pub(in crate::pool) fn wait<'a>(
        &self,
        task: &'a Task,
        deadline: Option<Instant>,
    ) -> Option<&'a Part> {
        loop {
            if let Some(outcome) = task.outcome() {
                return Some(outcome);
            }
            if !self.is_ours() {
                return Some(&ELSEWHERE);
            }
            let in_time = match task.place() {
                Place::Ended => true,
                Place::Here => {
                    let deadline = deadline.map_or(Deadline::Never, Deadline::at);
                    self.announce_here(task).is_none_or(|(word, seen)| {
                        word.wait_slice(seen, deadline) != Wait::TimedOut
                    })
                }
                Place::Schedule { index, ticket } => {
                    match self.messages.schedule.wait(index, ticket, &self.spin, deadline) {
                        Look::Done => {
                            self.collect(task);
                            true
                        }
                        Look::Changed => {
                            self.check(task);
                            true
                        }
                        Look::TimedOut => false,
                    }
                }
            };
            if !in_time {
                return task.outcome();
            }
        }
    }

    /// Announces a sleeper on a task that is in this process alone.
    fn announce_here<'a>(&self, task: &'a Task) -> Option<(&'a Futex, u32)> {
        let _state = self.state();
        task.announce_sleeper()
    }

    /// Announces a sleeper, unless the task has ended: the word that it sleeps on, and its value.
    pub(in crate::pool) fn announce<'a>(&'a self, task: &'a Task) -> Option<(&'a Futex, u32)> {
        while self.look(task).is_none() {
            let announced = match task.place() {
                Place::Ended => return None,
                Place::Here => self.announce_here(task),
                Place::Schedule { index, ticket } => {
                    match self.messages.schedule.announce(index, ticket) {
                        Ok(announced) => Some(announced),
                        Err(Look::Changed) => {
                            self.check(task);
                            None
                        }
                        // It is collected by the next look.
                        Err(Look::Done | Look::TimedOut) => None,
                    }
                }
            };
            if announced.is_some() {
                return announced;
            }
        }
        None
    }

    /// What the task came to, if it has ended.
    pub(in crate::pool) fn look<'a>(&self, task: &'a Task) -> Option<&'a Part> {
        if task.outcome().is_none() {
            if !self.is_ours() {
                return Some(&ELSEWHERE);
            }
            if let Place::Schedule { index, ticket } = task.place()
                && self.messages.schedule.is_done(index, ticket)
            {
                self.collect(task);
            }
        }
        task.outcome()
    }

    /// Reads the outcome of a task that is done, and gives back its place, unless another has.
    pub(super) fn collect(&self, task: &Task) {
        let mut state = self.state();
        let Some(index) = state.place_of(task) else { return };
        let ticket = state.places[index as usize].ticket;
        if !self.messages.schedule.is_done(index, ticket) {
            return;
        }
        if self.messages.is_long(index) {
            // Not under the lock: others shall go on.
            let place = &mut state.places[index as usize];
            let holder = mem::replace(&mut place.holder, Holder::Reading);
            task.move_to(Place::Here);
            drop(state);
            let (part, room) = self.read(index);
            state = self.state();
            if let Holder::Task(task) = holder {
                task.end(part);
            }
            self.vacate(&mut state, index, room);
        } else {
            self.collect_at(&mut state, index);
        }
        let queued = if state.backlog.is_empty() && state.requeued.is_empty() {
            0
        } else {
            self.queue_waiting(&mut state)
        };
        drop(state);
        (0..queued).for_each(|_| _ = self.messages.schedule.wake_one());
    }

    /// Reads the outcome in this place.
    pub(super) fn read(&self, index: u32) -> (Part, usize) {
        let (outcome, room) = self.messages.read_outcome(index);
        let part = match outcome {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(failure)) => Err(failure.into()),
            Err(why) => Err(TaskError::Decode(why)),
        };
        (part, self.messages.checked_room(room))
    }

    /// Ends the task in this place, which is done, and gives the place back.
    pub(super) fn collect_at(&self, state: &mut State, index: u32) {
        let (part, room) = self.read(index);
        if let Holder::Task(task) = &state.places[index as usize].holder {
            task.end(part);
        }
        self.vacate(state, index, room);
    }

    /// Ends all tasks that are done, and gives back their places.
    pub(super) fn collect_all(&self, state: &mut State) {
        for index in 0..state.places.len() as u32 {
            let place = &state.places[index as usize];
            let is_task = matches!(place.holder, Holder::Task(_) | Holder::Forgotten);
            if is_task && self.messages.schedule.is_done(index, place.ticket) {
                self.collect_at(state, index);
            }
        }
    }

    /// The place has no task any more, and `room` bytes of memory for long messages.
    pub(super) fn vacate(&self, state: &mut State, index: u32, room: usize) {
        let place = &mut state.places[index as usize];
        place.holder = Holder::Nobody;
        state.room = state.room + room - place.room;
        place.room = room;
        if state.room > KEPT && room > 0 {
            self.messages.release(index, room);
            state.room -= room;
            place.room = 0;
        }
        state.free.push(index);
    }

    /// The task's word is not what was expected: it was queued again meanwhile, or a worker has written
    /// over it. Then the task fails.
    pub(super) fn check(&self, task: &Task) {
        let mut state = self.state();
        let Some(index) = state.place_of(task) else { return };
        let ticket = state.places[index as usize].ticket;
        if self.messages.schedule.remains(index, ticket, 0) == Remains::Corrupt {
            self.fail(&mut state, index, corrupt());
        }
    }

    /// Ends the task in this place, which nobody has any more, with this error.
    pub(super) fn fail(&self, state: &mut State, index: u32, error: TaskError) {
        let place = &state.places[index as usize];
        self.end_with(place, error);
        self.messages.schedule.abandon(index, place.ticket);
        let room = place.room;
        self.vacate(state, index, room);
    }

    pub(super) fn end_with(&self, place: &PlaceState, error: TaskError) {
        if let Holder::Task(task) = &place.holder {
            task.end(Err(error));
        }
    }

    /// One who could ask for the task's outcome is gone; if it was the last one, it is not kept.
    pub(in crate::pool) fn forget(&self, task: &Arc<Task>) {
        if task.outcome().is_some() || !self.is_ours() {
            return;
        }
        let mut state = self.state();
        // The place has it, too. (When two go at the same time, it may be kept until its place is needed.)
        let is_last = Arc::strong_count(task) <= 2;
        if let (true, Some(index)) = (is_last, state.place_of(task)) {
            let place = &mut state.places[index as usize];
            place.holder = Holder::Forgotten;
            if self.messages.schedule.is_done(index, place.ticket) {
                self.collect_at(&mut state, index);
            }
        }
    }
}
