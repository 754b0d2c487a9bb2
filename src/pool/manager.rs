//! Who sees to the workers of a pool: a thread that sleeps until one of them says something or ends, or
//! until it is woken. It is on no task's way: tasks go to workers, and outcomes come back, through the memory
//! that they share. It starts workers, reaps those that are dead, and kills those whose task was taken from
//! them; and where nobody else makes room for tasks that wait, it does.

use std::ops::{Deref, DerefMut};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::error::{Chain, Error, PoolJoinError, RecvError, TaskError, WorkerNotStarted};
use crate::pool::request::{Notice, Request};
use crate::pool::tasks::{Stage, Tasks};
use crate::pool::work::{Job, Limits};
use crate::pool::worker::Worker;
use crate::pool::workers::{Trouble, Workers};
use crate::process::{ProcessBuilder, can_start_children};
use crate::sys::{self, Deadline};

/// Between two looks of a manager that the system does not let wait.
const PAUSE: Duration = Duration::from_millis(5);

/// What a pool is to be.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) workers: usize,
    pub(super) start_timeout: Duration,
    pub(super) task_timeout: Option<Duration>,
    /// Tasks after which a worker ends; 0 is without end.
    pub(super) tasks_per_worker: u32,
    pub(super) initializer: Option<Request>,
    /// What the workers' names begin with.
    pub(super) name: String,
    /// What else the workers are to be.
    pub(super) process: ProcessBuilder,
}

#[derive(Debug)]
pub(super) struct Manager {
    pub(super) tasks: Arc<Tasks>,
    options: Options,
    workers: Mutex<Workers>,
    over: Condvar,
}

impl Manager {
    /// One whose workers are started; it still needs a thread that [runs](Manager::run) it.
    pub(super) fn new(options: Options) -> Result<Self, Error> {
        // First: an emulator, in which no child starts, spends gigabytes on the addresses for messages.
        can_start_children()?;
        let tasks = Arc::new(Tasks::new(options.workers as u32)?);
        let workers = Mutex::new(Workers::new());
        let manager = Manager { tasks, options, workers, over: Condvar::new() };
        for place in 0..manager.size() {
            let mut workers = manager.locked();
            workers.started += 1;
            let worker = manager.start(workers.started, place as u32)?;
            workers.add(worker);
        }
        Ok(manager)
    }

    fn start(&self, number: u64, place: u32) -> Result<Worker, Error> {
        self.tasks.messages.schedule.renew(place);
        let limits = Limits {
            tasks: self.options.tasks_per_worker,
            timed: self.options.task_timeout.is_some(),
        };
        let messages = self.tasks.messages.clone();
        let initializer = self.options.initializer.clone();
        let builder = self.options.process.clone();
        let builder = builder.name(format!("{}-{number}", self.options.name));
        Worker::start(builder, Job { place, messages, limits, initializer })
    }

    pub(super) fn size(&self) -> usize {
        self.options.workers
    }

    /// Goes on to that stage, if it is not there yet. A fork's copy has none.
    pub(super) fn advance(&self, stage: Stage) {
        if !self.tasks.is_ours() {
            return;
        }
        self.tasks.advance(stage);
        if self.tasks.wakeup.send().is_err() {
            // A sandbox has come to deny that. The end of a worker wakes the manager too.
            self.end_workers(&mut self.locked());
        }
    }

