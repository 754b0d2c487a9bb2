//! Waiting for descriptors, until a deadline.

use rustix::event::{PollFd, Timespec};
use rustix::io::Errno;

use crate::sys::Deadline;

/// Sleeps until one of `fds` has something to say or the deadline has passed; gives how many
/// have. A signal that is handled meanwhile does not end the wait.
pub(crate) fn poll(fds: &mut [PollFd<'_>], deadline: Deadline) -> Result<usize, Errno> {
    loop {
        // A wait too long for the clock is for ever.
        let left = deadline.remaining().and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(fds, left.as_ref()) {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}
