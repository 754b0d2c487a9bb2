//! A child as the system knows it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

use crate::error::{CodecError, Error, ProcessError};
use crate::process::children;
use crate::process::exchange::{Exchange, ExchangeError, Outcome};
use crate::process::identity::Identity;
use crate::process::settings::ParentEnds;
use crate::process::status::ExitStatus;
use crate::sys::{Deadline, descriptor, fork_generation, poll};

/// Between two looks, where the kernel cannot be asked to wake us.
const PAUSE: Duration = Duration::from_millis(5);

/// A child: one that runs, one that has ended, or one that is reaped.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) name: String,
    pub(super) daemon: bool,
    /// Of the process that started it.
    generation: u64,
    end: Mutex<Option<End>>,
    /// Where its outcome will be; taken by the join that gets it.
    exchange: Mutex<Option<Exchange>>,
    /// The other ends of what it was given.
    ends: Mutex<ParentEnds>,
}

/// What is known of the end of a child that is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Status(ExitStatus),
    /// Somebody else in this process has waited for it, and has its status.
    Taken,
    /// The system does not say how, by the call [`WAITID`].
    Unknown(Errno),
}

/// The call that tells how a child ended.
pub(super) const WAITID: &str = "waitid (P_PIDFD)";

impl Child {
    /// The child that was just started, and that begins if this succeeds: see [`Exchange`].
    pub(super) fn new(
        pid: i32,
        identity: &Identity,
        exchange: Exchange,
        ends: ParentEnds,
    ) -> Result<Self, Error> {
        let pid = Pid::from_raw(pid).expect("a child has a number");
        match open(pid).and_then(|pidfd| exchange.release().map(|()| pidfd)) {
            Ok(pidfd) => Ok(Child {
                pid,
                pidfd,
                name: identity.name.clone(),
                daemon: identity.daemon,
                generation: fork_generation(),
                end: Mutex::new(None),
                exchange: Mutex::new(Some(exchange)),
                ends: Mutex::new(ends),
            }),
            Err(error) => {
                // It ends without having begun.
                drop(exchange);
                let wait = || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
                let _ = retry_on_intr(wait);
                Err(error)
            }
        }
    }

    /// Whether it is a child of the running process: a forked process has copies of the handles
    /// of its siblings.
    pub(super) fn is_ours(&self) -> bool {
        self.generation == fork_generation()
    }

    /// Waits until it has ended; false when the deadline came first. Fails where the system does not
    /// even say whether it has.
    pub(super) fn wait(&self, deadline: Deadline) -> Result<bool, Errno> {
        loop {
            let refused = match self.poll(deadline) {
                Ok(ended) => return Ok(ended),
                Err(errno) => errno,
            };
            // Out of kernel memory, not even one descriptor allowed any more, or a sandbox: look now
            // and then.
            match self.reap_by_waitid() {
                Ok(Some(_)) => return Ok(true),
                Ok(None) if deadline.has_passed() => return Ok(false),
                Ok(None) => {}
                Err(_) => return Err(refused),
            }
            let left = deadline.remaining().unwrap_or(PAUSE);
            std::thread::sleep(left.min(PAUSE));
        }
    }

    /// Whether it has ended. Fails where the system does not say.
    pub(super) fn has_ended(&self) -> Result<bool, Errno> {
        let ended = self.poll(Deadline::after(Duration::ZERO));
        ended.or_else(|_| self.reap_by_waitid().map(|end| end.is_some()))
    }

