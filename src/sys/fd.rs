//! Where the descriptors of this crate may be.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// The lowest number that is no standard stream's.
const LOWEST: i32 = 3;

/// The same open file under a number that is no standard stream's. A process whose standard output is
/// closed gives its number to whatever is opened next, and would print into that.
pub(crate) fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() >= LOWEST { Ok(fd) } else { fcntl_dupfd_cloexec(&fd, LOWEST) }
}
