//! The children that have not ended.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::process::Signal;

use crate::error::Error;
use crate::process::child::Child;
use crate::process::children;
use crate::process::identity::number;

/// A child of the running process, whoever has its [`Process`](crate::Process): from [`active_children`].
#[derive(Clone, Debug)]
pub struct ActiveChild(Arc<Child>);

/// The children of the running process that have not ended, in the order of their start. The workers of
/// its pools are among them.
///
/// Those that have ended are reaped: their handles keep how they ended, and what they left.
///
/// ```
/// use multiproc::{Event, Process, Shared, process};
///
/// let go = Shared::new(Event::new())?;
/// let child = Process::builder().name("Levi").spawn(|go: Shared<Event>| go.wait(), go.clone())?;
/// let levi = process::active_children().into_iter().find(|child| child.name() == "Levi").unwrap();
/// assert_eq!(levi.pid(), child.pid());
/// go.set();
/// child.join()?;
/// assert!(!levi.is_alive());
/// assert!(process::active_children().iter().all(|child| child.name() != "Levi"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Different from Python
///
/// What it gives has no result to be joined for: only the [`Process`](crate::Process) that was given to
/// whoever started the child has that.
pub fn active_children() -> Vec<ActiveChild> {
    children::swept().into_iter().map(ActiveChild).collect()
}

impl ActiveChild {
    /// Its process number.
    pub fn pid(&self) -> u32 {
        number(self.0.pid).cast_unsigned()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it ends with this process.
    pub fn is_daemon(&self) -> bool {
        self.0.daemon
    }

    /// Whether it still runs. Where the system tells by none of its calls, it is taken to run.
    pub fn is_alive(&self) -> bool {
        !self.0.has_ended().unwrap_or(false)
    }

    /// Asks it to end: SIGTERM. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// As for [`Process::terminate`](crate::Process::terminate).
    pub fn terminate(&self) -> Result<(), Error> {
        self.0.signal(Signal::TERM)
    }

    /// Ends it: SIGKILL. Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// As for [`Process::kill`](crate::Process::kill).
    pub fn kill(&self) -> Result<(), Error> {
        self.0.signal(Signal::KILL)
    }
}

/// Its pidfd: readable when it has ended.
impl AsFd for ActiveChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.pidfd.as_fd()
    }
}
