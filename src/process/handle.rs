//! What a parent has of its child.

use std::fmt;
use std::io::{PipeReader, PipeWriter};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ProcessError};
use crate::ipc::codec;
use crate::process::builder::ProcessBuilder;
use crate::process::child::{Child, End, WAITID};
use crate::process::children;
use crate::process::identity::number;
use crate::process::status::ExitStatus;
use crate::runtime::Run;
use crate::sys::Deadline;

/// A child process that gives an `R`.
///
/// ```
/// use multiproc::Process;
///
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// let child = Process::spawn(square, 12)?;
/// assert_eq!(child.join()?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which way to start one
///
/// [`Process::spawn`] works everywhere and starts a fresh process; the function gets its argument
/// by serde. [`Process::fork`] gives the child a copy of all memory, so a closure needs no
/// argument at all, and starts faster; it works as long as the process never had a second thread.
///
/// # A handle that is dropped
///
/// The child goes on, and is reaped all the same, at the latest when this process ends: which
/// waits for it, or terminates it if it is a [daemon](ProcessBuilder::daemon).
///
/// # A handle that a fork has copied
///
/// The process is a child of the parent alone. In another forked child of that parent the copy tells
/// whether it [is alive](Process::is_alive); it neither joins nor signals it.
///
/// # Costs
///
/// Two descriptors in this process, and one for each stream that is a pipe and was not taken; one when it was
/// joined, which is closed when the handle is dropped.
///
/// # If a process dies
///
/// A child that is killed is reported by [`Process::join`], at once. One whose parent is killed
/// goes on, unless it is a daemon.
///
/// # Different from Python
///
/// The function's result comes back from `join`, and its panic as an error. `join` waits for a
/// result of any size without blocking the child.
pub struct Process<R> {
    child: Arc<Child>,
    result: PhantomData<fn() -> R>,
}

impl Process<()> {
    /// A child to be, to give it a name and other properties first.
    pub fn builder() -> ProcessBuilder {
        ProcessBuilder::default()
    }

    /// Forks: the child has a copy of all memory, runs `f` on it and ends; the parent goes on.
    ///
    /// What `f` owns is dropped in the parent, so that each side has its own: the end of a pipe
    /// that is moved into the child is closed in the parent. (And a [`Permit`](crate::Permit) that
    /// is moved is given back by both: see there.) Standard output and error are flushed first.
    ///
    /// This works in a process that never had a second thread. The child has one, too, and may start
    /// more. Of a [`Lock`](crate::Lock) in private memory that the caller holds, the child has a copy,
    /// which is locked, and a copy of the guard.
    ///
    /// ```no_run
    /// use multiproc::Process;
    ///
    /// let numbers = vec![1, 2, 3];
    /// let child = Process::fork(|| numbers.iter().sum::<i32>())?;
    /// assert_eq!(child.join()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::MultiThreaded`] when this process has other threads, as every test has: the child
    /// could hang on a lock that one of them holds. [`Error::HadThreads`] when it had some: the child
    /// could crash on a handle of one of them (see [`Process::fork_after_threads`]).
    /// [`Error::LockHeld`] when this process holds a [`Lock`](crate::Lock) in shared memory, or this
    /// thread a robust mutex of C's; of a lock in private memory the child has a copy of its own.
    /// [`Error::OtherNamespace`] when the child would be in another PID or time namespace.
    /// [`Error::Daemonic`] in a daemon. [`Error::ChildrenIgnored`] where SIGCHLD is ignored.
    /// [`Error::FileSizeLimit`] when the child could not leave even a short result (`ulimit -f`).
    /// [`Error::Os`] when the system refuses.
    ///
    /// After any error, `f` was not called and will not be.
    pub fn fork<F, R>(f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        Self::builder().fork(f)
    }

    /// As [`Process::fork`], in a process that had other threads, of which none runs any more.
    ///
    /// ```no_run
    /// use multiproc::Process;
    ///
    /// let sum = std::thread::spawn(|| 1 + 2).join().unwrap();
    /// // SAFETY: the only thread that this process had was joined, which has used up its handle.
    /// let child = unsafe { Process::fork_after_threads(|| sum + 3) }?;
    /// assert_eq!(child.join()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    ///
    /// In the child, nothing is done with what names a thread that this process has had before, and
    /// that was not joined: it is neither used nor dropped. That goes for a
    /// [`std::thread::JoinHandle`], for C's `pthread_t`, and for whatever of other libraries has one
    /// inside (a pool of threads, a runtime). It names memory in which the child's own threads may
    /// lie. What the closure borrows stays with the parent and is not dropped; what it owns is dropped
    /// in the child.
    ///
    /// This crate's own ([`Thread`](crate::Thread), [`thread::Handle`](crate::thread::Handle)) know
    /// their process, and are harmless in the child.
    ///
    /// # Errors
    ///
    /// As for [`Process::fork`], but for [`Error::HadThreads`].
    pub unsafe fn fork_after_threads<F, R>(f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        // SAFETY: the caller's promise.
        unsafe { Self::builder().fork_after_threads(f) }
    }