    /// Waits until all workers have ended.
    pub(super) fn join(&self) -> Result<(), PoolJoinError> {
        if !self.tasks.is_ours() {
            return Err(PoolJoinError::OtherProcess);
        }
        if self.tasks.stage() == Stage::Open {
            return Err(PoolJoinError::NotClosed);
        }
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_not_over = |workers: &mut Workers| !workers.over;
        drop(self.over.wait_while(workers, is_not_over).unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// The manager's thread: until the last worker has ended.
    pub(super) fn run(&self) {
        // Also when a bug here panics: nobody shall wait for a manager that is gone.
        let _last = Last(self);
        let mut can_wait = true;
        loop {
            self.start_missing();
            let (members, deadline) = {
                let mut workers = self.locked();
                workers.note_proven(&self.tasks);
                // Before the looks: what comes after them is told.
                self.tasks.set_news(true, workers.lacks_all());
                let expiry = workers.give_up(self.options.start_timeout, &self.tasks);
                let timeout =
                    self.options.task_timeout.and_then(|limit| self.tasks.time_out(limit));
                self.end_workers(&mut workers);
                if workers.members.is_empty()
                    && self.tasks.stage() != Stage::Open
                    && !self.tasks.needs_workers()
                {
                    return;
                }
                let start = workers.next_start(self.size(), &self.tasks);
                let short = workers.is_short(self.size());
                let idle = self.options.task_timeout.is_some() && timeout.is_none();
                self.tasks.set_news(short || idle, workers.lacks_all());
                let members: Vec<_> = workers
                    .members
                    .iter()
                    .map(|member| (member.worker.clone(), !member.leaving))
                    .collect();
                let look = [expiry, timeout, start].into_iter().flatten().min();
                (members, look.map_or(Deadline::Never, Deadline::at))
            };
            let waited = self.wait(&members, deadline);
            if let (Err(errno), true) = (waited, can_wait) {
                log::warn!("a pool cannot wait for its workers, and looks now and then: {errno}");
            }
            can_wait = waited.is_ok();
        }
    }

    /// Kills the workers that are to be killed. One that cannot be killed is not waited for.
    fn end_workers(&self, workers: &mut Workers) {
        let terminated = self.tasks.stage() == Stage::Terminated;
        let to_kill = self.tasks.workers_to_kill();
        workers.members.retain_mut(|member| {
            let kill = terminated || to_kill.contains(&member.worker.place);
            let told = !kill || member.worker.kill();
            member.leaving |= kill;
            told || !terminated
        });
    }

    /// Sleeps until something happens or the deadline has passed, then sees to it; fails when the
    /// system does not let it sleep so.
    fn wait(&self, members: &[(Arc<Worker>, bool)], deadline: Deadline) -> Result<(), Errno> {
        let wakeup = &self.tasks.wakeup;
        let mut fds = vec![PollFd::new(wakeup, PollFlags::IN)];
        for (worker, listen) in members {
            let events = if *listen { PollFlags::IN } else { PollFlags::empty() };
            // One that is not listened to is not looked at: its line would tell of its end again
            // and again.
            let line = if *listen { worker.line() } else { wakeup.as_fd() };
            fds.push(PollFd::from_borrowed_fd(line, events));
            fds.push(PollFd::from_borrowed_fd(worker.process(), PollFlags::IN));
        }
        let polled = sys::poll(&mut fds, deadline);
        if polled.is_err() {
            // No memory in the kernel for the list, or descriptors are limited to fewer, or waiting
            // is forbidden: look at all of them, now and then.
            std::thread::sleep(PAUSE);
        }
        let spoke = |fd: &PollFd<'_>| polled.is_err() || !fd.revents().is_empty();
        if spoke(&fds[0]) {
            wakeup.clear();
        }
        let mut feed = polled.is_err();
        for (pair, (worker, _)) in fds[1..].chunks(2).zip(members) {
            let (said, ended) = (spoke(&pair[0]), spoke(&pair[1]));
            let is_closed = (ended || said) && self.hear(worker);
            // Where the system does not tell, its line does.
            if ended && worker.has_ended().unwrap_or(is_closed) {
                self.locked().reap(worker, &self.tasks, self.options.tasks_per_worker > 0);
            }
            feed |= said || ended;
        }
        if feed {
            self.tasks.feed();
        }
        polled.map(drop)
    }

    /// Hears all that the worker has to say; true when its line is closed.
    fn hear(&self, worker: &Arc<Worker>) -> bool {
        loop {
            match worker.receive() {
                Ok(Notice::Ready) => self.locked().ready(worker),
                Ok(Notice::Done) => {}
                Err(RecvError::Empty) => return false,
                Err(RecvError::Closed) if worker.has_ended() != Some(false) => return true,
                Err(RecvError::Closed) => {
                    // It ends; or a task has closed it, with other descriptors: then it ends after that.
                    self.locked().misunderstood(worker, None);
                    self.tasks.messages.schedule.dismiss(worker.place);
                    return false;
                }
                Err(error) => {
                    // It has said what no worker says: a task has meddled with its line. Or the system does
                    // not let this process hear it any more.
                    let said = matches!(error, RecvError::Decode(_));
                    let why = Chain(&error).to_string();
                    let mut workers = self.locked();
                    workers.misunderstood(worker, Some(Trouble { said, why }));
                    worker.kill();
                    return false;
                }
            }
        }
    }

    /// Starts the workers that are missing.
    fn start_missing(&self) {
        loop {
            let (number, place) = {
                let mut workers = self.locked();
                if !workers.is_short_of_one(self.size(), &self.tasks) {
                    return;
                }
                workers.started += 1;
                (workers.started, workers.vacant_place())
            };
            // Not under the lock: it takes a millisecond.
            let started = self.start(number, place);
            let mut workers = self.locked();
            match started {
                Ok(worker) => workers.add(worker),
                Err(error) => workers.start_failed(WorkerNotStarted::Refused(error.into())),
            }
        }
    }

    fn locked(&self) -> Locked<'_> {
        // Each step under the lock leaves it whole, up to where it could panic.
        Locked(Some(self.workers.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The workers, locked. What is to be logged is logged after that: a logger may use the pool.
struct Locked<'a>(Option<MutexGuard<'a, Workers>>);

impl Deref for Locked<'_> {
    type Target = Workers;

    fn deref(&self) -> &Workers {
        self.0.as_ref().expect("it is locked until it is dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Workers {
        self.0.as_mut().expect("it is locked until it is dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let Some(mut workers) = self.0.take() else { return };
        let news = std::mem::take(&mut workers.log);
        drop(workers);
        news.into_iter().for_each(|(level, news)| log::log!(level, "{news}"));
    }
}

/// The end of the manager.
struct Last<'a>(&'a Manager);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        let members = std::mem::take(&mut self.0.locked().members);
        // Workers that are dropped are killed and reaped.
        drop(members);
        self.0.tasks.end_all(&TaskError::Terminated);
        self.0.locked().over = true;
        self.0.over.notify_all();
    }
}
