//! Which process it is: a number that no other process of this machine gets until it is booted
//! again, and by which anyone finds out whether the process has ended.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::sys::real::liveness;
use crate::sys::{CurrentThread, Deadline, Namespace, Stat, descriptor, fork_generation, poll};

/// No process number needs more (the kernel's PID_MAX_LIMIT).
const PID_BITS: u32 = 22;
/// For as many clock ticks, a hundred a second, no machine runs.
const START_BITS: u32 = 41;

/// Of the process in whose generation somebody asked for it first.
static MINE: AtomicU64 = AtomicU64::new(0);

/// That generation: a forked child has a life of its own, whoever forked it.
static OF: AtomicU64 = AtomicU64::new(0);

/// The life of a process, as a number: when it started, and its process number. (A number comes
/// round again, but not within the clock tick in which its last bearer started.) Never 0, and below
/// 2^63.
///
/// Where the process cannot read /proc, the start is 0, for unknown. Then the process number alone
/// tells: if it comes round again, the end of the life is seen when its next bearer ends too.
///
/// An exec goes on with the life. Those who compare lives are in one PID namespace, which
/// [`Shared`](crate::Shared) sees to. A process can go into another time namespace, where /proc tells
/// of another start for each: so a start is known only in the machine's first time namespace, and
/// compared only by who is in it.
#[derive(Debug)]
pub(crate) struct ProcessInstance(());

impl ProcessInstance {
    /// Whether a life can end. On the machine each will.
    #[inline(always)]
    pub(crate) const fn can_exit() -> bool {
        true
    }

    /// Of the calling process. A forked child has its own.
    #[inline(always)]
    pub(crate) fn current() -> u64 {
        let generation = fork_generation();
        // Acquire: pairs with the Release in `begin`; carries the life, which is Relaxed for that.
        if OF.load(Ordering::Acquire) == generation {
            MINE.load(Ordering::Relaxed)
        } else {
            Self::begin(generation)
        }
    }

    #[cold]
    fn begin(generation: u64) -> u64 {
        let pid = CurrentThread::process();
        let stat = Stat::own().ok().filter(|_| has_first_clock());
        let mine = life(pid, stat.map_or(0, |stat| stat.start));
        // All threads of this process find the same. Relaxed: OF, which is stored after it, carries it.
        MINE.store(mine, Ordering::Relaxed);
        // Release: pairs with the Acquire in `mine`.
        OF.store(generation, Ordering::Release);
        mine
    }

    /// The process number in `life`.
    pub(crate) fn pid(life: u64) -> u32 {
        life as u32 & ((1 << PID_BITS) - 1)
    }

    /// Whether the process has ended, be it still a zombie. Of a number that is nobody's life it is
    /// true as well, sooner or later.
    pub(crate) fn has_exited(life: u64) -> bool {
        let (pid, mine) = (Self::pid(life), Self::current());
        if life == mine {
            return false;
        }
        if pid == 0 {
            return true;
        }
        let known = start(life) != 0 && start(mine) != 0 && has_first_clock();
        match known.then(|| Stat::of(pid)).flatten() {
            Some(stat) if stat.start != start(life) => true,
            Some(stat) if !stat.is_zombie() => false,
            // Also where there is no such file: it may be hidden.
            _ => liveness::has_ended(pid),
        }
    }

    /// Waits until the process has ended, with all its threads, or the deadline. False at once where the
    /// system does not tell, and for the caller's own process.
    pub(crate) fn wait_over(life: u64, until: Deadline) -> bool {
        let Some(pid) = Pid::from_raw(Self::pid(life) as i32) else { return true };
        if life == Self::current() {
            return false;
        }
        let process = match descriptor(|| pidfd_open(pid, PidfdFlags::empty())) {
            Ok(process) => process,
            Err(errno) => return errno == Errno::SRCH,
        };
        // Only now: until there was a descriptor, the number could go to another process.
        Self::has_exited(life) || poll(&mut [PollFd::new(&process, PollFlags::IN)], until).is_ok()
    }
}

fn life(pid: u32, start: u64) -> u64 {
    (start & ((1 << START_BITS) - 1)) << PID_BITS | u64::from(pid)
}

fn start(life: u64) -> u64 {
    life >> PID_BITS
}

