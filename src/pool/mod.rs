//! Floor 8: work over many workers.
//!
//! ```text
//! Pool ── Crew ── Board: tasks, workers, who has which; Backoff: when to start others
//!          │        Post ── Worker ~ ~ ~ (a process) ~ ~ ~ Request::run
//!          └ the manager's thread                   <── Reply ──
//! AsyncResult ── Slot <── Task (its part)
//! ```

mod async_result;
mod backoff;
mod board;
mod builder;
mod crew;
mod ending;
mod kill_switch;
mod slot;
mod task;
mod worker;

pub use async_result::AsyncResult;
pub use builder::PoolBuilder;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, PoolJoinError, TaskError};
use crate::pool::board::Stage;
use crate::pool::crew::Crew;
use crate::pool::slot::{Slot, Task};
use crate::pool::task::Request;

/// Tasks that a map makes for each worker, so that one who is done early can take another.
const CHUNKS: usize = 4;

/// Processes that do tasks.
///
/// A task is a function of one parameter, or a closure that captures nothing, and its argument;
/// both argument and result travel by serde. A function of several parameters is called by
/// `|(a, b)| f(a, b)`: so is [`Pool::map`] what Python calls `starmap`.
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
/// this process manages them, with one more; it sleeps unless a worker has something to say.
///
/// # If a process dies
///
/// A worker that is killed, or that a task makes exit, fails that one task with an error that says
/// so; another takes its place, and the pool goes on. When the program is killed, its workers end.
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
/// [`AsyncResult`] that was not there before the fork; [`close`](Pool::close) and
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
    crew: Arc<Crew>,
    /// Until someone has waited for its end.
    manager: Mutex<Option<JoinHandle<()>>>,
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

    fn start(workers: usize, start_timeout: Duration) -> Result<Self, Error> {
        let crew = Arc::new(Crew::new(workers, start_timeout)?);
        let managed = crew.clone();
        let thread = std::thread::Builder::new().name("multiproc-pool".to_owned());
        let manager = thread
            .spawn(move || managed.manage())
            .map_err(|source| Error::os("starting a thread", source))?;
        ending::add(&crew);
        Ok(Pool { crew, manager: Mutex::new(Some(manager)) })
    }

    /// How many workers it has.
    pub fn workers(&self) -> usize {
        self.crew.size()
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
        self.crew.check_process()?;
        let request = Request::one(f, &argument)?;
        let slot = Arc::new(Slot::new(1));
        self.crew.take(vec![Task::new(request, slot.clone(), 0)])?;
        Ok(AsyncResult::of_one(slot))
    }

    /// Has the workers call `f` of each item, and waits for all results, which are in the items'
    /// order.
    ///
    /// The items go to the workers in about four chunks for each worker.
    ///
    /// # Errors
    ///
    /// The first error, in the order of the items; all are waited for. An item whose chunk was
    /// struck fails with it.
    pub fn map<A, R, I>(&self, f: fn(A) -> R, items: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.map_async(f, items)?.get()
    }

    /// As [`map`](Self::map), with the results for later.
    ///
    /// # Errors
    ///
    /// As for [`apply_async`](Self::apply_async).
    pub fn map_async<A, R, I>(
        &self,
        f: fn(A) -> R,
        items: I,
    ) -> Result<AsyncResult<Vec<R>>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.crew.check_process()?;
        let items: Vec<A> = items.into_iter().collect();
        let size = items.len().div_ceil(CHUNKS * self.workers()).max(1);
        let requests: Vec<_> =
            items.chunks(size).map(|chunk| Request::many(f, chunk)).collect::<Result<_, _>>()?;
        let slot = Arc::new(Slot::new(requests.len()));
        let task = |(part, request)| Task::new(request, slot.clone(), part);
        self.crew.take(requests.into_iter().enumerate().map(task).collect())?;
        Ok(AsyncResult::of_many(slot))
    }

    /// Takes no more tasks. The workers end when they have done those that were given.
    pub fn close(&self) {
        self.crew.advance(Stage::Closed);
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
        self.crew.advance(Stage::Terminated);
    }

    /// Waits until the workers have ended, after [`close`](Self::close) or
    /// [`terminate`](Self::terminate).
    ///
    /// # Errors
    ///
    /// [`PoolJoinError::NotClosed`] without either: the workers would never end.
    /// [`PoolJoinError::OtherProcess`] in a forked process, which has only a copy of the pool.
    pub fn join(&self) -> Result<(), PoolJoinError> {
        self.crew.join()?;
        // A process with one thread can fork: so not only the workers have ended.
        self.join_manager();
        Ok(())
    }

    fn join_manager(&self) {
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It has caught its own panics, if there were any: see `Last`.
        let _ = manager.map(JoinHandle::join);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.crew.check_process().is_err() {
            // A fork's copy. The manager is a thread of the parent's: its handle here is of memory
            // that libc may have given to another. The descriptors' numbers may be others' by now.
            let manager = self.manager.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(manager.take());
            std::mem::forget(self.crew.clone());
            return;
        }
        self.terminate();
        self.join_manager();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers()).finish_non_exhaustive()
    }
}

/// What a pool and a worker say to each other.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz_support {
    use crate::ipc::codec;
    use crate::pool::task::{Reply, Request};

    /// Reads them as either, and shows them.
    pub fn read_messages(bytes: &[u8]) {
        let request = codec::decode::<Request>(bytes);
        drop(format!("{request:?} {:?}", codec::decode::<Reply>(bytes)));
    }
}
