//! What a pool knows: its tasks, its workers, and who has which task.
//!
//! ```text
//! task:    pending ── deal ──> a worker's ── hear ──> finished
//!             ^                   │   │
//!             └── not delivered ──┘   └── its worker ended ──> finished with an error
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;

use crate::error::{CodecError, TaskError, WorkerNotStarted};
use crate::pool::backoff::Backoff;
use crate::pool::slot::Task;
use crate::pool::task::{Outcome, Reply, Request};
use crate::pool::worker::Worker;
use crate::process::ExitStatus;

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
    backoff: Backoff,
    /// Since when no worker is there that could be given a task.
    lacking: Option<Instant>,
    /// All workers have ended, and so has the manager.
    pub(super) over: bool,
    /// What is to be logged once the board is not locked any more: a logger may use the pool.
    pub(super) log: Vec<(Level, String)>,
}

/// A worker and what it does.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) worker: Arc<Worker>,
    /// It has said so, and can be given tasks.
    ready: bool,
    /// It has done a task.
    proven: bool,
    task: Option<Task>,
    /// Why it is not understood any more.
    trouble: Option<String>,
    /// It was told to end, or will never be heard again.
    pub(super) leaving: bool,
}

impl Post {
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }
}

impl Board {
    pub(super) fn new() -> Self {
        Board {
            stage: Stage::Open,
            pending: VecDeque::new(),
            posts: Vec::new(),
            hired: 0,
            dealt: 0,
            backoff: Backoff::new(),
            lacking: Some(Instant::now()),
            over: false,
            log: Vec::new(),
        }
    }

    pub(super) fn post(&mut self, worker: Worker) {
        let worker = Arc::new(worker);
        self.posts.push(Post {
            worker,
            ready: false,
            proven: false,
            task: None,
            trouble: None,
            leaving: false,
        });
    }

    /// Whether another task may come.
    pub(super) fn accepts(&self) -> Result<(), TaskError> {
        match self.stage {
            Stage::Open => Ok(()),
            Stage::Closed => Err(TaskError::Closed),
            Stage::Terminated => Err(TaskError::Terminated),
        }
    }

    /// Whether all that was taken is done.
    fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.posts.iter().all(|post| post.task.is_none())
    }

    /// Whether no worker has anything to do any more.
    pub(super) fn is_done(&self) -> bool {
        match self.stage {
            Stage::Open => false,
            Stage::Closed => self.is_idle(),
            Stage::Terminated => true,
        }
    }

    /// Whether workers have something to do, or may get it.
    fn needs_workers(&self) -> bool {
        match self.stage {
            Stage::Open => true,
            Stage::Closed => !self.pending.is_empty(),
            Stage::Terminated => false,
        }
    }

    /// Whether a worker has been started that has not said yet that it is ready.
    fn is_starting_one(&self) -> bool {
        self.posts.iter().any(|post| !post.ready && !post.leaving)
    }

    /// Whether to start a worker now. After a failure, the next one shows whether others can be.
    pub(super) fn is_short_of_one(&self, size: usize) -> bool {
        match self.next_start(size) {
            Some(again) => again <= Instant::now(),
            None => {
                self.backoff.again().is_none() && self.needs_workers() && self.posts.len() < size
            }
        }
    }

    /// When to start the next worker, after a failure; `None` when none is to be started before
    /// something happens.
    pub(super) fn next_start(&self, size: usize) -> Option<Instant> {
        let wanted = self.needs_workers() && self.posts.len() < size && !self.is_starting_one();
        self.backoff.again().filter(|_| wanted)
    }

    /// Whether the manager has to hear of new tasks, since they may need more than a free worker.
    pub(super) fn is_short(&self, size: usize) -> bool {
        self.posts.len() < size || self.lacking.is_some()
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

    /// What the worker says cannot be received, for this reason: the task that it has is failed.
    pub(super) fn misunderstood(&mut self, worker: &Arc<Worker>, why: CodecError) {
        if let Some(post) = self.post_of(worker) {
            post.trouble.get_or_insert(why.to_string());
        }
        self.fail(worker, TaskError::Decode(why));
    }

    /// The worker has said something; whether it could be meant: no worker says anything of a task
    /// that it does not have.
    pub(super) fn hear(&mut self, worker: &Arc<Worker>, reply: Reply) -> bool {
        let Some(post) = self.post_of(worker) else { return false };
        let (number, outcome) = match reply {
            Reply::Ready => {
                post.ready = true;
                if self.backoff.started() {
                    let news = "workers of a pool can be started again".to_owned();
                    self.log.push((Level::Info, news));
                }
                return true;
            }
            Reply::Done(number, outcome) => (number, outcome),
        };
        let its_own = |task: &mut Task| number.is_none_or(|number| number == task.number);
        let Some(task) = post.task.take_if(its_own) else { return false };
        let first = !std::mem::replace(&mut post.proven, true);
        if first {
            self.backoff.works();
        }
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
        let is_failure = !post.proven && post.task.is_none();
        if is_failure && self.needs_workers() {
            self.start_failed(match (post.trouble.or_else(|| worker.trouble()), status) {
                (Some(why), _) => WorkerNotStarted::Failed(why),
                (None, Some(ExitStatus::Exited(code))) => WorkerNotStarted::Exited(code),
                (None, Some(ExitStatus::Signaled(signal))) => WorkerNotStarted::Signaled(signal),
                (None, None) => WorkerNotStarted::StatusTaken,
            });
        } else if post.task.is_some() || self.stage == Stage::Open {
            let news = format!("{} {how}: another takes its place", worker.name());
            self.log.push((Level::Warn, news));
        }
        if let Some(task) = post.task {
            task.finish(Err(match status {
                Some(ExitStatus::Exited(code)) => TaskError::Exited(code),
                Some(ExitStatus::Signaled(signal)) => TaskError::Signaled(signal),
                None => worker.status_unknown().unwrap_or(TaskError::StatusTaken),
            }));
        }
    }

    /// A worker could not be started.
    pub(super) fn start_failed(&mut self, why: WorkerNotStarted) {
        let warning = self.backoff.failed(why, Instant::now());
        self.log.extend(warning.map(|warning| (Level::Warn, warning)));
    }

    /// Fails the tasks that have waited for so long while no worker was there and none could be
    /// started; gives when the next one will have.
    pub(super) fn give_up(&mut self, after: Duration) -> Option<Instant> {
        if self.posts.iter().any(|post| post.ready && !post.leaving) {
            self.lacking = None;
            return None;
        }
        let now = Instant::now();
        let since = *self.lacking.get_or_insert(now);
        let why = self.backoff.why()?;
        // Those that have waited longest stand first.
        while let Some(task) = self.pending.front() {
            let end = task.given.max(since).checked_add(after);
            if end.is_none_or(|end| end > now) {
                return end;
            }
            if let Some(task) = self.pending.pop_front() {
                task.finish(Err(TaskError::Broken(why.clone())));
            }
        }
        None
    }

    fn post_of(&mut self, worker: &Arc<Worker>) -> Option<&mut Post> {
        self.posts.iter_mut().find(|post| Arc::ptr_eq(&post.worker, worker))
    }
}