    fn poll(&self, deadline: Deadline) -> Result<bool, Errno> {
        poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], deadline).map(|ready| ready > 0)
    }

    /// Reaps it if it has ended: then it is no zombie any more.
    pub(super) fn reap(&self) -> Option<End> {
        self.reap_by_waitid().unwrap_or_else(|errno| {
            let ended = self.poll(Deadline::after(Duration::ZERO));
            ended.is_ok_and(|ended| ended).then_some(End::Unknown(errno))
        })
    }

    /// Why the system does not say how it ended, if it does not: see [`WAITID`].
    pub(super) fn status_error(&self) -> Option<Errno> {
        self.reap_by_waitid().err()
    }

    fn reap_by_waitid(&self) -> Result<Option<End>, Errno> {
        if !self.is_ours() {
            return Ok(try_lock(&self.end).and_then(|end| *end));
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let wait = || waitid(WaitId::PidFd(self.pidfd.as_fd()), options);
            *end = match retry_on_intr(wait) {
                Ok(status) => status.and_then(|status| {
                    let exited = status.exit_status().map(ExitStatus::Exited);
                    let killed = status.terminating_signal().map(ExitStatus::Signaled);
                    exited.or(killed).map(End::Status)
                }),
                Err(Errno::CHILD) => Some(End::Taken),
                Err(errno) => return Err(errno),
            };
        }
        Ok(*end)
    }

    /// What its function has returned, as bytes, when it has ended: once.
    pub(super) fn result(&self) -> Result<Vec<u8>, ProcessError> {
        let end = self.reap();
        children::sweep();
        self.finish_logs();
        let exchange = self.exchange().take().ok_or(ProcessError::AlreadyJoined)?;
        match end {
            Some(End::Status(ExitStatus::Signaled(libc::SIGABRT)))
                if matches!(exchange.outcome(), Ok(Some(Outcome::OutOfMemory))) =>
            {
                return Err(ProcessError::OutOfMemory);
            }
            Some(End::Status(ExitStatus::Signaled(signal))) => {
                return Err(ProcessError::Signaled(signal));
            }
            Some(End::Status(ExitStatus::Exited(code))) if exchange.holds_request() => {
                return Err(ProcessError::NotStarted(code));
            }
            _ => {}
        }
        let outcome = exchange.outcome().map_err(|error| match error {
            ExchangeError::Os(call, source) => ProcessError::Os { call, source },
            error => ProcessError::Decode(CodecError::NotCarried(error.to_string())),
        })?;
        match (outcome, end) {
            (Some(Outcome::Panicked(panic)), _) => {
                Err(ProcessError::Panicked { message: panic.message, location: panic.location })
            }
            (Some(Outcome::NotRead(why)), _) => Err(ProcessError::Argument(why)),
            (Some(Outcome::NotSent(why)), _) => Err(ProcessError::Encode(why)),
            (Some(Outcome::Outside), _) => Err(ProcessError::OtherNamespace),
            (Some(Outcome::NotSetUp(why)), _) => {
                Err(ProcessError::NotSetUp { call: why.call(), source: why.source() })
            }
            // How it ended nobody tells, but for this.
            (Some(Outcome::OutOfMemory), _) => Err(ProcessError::OutOfMemory),
            // It ended otherwise after its function had returned, or before.
            (_, Some(End::Status(status))) if !status.success() => {
                Err(ProcessError::Exited(status.code()))
            }
            (Some(Outcome::Returned(value)), _) => Ok(value),
            (None, Some(End::Status(status))) => Err(ProcessError::Exited(status.code())),
            (None, Some(End::Unknown(errno))) => {
                Err(ProcessError::Os { call: WAITID, source: errno.into() })
            }
            (None, _) => Err(ProcessError::StatusTaken),
        }
    }

    /// Sends it a signal; none if it has ended.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Error> {
        if !self.is_ours() {
            return Err(Error::NotAChild);
        }
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(Error::os("pidfd_send_signal", errno)),
        }
    }

    /// In a process that was forked from the child's parent: the outcome and the streams are for the
    /// parent; the descriptors would stay open here.
    pub(super) fn forget(&self) {
        if let Some(mut exchange) = try_lock(&self.exchange) {
            exchange.take();
        }
        if let Some(mut ends) = try_lock(&self.ends) {
            *ends = ParentEnds::default();
        }
    }

    /// Takes the other end of one of its standard streams, by that stream's number: if it is a pipe, once,
    /// and for its parent.
    pub(super) fn take_stream(&self, number: usize) -> Option<OwnedFd> {
        if self.is_ours() { self.ends().streams[number].take() } else { None }
    }

    /// Closes the ends that nobody has taken. What it logs comes to the logger all the same.
    pub(super) fn close_streams(&self) {
        if self.is_ours() {
            self.ends().streams = Default::default();
        }
    }

    /// When it has ended: waits until the logger has what it has logged, but not for long.
    pub(super) fn finish_logs(&self) {
        // Not under the lock: the logger may come here.
        let logs = if self.is_ours() { self.ends().logs.take() } else { None };
        if let Some(logs) = logs {
            logs.finish();
        }
    }

    fn ends(&self) -> MutexGuard<'_, ParentEnds> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange of its outcome, as long as nobody has taken it. In the process that started it.
    pub(super) fn exchange(&self) -> MutexGuard<'_, Option<Exchange>> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a process that was forked from the child's parent: there, a lock that another thread of the parent
/// had at the fork is held for ever. What it guards may be half changed, and is left alone.
fn try_lock<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A descriptor of a child that has not begun.
///
/// Somebody from outside may have killed it, and other code of this process waited for it: then its
/// number may be another's, who is no child.
fn open(pid: Pid) -> Result<OwnedFd, Error> {
    let pidfd = descriptor(|| pidfd_open(pid, PidfdFlags::empty()))
        .map_err(|errno| Error::os("pidfd_open", errno))?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), look))
        .map_err(|errno| Error::os(WAITID, errno))?;
    Ok(pidfd)
}
