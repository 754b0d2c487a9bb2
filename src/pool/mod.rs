//! Floor 8: work over many workers.
//!
//! ```text
//! Pool ── Tasks ── Messages ── Schedule  ~ ~ ~ (memory) ~ ~ ~  work: claim, begin, run, finish
//!          │                                                     │
//!         Manager (a thread) ── Workers ── Worker  <── Notice ── ┘ (a process)
//! AsyncResult ── Task
//! ```

mod async_result;
mod backoff;
mod builder;
mod callbacks;
mod chunked;
mod completed;
mod ending;
mod imap;
mod kill_switch;
mod manager;
mod map;
mod messages;
mod request;
#[allow(unreachable_pub, reason = "models reach it, in their builds")]
pub mod schedule;
mod task;
mod tasks;
mod wakeup;
mod work;
mod worker;
mod workers;

pub use async_result::AsyncResult;
pub use builder::PoolBuilder;
pub use chunked::Chunked;
pub use completed::{AsCompleted, as_completed};
pub use imap::{Imap, ImapUnordered};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, PoolJoinError, TaskError};
use crate::ipc::Buffer;
use crate::pool::manager::{Manager, Options};
use crate::pool::request::Call;
use crate::pool::tasks::Stage;

/// Processes that do tasks.
///
/// A task is a function of one parameter, or a closure that captures nothing, and its argument;
/// both argument and result travel by serde. A function of several parameters is called by
/// `|(a, b)| f(a, b)`: so is [`Pool::map`] what Python calls `starmap`. The function is called in a fresh
/// process, where nothing is prepared that it may rely on
/// [by unsafe code](crate#where-undefined-behaviour-begins).
///
/// ```
/// use multiproc::Pool;
///
/// let pool = Pool::new(4)?;
/// assert_eq!(pool.map(|n: u64| n * n, 1..=5)?, [1, 4, 9, 16, 25]);
///
/// let results: Vec<_> =
///     (0..10).map(|n| pool.apply_async(|n: u32| format!("hello {n}"), n)).collect::<Result<_, _>>()?;
/// pool.close();
/// pool.join()?;
/// assert_eq!(results[9].get()?, "hello 9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs
///
/// Each worker is a fresh process of the same program, started as by
/// [`Process::spawn`](crate::Process::spawn), with four descriptors in this process. A thread of
/// this process manages them, with three more; it sleeps unless a worker starts or ends.
///
/// Tasks and results go through memory that is shared with the workers. Who waits for a task looks for it for
/// some microseconds before it sleeps, unless that was in vain lately, or the process has but one processor. So
/// does a worker that waits for a task.
///
/// There is room for 256 tasks at a time, or twice as many as workers, of up to 464 bytes each. Longer messages have
/// memory of their own, of which the pool keeps up to 64 MiB for the next; how long they may be depends on the
/// addresses that the process may use: some GiB without limits (`ulimit -v`, `ulimit -f`). More tasks wait in
/// this process, in any number.
///
/// # If a process dies
///
/// A worker that is killed, or that a task makes exit, fails that one task with an error that says
/// so; another takes its place, and the pool goes on. A task that it had not begun yet goes to another. When the
/// program is killed, its workers end.
///
/// # If a worker means harm
///
/// A task can write anything into the memory of the pool, by `unsafe` code. Then tasks fail, have wrong values, or
/// are not done; this process does not crash, and what waits with a deadline ends with it. The other workers
/// run what stands in that memory: they trust each other.
///
/// # When workers cannot be started
///
/// Where descriptors, processes or memory are used up, where SIGCHLD is ignored, where a worker ends
/// before it has done anything, the pool tries again: after 10 ms first, then after pauses that grow to
/// 2 s. Each of them is told in the log. It works with the workers that it has; while it has none, tasks
/// wait, for at most the [`start_timeout`](PoolBuilder::start_timeout). When the trouble is over, it
/// goes back to all its workers.
///
/// # In a forked process
///
/// A pool is the process's that made it. A copy of it that a fork has got, also one by other means than
/// this crate's, does nothing there: calls give [`TaskError::OtherProcess`], so does an
/// [`AsyncResult`] that was not waited or asked for, with success, before the fork; [`close`](Pool::close) and
/// [`terminate`](Pool::terminate) have no effect, and dropping it leaves the pool alone.
///
/// # Dropping
///
/// Dropping a pool [terminates](Pool::terminate) it and waits for its workers to end: none is left
/// behind.
///
/// # Different from Python
///
/// There, a task whose worker is killed or exits is never finished, and its `get` hangs. Workers
/// do not see Ctrl-C: the program decides.
pub struct Pool {
    manager: Arc<Manager>,
    /// The manager's, until someone has waited for its end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Pool {
    /// A pool of so many workers, which are started.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] without a worker or with too many, [`Error::Daemonic`] in a daemonic
    /// process, [`Error::ChildrenIgnored`] where SIGCHLD is ignored, [`Error::Os`] when the system
    /// gives no more processes, descriptors or threads; and what
    /// [`Process::spawn`](crate::Process::spawn) refuses where no fresh process of this program can be
    /// started: [`Error::Privileged`] and so on.
    pub fn new(workers: usize) -> Result<Self, Error> {
        Self::builder().workers(workers).build()
    }

