//! A worker: a daemonic child process that does one task after another.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, Signal, signal};
use rustix::event::{PollFd, PollFlags};

use crate::error::{Chain, CodecError, Error, RecvError, SendCause, SendError};
use crate::ipc::{Connection, Receiver, Sender, duplex, pipe};
use crate::pool::crew::PAUSE;
use crate::pool::kill_switch::die_of;
use crate::pool::task::{Outcome, Reply, Request};
use crate::process::{ExitStatus, Process};
use crate::sys::{self, Deadline};

/// A worker, as the pool has it; killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    process: Process<()>,
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

    /// Tells it that no more tasks come: it ends by itself.
    pub(super) fn dismiss(&self) {
        self.line.hang_up();
    }

    pub(super) fn kill(&self) {
        if self.process.kill().is_err() {
            // It has changed its user, or a sandbox forbids signals. One that is full has been sent
            // enough.
            let _ = self.kill_switch.try_send(());
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        // The second, where a sandbox does not let the first ask.
        !self.process.is_alive() || self.status().is_some()
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
fn work((line, death): (Connection<Reply, Request>, Receiver<()>)) {
    if die_of(&death) {
        return;
    }
    // Ctrl-C reaches every process of the terminal; the parent decides what becomes of its pool.
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    if line.send(Reply::Ready).is_err() {
        return;
    }
    loop {
        let (task, outcome) = match next(&line) {
            Ok(request) => (Some(request.task), request.run()),
            // The pool is closed, or its process has ended.
            Err(RecvError::Closed) => return,
            Err(RecvError::Decode(error)) => (None, Outcome::NotRead(error)),
            // A long argument for which there is no memory.
            Err(error) => {
                (None, Outcome::NotRead(CodecError::NotCarried(Chain(&error).to_string())))
            }
        };
        let Err(refused) = line.send(Reply::Done(task, outcome)) else { continue };
        if matches!(refused.cause(), SendCause::Disconnected) {
            return;
        }
        // A long result for which there is no memory: say so instead.
        let why = CodecError::NotCarried(Chain(refused.cause()).to_string());
        if line.send(Reply::Done(task, Outcome::NotSent(why))).is_err() {
            return;
        }
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
