//! The tracee: a process that runs one instruction at a time, and is killed after a given one.

use std::mem::offset_of;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::path::Skip;
use crate::survivor::{Survivor, child, is_blocked, kill_and_reap};
use crate::trial::{Failure, Trial};

/// The exit code of a tracee that may not be traced.
const NOT_PERMITTED: i32 = 77;

/// The bytes of the system call instruction.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// The breakpoint instruction.
const BREAKPOINT: u8 = 0xcc;

/// The offset of the instruction pointer in the tracee's registers.
const INSTRUCTION: usize = offset_of!(libc::user, regs) + offset_of!(libc::user_regs_struct, rip);

/// Why the tracee is not stepped further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It has reached the instruction at which it is killed.
    KillPoint,
    /// Its operation has ended.
    Ended,
    /// It sleeps in a system call.
    Asleep,
}

/// A process that is stepped; killed on drop.
pub(crate) struct Tracee<'c> {
    trial: &'c Trial,
    pid: Pid,
    /// Whether somebody else reaps it.
    adopted: bool,
    steps: u64,
    /// Whether a step was started and has not ended yet.
    in_progress: bool,
    /// Whether that step may sleep, as a system call may.
    may_sleep: bool,
    ended: bool,
    /// The skip that is still to be made.
    skip: Option<Skip>,
    /// The word that the breakpoint replaces, while it is set.
    replaced: Option<libc::c_long>,
}

impl<'c> Tracee<'c> {
    pub(crate) fn start<T>(
        trial: &'c Trial,
        prepare: impl FnOnce() -> T,
        operation: impl FnOnce(T),
    ) -> Result<Self, Failure> {
        let pid = child(|| {
            let prepared = prepare();
            if !stop_for_tracer() {
                return NOT_PERMITTED;
            }
            operation(prepared);
            stop_self();
            0
        });
        Self::attach(trial, pid, false)
    }

    /// Takes over a child that somebody else has started and will reap, and that calls [`stop_for_tracer`].
    pub(crate) fn adopt(trial: &'c Trial, pid: Pid) -> Result<Self, Failure> {
        Self::attach(trial, pid, true)
    }

    /// Attaches to a child that is about to stop.
    fn attach(trial: &'c Trial, pid: Pid, adopted: bool) -> Result<Self, Failure> {
        let tracee = Tracee {
            trial,
            pid,
            adopted,
            steps: 0,
            in_progress: false,
            may_sleep: false,
            ended: false,
            skip: trial.skip,
            replaced: None,
        };
        match waitpid(pid, None) {
            Ok(WaitStatus::Stopped(_, Signal::SIGSTOP)) => {}
            Ok(WaitStatus::Exited(_, NOT_PERMITTED)) => return Err(Failure::NotPermitted),
            other => return Err(unexpected(other)),
        }
        match ptrace::setoptions(pid, ptrace::Options::PTRACE_O_EXITKILL) {
            Ok(()) => Ok(tracee),
            Err(_) => Err(Failure::NotPermitted),
        }
    }

