//! The others on the scene: processes that are not stepped, and are to go on.

use std::fs;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::cut::{Cut, Harm};

/// Longer than any wake takes, shorter than a slice.
const LATE: Duration = Duration::from_millis(50);

/// A process that is not stepped; killed if it still is there when dropped.
pub(crate) struct Companion<'c> {
    cut: &'c Cut,
    pid: Pid,
    pidfd: OwnedFd,
}

impl<'c> Companion<'c> {
    pub(crate) fn start(cut: &'c Cut, operation: impl FnOnce() -> u8) -> Result<Self, Harm> {
        let pid = child(|| operation().into());
        let raw = rustix::process::Pid::from_raw(pid.as_raw()).unwrap();
        let pidfd = pidfd_open(raw, PidfdFlags::empty()).unwrap();
        let companion = Companion { cut, pid, pidfd };
        companion.rests()?;
        Ok(companion)
    }

    /// Waits until it sleeps on a futex or has ended, and gives whether it sleeps.
    pub(crate) fn rests(&self) -> Result<bool, Harm> {
        let start = Instant::now();
        while start.elapsed() < self.cut.patience {
            if self.has_ended() {
                return Ok(false);
            }
            if is_asleep(self.pid) {
                return Ok(true);
            }
            std::thread::yield_now();
        }
        Err(Harm::Hang("a companion neither sleeps nor ends".into()))
    }

    /// Waits for its end, and gives its operation's result.
    pub(crate) fn ends(&self) -> Result<u8, Harm> {
        let start = Instant::now();
        if !self.ended(self.cut.patience) {
            return Err(Harm::Hang("a companion waits for ever".into()));
        }
        if start.elapsed() > LATE {
            self.cut.late.set(true);
        }
        match waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Ok(WaitStatus::Exited(_, code)) => Ok(code as u8),
            other => Err(Harm::Corrupt(format!("a companion ended so: {other:?}"))),
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

impl Drop for Companion<'_> {
    fn drop(&mut self) {
        put_an_end_to(self.pid);
    }
}

/// Forks a child that runs `body` and exits with its result.
pub(crate) fn child(body: impl FnOnce() -> i32) -> Pid {
    // SAFETY: the process that forks has one thread; the child never returns from here.
    match unsafe { fork() }.expect("no child") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // SAFETY: only a number is passed; the child is to leave with its parent, whatever
            // that ends of.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: it ends the child.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Kills and reaps a child.
pub(crate) fn put_an_end_to(pid: Pid) {
    let _ = kill(pid, Signal::SIGKILL);
    while let Ok(WaitStatus::Stopped(..)) = waitpid(pid, None) {}
}

/// Whether the process is off the processor inside a futex call.
fn is_asleep(pid: Pid) -> bool {
    is_inside(pid, &[libc::SYS_futex])
}

/// Whether it is off the processor inside a call that waits. For a traced one this is also true
/// while it is stopped after such a call: ask `waitpid` next.
pub(crate) fn waits(pid: Pid) -> bool {
    is_inside(pid, &[libc::SYS_futex, libc::SYS_poll, libc::SYS_ppoll])
}

fn is_inside(pid: Pid, calls: &[libc::c_long]) -> bool {
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let number = call.split(' ').next().and_then(|number| number.parse().ok());
    number.is_some_and(|number| calls.contains(&number))
}
