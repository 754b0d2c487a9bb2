//! The result of a call that is under way.

use std::fmt;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::error::{Error, TaskError};
use crate::handoff;
use crate::ipc::codec;
use crate::pool::task::{Part, Place, Task};
use crate::pool::tasks::Tasks;
use crate::sys::Futex;
use crate::wait::{Wakes, WordWait};

/// The result of [`apply_async`](crate::Pool::apply_async) or
/// [`map_async`](crate::Pool::map_async), which may still be under way. To drop it is to lose
/// interest: the task runs all the same.
///
/// ```
/// let pool = multiproc::Pool::new(1)?;
/// let double = pool.apply_async(|n: u32| n * 2, 21)?;
/// assert_eq!(double.get()?, 42);
/// assert!(double.is_ready());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # If a worker dies
///
/// The task that it had gets an error. The result never waits for ever on a dead process, nor on
/// a pool that is gone.
///
/// # In a forked process
///
/// A copy has the result if somebody had waited or asked for it, with success, when the process was forked. If
/// not, it never comes there: the copy has the error [`TaskError::OtherProcess`] at once.
pub struct AsyncResult<R> {
    /// As a future.
    wait: WordWait,
    tasks: Arc<Tasks>,
    parts: Parts,
    items: Items,
    decode: fn(&mut dyn Iterator<Item = &Part>, Items) -> Result<R, TaskError>,
}

/// The items of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items {
    pub(super) all: usize,
    /// How many a task has, but for the last one.
    pub(super) chunk: usize,
}

/// The tasks of a call, in the order of its items.
#[derive(Clone)]
enum Parts {
    One(Arc<Task>),
    Many(Vec<Arc<Task>>),
}

impl Parts {
    fn iter(&self) -> slice::Iter<'_, Arc<Task>> {
        match self {
            Parts::One(task) => slice::from_ref(task).iter(),
            Parts::Many(tasks) => tasks.iter(),
        }
    }
}

impl<R> AsyncResult<R> {
    /// Waits until the result is there, or the error; gives it. It can be asked for again.
    ///
    /// # Errors
    ///
    /// What happened to the task. Of a map, whose tasks are all waited for, the first error in
    /// the order of the items.
    pub fn get(&self) -> Result<R, TaskError> {
        // Each part is decoded while others are under way; all are waited for, also after an error.
        let mut parts = self.parts.iter().filter_map(|task| self.tasks.wait(task, None));
        let result = (self.decode)(&mut parts, self.items);
        self.wait();
        result
    }

    /// As [`get`](Self::get) if it is there; `None` if it is not.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn try_get(&self) -> Option<Result<R, TaskError>> {
        self.is_ready().then(|| self.decode())
    }

    /// As [`get`](Self::get), but waits for at most `timeout`; `None` if it is not there then.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn get_for(&self, timeout: Duration) -> Option<Result<R, TaskError>> {
        self.get_by(end_of(timeout))
    }

    /// As [`get_for`](Self::get_for), until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn get_until(&self, deadline: Instant) -> Option<Result<R, TaskError>> {
        self.get_by(Some(deadline))
    }

    /// Waits until the result is there, or the error.
    pub fn wait(&self) {
        self.wait_by(None);
    }

    /// As [`wait`](Self::wait), for at most `timeout`; whether it is there.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.wait_by(end_of(timeout))
    }

    /// As [`wait_for`](Self::wait_for), until `deadline`.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        self.wait_by(Some(deadline))
    }

    /// Whether the result is there, or the error.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(|task| self.tasks.look(task).is_some())
    }

    /// Has the call end with [`TaskError::Cancelled`], unless it has ended: true when it had not. A task that
    /// no worker has begun never begins; the worker of one that runs is killed, and another takes its place. Of
    /// a map, all tasks are cancelled that have not ended.
    ///
    /// ```
    /// use multiproc::{Pool, TaskError};
    ///
    /// let pool = Pool::new(1)?;
    /// let endless = pool.apply_async(|()| loop { std::thread::park() }, ())?;
    /// assert!(endless.cancel());
    /// assert_eq!(endless.get(), Err::<(), _>(TaskError::Cancelled));
    /// assert_eq!(pool.apply(|n: u32| n + 1, 1)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Different from Python
    ///
    /// A pool of `multiprocessing` has no such call; `concurrent.futures` cancels only what has not begun.
    pub fn cancel(&self) -> bool {
        // Each of them: not only up to the first.
        self.parts.iter().filter(|task| self.tasks.cancel(task)).count() > 0
    }

    /// Has `callback` called with the result, or the error, when it is there. Nothing else changes: the result
    /// can be waited and asked for, here too, and dropped.
    ///
    /// ```
    /// let pool = multiproc::Pool::new(1)?;
    /// let (done, squares) = std::sync::mpsc::channel();
    /// for n in 1..=3u64 {
    ///     let done = done.clone();
    ///     pool.apply_async(|n: u64| n * n, n)?.on_done(move |square| _ = done.send(square))?;
    /// }
    /// drop(done);
    /// let sum: u64 = squares.into_iter().sum::<Result<_, _>>()?;
    /// assert_eq!(sum, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A thread of this process calls the callbacks of a pool, one after another, as the results come. It is
    /// started for the first one, and ends when none is left. [`Pool::join`](crate::Pool::join) waits for it; to
    /// drop the pool does not. A callback may use the pool, as any thread may.
    ///
    /// # Panics
    ///
    /// A callback that panics is told in the log, at level warn; the others are called. One that blocks holds up
    /// the other callbacks of its pool, and nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the system gives no thread: then it is not called.
    ///
    /// # In a forked process
    ///
    /// The callback is called at once, by the caller, with what a copy [has](Self#in-a-forked-process).
    ///
    /// # Different from Python
    ///
    /// There, `callback` and `error_callback` are arguments of the call; they are called by the thread that
    /// receives all results, which one that blocks holds up, and one that raises ends.
    pub fn on_done(
        &self,
        callback: impl FnOnce(Result<R, TaskError>) + Send + 'static,
    ) -> Result<(), Error>
    where
        R: 'static,
    {
        if !self.tasks.is_ours() {
            callback(self.decode());
            return Ok(());
        }
        self.tasks.callbacks.add(self.share(), callback)
    }

    fn share(&self) -> Self {
        AsyncResult {
            wait: WordWait::default(),
            tasks: self.tasks.clone(),
            parts: self.parts.clone(),
            items: self.items,
            decode: self.decode,
        }
    }

    /// Has it end with [`TaskError::Cancelled`] as far as no worker has begun it.
    pub(super) fn cancel_queued(&self) {
        self.parts.iter().for_each(|task| self.tasks.cancel_queued(task));
    }

    /// Whether a worker could have some of it, or have done it.
    pub(super) fn has_place(&self) -> bool {
        self.parts.iter().any(|task| task.place() != Place::Here)
    }

    /// Announces a sleeper, unless the result is there: the word that it sleeps on, and its value.
    pub(super) fn announce(&self) -> Option<(&Futex, u32)> {
        self.parts.iter().find_map(|task| self.tasks.announce(task))
    }

    fn wait_by(&self, deadline: Option<Instant>) -> bool {
        self.parts.iter().all(|task| self.tasks.wait(task, deadline).is_some())
    }

    fn get_by(&self, deadline: Option<Instant>) -> Option<Result<R, TaskError>> {
        self.wait_by(deadline).then(|| self.decode())
    }

    /// The result of a call all of whose tasks have ended.
    fn decode(&self) -> Result<R, TaskError> {
        (self.decode)(&mut self.parts.iter().filter_map(|task| self.tasks.look(task)), self.items)
    }
}

