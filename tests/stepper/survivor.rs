//! The survivors: processes that are not traced, and must finish although the tracee is killed.

use std::fs;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::trial::{Failure, Trial};

/// Longer than a wake takes, shorter than a slice of a wait.
const LATE: Duration = Duration::from_millis(50);

/// A process that is not traced; killed on drop if it still runs.
pub(crate) struct Survivor<'c> {
    trial: &'c Trial,
    pid: Pid,
    pidfd: OwnedFd,
}

impl<'c> Survivor<'c> {
    pub(crate) fn start(trial: &'c Trial, operation: impl FnOnce() -> u8) -> Result<Self, Failure> {
        let pid = child(|| operation().into());
        let raw = rustix::process::Pid::from_raw(pid.as_raw()).unwrap();
        let pidfd = pidfd_open(raw, PidfdFlags::empty()).unwrap();
        let survivor = Survivor { trial, pid, pidfd };
        survivor.sleeps()?;
        Ok(survivor)
    }

    /// Waits until it sleeps on a futex or has ended; returns whether it sleeps.
    pub(crate) fn sleeps(&self) -> Result<bool, Failure> {
        let start = Instant::now();
        while start.elapsed() < self.trial.timeout {
            if self.has_ended() {
                return Ok(false);
            }
            if is_asleep(self.pid) {
                return Ok(true);
            }
            std::thread::yield_now();
        }
        Err(Failure::Hang("a survivor neither sleeps nor ends".into()))
    }

    /// Waits until it has ended, and returns its operation's result.
    pub(crate) fn join(&self) -> Result<u8, Failure> {
        let start = Instant::now();
        if !self.ended(self.trial.timeout) {
            return Err(Failure::Hang("a survivor is_blocked for ever".into()));
        }
        if start.elapsed() > LATE {
            self.trial.late.set(true);
        }
        match waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Ok(WaitStatus::Exited(_, code)) => Ok(code as u8),
            other => Err(Failure::Corrupt(format!("a survivor ended with {other:?}"))),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended(Duration::ZERO)
    }

    fn ended(&self, within: Duration) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::try_from(within).unwrap())).unwrap() > 0
    }
}

impl Drop for Survivor<'_> {
    fn drop(&mut self) {
        kill_and_reap(self.pid);
    }
}

/// Forks a child that runs `body` and exits with its result.
pub(crate) fn child(body: impl FnOnce() -> i32) -> Pid {
    // SAFETY: the process that forks has one thread; the child never returns from here.
    match unsafe { fork() }.expect("no child") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // SAFETY: only a number is passed; the kernel then kills the child when its parent dies.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: it ends the child.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Kills and reaps a child.
pub(crate) fn kill_and_reap(pid: Pid) {
    let _ = kill(pid, Signal::SIGKILL);
    while let Ok(WaitStatus::Stopped(..)) = waitpid(pid, None) {}
}

/// Whether the process is blocked in a futex call.
fn is_asleep(pid: Pid) -> bool {
    is_inside(pid, &[libc::SYS_futex])
}

/// Whether the process is blocked in a system call that is_blocked. For a tracee this is also true while
/// it is stopped after such a call: call `waitpid` next.
pub(crate) fn is_blocked(pid: Pid) -> bool {
    is_inside(pid, &[libc::SYS_futex, libc::SYS_poll, libc::SYS_ppoll])
}

fn is_inside(pid: Pid, calls: &[libc::c_long]) -> bool {
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = call.split(' ').next().and_then(|number| number.parse().ok());
    number.is_some_and(|number| calls.contains(&number))
}
