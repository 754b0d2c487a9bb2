//! What a pool knows of its workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;

use crate::error::{CodecError, TaskError, WorkerNotStarted};
use crate::pool::backoff::Backoff;
use crate::pool::tasks::{Stage, Tasks};
use crate::pool::work::NotBegun;
use crate::pool::worker::Worker;
use crate::process::ExitStatus;

#[derive(Debug)]
pub(super) struct Workers {
    pub(super) members: Vec<Member>,
    /// Workers started so far.
    pub(super) started: u64,
    backoff: Backoff,
    /// Since when no worker is there that could do a task.
    lacking: Option<Instant>,
    /// All workers have ended, and so has the manager.
    pub(super) over: bool,
    /// What is to be logged once nothing is locked any more: a logger may use the pool.
    pub(super) log: Vec<(Level, String)>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) worker: Arc<Worker>,
    /// It has said so, and does tasks.
    pub(super) ready: bool,
    /// It has begun a task.
    proven: bool,
    trouble: Option<Trouble>,
    /// It was told to end, or will never be heard again.
    pub(super) leaving: bool,
}

/// Why a worker is not understood any more.
#[derive(Debug)]
pub(super) struct Trouble {
    /// It has said something that could not be understood.
    pub(super) said: bool,
    pub(super) why: String,
}