impl<R: DeserializeOwned> AsyncResult<R> {
    /// Of a call that is one task.
    pub(super) fn of_one(tasks: Arc<Tasks>, task: Arc<Task>) -> Self {
        let decode = |parts: &mut dyn Iterator<Item = &Part>, _| match parts.next() {
            Some(part) => decoded(part),
            None => unreachable!("a call has one part"),
        };
        AsyncResult {
            wait: WordWait::default(),
            tasks,
            parts: Parts::One(task),
            items: Items { all: 1, chunk: 1 },
            decode,
        }
    }
}

impl<R: DeserializeOwned> AsyncResult<Vec<R>> {
    /// Of a call whose tasks each give some of the results.
    pub(super) fn of_many(tasks: Arc<Tasks>, parts: Vec<Arc<Task>>, items: Items) -> Self {
        let decode = |parts: &mut dyn Iterator<Item = &Part>, Items { all, chunk }: Items| {
            let mut results = Vec::with_capacity(all);
            for (part, first) in parts.zip((0usize..).step_by(chunk)) {
                let part = decoded::<Vec<R>>(part);
                let end = first.saturating_add(chunk).min(all);
                results.append(&mut part.map_err(|error| error.of_items(first..end))?);
            }
            Ok(results)
        };
        AsyncResult { wait: WordWait::default(), tasks, parts: Parts::Many(parts), items, decode }
    }
}

/// A time too long for the clock is for ever.
fn end_of(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

fn decoded<R: DeserializeOwned>(part: &Part) -> Result<R, TaskError> {
    let bytes = part.as_ref().map_err(Clone::clone)?;
    handoff::not_taking(|| codec::decode(bytes)).map_err(TaskError::Decode)
}

/// For an `async` function, by any executor. When it has given the result, it can be awaited or asked again.
///
/// ```
/// let pool = multiproc::Pool::new(2)?;
/// let mut square = pool.apply_async(|n: u64| n * n, 12)?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert_eq!(runtime.block_on(&mut square)?, 144);
/// assert_eq!(square.get()?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # A future that is dropped
///
/// That is to lose interest: the task runs all the same. [`cancel`](AsyncResult::cancel) ends it.
///
/// # Costs
///
/// A thread of this process sleeps in the stead of the results that are awaited, for each 127 of them.
impl<R> Future for AsyncResult<R> {
    type Output = Result<R, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.parts.iter().find_map(|task| this.tasks.announce(task)) {
            Some((word, seen)) => {
                this.wait.sleep(word, seen, Wakes::All, context.waker());
                Poll::Pending
            }
            None => {
                this.wait.done();
                Poll::Ready(this.decode())
            }
        }
    }
}

impl<R> Drop for AsyncResult<R> {
    fn drop(&mut self) {
        self.parts.iter().for_each(|task| self.tasks.forget(task));
    }
}

impl<R> fmt::Debug for AsyncResult<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult").field("is_ready", &self.is_ready()).finish()
    }
}
