//! What wakes the manager's thread while it waits for descriptors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, retry_on_intr};

use crate::error::Error;
use crate::sys;

#[derive(Debug)]
pub(super) struct Wakeup(OwnedFd);

impl Wakeup {
    pub(super) fn new() -> Result<Self, Error> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let wakeup = sys::descriptor(|| eventfd(0, flags))
            .map(Wakeup)
            .map_err(|errno| Error::os("eventfd", errno))?;
        // Whether a sandbox lets it be used.
        wakeup.send().map_err(|errno| Error::os("write (to an eventfd)", errno))?;
        Ok(wakeup)
    }

    /// Wakes the manager. Fails where a sandbox has come to deny that: the end of a worker wakes it too.
    pub(super) fn send(&self) -> Result<(), Errno> {
        match retry_on_intr(|| rustix::io::write(&self.0, &1u64.to_ne_bytes())) {
            // It was sent so often that it is there.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// What was sent has been received.
    pub(super) fn clear(&self) {
        let mut sent = [0; 8];
        let _ = rustix::io::read(&self.0, &mut sent);
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
