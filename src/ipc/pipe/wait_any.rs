//! Waiting for whichever speaks first.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use crate::error::Error;
use crate::sys::{self, Deadline};

/// Waits until one or more of `sources` have something to be received, or have ended; gives
/// their places in the list. None when `timeout` came first; without a timeout, the wait is for
/// ever.
///
/// Whatever has a descriptor can be waited for: pipes and processes (ready when they have ended)
/// of this crate, sockets, timers.
///
/// ```
/// use std::time::Duration;
///
/// let (left, _sender) = multiproc::pipe::<u8>()?;
/// let (right, sender) = multiproc::pipe::<u8>()?;
/// assert_eq!(multiproc::wait_any(&[&left, &right], Some(Duration::ZERO))?, []);
/// sender.send(5)?;
/// assert_eq!(multiproc::wait_any(&[&left, &right], None)?, [1]);
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
/// `multiprocessing.connection.wait` gives the objects themselves.
pub fn wait_any(sources: &[&dyn AsFd], timeout: Option<Duration>) -> Result<Vec<usize>, Error> {
    let deadline = timeout.map_or(Deadline::Never, Deadline::after);
    let mut fds: Vec<_> = sources
        .iter()
        .map(|source| PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN))
        .collect();
    sys::poll(&mut fds, deadline).map_err(|errno| Error::os("poll", errno))?;
    let ready = fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    Ok(ready.map(|(place, _)| place).collect())
}