    /// Forks a child that runs `work`, as [`Process::fork`].
    ///
    /// # Errors
    ///
    /// As for [`Process::fork`].
    pub fn start<W: Run>(work: W) -> Result<Process<W::Output>, Error>
    where
        W::Output: Serialize + DeserializeOwned,
    {
        Self::builder().start(work)
    }

    /// Starts this program again, as a child that runs `f(argument)` before its `main` and ends.
    ///
    /// `f` is a function of one parameter, or a closure that captures nothing. A function of several
    /// is called by such a closure, `|(a, b)| f(a, b)` with the argument `(a, b)`; one of none by
    /// `|()| f()`. A [`Shared`](crate::Shared) or anything else that processes can share is handed
    /// over as itself.
    ///
    /// ```
    /// use multiproc::{Lock, Process, Shared};
    ///
    /// let total = Shared::new(Lock::new(0u32))?;
    /// fn add(total: Shared<Lock<u32>>, n: u32) {
    ///     *total.lock().unwrap() += n;
    /// }
    /// let children =
    ///     [3, 4].map(|n| Process::spawn(|(total, n)| add(total, n), (total.clone(), n)));
    /// for child in children {
    ///     child?.join()?;
    /// }
    /// assert_eq!(*total.lock()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The child has its parent's arguments, and its environment, directory and standard streams where the
    /// [builder](Process::builder) does not say otherwise. It runs in place of `main`, so what `main` would
    /// have set up is not there: a logger, for instance (but see [`ProcessBuilder::forward_logs`]), or a panic
    /// hook (this crate's says of a panic what std's would, with the name of the process). What comes before
    /// `main` has been run: the constructors of libraries, of the program and of other crates. (It is aborted
    /// by a panic in one of them, as any process is.) It never comes to `main`: a process that was started as
    /// a child and cannot be one says why on its standard error and ends with exit code 70. Where panics
    /// abort, a panic of its is [`ProcessError::Signaled`].
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] when the argument is not [what may be sent](crate#what-may-be-sent),
    /// [`Error::Daemonic`] in a daemon,
    /// [`Error::ChildrenIgnored`] where SIGCHLD is ignored, [`Error::FileSizeLimit`] when the argument is
    /// longer than the process may write to a file (`ulimit -f`), [`Error::Os`] when the system refuses.
    ///
    /// And where a fresh process of this program cannot be started, or would not be its child:
    ///
    /// | where | what is refused |
    /// |---|---|
    /// | `f`, or this crate, is in a shared library | [`Error::NotInProgram`] |
    /// | the program is setuid, setgid or has capabilities, and whoever started it has not those rights | [`Error::Privileged`] |
    /// | it was started through the loader (`ld-linux*.so program`), or by an emulator | [`Error::OtherProgram`] |
    /// | there is no `/proc`, or it is not the kernel's | [`Error::NoProc`] |
    /// | what calls this runs before `main`: before this crate's own part there, or in a child | [`Error::TooEarly`] |
    ///
    /// It works where the program's file is stripped, statically linked, cannot be read, or has
    /// been moved, deleted or replaced since.
    pub fn spawn<A, R>(f: fn(A) -> R, argument: A) -> Result<Process<R>, Error>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::builder().spawn(f, argument)
    }
}

impl<R> Process<R> {
    pub(super) fn new(child: Arc<Child>) -> Self {
        Process { child, result: PhantomData }
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        number(self.child.pid).cast_unsigned()
    }

    /// Its name: what [`ProcessBuilder::name`] said, or "Process-1" and so on.
    pub fn name(&self) -> &str {
        &self.child.name
    }

    /// Whether it ends with this process.
    pub fn is_daemon(&self) -> bool {
        self.child.daemon
    }

    /// Whether it still runs. Also a process that has a copy of this handle by a fork can ask. Where
    /// the system tells by none of its calls, it is taken to run.
    pub fn is_alive(&self) -> bool {
        !self.has_ended().unwrap_or(false)
    }

    /// Takes this process's end of its standard input, if that is [piped](crate::process::Stdio::Piped): once.
    /// A [`join`](Process::join) closes it if nobody has taken it, so that a child that reads to the end comes
    /// to it.
    pub fn take_stdin(&self) -> Option<PipeWriter> {
        self.child.take_stream(0).map(PipeWriter::from)
    }