/// Whether this process is in the time namespace that was there first, or the kernel has none.
fn has_first_clock() -> bool {
    matches!(Namespace::Time.own(), Ok(0 | Namespace::FIRST_TIME))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use rustix::process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, waitid};

    use super::*;

    /// A child that lives until it is told otherwise.
    struct Other(Child);

    impl Other {
        fn start() -> Self {
            let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
            Other(child.expect("there is cat"))
        }

        fn pid(&self) -> Pid {
            Pid::from_child(&self.0)
        }

        fn life(&self) -> u64 {
            life_of(self.pid())
        }
    }

    impl Drop for Other {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn life_of(pid: Pid) -> u64 {
        let pid = pid.as_raw_nonzero().get() as u32;
        life(pid, Stat::of(pid).expect("it is not reaped").start)
    }

    /// Waits until the child has come to this, and reaps nothing.
    fn await_child(pid: Pid, what: WaitIdOptions) -> Option<WaitIdStatus> {
        waitid(WaitId::Pid(pid), what | WaitIdOptions::NOWAIT).expect("it is a child of ours")
    }

    /// A child that runs `body`, by a bare fork: the harness has threads.
    fn fork(body: impl FnOnce() -> i32) -> Pid {
        // SAFETY: the child runs `body`, which needs nothing that a thread of the parent may have
        // locked, and never returns from here.
        match unsafe { libc::fork() } {
            // SAFETY: it ends the child.
            0 => unsafe { libc::_exit(body()) },
            pid => Pid::from_raw(pid).expect("a child"),
        }
    }

    fn reap(pid: Pid) -> Option<i32> {
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).expect("a child of ours")?.exit_status()
    }

    #[test]
    fn one_s_own_is_not_over() {
        let mine = ProcessInstance::current();
        assert_eq!(mine, ProcessInstance::current());
        assert!(mine != 0 && mine < 1 << 63);
        assert_eq!(ProcessInstance::pid(mine), std::process::id());
        assert_ne!(start(mine), 0, "this machine has /proc");
        assert!(!ProcessInstance::has_exited(mine));
    }

    #[test]
    fn one_that_lives_is_not_over_running_or_stopped() {
        let other = Other::start();
        let life = other.life();
        assert!(!ProcessInstance::has_exited(life));
        kill_process(other.pid(), Signal::STOP).expect("it lives");
        await_child(other.pid(), WaitIdOptions::STOPPED);
        assert!(!ProcessInstance::has_exited(life));
    }

    #[test]
    fn a_zombie_is_over_and_one_that_was_reaped() {
        let mut other = Other::start();
        let life = other.life();
        other.0.kill().expect("it lives");
        await_child(other.pid(), WaitIdOptions::EXITED);
        assert_eq!(Stat::of(ProcessInstance::pid(life)).expect("it is not reaped").state, b'Z');
        assert!(ProcessInstance::has_exited(life), "a zombie");
        other.0.wait().expect("it is not reaped");
        assert!(ProcessInstance::has_exited(life), "reaped");
    }

    #[test]
    fn the_end_of_another_is_waited_for() {
        let mut other = Other::start();
        let life = other.life();
        assert!(
            ProcessInstance::wait_over(life, Deadline::after(Duration::from_millis(1))),
            "for a while"
        );
        assert!(!ProcessInstance::has_exited(life));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| ProcessInstance::wait_over(life, Deadline::Never));
            kill_process(other.pid(), Signal::KILL).expect("it lives");
            assert!(waits.join().expect("it ends"));
        });
        assert!(ProcessInstance::has_exited(life));
        other.0.wait().expect("it is not reaped");
        assert!(ProcessInstance::wait_over(life, Deadline::Never), "reaped");
        assert!(ProcessInstance::wait_over(0, Deadline::Never), "nobody's");
        assert!(
            !ProcessInstance::wait_over(ProcessInstance::current(), Deadline::Never),
            "one's own"
        );
    }

    #[test]
    fn another_with_the_same_number_is_another() {
        let other = Other::start();
        let (pid, began) = (ProcessInstance::pid(other.life()), start(other.life()));
        assert!(ProcessInstance::has_exited(life(pid, began - 1)));
        assert!(!ProcessInstance::has_exited(life(pid, 0)), "of unknown start: the number tells");
        assert!(ProcessInstance::has_exited(life(0, began)), "nobody's");
    }

    #[test]
    fn one_whose_first_thread_has_ended_lives_on() {
        let child = fork(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::park();
                }
            });
            // SAFETY: it ends this thread alone, whose stack nobody has borrowed from.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
            1
        });
        let life = life_of(child);
        let deadline = Instant::now() + Duration::from_secs(60);
        while Stat::of(ProcessInstance::pid(life)).expect("it is not reaped").state != b'Z' {
            assert!(Instant::now() < deadline, "its first thread does not end");
            std::thread::yield_now();
        }
        assert!(!ProcessInstance::has_exited(life));
        assert!(!Stat::of(ProcessInstance::pid(life)).expect("it is not reaped").is_left_over());
        kill_process(child, Signal::KILL).expect("it is not reaped");
        await_child(child, WaitIdOptions::EXITED);
        assert!(ProcessInstance::has_exited(life));
        assert!(Stat::of(ProcessInstance::pid(life)).expect("it is not reaped").is_left_over());
        reap(child);
    }

    #[test]
    fn a_forked_child_has_its_own() {
        let mine = ProcessInstance::current();
        let child = fork(|| {
            let other = ProcessInstance::current();
            i32::from(other == mine || ProcessInstance::pid(other) != std::process::id())
                + 2 * i32::from(ProcessInstance::has_exited(mine))
        });
        assert_eq!(reap(child), Some(0));
    }
}
