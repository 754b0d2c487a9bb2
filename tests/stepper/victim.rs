//! The victim: a process that runs one instruction at a time, up to the one at which it dies.

use std::mem::offset_of;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::companion::{Companion, child, put_an_end_to, waits};
use crate::cut::{Cut, Harm};
use crate::path::Leap;

/// With this a victim exits that may not be traced.
const NOT_PERMITTED: i32 = 77;

/// The instruction of a system call, as it lies in memory.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// An instruction that stops whoever is traced.
const BREAKPOINT: u8 = 0xcc;

/// Where the tracer finds the address of the next instruction.
const INSTRUCTION: usize = offset_of!(libc::user, regs) + offset_of!(libc::user_regs_struct, rip);

/// Why a victim was not stepped further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It is to die now.
    Cut,
    /// Its operation is over.
    Ended,
    /// It sleeps in the kernel.
    Asleep,
}

/// Killed when dropped, at the latest.
pub(crate) struct Victim<'c> {
    cut: &'c Cut,
    pid: Pid,
    /// Its parent waits for it: it is not reaped here.
    adopted: bool,
    steps: u64,
    /// A step was begun, and has not been seen to end.
    under_way: bool,
    /// That step is a system call, and may wait for others.
    may_wait: bool,
    ended: bool,
    /// What is still to be leapt.
    leap: Option<Leap>,
    /// What stands at the leap's place, while a breakpoint stands there.
    covered: Option<libc::c_long>,
}

impl<'c> Victim<'c> {
    pub(crate) fn start<T>(
        cut: &'c Cut,
        prepare: impl FnOnce() -> T,
        operation: impl FnOnce(T),
    ) -> Result<Self, Harm> {
        let pid = child(|| {
            let prepared = prepare();
            if !stand() {
                return NOT_PERMITTED;
            }
            operation(prepared);
            mark();
            0
        });
        Self::stopped(cut, pid, false)
    }

    /// A child of this process that somebody else has started, and waits for: it does [`stand`].
    pub(crate) fn adopt(cut: &'c Cut, pid: Pid) -> Result<Self, Harm> {
        Self::stopped(cut, pid, true)
    }

    /// One that is about to stop.
    fn stopped(cut: &'c Cut, pid: Pid, adopted: bool) -> Result<Self, Harm> {
        let victim = Victim {
            cut,
            pid,
            adopted,
            steps: 0,
            under_way: false,
            may_wait: false,
            ended: false,
            leap: cut.leap,
            covered: None,
        };
        match waitpid(pid, None) {
            Ok(WaitStatus::Stopped(_, Signal::SIGSTOP)) => {}
            Ok(WaitStatus::Exited(_, NOT_PERMITTED)) => return Err(Harm::NotPermitted),
            other => return Err(unexpected(other)),
        }
        match ptrace::setoptions(pid, ptrace::Options::PTRACE_O_EXITKILL) {
            Ok(()) => Ok(victim),
            Err(_) => Err(Harm::NotPermitted),
        }
    }