    /// Steps until the kill point, the end of its operation, or a sleep.
    pub(crate) fn step(&mut self) -> Result<Halt, Failure> {
        loop {
            if self.ended {
                return Ok(Halt::Ended);
            }
            if !self.in_progress {
                if self.steps == self.trial.kill_at {
                    return Ok(Halt::KillPoint);
                }
                self.resume().map_err(|errno| unexpected(Err(errno)))?;
                self.in_progress = true;
            }
            let timeout = self.may_sleep.then_some(WaitPidFlag::WNOHANG);
            let mut status = waitpid(self.pid, timeout);
            if status == Ok(WaitStatus::StillAlive) && is_blocked(self.pid) {
                // It may have stopped between the two calls.
                status = waitpid(self.pid, timeout);
                if status == Ok(WaitStatus::StillAlive) {
                    return Ok(Halt::Asleep);
                }
            }
            match status {
                Ok(WaitStatus::StillAlive) => std::thread::yield_now(),
                Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)) => {
                    self.in_progress = false;
                    self.account().map_err(|errno| unexpected(Err(errno)))?;
                }
                Ok(WaitStatus::Stopped(_, Signal::SIGSTOP)) => {
                    self.end_operation();
                }
                other => return Err(unexpected(other)),
            }
        }
    }

    /// As [`Tracee::step`], but is_blocked for the end of a sleep.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.finish_with(|| Ok(()))
    }

    /// As [`Tracee::finish`], where one of two waiters was woken: the tracee, which waited first, or
    /// `other`, if a slice of the tracee's wait has timed out, so that it now is_blocked behind. Then
    /// `again` wakes the tracee; returns whether that was needed.
    pub(crate) fn finish_before(
        &mut self,
        other: &Survivor<'_>,
        again: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let mut again = Some(again);
        self.finish_with(|| match again.take_if(|_| other.has_ended()) {
            Some(again) => again(),
            None => Ok(()),
        })?;
        Ok(again.is_none())
    }

    fn finish_with(
        &mut self,
        mut asleep: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        while self.step()? == Halt::Asleep {
            asleep()?;
            if start.elapsed() > self.trial.timeout {
                return Err(Failure::Hang("the tracee itself is_blocked for ever".into()));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Its operation has ended; the step in progress is no part of it: the second [`stop_self`], or a
    /// wait that nothing ends.
    pub(crate) fn end_operation(&mut self) {
        self.ended = true;
        self.trial.path.borrow_mut().pop();
        self.trial.missed.set(self.steps < self.trial.kill_at);
    }

    /// Whether its operation has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Kills it. When this returns, the kernel has processed its robust lists.
    pub(crate) fn kill(self) {}

    /// Resumes it: for one instruction, or until the skip's breakpoint.
    fn resume(&mut self) -> nix::Result<()> {
        if let Some(skip) = self.skip {
            let text = ptrace::read(self.pid, skip.address as ptrace::AddressType)?;
            let trap = text & !0xff | libc::c_long::from(BREAKPOINT);
            ptrace::write(self.pid, skip.address as ptrace::AddressType, trap)?;
            self.replaced = Some(text);
            self.may_sleep = true;
            return ptrace::cont(self.pid, None);
        }
        let at = ptrace::read_user(self.pid, INSTRUCTION as ptrace::AddressType)? as u64;
        if self.trial.kill_at == u64::MAX {
            self.trial.path.borrow_mut().push(at);
        }
        self.may_sleep = self.is_call(at)?;
        ptrace::step(self.pid, None)
    }

    /// Accounts for a stop after [`Tracee::resume`].
    fn account(&mut self) -> nix::Result<()> {
        let (Some(skip), Some(text)) = (&mut self.skip, self.replaced.take()) else {
            self.steps += 1;
            return Ok(());
        };
        ptrace::write(self.pid, skip.address as ptrace::AddressType, text)?;
        // Back to the instruction that the breakpoint replaced.
        let address = skip.address as libc::c_long;
        ptrace::write_user(self.pid, INSTRUCTION as ptrace::AddressType, address)?;
        if skip.passes == 0 {
            self.steps = skip.steps;
            self.skip = None;
            return Ok(());
        }
        skip.passes -= 1;
        ptrace::step(self.pid, None)?;
        waitpid(self.pid, None).map(drop)
    }

    fn is_call(&self, at: u64) -> nix::Result<bool> {
        if let Some(&known) = self.trial.calls.borrow().get(&at) {
            return Ok(known);
        }
        let text = ptrace::read(self.pid, at as ptrace::AddressType)?;
        let is_call = text.to_ne_bytes().starts_with(&SYSCALL);
        self.trial.calls.borrow_mut().insert(at, is_call);
        Ok(is_call)
    }
}

impl Drop for Tracee<'_> {
    fn drop(&mut self) {
        if self.adopted {
            let _ = kill(self.pid, Signal::SIGKILL);
            // It fails if it is reaped already.
            let _ = waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        } else {
            kill_and_reap(self.pid);
        }
    }
}

/// Stops the calling process, to be stepped by its parent; false if that is not permitted.
#[inline(always)]
pub(crate) fn stop_for_tracer() -> bool {
    let permitted = ptrace::traceme().is_ok();
    if permitted {
        stop_self();
    }
    permitted
}

/// Stops the calling process, so that its tracer is told.
#[inline(always)]
fn stop_self() {
    // SAFETY: a signal to oneself, which arrives before the call returns.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

fn unexpected(status: Result<WaitStatus, Errno>) -> Failure {
    Failure::Corrupt(format!("the tracee did not stop as expected: {status:?}"))
}