impl Workers {
    pub(super) fn new() -> Self {
        Workers {
            members: Vec::new(),
            started: 0,
            backoff: Backoff::new(),
            lacking: Some(Instant::now()),
            over: false,
            log: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, worker: Worker) {
        let worker = Arc::new(worker);
        self.members.push(Member {
            worker,
            ready: false,
            proven: false,
            trouble: None,
            leaving: false,
        });
    }

    /// A place that no worker has.
    pub(super) fn vacant_place(&self) -> u32 {
        let is_taken = |place: &u32| self.members.iter().any(|m| m.worker.place == *place);
        (0..).find(|place| !is_taken(place)).expect("there are as many as members, and one more")
    }

    /// Whether a worker has been started that has not said yet that it is ready.
    fn is_starting_one(&self) -> bool {
        self.members.iter().any(|member| !member.ready && !member.leaving)
    }

    /// Whether to start a worker now. After a failure, the next one shows whether others can be.
    pub(super) fn is_short_of_one(&self, size: usize, tasks: &Tasks) -> bool {
        match self.next_start(size, tasks) {
            Some(again) => again <= Instant::now(),
            None => {
                self.backoff.again().is_none() && self.members.len() < size && tasks.needs_workers()
            }
        }
    }

    /// When to start the next worker, after a failure; `None` when none is to be started before
    /// something happens.
    pub(super) fn next_start(&self, size: usize, tasks: &Tasks) -> Option<Instant> {
        let again = self.backoff.again()?;
        let wanted = self.members.len() < size && !self.is_starting_one() && tasks.needs_workers();
        wanted.then_some(again)
    }

    /// Whether the manager has to hear of new tasks, since they may need more than a worker that is there.
    pub(super) fn is_short(&self, size: usize) -> bool {
        self.members.len() < size || self.lacking.is_some()
    }

    pub(super) fn lacks_all(&self) -> bool {
        self.lacking.is_some()
    }

    /// The worker has started, and does tasks.
    pub(super) fn ready(&mut self, worker: &Arc<Worker>) {
        if let Some(member) = self.member(worker) {
            member.ready = true;
        }
        if self.backoff.started() {
            let news = "workers of a pool can be started again".to_owned();
            self.log.push((Level::Info, news));
        }
    }

    /// Notes who has begun a task since.
    pub(super) fn note_proven(&mut self, tasks: &Tasks) {
        for member in &mut self.members {
            if !member.proven && tasks.messages.schedule.has_begun(member.worker.place) {
                member.proven = true;
                self.backoff.works();
            }
        }
    }

    /// The worker says nothing any more; or what it says cannot be received, for this reason.
    pub(super) fn misunderstood(&mut self, worker: &Arc<Worker>, why: Option<Trouble>) {
        if let Some(member) = self.member(worker) {
            member.trouble = member.trouble.take().or(why);
            member.leaving = true;
        }
    }

    /// The worker has ended.
    pub(super) fn reap(&mut self, worker: &Arc<Worker>, tasks: &Tasks, retires: bool) {
        self.note_proven(tasks);
        let Some(at) = self.members.iter().position(|m| Arc::ptr_eq(&m.worker, worker)) else {
            return;
        };
        let member = self.members.swap_remove(at);
        let status = worker.status();
        // Of its end alone, an abort for want of memory is like any.
        let can_lack_memory = matches!(status, None | Some(ExitStatus::Signaled(libc::SIGABRT)));
        let said = if can_lack_memory { worker.trouble() } else { None };
        let lacked_memory = matches!(said, Some(NotBegun::OutOfMemory));
        let unheard = member.trouble.as_ref().filter(|trouble| !trouble.said);
        let had_task = tasks.reap(
            worker.place,
            match (unheard, status) {
                (Some(Trouble { why, .. }), _) => {
                    TaskError::Decode(CodecError::NotCarried(why.clone()))
                }
                (None, _) if lacked_memory => TaskError::OutOfMemory,
                (None, Some(ExitStatus::Exited(code))) => TaskError::Exited(code),
                (None, Some(ExitStatus::Signaled(signal))) => TaskError::Signaled(signal),
                (None, None) => worker.status_unknown().unwrap_or(TaskError::StatusTaken),
            },
        );
        let stage = tasks.stage();
        if stage == Stage::Terminated {
            return;
        }
        let well = status == Some(ExitStatus::Exited(0));
        let was_told = member.leaving && well;
        let is_failure = !(member.proven || had_task || was_told);
        if is_failure && tasks.needs_workers() {
            let trouble = match member.trouble {
                Some(trouble) => Some(NotBegun::Failed(trouble.why)),
                None if can_lack_memory => said,
                None => worker.trouble(),
            };
            self.start_failed(match (trouble, status) {
                (Some(NotBegun::Failed(why)), _) => WorkerNotStarted::Failed(why),
                (Some(NotBegun::Initializer(panic)), _) => WorkerNotStarted::Initializer {
                    message: panic.message,
                    location: panic.location,
                },
                (Some(NotBegun::OutOfMemory), _) => WorkerNotStarted::OutOfMemory,
                (None, Some(ExitStatus::Exited(code))) => WorkerNotStarted::Exited(code),
                (None, Some(ExitStatus::Signaled(signal))) => WorkerNotStarted::Signaled(signal),
                (None, None) => WorkerNotStarted::StatusTaken,
            });
        } else if had_task || stage == Stage::Open && !(retires && well) {
            let how = status.map_or("has ended".to_owned(), |status| status.to_string());
            let news = format!("{} {how}: another takes its place", worker.name());
            self.log.push((Level::Warn, news));
        }
    }

    /// A worker could not be started.
    pub(super) fn start_failed(&mut self, why: WorkerNotStarted) {
        let warning = self.backoff.failed(why, Instant::now());
        self.log.extend(warning.map(|warning| (Level::Warn, warning)));
    }

    /// Fails the tasks that have waited for so long while no worker was there and none could be
    /// started; gives when the next one will have.
    pub(super) fn give_up(&mut self, after: Duration, tasks: &Tasks) -> Option<Instant> {
        if self.members.iter().any(|member| member.ready && !member.leaving) {
            self.lacking = None;
            return None;
        }
        let since = *self.lacking.get_or_insert_with(Instant::now);
        let why = self.backoff.why()?;
        let after = if self.backoff.is_hopeless() { Duration::ZERO } else { after };
        tasks.expire(since, after, &TaskError::Broken(why.clone()))
    }

    fn member(&mut self, worker: &Arc<Worker>) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| Arc::ptr_eq(&member.worker, worker))
    }
}
