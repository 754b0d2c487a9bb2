//! A worker: a daemonic child process that does one task after another.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, Signal, signal};
use rustix::event::{PollFd, PollFlags};

use crate::error::{
    Chain, CodecError, Error, ProcessError, RecvError, SendCause, SendError, TaskError,
};
use crate::ipc::{Connection, Receiver, Sender, duplex, pipe};
use crate::pool::crew::PAUSE;
use crate::pool::kill_switch::die_of;
use crate::pool::task::{Outcome, Reply, Request};
use crate::process::{ExitStatus, Process};
use crate::sys::{self, Deadline, fork_generation};

/// A worker, as the pool has it; killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// It returns why it could not go on.
    process: Process<Result<(), String>>,
    line: Connection<Request, Reply>,
    /// What is sent here kills it, where the system does not let the pool signal it.
    kill_switch: Sender<()>,
}

impl Worker {
    /// Starts one; it says [`Reply::Ready`] when it has started.
    pub(super) fn start(number: u64) -> Result<Self, Error> {
        let (line, theirs) = duplex()?;
        let (death, kill_switch) = pipe()?;
        let builder = Process::builder().name(format!("PoolWorker-{number}")).daemon(true);
        Ok(Worker { process: builder.spawn(work, (theirs, death))?, line, kill_switch })
    }

    pub(super) fn name(&self) -> &str {
        self.process.name()
    }

    /// Gives it a task. It has none, so there is room.
    pub(super) fn give(&self, request: Request) -> Result<(), SendError<Request>> {
        self.line.try_send(request)
    }

    /// What it has said and nobody has heard yet.
    pub(super) fn hear(&self) -> Result<Reply, RecvError> {
        self.line.try_recv()
    }

    /// Tells it that no more tasks come: it ends by itself. False where it cannot be told.
    pub(super) fn dismiss(&self) -> bool {
        self.line.hang_up().is_ok() || {
            // A sandbox denies that. It has no task.
            self.kill()
        }
    }

    /// Kills it; false where nothing can.
    pub(super) fn kill(&self) -> bool {
        if self.process.kill().is_ok() {
            return true;
        }
        // It has changed its user, or a sandbox forbids signals. One that is full has been sent
        // enough.
        match self.kill_switch.try_send(()) {
            Ok(()) => true,
            Err(refused) => matches!(refused.cause(), SendCause::Full | SendCause::Disconnected),
        }
    }

    /// Whether it has ended; `None` where the system does not tell.
    pub(super) fn has_ended(&self) -> Option<bool> {
        self.process.has_ended()
    }

    /// How it ended; `None` when other code of this program knows.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.process.exit_status()
    }

    /// Why it could not begin, if it has said so, or the system has.
    pub(super) fn trouble(&self) -> Option<String> {
        match self.process.try_join()? {
            Ok(worked) => worked.err(),
            // What its status says.
            Err(
                ProcessError::Exited(_) | ProcessError::Signaled(_) | ProcessError::NotStarted(_),
            ) => None,
            Err(error) => Some(Chain(&error).to_string()),
        }
    }

    /// Why the system does not tell how it ended, if it does not.
    pub(super) fn status_unknown(&self) -> Option<TaskError> {
        let (call, errno) = self.process.status_error()?;
        Some(TaskError::StatusUnknown { call, errno: errno.raw_os_error() })
    }

    /// Readable when it has said something.
    pub(super) fn line(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }

    /// Readable when it has ended.
    pub(super) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.kill() {
            // It ends at once, and how it ended was asked before.
            let _ = self.process.join();
        } else {
            log::warn!(
                "{} is left to end by itself: pidfd_send_signal and sendmsg are refused",
                self.name()
            );
        }
    }
}

/// The life of a worker, in the child. Gives why it cannot talk to its pool, if it cannot.
fn work((line, death): (Connection<Reply, Request>, Receiver<()>)) -> Result<(), String> {
    if die_of(&death) {
        return Ok(());
    }
    let served = serve(&line);
    if served.is_err() {
        // It is closed with the process: when it closes before, the pool kills the worker, and does
        // not hear why.
        std::mem::forget(line);
    }
    served
}

fn serve(line: &Connection<Reply, Request>) -> Result<(), String> {
    // Ctrl-C reaches every process of the terminal; the parent decides what becomes of its pool.
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    // Nothing has been sent yet: it shows whether something could be received.
    match line.try_recv() {
        Err(RecvError::Closed) => return Ok(()),
        Err(error @ RecvError::Os { .. }) => return Err(Chain(&error).to_string()),
        _ => {}
    }
    if let Err(refused) = line.send(Reply::Ready) {
        return match refused.cause() {
            SendCause::Disconnected => Ok(()),
            cause => Err(Chain(cause).to_string()),
        };
    }
    let generation = fork_generation();
    loop {
        let (task, outcome) = match next(line) {
            Ok(request) => (Some(request.task), request.run()),
            // The pool is closed, or its process has ended.
            Err(RecvError::Closed) => return Ok(()),
            Err(RecvError::Decode(error)) => (None, Outcome::NotRead(error)),
            // A long argument for which there is no memory.
            Err(error) => {
                (None, Outcome::NotRead(CodecError::NotCarried(Chain(&error).to_string())))
            }
        };
        if fork_generation() != generation {
            // A task has forked, and this copy of it has returned too: the line is the worker's.
            return Ok(());
        }
        let Err(refused) = line.send(Reply::Done(task, outcome)) else { continue };
        if matches!(refused.cause(), SendCause::Disconnected) {
            return Ok(());
        }
        // A long result for which there is no memory: say so instead.
        let why = CodecError::NotCarried(Chain(refused.cause()).to_string());
        let refusal = Reply::Done(task, Outcome::NotSent(why));
        line.send(refusal).map_err(|refused| Chain(refused.cause()).to_string())?;
    }
}

/// Waits for the next request.
fn next(line: &Connection<Reply, Request>) -> Result<Request, RecvError> {
    loop {
        match line.try_recv() {
            Err(RecvError::Empty) => {}
            received => return received,
        }
        if sys::poll(&mut [PollFd::new(line, PollFlags::IN)], Deadline::Never).is_err() {
            // A sandbox forbids to wait so, or the kernel has no memory: look now and then.
            std::thread::sleep(PAUSE);
        }
    }
}
