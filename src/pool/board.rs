//! What a pool knows: its tasks, its workers, and who has which task.
//!
//! ```text
//! task:    pending ── deal ──> a worker's ── hear ──> finished
//!             ^                   │   │
//!             └── not delivered ──┘   └── its worker ended ──> finished with an error
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::TaskError;
use crate::pool::slot::Task;
use crate::pool::task::{Outcome, Reply, Request};
use crate::pool::worker::Worker;
use crate::process::ExitStatus;

/// Workers that may fail to start one after another before no more are started: more than a machine
/// in trouble kills by chance, few enough to be told at once.
const FAILURES: u32 = 10;

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
pub(super) struct Board {
    pub(super) stage: Stage,
    pub(super) pending: VecDeque<Task>,
    pub(super) posts: Vec<Post>,
    /// Workers started so far.
    pub(super) hired: u64,
    /// Tasks given to workers so far.
    dealt: u64,
    /// Starts that failed since the last that did not.
    failures: u32,
    /// Why no more workers are started; while some are left, they do the work.
    broken: Option<String>,
    /// All workers have ended, and so has the manager.
    pub(super) over: bool,
}

/// A worker and what it does.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) worker: Arc<Worker>,
    /// It has said so, and can be given tasks.
    ready: bool,
    task: Option<Task>,
    /// It was told to end, or will never be heard again.
    pub(super) leaving: bool,
}

impl Board {
    pub(super) fn new() -> Self {
        Board {
            stage: Stage::Open,
            pending: VecDeque::new(),
            posts: Vec::new(),
            hired: 0,
            dealt: 0,
            failures: 0,
            broken: None,
            over: false,
        }
    }

    pub(super) fn post(&mut self, worker: Worker) {
        let worker = Arc::new(worker);
        self.posts.push(Post { worker, ready: false, task: None, leaving: false });
    }

    /// Whether another task may come.
    pub(super) fn accepts(&self) -> Result<(), TaskError> {
        match (self.stage, &self.broken) {
            (Stage::Open, Some(why)) if self.posts.is_empty() => {
                Err(TaskError::Broken(why.clone()))
            }
            (Stage::Open, _) => Ok(()),
            (Stage::Closed, _) => Err(TaskError::Closed),
            (Stage::Terminated, _) => Err(TaskError::Terminated),
        }
    }

    /// Whether all that was taken is done.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.posts.iter().all(|post| post.task.is_none())
    }

    /// How many workers to start.
    pub(super) fn vacancies(&self, size: usize) -> usize {
        let needed = self.stage == Stage::Open || !self.pending.is_empty();
        if needed && self.stage < Stage::Terminated && self.failures < FAILURES {
            size.saturating_sub(self.posts.len())
        } else {
            0
        }
    }

    /// The next task and a worker that has none: it is the worker's from here on, and the request
    /// is to be given to it.
    pub(super) fn deal(&mut self) -> Option<(Arc<Worker>, Request)> {
        if self.stage == Stage::Terminated || self.pending.is_empty() {
            return None;
        }
        let free = |post: &&mut Post| post.ready && !post.leaving && post.task.is_none();
        let post = self.posts.iter_mut().find(free)?;
        let mut task = self.pending.pop_front()?;
        let mut request = task.request.take()?;
        self.dealt += 1;
        task.number = self.dealt;
        request.task = self.dealt;
        post.task = Some(task);
        Some((post.worker.clone(), request))
    }

    /// The request did not come to the worker, which is gone: another shall have it.
    pub(super) fn take_back(&mut self, worker: &Arc<Worker>, request: Request) {
        if let Some(post) = self.post_of(worker) {
            post.leaving = true;
            if let Some(mut task) = post.task.take() {
                task.request = Some(request);
                self.pending.push_front(task);
            }
        }
    }

    /// The task that the worker has is done, in this way.
    pub(super) fn fail(&mut self, worker: &Arc<Worker>, error: TaskError) {
        if let Some(task) = self.post_of(worker).and_then(|post| post.task.take()) {
            task.finish(Err(error));
        }
    }

    /// The worker has said something; whether it could be meant: no worker says anything of a task
    /// that it does not have.
    pub(super) fn hear(&mut self, worker: &Arc<Worker>, reply: Reply) -> bool {
        let Some(post) = self.post_of(worker) else { return false };
        let (number, outcome) = match reply {
            Reply::Ready => {
                post.ready = true;
                self.failures = 0;
                self.broken = None;
                return true;
            }
            Reply::Done(number, outcome) => (number, outcome),
        };
        let its_own = |task: &mut Task| number.is_none_or(|number| number == task.number);
        let Some(task) = post.task.take_if(its_own) else { return false };
        task.finish(match outcome {
            Outcome::Returned(bytes) => Ok(bytes),
            Outcome::Panicked(panic) => {
                Err(TaskError::Panicked { message: panic.message, location: panic.location })
            }
            Outcome::NotRead(why) => Err(TaskError::Argument(why)),
            Outcome::NotSent(why) => Err(TaskError::Encode(why)),
        });
        true
    }

    /// The worker has ended.
    pub(super) fn bury(&mut self, worker: &Arc<Worker>) {
        let Some(place) = self.posts.iter().position(|post| Arc::ptr_eq(&post.worker, worker))
        else {
            return;
        };
        let post = self.posts.swap_remove(place);
        if self.stage == Stage::Terminated {
            // Dropped with its task, which is terminated by that.
            return;
        }
        let status = worker.status();
        let how = status.map_or("has ended".to_owned(), |status| status.to_string());
        if !post.ready {
            self.start_failed(&format!("{} {how} before it was ready", worker.name()));
        } else if post.task.is_some() || self.stage == Stage::Open {
            log::warn!("{} {how}: another takes its place", worker.name());
        }
        if let Some(task) = post.task {
            task.finish(Err(match status {
                Some(ExitStatus::Exited(code)) => TaskError::Exited(code),
                Some(ExitStatus::Signaled(signal)) => TaskError::Signaled(signal),
                None => TaskError::StatusTaken,
            }));
        }
    }

    /// A worker could not be started.
    pub(super) fn start_failed(&mut self, why: &str) {
        log::warn!("a worker of a pool could not be started: {why}");
        self.failures += 1;
        if self.failures >= FAILURES {
            self.broken = Some(why.to_owned());
        }
    }

    /// Fails what no worker is left for.
    pub(super) fn give_up(&mut self) {
        if !self.posts.is_empty() || self.failures < FAILURES {
            return;
        }
        let why = self.broken.clone().unwrap_or_default();
        for task in self.pending.drain(..) {
            task.finish(Err(TaskError::Broken(why.clone())));
        }
    }

    fn post_of(&mut self, worker: &Arc<Worker>) -> Option<&mut Post> {
        self.posts.iter_mut().find(|post| Arc::ptr_eq(&post.worker, worker))
    }
}
