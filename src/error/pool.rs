//! What the work given to a pool can fail with.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::{At, CodecError, Error, KilledBy};

/// Why a task gave no result. The pool goes on, except where it says that it does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The task panicked. Its worker goes on with the next one.
    #[error("the task panicked{}: {message}", At(.location))]
    Panicked {
        /// What the panic said.
        message: String,
        /// Where, as `file:line:column`; `None` when the program has replaced the panic hook.
        location: Option<String>,
    },
    /// The worker was killed, by the signal of this number, while it had the task. Another worker
    /// has taken its place.
    #[error("the task's worker {}", KilledBy(*.0))]
    Signaled(i32),
    /// The task ended its worker with this exit code. Another worker has taken its place.
    #[error("the task ended its worker with exit code {0}")]
    Exited(i32),
    /// The worker ended while it had the task, and other code of this program has its status.
    #[error(
        "the task's worker has ended, and its exit status went to other code that waits for \
         children"
    )]
    StatusTaken,
    /// The worker ended while it had the task, and the system refused the call that tells how.
    #[error(
        "the task's worker has ended, and how is not known: {call} failed with {}",
        io::Error::from_raw_os_error(*.errno)
    )]
    StatusUnknown {
        /// The call.
        call: &'static str,
        /// The number of what the system answered.
        errno: i32,
    },
    /// The task needed more memory than the pool's [`limits`](crate::PoolBuilder::limits) give its worker, which
    /// was aborted. Another has taken its place.
    #[error("the task needed more memory than its worker may have")]
    OutOfMemory,
    /// The task ran for longer than the pool's
    /// [`task_timeout`](crate::PoolBuilder::task_timeout). Its worker was killed, and another has taken its
    /// place.
    #[error("the task ran for longer than the pool's task_timeout, and its worker was killed")]
    TimedOut,
    /// The task was [cancelled](crate::AsyncResult::cancel). If it had begun, its worker was killed, and
    /// another has taken its place.
    #[error("the task was cancelled")]
    Cancelled,
    /// The argument cannot be sent to the worker, or not be read there: the task did not run.
    #[error("the task's argument cannot be sent")]
    Argument(#[source] CodecError),
    /// The task returned what cannot be sent.
    #[error("the task's result cannot be sent")]
    Encode(#[source] CodecError),
    /// What came back is no value of the result's type.
    #[error("the task's result cannot be read")]
    Decode(#[source] CodecError),
    /// A fresh process of this program could not find the function: it is in a shared library.
    #[error("the task's function is in a shared library and not in the program itself")]
    NotInProgram,
    /// The pool was closed before: it takes no more tasks.
    #[error("the pool is closed: it takes no more tasks")]
    Closed,
    /// The pool was terminated, or dropped, before the task was done.
    #[error("the pool was terminated before the task was done")]
    Terminated,
    /// The pool has had no worker, and could not start any, for as long as its
    /// [`start_timeout`](crate::PoolBuilder::start_timeout). It goes on trying: once the trouble is
    /// over, it works again.
    #[error("the pool is broken, it cannot start workers")]
    Broken(#[source] WorkerNotStarted),
    /// The pool was made by another process, of which this one is a fork: its workers and its
    /// results are that process's alone.
    #[error(
        "the pool belongs to the process that made it, and this one is a fork of that: make a pool \
         of this process's own"
    )]
    OtherProcess,
    /// Of a map: what happened to an item of it, or to the chunk in which that was; the rest of the pool's work
    /// goes on.
    ///
    /// It is one item where that is known: which one has panicked, or cannot be sent. When a worker ends in the
    /// middle of a chunk, it is the chunk.
    #[error("{}", ItemsFailed(.items))]
    Items {
        /// Their places among all items of the map, from 0.
        items: Range<usize>,
        /// What happened.
        source: Box<TaskError>,
    },
}

impl TaskError {
    /// Says that it struck these items of a map, or of these the ones that it says itself; unless it is the
    /// pool's, and struck all that was under way.
    pub(crate) fn of_items(self, items: Range<usize>) -> Self {
        match self {
            TaskError::NotInProgram
            | TaskError::Closed
            | TaskError::Terminated
            | TaskError::Cancelled
            | TaskError::Broken(_)
            | TaskError::OtherProcess => self,
            TaskError::Items { items: own, source } => {
                let at = |place: usize| items.start.saturating_add(place).min(items.end);
                TaskError::Items { items: at(own.start)..at(own.end), source }
            }
            source => TaskError::Items { items, source: Box::new(source) },
        }
    }
}

struct ItemsFailed<'a>(&'a Range<usize>);

impl fmt::Display for ItemsFailed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.0;
        match end.saturating_sub(*start) {
            0 | 1 => write!(f, "the map failed at item {start} (counted from 0)"),
            _ => write!(
                f,
                "the map failed at one of the items {start} to {} (counted from 0)",
                end - 1
            ),
        }
    }
}

/// Why a worker of a pool did not get as far as its first task: part of [`TaskError::Broken`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerNotStarted {
    /// It could not be started, as [`Process::spawn`](crate::Process::spawn) says.
    #[error(transparent)]
    Refused(Arc<Error>),
    /// It could not begin, for this reason.
    #[error("a worker could not begin: {0}")]
    Failed(String),
    /// The pool's [`initializer`](crate::PoolBuilder::initializer) panicked.
    #[error("the pool's initializer panicked{}: {message}", At(.location))]
    Initializer {
        /// What the panic said.
        message: String,
        /// Where, as `file:line:column`; `None` when the program has replaced the panic hook.
        location: Option<String>,
    },
    /// It needed more memory than the pool's [`limits`](crate::PoolBuilder::limits) give it.
    #[error("a worker needed more memory than it may have before it had done anything")]
    OutOfMemory,
    /// It ended with this exit code.
    #[error("a worker ended with exit code {0} before it had done anything")]
    Exited(i32),
    /// It was killed by the signal of this number.
    #[error("a worker {} before it had done anything", KilledBy(*.0))]
    Signaled(i32),
    /// It has ended, and other code of this program has its status.
    #[error(
        "a worker ended before it had done anything, and its exit status went to other code that waits for \
         children"
    )]
    StatusTaken,
}

/// A refusal is equal to itself only: all tasks that fail for it have the same one.
impl PartialEq for WorkerNotStarted {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (WorkerNotStarted::Refused(one), WorkerNotStarted::Refused(other)) => {
                Arc::ptr_eq(one, other)
            }
            (WorkerNotStarted::Failed(one), WorkerNotStarted::Failed(other)) => one == other,
            (
                WorkerNotStarted::Initializer { message, location },
                WorkerNotStarted::Initializer { message: other, location: place },
            ) => (message, location) == (other, place),
            (WorkerNotStarted::Exited(one), WorkerNotStarted::Exited(other)) => one == other,
            (WorkerNotStarted::Signaled(one), WorkerNotStarted::Signaled(other)) => one == other,
            (WorkerNotStarted::StatusTaken, WorkerNotStarted::StatusTaken)
            | (WorkerNotStarted::OutOfMemory, WorkerNotStarted::OutOfMemory) => true,
            _ => false,
        }
    }
}

impl Eq for WorkerNotStarted {}

/// Why the end of a pool was not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolJoinError {
    /// It still takes tasks: that could last for ever.
    #[error("the pool still takes tasks: close or terminate it before joining it")]
    NotClosed,
    /// It was made by another process, of which this one is a fork.
    #[error(
        "the pool belongs to the process that made it, and this one is a fork of that: only that \
         process can join it"
    )]
    OtherProcess,
}
