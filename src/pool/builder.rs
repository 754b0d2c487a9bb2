//! What a pool is to be, before it is made.

use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, TaskError};
use crate::pool::Pool;
use crate::pool::manager::Options;
use crate::pool::request::{Call, Request, to_bytes};
use crate::pool::schedule::MOST_WORKERS;
use crate::process::{Limits, Process, ProcessBuilder, StartMethod};

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
    name: String,
    process: ProcessBuilder,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        PoolBuilder {
            workers: None,
            start_timeout: START_TIMEOUT,
            task_timeout: None,
            tasks_per_worker: 0,
            initializer: None,
            name: "PoolWorker".to_owned(),
            process: Process::builder(),
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
        let argument = to_bytes(&argument);
        let argument = argument.map_err(TaskError::Argument);
        let call = Call::one(f);
        self.initializer = Some(call.and_then(|call| Ok(Request { call, argument: argument? })));
        self
    }

    /// What the workers' names begin with, before "-1" and so on; "PoolWorker" by default. Panics and forwarded
    /// logs name them so.
    ///
    /// ```
    /// use multiproc::process;
    ///
    /// let pool = multiproc::Pool::builder().workers(1).name("resize").build()?;
    /// assert_eq!(pool.apply(|()| process::current().name().to_owned(), ())?, "resize-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Limits what each worker may use: see [`Limits`].
    ///
    /// ```
    /// use multiproc::{Pool, TaskError, process::Limits};
    ///
    /// let pool = Pool::builder().workers(1).limits(Limits::new().memory(1 << 30)).build()?;
    /// let capacity = |bytes: usize| Vec::<u8>::with_capacity(bytes).capacity();
    /// assert_eq!(pool.apply(capacity, 1 << 31), Err(TaskError::OutOfMemory));
    /// assert_eq!(pool.apply(capacity, 1 << 10)?, 1 << 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A task for which the memory does not suffice fails with
    /// [`TaskError::OutOfMemory`](crate::TaskError::OutOfMemory), and another worker takes the place of the one
    /// that had it. CPU time is that of all tasks of a worker together, so a task may be killed
    /// ([`TaskError::Signaled`](crate::TaskError::Signaled) with 24) for what others have used: with
    /// [`max_tasks_per_worker`](Self::max_tasks_per_worker) of 1, it is each task's own. The memory by which tasks
    /// and results travel is shared, and does not count.
    ///
    /// # Different from Python
    ///
    /// There, the initializer calls `resource.setrlimit`; and who waits for the task of a worker that is killed
    /// waits for ever.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.process = self.process.limits(limits);
        self
    }

    /// Brings what the workers log, by the crate `log`, to this process's logger, with the worker's name before
    /// it: as [`ProcessBuilder::forward_logs`](crate::ProcessBuilder::forward_logs) says.
    ///
    /// ```
    /// // The logger of this process gets the record "PoolWorker-1: half done".
    /// log::set_max_level(log::LevelFilter::Info);
    /// let pool = multiproc::Pool::builder().workers(1).forward_logs(true).build()?;
    /// pool.apply(|()| log::info!("half done"), ())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// What a task logs has been sent when its result is there, but the logger may get it later: all of it when
    /// the pool has been [joined](Pool::join), unless the logger takes longer than a second for it.
    ///
    /// # Costs
    ///
    /// For each worker a thread of this process and a descriptor.
    pub fn forward_logs(mut self, forward: bool) -> Self {
        self.process = self.process.forward_logs(forward);
        self
    }

    /// How the workers are started, if not by [`StartMethod::Spawn`]. It counts where they are often replaced, as
    /// by [`max_tasks_per_worker`](Self::max_tasks_per_worker).
    ///
    /// ```
    /// use multiproc::{Pool, process::StartMethod};
    ///
    /// let builder = Pool::builder().workers(2).start_method(StartMethod::ForkServer);
    /// let pool = builder.max_tasks_per_worker(1).build()?;
    /// assert_eq!(pool.map(|n: u64| n * n, 1..=5)?, [1, 4, 9, 16, 25]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_method(mut self, method: StartMethod) -> Self {
        self.process = self.process.start_method(method);
        self
    }

    /// Makes the pool and starts its workers.
    ///
    /// # Errors
    ///
    /// As for [`Pool::new`]; and [`Error::Argument`] when the argument of the
    /// [`initializer`](Self::initializer) is not [what may be sent](crate#what-may-be-sent),
    /// [`Error::LimitTooHigh`] when one of the [`limits`](Self::limits) is above this process's hard limit.
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
            name: self.name,
            process: self.process,
        })
    }
}
