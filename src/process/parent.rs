//! The process that has started the running one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::error::Error;
use crate::process::current::{is_orphan_of, parent_number};
use crate::sys::{Deadline, descriptor, fork_generation, poll};

/// Between two looks, where the kernel does not let this process wait.
const PAUSE: Duration = Duration::from_millis(50);

/// The process that has started the running one, as something to wait for: from [`parent`].
#[derive(Debug)]
pub struct Parent {
    pid: i32,
    /// Readable when it has ended.
    end: OwnedFd,
    /// Of the child that has asked.
    generation: u64,
}

/// The parent of the running process; `None` in the program itself, which this crate has not started.
///
/// A child that is no [daemon](crate::ProcessBuilder::daemon) lives on when its parent ends. This is how it
/// sees that.
///
/// ```
/// use std::time::Duration;
/// use multiproc::{Process, process};
///
/// let child = Process::spawn(
///     |()| {
///         let parent = process::parent().unwrap().expect("it is a child");
///         (parent.pid(), parent.is_alive(), parent.wait_for(Duration::from_millis(1)))
///     },
///     (),
/// )?;
/// assert_eq!(child.join()?, (std::process::id(), true, false));
/// assert!(process::parent()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs
///
/// A descriptor, for as long as the [`Parent`] is there.
///
/// # Errors
///
/// [`Error::Os`] when the system gives no descriptor of it.
///
/// # Different from Python
///
/// `multiprocessing.parent_process()` has the parent's name, too, and `join` for what is
/// [`wait_for`](Parent::wait_for) here.
pub fn parent() -> Result<Option<Parent>, Error> {
    let Some(pid) = parent_number() else { return Ok(None) };
    let end = match Pid::from_raw(pid).filter(|_| !is_orphan_of(pid)) {
        Some(parent) => match descriptor(|| pidfd_open(parent, PidfdFlags::empty())) {
            // It was its number until then, as it still has it.
            Ok(pidfd) if !is_orphan_of(pid) => pidfd,
            Ok(_) | Err(Errno::SRCH) => ended()?,
            Err(errno) => return Err(Error::os("pidfd_open", errno)),
        },
        None => ended()?,
    };
    Ok(Some(Parent { pid, end, generation: fork_generation() }))
}

/// What is readable at once, in place of a descriptor of a process that is no more.
fn ended() -> Result<OwnedFd, Error> {
    descriptor(|| eventfd(1, EventfdFlags::CLOEXEC)).map_err(|errno| Error::os("eventfd", errno))
}

impl Parent {
    /// Its process number. Once it has ended, that may be another process's.
    pub fn pid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        !self.has_ended_by(Deadline::after(Duration::ZERO))
    }

    /// Waits until it has ended.
    pub fn wait(&self) {
        self.has_ended_by(Deadline::Never);
    }

    /// Waits until it has ended, for at most `timeout`; false when it still runs then.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.has_ended_by(Deadline::after(timeout))
    }

    /// As [`wait_for`](Self::wait_for), until `deadline`.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        self.has_ended_by(Deadline::at(deadline))
    }

    fn has_ended_by(&self, deadline: Deadline) -> bool {
        loop {
            if let Ok(ready) = poll(&mut [PollFd::new(&self.end, PollFlags::IN)], deadline) {
                return ready > 0;
            }
            // A sandbox, or the kernel has no memory: look now and then. (A process that was forked from
            // the child that has asked has another parent, and does not see it so.)
            if self.generation == fork_generation() && is_orphan_of(self.pid) {
                return true;
            }
            match deadline.remaining() {
                Some(left) if left.is_zero() => return false,
                left => std::thread::sleep(left.unwrap_or(PAUSE).min(PAUSE)),
            }
        }
    }
}

/// Readable when it has ended: its pidfd, for [`wait_any`](crate::wait_any) and for event loops.
impl AsFd for Parent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}
