//! What the starter of a thread has of it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ThreadError};
use crate::process::{Panic, Run};
use crate::sys::Deadline;
use crate::thread::builder::ThreadBuilder;
use crate::thread::handle::Handle;
use crate::thread::native::Joined;
use crate::thread::registry;

/// A thread that gives an `R`.
///
/// ```
/// use multiproc::Thread;
///
/// let thread = Thread::spawn(|| (1..=4).product::<u32>())?;
/// assert_eq!(thread.join()?, 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # A handle that is dropped
///
/// The thread goes on. When the program ends (`main` returns, or calls [`std::process::exit`] in
/// the main thread), it is waited for, unless it is a [daemon](ThreadBuilder::daemon). Such a thread ends
/// the program by [`process::exit`](crate::process::exit): std's would wait for `main`, which waits
/// for the thread.
///
/// # The end of a thread
///
/// A thread has ended when its thread-locals are dropped, too: so long it is alive and waited for, by
/// [`Thread::join`] and at the end of the program. A process that is forked from the thread's has no
/// such thread: there its handle is not alive, and cannot be joined.
///
/// # Different from Python
///
/// The function's result comes back from `join`, and its panic as an error.
pub struct Thread<R> {
    handle: Handle,
    result: Arc<Mutex<Option<Result<R, Panic>>>>,
}

impl Thread<()> {
    /// A thread to be, to give it a name and other properties first.
    pub fn builder() -> ThreadBuilder {
        ThreadBuilder::default()
    }

    /// Starts a thread that runs `f`.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the system has no room for another thread.
    pub fn spawn<F, R>(f: F) -> Result<Thread<R>, Error>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Self::builder().spawn(f)
    }

    /// Starts a thread that runs `work`, a type of your own.
    ///
    /// # Errors
    ///
    /// As for [`Thread::spawn`].
    pub fn start<W>(work: W) -> Result<Thread<W::Output>, Error>
    where
        W: Run + Send + 'static,
        W::Output: Send + 'static,
    {
        Self::builder().start(work)
    }
}

impl<R> Thread<R> {
    pub(super) fn new(handle: Handle, result: Arc<Mutex<Option<Result<R, Panic>>>>) -> Self {
        Thread { handle, result }
    }

    /// The thread as everyone sees it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.handle.name()
    }

    /// Calls it `name` from now on, as [`Handle::rename`].
    pub fn rename(&self, name: impl Into<String>) {
        self.handle.rename(name);
    }

    /// Whether the program ends without waiting for it.
    pub fn is_daemon(&self) -> bool {
        self.handle.is_daemon()
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        self.handle.is_alive()
    }

    /// The number by which the kernel knows it.
    pub fn native_id(&self) -> u32 {
        self.handle.native_id()
    }

    /// Waits until it has ended, and gives what it returned.
    ///
    /// # Errors
    ///
    /// [`ThreadError::Panicked`] when it did; [`ThreadError::AlreadyJoined`] when the result was
    /// given to another join; [`ThreadError::JoinsItself`] when it would wait for its own end;
    /// [`ThreadError::OfAnotherProcess`] in a forked process.
    pub fn join(&self) -> Result<R, ThreadError> {
        match self.join_by(Deadline::Never) {
            Some(result) => result,
            None => unreachable!("without a deadline the thread is waited for"),
        }
    }

    /// As [`Thread::join`] if it has ended; `None` if it runs.
    pub fn try_join(&self) -> Option<Result<R, ThreadError>> {
        self.join_for(Duration::ZERO)
    }

    /// As [`Thread::join`], but for at most `timeout`; `None` if it still runs then. It can be
    /// joined again.
    pub fn join_for(&self, timeout: Duration) -> Option<Result<R, ThreadError>> {
        self.join_by(Deadline::after(timeout))
    }

    /// As [`Thread::join_for`], until `instant`.
    pub fn join_until(&self, instant: Instant) -> Option<Result<R, ThreadError>> {
        self.join_by(Deadline::at(instant))
    }

    fn join_by(&self, deadline: Deadline) -> Option<Result<R, ThreadError>> {
        if !self.handle.is_ours() {
            return Some(Err(ThreadError::OfAnotherProcess));
        }
        if self.handle.is_current() {
            return Some(Err(ThreadError::JoinsItself));
        }
        match self.handle.native().join(deadline) {
            Joined::Ended => Some(self.take()),
            Joined::TimedOut => None,
            Joined::WaitsForCaller => Some(Err(ThreadError::JoinsItself)),
        }
    }

    /// The result of a thread that has ended.
    fn take(&self) -> Result<R, ThreadError> {
        registry::remove(&self.handle);
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).take();
        result.ok_or(ThreadError::AlreadyJoined)?.map_err(|panic| ThreadError::Panicked {
            message: panic.message,
            location: panic.location,
        })
    }
}

impl<R> Drop for Thread<R> {
    fn drop(&mut self) {
        if !self.is_alive() {
            registry::remove(&self.handle);
        }
    }
}

impl<R> fmt::Debug for Thread<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
