//! A worker, as the pool has it: a daemonic child process that does one task after another.

use std::os::fd::{AsFd, BorrowedFd};

use crate::error::{Chain, Error, ProcessError, RecvError, SendCause, TaskError};
use crate::ipc::{Connection, Sender, duplex, pipe};
use crate::pool::request::Notice;
use crate::pool::work::{Job, NotBegun, work};
use crate::process::{ExitStatus, Process, ProcessBuilder};

/// Killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// It returns why it could not go on.
    process: Process<Result<(), NotBegun>>,
    line: Connection<(), Notice>,
    /// What is sent here kills it, where the system does not let the pool signal it.
    kill_switch: Sender<()>,
    /// Its place among the workers.
    pub(super) place: u32,
}

impl Worker {
    /// Starts one as the builder says; it says [`Notice::Ready`] when it has started.
    pub(super) fn start(builder: ProcessBuilder, job: Job) -> Result<Self, Error> {
        let (line, theirs) = duplex()?;
        let (death, kill_switch) = pipe()?;
        let place = job.place;
        let process = builder.daemon(true).spawn(work, (theirs, death, job))?;
        Ok(Worker { process, line, kill_switch, place })
    }

    pub(super) fn name(&self) -> &str {
        self.process.name()
    }

    /// What it has said and nobody has heard yet.
    pub(super) fn receive(&self) -> Result<Notice, RecvError> {
        self.line.try_recv()
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

    /// Why it could not begin, or go on, if it has said so, or the system has: once.
    pub(super) fn trouble(&self) -> Option<NotBegun> {
        match self.process.try_join()? {
            Ok(worked) => worked.err(),
            Err(ProcessError::OutOfMemory) => Some(NotBegun::OutOfMemory),
            // What its status says.
            Err(
                ProcessError::Exited(_) | ProcessError::Signaled(_) | ProcessError::NotStarted(_),
            ) => None,
            Err(error) => Some(NotBegun::Failed(Chain(&error).to_string())),
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
