//! A worker: a daemonic child process that does one task after another.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, Signal, signal};

use crate::error::{Error, RecvError, SendCause, SendError};
use crate::ipc::{Connection, duplex};
use crate::pool::task::{Outcome, Reply, Request};
use crate::process::{ExitStatus, Process};

/// A worker, as the pool has it; killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    process: Process<()>,
    line: Connection<Request, Reply>,
}

impl Worker {
    /// Starts one; it says [`Reply::Ready`] when it has started.
    pub(super) fn start(number: u64) -> Result<Self, Error> {
        let (line, theirs) = duplex()?;
        let builder = Process::builder().name(format!("PoolWorker-{number}")).daemon(true);
        Ok(Worker { process: builder.spawn(work, theirs)?, line })
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

    /// Tells it that no more tasks come: it ends by itself.
    pub(super) fn dismiss(&self) {
        self.line.hang_up();
    }

    pub(super) fn kill(&self) {
        if let Err(error) = self.process.kill() {
            // It has changed its user. It ends when its line does.
            log::warn!("{} cannot be killed: {error}", self.name());
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.process.is_alive()
    }

    /// How it ended; `None` when other code of this program knows.
    pub(super) fn status(&self) -> Option<ExitStatus> {
        self.process.exit_status()
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
        self.kill();
        self.line.hang_up();
        // It ends at once. What it returns is nothing, and how it ended was asked before.
        let _ = self.process.join();
    }
}

/// The life of a worker, in the child.
fn work(line: Connection<Reply, Request>) {
    // Ctrl-C reaches every process of the terminal; the parent decides what becomes of its pool.
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    if line.send(Reply::Ready).is_err() {
        return;
    }
    loop {
        let (task, outcome) = match line.recv() {
            Ok(request) => (Some(request.task), request.run()),
            // The pool is closed, or its process has ended.
            Err(RecvError::Closed) => return,
            // A long argument for which there is no memory.
            Err(error) => (None, Outcome::NotRead(error.to_string())),
        };
        let Err(refused) = line.send(Reply::Done(task, outcome)) else { continue };
        if matches!(refused.cause(), SendCause::Disconnected) {
            return;
        }
        // A long result for which there is no memory: say so instead.
        if line.send(Reply::Done(task, Outcome::NotSent(refused.to_string()))).is_err() {
            return;
        }
    }
}
