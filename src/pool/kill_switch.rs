//! Killing a process without a signal of one's own.
//!
//! A sandbox may forbid a pool's process to signal its workers; and one that has changed its user may
//! not be signalled either. But a process can have the kernel signal it whenever something comes
//! through a descriptor (O_ASYNC), and choose the signal: here SIGKILL. So whoever has the other end
//! kills it, whatever it is doing, by sending anything; so does the end of all who have that end.

use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::error::RecvError;
use crate::ipc::Receiver;

/// `fcntl`'s F_SETSIG, which the libc crate does not have: Linux's, the same on all machines.
const F_SETSIG: libc::c_int = 10;

/// From here on, this process is killed when something comes, or nobody is left to send it. True when
/// that has happened before.
///
/// What the kernel refuses is not missed as long as the process can be signalled.
pub(super) fn die_of(switch: &Receiver<()>) -> bool {
    let fd = switch.as_fd();
    // SAFETY: they name the signal that this descriptor gives, and who gets it: this process.
    let set = unsafe {
        libc::fcntl(fd.as_raw_fd(), F_SETSIG, libc::SIGKILL) == 0
            && libc::fcntl(fd.as_raw_fd(), libc::F_SETOWN, libc::getpid()) == 0
    };
    // In this order: without F_SETSIG it would be SIGIO.
    if let (true, Ok(flags)) = (set, fcntl_getfl(fd)) {
        let _ = fcntl_setfl(fd, flags | OFlags::from_bits_retain(libc::O_ASYNC as u32));
    }
    !matches!(switch.try_recv(), Err(RecvError::Empty))
}
