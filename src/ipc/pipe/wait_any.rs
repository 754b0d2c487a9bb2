//! Waiting for whichever speaks first.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::error::Error;
use crate::sys::{self, Deadline};

/// Waits until one or more of `sources` have something to be received, or have ended; gives
/// their places in the list. Without a source, the wait is for ever.
///
/// Whatever has a descriptor can be waited for: pipes and processes (ready when they have ended)
/// of this crate, sockets, timers. (Not for room: a [`Sender`](crate::Sender) has nothing to be
/// received, and is ready at once.)
///
/// ```
/// let (left, _sender) = multiproc::pipe::<u8>()?;
/// let (right, sender) = multiproc::pipe::<u8>()?;
/// sender.send(5)?;
/// assert_eq!(multiproc::wait_any(&[&left, &right])?, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Os`] when there are more sources than a process may have descriptors.
///
/// # If a process dies
///
/// Its pipes end with it, unless others hold them too; its own descriptor becomes ready.
///
/// # Different from Python
///
/// `multiprocessing.connection.wait` gives the objects themselves; its timeout is an argument.
pub fn wait_any(sources: &[&dyn AsFd]) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::Never)
}

/// As [`wait_any`], but for at most `timeout`: an empty list when it came first. With
/// [`Duration::ZERO`], it only looks.
///
/// ```
/// use std::time::Duration;
///
/// let (receiver, _sender) = multiproc::pipe::<u8>()?;
/// assert_eq!(multiproc::wait_any_for(&[&receiver], Duration::from_millis(10))?, []);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Errors
///
/// As for [`wait_any`].
pub fn wait_any_for(sources: &[&dyn AsFd], timeout: Duration) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::after(timeout))
}

/// As [`wait_any_for`], up to a point in time.
///
/// # Errors
///
/// As for [`wait_any`].
pub fn wait_any_until(sources: &[&dyn AsFd], deadline: Instant) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::at(deadline))
}

fn wait_by(sources: &[&dyn AsFd], deadline: Deadline) -> Result<Vec<usize>, Error> {
    let mut fds: Vec<_> = sources
        .iter()
        .map(|source| PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN))
        .collect();
    sys::poll(&mut fds, deadline).map_err(|errno| Error::os("poll", errno))?;
    let ready = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    Ok(ready.map(|(place, _)| place).collect())
}
