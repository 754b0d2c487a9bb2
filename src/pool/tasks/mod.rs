//! The tasks of a pool, as its process has them: which is in which place of the schedule, and which still
//! wait for a place.
//!
//! ```text
//! submit ── backlog ── schedule: queued ── running ── done ── collected
//!     └───────────────────^  ^──────────────┘ its worker died before it had begun
//! ```
//!
//! Whoever waits for a task collects it and gives its place to one that waits. The manager's thread does it
//! where nobody comes: a worker tells it that places are not given back while tasks wait for some.

mod collect;
mod take_back;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use crate::error::{CodecError, Error, TaskError};
use crate::pool::callbacks::Callbacks;
use crate::pool::messages::Messages;
use crate::pool::request::{Call, Request};
use crate::pool::schedule::{Entries, Spin};
use crate::pool::task::{Place, Task};
use crate::pool::wakeup::Wakeup;
use crate::sys::{AtomicU32, Ordering::Relaxed, fork_generation};

/// Tasks that have a place at a time; and twice as many as workers, at least.
const PLACES: u32 = 256;

/// Bytes of memory for long messages that places keep for the next, all together.
const KEPT: usize = 64 << 20;

/// How far the pool has come; it only ever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Open,
    /// What it has is done, and no more is taken.
    Closed,
    /// Nothing more is done.
    Terminated,
}

#[derive(Debug)]
pub(super) struct Tasks {
    /// Of the process whose it is. In another, which has a copy, a lock may be held by a thread that is not
    /// there, and the memory is the parent's: nothing but this is looked at.
    generation: u64,
    pub(super) messages: Messages,
    state: Mutex<State>,
    spin: Spin,
    /// Not 0: the manager wants to hear of new tasks.
    wants_news: AtomicU32,
    pub(super) wakeup: Wakeup,
    pub(super) callbacks: Arc<Callbacks>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    places: Vec<PlaceState>,
    /// The places without a task; the one that was used last is at the end.
    free: Vec<u32>,
    entries: Entries,
    /// Tasks that are queued again, and whose entries are still to be written.
    requeued: VecDeque<u32>,
    /// Tasks that wait for a place.
    backlog: VecDeque<(Arc<Task>, Request)>,
    /// Bytes of memory that all places have for long messages.
    room: usize,
    /// Set while no worker is there: new tasks note when they came.
    lacks_workers: bool,
}

/// A place of the schedule.
#[derive(Debug)]
struct PlaceState {
    ticket: u16,
    holder: Holder,
    /// Bytes of memory that it has for long messages.
    room: usize,
}

#[derive(Debug)]
enum Holder {
    Nobody,
    Task(Arc<Task>),
    /// A task whose outcome nobody will ask for.
    Forgotten,
    /// A task whose outcome is being read.
    Reading,
    /// The task was taken from this worker, which may still write there until it is dead.
    Revoked(u32),
}

impl Tasks {
    pub(super) fn new(workers: u32) -> Result<Self, Error> {
        let messages = Messages::new(PLACES.max(workers.next_power_of_two() * 2), workers)?;
        let count = messages.schedule.tasks();
        let place = |_| PlaceState { ticket: 0, holder: Holder::Nobody, room: 0 };
        let state = State {
            stage: Stage::Open,
            places: (0..count).map(place).collect(),
            free: (0..count).rev().collect(),
            entries: Entries::default(),
            requeued: VecDeque::new(),
            backlog: VecDeque::new(),
            room: 0,
            lacks_workers: true,
        };
        Ok(Tasks {
            generation: fork_generation(),
            messages,
            state: Mutex::new(state),
            spin: Spin::new(has_processors()),
            wants_news: AtomicU32::new(1),
            wakeup: Wakeup::new()?,
            callbacks: Arc::default(),
        })
    }

    /// Whether this is the process whose pool it is, and no fork of that.
    pub(super) fn is_ours(&self) -> bool {
        self.generation == fork_generation()
    }

