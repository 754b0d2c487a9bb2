//! What a pool is to be, before it is made.

use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, TaskError};
use crate::ipc::codec;
use crate::pool::Pool;
use crate::pool::manager::Options;
use crate::pool::request::{Call, Request};
use crate::pool::schedule::MOST_WORKERS;

/// As long as somebody may need to see that something is wrong, and to mend it.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A pool to be. Made by [`Pool::builder`].
///
/// ```
/// let pool = multiproc::Pool::builder().workers(2).build()?;
/// assert_eq!(pool.workers(), 2);
/// # Ok::<(), multiproc::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started yet"]
pub struct PoolBuilder {
    workers: Option<usize>,
    start_timeout: Duration,
    task_timeout: Option<Duration>,
    tasks_per_worker: u32,
    initializer: Option<Result<Request, TaskError>>,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        PoolBuilder {
            workers: None,
            start_timeout: START_TIMEOUT,
            task_timeout: None,
            tasks_per_worker: 0,
            initializer: None,
        }
    }
}

impl PoolBuilder {
    /// How many processes work at a time; as many as there are processors by default.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How long tasks wait while the pool has no worker and cannot start any; 30 s by default. Then
    /// they fail with [`TaskError::Broken`](crate::TaskError::Broken), which says why. The pool goes
    /// on trying, see [there](Pool#when-workers-cannot-be-started).
    ///
    /// [`Duration::MAX`] is for ever, [`Duration::ZERO`] not at all.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = multiproc::Pool::builder().start_timeout(Duration::from_secs(5)).build()?;
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// How long a task may run, from when a worker has begun it. One that runs longer fails with
    /// [`TaskError::TimedOut`](crate::TaskError::TimedOut): its worker is killed, and another takes its place.
    /// Without end by default. Times are counted in milliseconds.
    ///
    /// Of a [`map`](Pool::map), each chunk is a task.
    ///
    /// ```
    /// use multiproc::{Pool, TaskError};
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().workers(1).task_timeout(Duration::from_millis(20)).build()?;
    /// let endless = pool.apply(|()| loop { std::thread::park() }, ());
    /// assert_eq!(endless, Err::<(), _>(TaskError::TimedOut));
    /// assert_eq!(pool.apply(|n: u32| n + 1, 1)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task_timeout(mut self, timeout: Duration) -> Self {
        self.task_timeout = Some(timeout);
        self
    }

    /// After how many tasks a worker ends, and another takes its place: what tasks leave behind in their
    /// process (memory, descriptors) goes with it. Never by default; 0 is never.
    ///
    /// Of a [`map`](Pool::map), each chunk is a task.
    ///
    /// ```
    /// let pool = multiproc::Pool::builder().workers(1).max_tasks_per_worker(1).build()?;
    /// let process = || pool.apply(|()| std::process::id(), ());
    /// assert_ne!(process()?, process()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_tasks_per_worker(mut self, tasks: u32) -> Self {
        self.tasks_per_worker = tasks;
        self
    }

    /// Has each worker call `f(argument)` before its first task.
    ///
    /// Where that panics, the worker has not started, and others are tried after pauses that grow. Once it has
    /// panicked three times in a row, tasks fail at once with
    /// [`TaskError::Broken`](crate::TaskError::Broken), which has the cause, until a worker has started.
    ///
    /// ```
    /// use std::sync::OnceLock;
    ///
    /// static UNIT: OnceLock<String> = OnceLock::new();
    ///
    /// let pool = multiproc::Pool::builder()
    ///     .workers(2)
    ///     .initializer(|unit: String| _ = UNIT.set(unit), "ms".to_owned())
    ///     .build()?;
    /// assert_eq!(pool.apply(|n: u32| format!("{n} {}", UNIT.get().unwrap()), 5)?, "5 ms");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Different from Python
    ///
    /// There, a pool whose initializer fails starts workers again and again, and tasks wait for ever.
    pub fn initializer<A>(mut self, f: fn(A), argument: A) -> Self
    where
        A: Serialize + DeserializeOwned,
    {
        let argument = codec::to_bytes(&argument).map_err(TaskError::Argument);
        let call = Call::one(f);
        self.initializer = Some(call.and_then(|call| Ok(Request { call, argument: argument? })));
        self
    }

    /// Makes the pool and starts its workers.
    ///
    /// # Errors
    ///
    /// As for [`Pool::new`]; and [`Error::Argument`] when the argument of the
    /// [`initializer`](Self::initializer) is not [what may be sent](crate#what-may-be-sent).
    pub fn build(self) -> Result<Pool, Error> {
        let workers = self.workers.unwrap_or_else(|| available_parallelism().map_or(1, Into::into));
        if !(1..=MOST_WORKERS).contains(&workers) {
            let what = "a pool of workers";
            return Err(Error::Capacity { what, asked: workers, max: MOST_WORKERS });
        }
        let initializer = self.initializer.transpose().map_err(|error| match error {
            TaskError::Argument(why) => Error::Argument(why),
            // The one other reason.
            _ => Error::NotInProgram,
        })?;
        Pool::start(Options {
            workers,
            start_timeout: self.start_timeout,
            task_timeout: self.task_timeout,
            tasks_per_worker: self.tasks_per_worker,
            initializer,
        })
    }
}