    /// Steps on until the instruction at which it is to die, the end of its operation, or a sleep.
    pub(crate) fn step(&mut self) -> Result<Halt, Harm> {
        loop {
            if self.ended {
                return Ok(Halt::Ended);
            }
            if !self.under_way {
                if self.steps == self.cut.at {
                    return Ok(Halt::Cut);
                }
                self.set_off().map_err(|errno| unexpected(Err(errno)))?;
                self.under_way = true;
            }
            let patience = self.may_wait.then_some(WaitPidFlag::WNOHANG);
            let mut status = waitpid(self.pid, patience);
            if status == Ok(WaitStatus::StillAlive) && waits(self.pid) {
                // Unless it stopped just now.
                status = waitpid(self.pid, patience);
                if status == Ok(WaitStatus::StillAlive) {
                    return Ok(Halt::Asleep);
                }
            }
            match status {
                Ok(WaitStatus::StillAlive) => std::thread::yield_now(),
                Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)) => {
                    self.under_way = false;
                    self.arrive().map_err(|errno| unexpected(Err(errno)))?;
                }
                Ok(WaitStatus::Stopped(_, Signal::SIGSTOP)) => {
                    self.is_over();
                }
                other => return Err(unexpected(other)),
            }
        }
    }

    /// As [`Victim::step`], but sleeps are waited for: they are to end.
    pub(crate) fn finish(&mut self) -> Result<(), Harm> {
        self.finish_with(|| Ok(()))
    }

    /// As [`Victim::finish`], where one was woken of those who sleep: the victim, which lay down first,
    /// or `other`, if a slice of the victim's sleep has ended meanwhile and it lies behind. Then the
    /// victim is woken by `again`; gives whether that was needed.
    pub(crate) fn finish_before(
        &mut self,
        other: &Companion<'_>,
        again: impl FnOnce() -> Result<(), Harm>,
    ) -> Result<bool, Harm> {
        let mut again = Some(again);
        self.finish_with(|| match again.take_if(|_| other.has_ended()) {
            Some(again) => again(),
            None => Ok(()),
        })?;
        Ok(again.is_none())
    }

    fn finish_with(&mut self, mut asleep: impl FnMut() -> Result<(), Harm>) -> Result<(), Harm> {
        let start = Instant::now();
        while self.step()? == Halt::Asleep {
            asleep()?;
            if start.elapsed() > self.cut.patience {
                return Err(Harm::Hang("the victim itself waits for ever".into()));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Its operation is over; the step that is under way is no part of it: the second mark, or a
    /// wait for what does not come.
    pub(crate) fn is_over(&mut self) {
        self.ended = true;
        self.cut.path.borrow_mut().pop();
        self.cut.missed.set(self.steps < self.cut.at);
    }

    /// Whether its operation is over.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Kills it. When this returns, the kernel has done what it does for the dead.
    pub(crate) fn kill(self) {}

    /// Lets it go: an instruction far, or until it comes to the leap's place.
    fn set_off(&mut self) -> nix::Result<()> {
        if let Some(leap) = self.leap {
            let text = ptrace::read(self.pid, leap.place as ptrace::AddressType)?;
            let trap = text & !0xff | libc::c_long::from(BREAKPOINT);
            ptrace::write(self.pid, leap.place as ptrace::AddressType, trap)?;
            self.covered = Some(text);
            self.may_wait = true;
            return ptrace::cont(self.pid, None);
        }
        let at = ptrace::read_user(self.pid, INSTRUCTION as ptrace::AddressType)? as u64;
        if self.cut.at == u64::MAX {
            self.cut.path.borrow_mut().push(at);
        }
        self.may_wait = self.is_call(at)?;
        ptrace::step(self.pid, None)
    }

    /// It has stopped where it was let go to.
    fn arrive(&mut self) -> nix::Result<()> {
        let (Some(leap), Some(text)) = (&mut self.leap, self.covered.take()) else {
            self.steps += 1;
            return Ok(());
        };
        ptrace::write(self.pid, leap.place as ptrace::AddressType, text)?;
        // Back to before the breakpoint.
        let place = leap.place as libc::c_long;
        ptrace::write_user(self.pid, INSTRUCTION as ptrace::AddressType, place)?;
        if leap.passes == 0 {
            self.steps = leap.steps;
            self.leap = None;
            return Ok(());
        }
        leap.passes -= 1;
        ptrace::step(self.pid, None)?;
        waitpid(self.pid, None).map(drop)
    }

    fn is_call(&self, at: u64) -> nix::Result<bool> {
        if let Some(&known) = self.cut.calls.borrow().get(&at) {
            return Ok(known);
        }
        let text = ptrace::read(self.pid, at as ptrace::AddressType)?;
        let is_call = text.to_ne_bytes().starts_with(&SYSCALL);
        self.cut.calls.borrow_mut().insert(at, is_call);
        Ok(is_call)
    }
}

impl Drop for Victim<'_> {
    fn drop(&mut self) {
        if self.adopted {
            let _ = kill(self.pid, Signal::SIGKILL);
            // Unless it is reaped already.
            let _ = waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        } else {
            put_an_end_to(self.pid);
        }
    }
}

/// The calling process stops, to be stepped by its parent; false if that is not permitted.
#[inline(always)]
pub(crate) fn stand() -> bool {
    let permitted = ptrace::traceme().is_ok();
    if permitted {
        mark();
    }
    permitted
}

/// Stops the calling process, for its tracer to see.
#[inline(always)]
fn mark() {
    // SAFETY: a signal to oneself, which arrives before the call returns.
    unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
}

fn unexpected(status: Result<WaitStatus, Errno>) -> Harm {
    Harm::Corrupt(format!("the victim did not stop as it should: {status:?}"))
}