    pub(super) fn check_process(&self) -> Result<(), TaskError> {
        if self.is_ours() { Ok(()) } else { Err(TaskError::OtherProcess) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each step under the lock leaves the state whole, up to where it could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of these tasks, one for each argument, or none.
    pub(super) fn submit(
        &self,
        call: Call,
        arguments: Vec<Vec<u8>>,
    ) -> Result<Vec<Arc<Task>>, TaskError> {
        for argument in &arguments {
            self.messages.check(argument).map_err(TaskError::Argument)?;
        }
        let mut state = self.open()?;
        let given = state.lacks_workers.then(Instant::now);
        let mut queued = 0;
        let waited = !state.backlog.is_empty();
        let mut tasks = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let task = Arc::new(Task::new(given));
            tasks.push(task.clone());
            if self.can_queue(&mut state) {
                queued += self.queue(&mut state, task, call, &argument);
            } else {
                state.backlog.push_back((task, Request { call, argument }));
            }
        }
        self.submitted(state, queued, waited);
        Ok(tasks)
    }

    /// As [`submit`](Self::submit), of one.
    pub(super) fn submit_one(&self, call: Call, argument: &[u8]) -> Result<Arc<Task>, TaskError> {
        self.messages.check(argument).map_err(TaskError::Argument)?;
        let mut state = self.open()?;
        let task = Arc::new(Task::new(state.lacks_workers.then(Instant::now)));
        let mut queued = 0;
        let waited = !state.backlog.is_empty();
        if self.can_queue(&mut state) {
            queued = self.queue(&mut state, task.clone(), call, argument);
        } else {
            state.backlog.push_back((task.clone(), Request { call, argument: argument.to_vec() }));
        }
        self.submitted(state, queued, waited);
        Ok(task)
    }

    /// The state, if more tasks are taken.
    fn open(&self) -> Result<MutexGuard<'_, State>, TaskError> {
        // Again: what has encoded the arguments is the user's, and may have forked.
        self.check_process()?;
        let state = self.state();
        match state.stage {
            Stage::Open => Ok(state),
            Stage::Closed => Err(TaskError::Closed),
            Stage::Terminated => Err(TaskError::Terminated),
        }
    }

    /// Tells of tasks that were given, of which so many were queued; `waited` says whether others waited for
    /// room before.
    fn submitted(&self, state: MutexGuard<'_, State>, queued: usize, waited: bool) {
        let wait = !state.backlog.is_empty();
        drop(state);
        (0..queued).for_each(|_| _ = self.messages.schedule.wake_one());
        // Of tasks that wait where others did, whoever feeds those takes care.
        if wait && !waited {
            self.feed();
        }
        // Relaxed: set under the lock before this call, or the manager looks at the tasks after it.
        if self.wants_news.load(Relaxed) != 0 {
            let _ = self.wakeup.send();
        }
    }

    /// Whether a new task can be queued before those that wait.
    fn can_queue(&self, state: &mut State) -> bool {
        state.backlog.is_empty() && self.has_place(state)
    }

    /// Whether there is a place, and room in the ring; places of tasks that are done are given back for it.
    fn has_place(&self, state: &mut State) -> bool {
        if !self.messages.schedule.has_room(&mut state.entries) {
            return false;
        }
        if state.free.is_empty() {
            self.collect_all(state);
        }
        !state.free.is_empty()
    }

    /// Queues the task in a place, which there is. How many were queued.
    fn queue(&self, state: &mut State, task: Arc<Task>, call: Call, argument: &[u8]) -> usize {
        let Some(index) = state.free.pop() else { return 0 };
        let place = &mut state.places[index as usize];
        let had = place.room;
        match self.messages.write_request(index, call, argument, had) {
            Ok(room) => {
                place.room = room;
                state.room = state.room + room - had;
            }
            Err(why) => {
                state.free.push(index);
                task.end(Err(TaskError::Argument(why)));
                return 0;
            }
        }
        place.ticket = place.ticket.wrapping_add(1);
        task.move_to(Place::Schedule { index, ticket: place.ticket });
        place.holder = Holder::Task(task);
        self.messages.schedule.push(index, place.ticket, &mut state.entries);
        1
    }