    /// A pool to be.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    fn start(options: Options) -> Result<Self, Error> {
        let manager = Arc::new(Manager::new(options)?);
        let managed = manager.clone();
        let thread = std::thread::Builder::new().name("multiproc-pool".to_owned());
        let thread = thread
            .spawn(move || managed.run())
            .map_err(|source| Error::os("starting a thread", source))?;
        ending::add(&manager);
        Ok(Pool { manager, thread: Mutex::new(Some(thread)) })
    }

    /// How many workers it has.
    pub fn workers(&self) -> usize {
        self.manager.size()
    }

    /// Has a worker call `f(argument)`, and waits for the result.
    ///
    /// ```
    /// use multiproc::{Pool, TaskError};
    ///
    /// let pool = Pool::new(1)?;
    /// assert_eq!(pool.apply(|(a, b): (i32, i32)| a + b, (2, 3))?, 5);
    /// let failed = pool.apply(|n: i32| 1 / n, 0).unwrap_err();
    /// assert!(matches!(failed, TaskError::Panicked { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What happened to the task, or why the pool does not take it.
    pub fn apply<A, R>(&self, f: fn(A) -> R, argument: A) -> Result<R, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        self.apply_async(f, argument)?.get()
    }

    /// Has a worker call `f(argument)`; the result is for later.
    ///
    /// # Errors
    ///
    /// Why the pool does not take it: [`TaskError::Closed`], [`TaskError::Terminated`],
    /// [`TaskError::OtherProcess`], [`TaskError::Argument`], [`TaskError::NotInProgram`].
    pub fn apply_async<A, R>(&self, f: fn(A) -> R, argument: A) -> Result<AsyncResult<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        let tasks = &self.manager.tasks;
        tasks.check_process()?;
        let call = Call::one(f)?;
        let mut buffer = Buffer::take();
        request::encode(&argument, &mut buffer).map_err(TaskError::Argument)?;
        let task = tasks.submit_one(call, buffer.message())?;
        Ok(AsyncResult::of_one(tasks.clone(), task))
    }

    /// Takes no more tasks. The workers end when they have done those that were given.
    pub fn close(&self) {
        self.manager.advance(Stage::Closed);
    }

    /// Kills the workers. Tasks that are not done fail with [`TaskError::Terminated`].
    ///
    /// Where a sandbox forbids this process to send signals, the kernel does it, as each worker has
    /// asked it to: but not for a worker whose task has closed all descriptors, which is waited for.
    ///
    /// # Different from Python
    ///
    /// The signal is SIGKILL, which no task can ignore; there, a task that is not done is waited
    /// for in vain.
    pub fn terminate(&self) {
        self.manager.advance(Stage::Terminated);
    }

    /// Waits until the workers have ended, after [`close`](Self::close) or
    /// [`terminate`](Self::terminate), and until all [callbacks](AsyncResult::on_done) have been called; not for
    /// these in one of them.
    ///
    /// # Errors
    ///
    /// [`PoolJoinError::NotClosed`] without either: the workers would never end.
    /// [`PoolJoinError::OtherProcess`] in a forked process, which has only a copy of the pool.
    pub fn join(&self) -> Result<(), PoolJoinError> {
        self.manager.join()?;
        // A process with one thread can fork: so not only the workers have ended.
        self.join_thread();
        self.manager.tasks.callbacks.join();
        Ok(())
    }

    fn join_thread(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What it has panicked with, if it had a bug, was shown: and it has ended all tasks.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.manager.tasks.is_ours() {
            // A fork's copy. The manager is a thread of the parent's: its handle here is of memory
            // that libc may have given to another. The descriptors' numbers may be others' by now.
            let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(thread.take());
            std::mem::forget(self.manager.clone());
            return;
        }
        self.terminate();
        self.join_thread();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers()).finish_non_exhaustive()
    }
}

/// What a worker says to its pool.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz_support {
    use crate::ipc::codec;
    use crate::pool::request::{Failure, Notice};

    /// Reads them as either, and shows them.
    pub fn read_messages(bytes: &[u8]) {
        let notice = codec::decode::<Notice>(bytes);
        drop(format!("{notice:?} {:?}", codec::decode::<Failure>(bytes)));
    }
}
