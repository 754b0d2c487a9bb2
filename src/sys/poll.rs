//! Waiting for descriptors, until a deadline.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, Timespec};
use rustix::io::Errno;

use crate::sys::Deadline;

/// Sleeps until one of `fds` has something to say or the deadline has passed; gives how many
/// have. A signal that is handled meanwhile does not end the wait.
pub(crate) fn poll(fds: &mut [PollFd<'_>], deadline: Deadline) -> Result<usize, Errno> {
    loop {
        // A wait too long for the clock is for ever.
        let left = deadline.remaining();
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match rustix::event::poll(fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            // rustix makes ppoll of it, which a sandbox may deny that allows the older call.
            Err(Errno::NOSYS | Errno::PERM) => match older(fds, left) {
                Ok(0) if !deadline.has_passed() => {}
                Err(Errno::INTR) => {}
                answer => return answer,
            },
            answer => return answer,
        }
    }
}

/// The same by poll(2), which counts in milliseconds, for at most as long as it can.
#[cold]
fn older(fds: &mut [PollFd<'_>], left: Option<Duration>) -> Result<usize, Errno> {
    const ENDLESS: i32 = -1;
    // Rounded up: who comes back too early would only sleep again for no time at all.
    let millis = left.map_or(ENDLESS, |left| {
        i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    let count = fds.len() as libc::nfds_t;
    // SAFETY: rustix gives these to the kernel as they are, so they lie as its `pollfd`; there are so
    // many, with descriptors that are open.
    let ready = unsafe { libc::poll(fds.as_mut_ptr().cast(), count, millis) };
    match usize::try_from(ready) {
        Ok(ready) => Ok(ready),
        Err(_) => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::NOSYS)),
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::PollFlags;

    use super::*;

    #[test]
    fn the_older_call_says_the_same() {
        let (reader, writer) = io::pipe().expect("two descriptors");
        let ask = |left| {
            let (empty, full) =
                (PollFd::new(&reader, PollFlags::IN), PollFd::new(&writer, PollFlags::OUT));
            let mut fds = [empty, full];
            let ready = older(&mut fds, left).expect("the call is there");
            (ready, fds.map(|fd| fd.revents()))
        };
        for left in [None, Some(Duration::ZERO), Some(Duration::MAX)] {
            assert_eq!(ask(left), (1, [PollFlags::empty(), PollFlags::OUT]));
        }
        drop(writer);
        let mut fds = [PollFd::new(&reader, PollFlags::empty())];
        assert_eq!(older(&mut fds, None), Ok(1), "the end is told unasked");
        let (reader, _writer) = io::pipe().expect("two descriptors");
        let mut fds = [PollFd::new(&reader, PollFlags::IN)];
        assert_eq!(older(&mut fds, Some(Duration::from_micros(1))), Ok(0));
    }
}