    /// Queues what waits, as far as there is room: gives how many.
    fn queue_waiting(&self, state: &mut State) -> usize {
        let schedule = &self.messages.schedule;
        let mut queued = 0;
        while !state.requeued.is_empty() && schedule.has_room(&mut state.entries) {
            let Some(index) = state.requeued.pop_front() else { break };
            let ticket = state.places[index as usize].ticket;
            schedule.enter(index, ticket, &mut state.entries);
            queued += 1;
        }
        while state.requeued.is_empty() && !state.backlog.is_empty() && self.has_place(state) {
            let Some((task, Request { call, argument })) = state.backlog.pop_front() else { break };
            queued += self.queue(state, task, call, &argument);
        }
        let more = !state.backlog.is_empty() || !state.requeued.is_empty();
        schedule.set_backlog(more);
        if !more && state.stage == Stage::Closed {
            schedule.close();
        }
        queued
    }

    /// Collects what is done, and queues what waits, as far as there is room.
    pub(super) fn feed(&self) {
        let schedule = &self.messages.schedule;
        // Twice: a worker that went to sleep before it could see that tasks wait is seen by `wake_one`; what
        // it had done then is collected by the second time. One that goes to sleep later tells.
        for _ in 0..2 {
            let mut state = self.state();
            if state.backlog.is_empty() && state.requeued.is_empty() {
                return;
            }
            self.collect_all(&mut state);
            let queued = self.queue_waiting(&mut state);
            let more = !state.backlog.is_empty() || !state.requeued.is_empty();
            drop(state);
            (0..queued.max(1)).for_each(|_| _ = schedule.wake_one());
            if !more {
                return;
            }
        }
    }

    /// Goes on to that stage, if it is not there yet.
    pub(super) fn advance(&self, stage: Stage) {
        let mut state = self.state();
        state.stage = state.stage.max(stage);
        if state.stage == Stage::Closed {
            self.queue_waiting(&mut state);
        }
        drop(state);
        self.feed();
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// Whether workers have something to do, or may get it.
    pub(super) fn needs_workers(&self) -> bool {
        let state = self.state();
        match state.stage {
            Stage::Open => true,
            Stage::Closed => {
                let waits = |index: &u32| {
                    let place = &state.places[*index as usize];
                    self.messages.schedule.is_waiting(*index, place.ticket)
                };
                !state.backlog.is_empty() || (0..state.places.len() as u32).any(|i| waits(&i))
            }
            Stage::Terminated => false,
        }
    }

    /// Whether the manager wants to hear of new tasks; and whether it has no worker.
    pub(super) fn set_news(&self, wants: bool, lacks_workers: bool) {
        let mut state = self.state();
        state.lacks_workers = lacks_workers;
        // Relaxed: as in `submit`.
        self.wants_news.store(u32::from(wants), Relaxed);
    }
}

impl State {
    /// The place of the task, if it has one.
    fn place_of(&self, task: &Task) -> Option<u32> {
        let Place::Schedule { index, .. } = task.place() else { return None };
        let place = self.places.get(index as usize)?;
        let is_its = matches!(&place.holder, Holder::Task(other) if std::ptr::eq(&**other, task));
        is_its.then_some(index)
    }
}

/// Whether this process can do several things at a time.
pub(super) fn has_processors() -> bool {
    available_parallelism().map_or(true, |processors| processors.get() > 1)
}

fn corrupt() -> TaskError {
    let what = "a worker has written over what the pool knows of the task";
    TaskError::Decode(CodecError::Malformed(what.to_owned()))
}