    /// Takes this process's end of its standard output, if that is [piped](crate::process::Stdio::Piped):
    /// once. Nothing is read ahead.
    ///
    /// A pipe has room for some 64 KiB. A child that writes more waits until it is read: so read it before
    /// the join, or beside it.
    pub fn take_stdout(&self) -> Option<PipeReader> {
        self.child.take_stream(1).map(PipeReader::from)
    }

    /// As [`take_stdout`](Self::take_stdout), for its standard error.
    pub fn take_stderr(&self) -> Option<PipeReader> {
        self.child.take_stream(2).map(PipeReader::from)
    }

    /// How it ended; `None` as long as it runs. (And when other code of this process has waited
    /// for it: then the status is with that code. And in a process that is not its parent. And where
    /// the system does not tell: [`join`](Process::join) names the call.)
    pub fn exit_status(&self) -> Option<ExitStatus> {
        match self.child.reap()? {
            End::Status(status) => Some(status),
            End::Taken | End::Unknown(_) => None,
        }
    }

    /// The call that would tell how it ended, and its error, where the system refuses it.
    pub(crate) fn status_error(&self) -> Option<(&'static str, Errno)> {
        self.child.status_error().map(|errno| (WAITID, errno))
    }

    /// Whether it has ended; `None` where the system does not tell.
    pub(crate) fn has_ended(&self) -> Option<bool> {
        self.child.has_ended().ok()
    }

    /// Asks it to end: SIGTERM. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the child has become another user's. [`Error::NotAChild`] when the caller is
    /// not its parent, but has a copy of the handle by a fork.
    pub fn terminate(&self) -> Result<(), Error> {
        self.child.signal(Signal::TERM)
    }

    /// Ends it: SIGKILL. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when the child has become another user's. [`Error::NotAChild`] when the caller is
    /// not its parent, but has a copy of the handle by a fork.
    pub fn kill(&self) -> Result<(), Error> {
        self.child.signal(Signal::KILL)
    }
}

impl<R: DeserializeOwned> Process<R> {
    /// Waits until it has ended, and gives what its function returned.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] says how it ended instead of returning:
    /// [`Panicked`](ProcessError::Panicked), [`Exited`](ProcessError::Exited),
    /// [`Signaled`](ProcessError::Signaled) and so on; or that the result was already given to
    /// another join.
    pub fn join(&self) -> Result<R, ProcessError> {
        drop(self.take_stdin());
        match self.join_by(Deadline::Never) {
            Some(result) => result,
            None => unreachable!("without a deadline the child is waited for"),
        }
    }

    /// As [`Process::join`] if it has ended; `None` if it runs.
    pub fn try_join(&self) -> Option<Result<R, ProcessError>> {
        self.join_for(Duration::ZERO)
    }

    /// As [`Process::join`], but for at most `timeout`; `None` if it still runs then. It can be
    /// joined again.
    ///
    /// ```
    /// use std::time::Duration;
    /// use multiproc::{Process, ProcessError};
    ///
    /// let sleeper = Process::spawn(|s| std::thread::sleep(Duration::from_secs(s)), 60)?;
    /// assert!(sleeper.join_for(Duration::from_millis(1)).is_none());
    /// sleeper.terminate()?;
    /// assert!(matches!(sleeper.join(), Err(ProcessError::Signaled(15))));
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn join_for(&self, timeout: Duration) -> Option<Result<R, ProcessError>> {
        self.join_by(Deadline::after(timeout))
    }

    /// As [`Process::join_for`], until `instant`.
    pub fn join_until(&self, instant: Instant) -> Option<Result<R, ProcessError>> {
        self.join_by(Deadline::at(instant))
    }

    fn join_by(&self, deadline: Deadline) -> Option<Result<R, ProcessError>> {
        if !self.child.is_ours() {
            return Some(Err(ProcessError::NotAChild));
        }
        if self.child.exchange().is_none() {
            return Some(Err(ProcessError::AlreadyJoined));
        }
        match self.child.wait(deadline) {
            Ok(ended) => ended.then(|| {
                let value = self.child.result()?;
                codec::decode(&value).map_err(ProcessError::Decode)
            }),
            Err(errno) => Some(Err(ProcessError::Os { call: "poll", source: errno.into() })),
        }
    }
}

impl<R> Drop for Process<R> {
    fn drop(&mut self) {
        if self.child.is_ours() {
            self.child.exchange().take();
            self.child.close_streams();
            if self.child.has_ended() == Ok(true) {
                children::sweep();
            }
        }
    }
}

/// Its pidfd: readable when it has ended.
impl<R> AsFd for Process<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }
}

impl<R> fmt::Debug for Process<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name())
            .field("pid", &self.pid())
            .field("status", &self.exit_status())
            .finish()
    }
}
