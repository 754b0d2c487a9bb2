//! Where the descriptors of this crate may be: never at the numbers of the standard streams.
//!
//! A process whose standard output is closed gives its number to whatever is opened next, and would
//! print into that.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};

/// The lowest number that is no standard stream's.
const LOWEST: i32 = 3;

/// The same open file under a number that is no standard stream's. For one that was received; until
/// it is moved a thread may print into it. What is made here, [`descriptors`] makes.
#[cfg_attr(modelled, allow(dead_code, reason = "a model's sockets carry no descriptors"))]
pub(crate) fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if is_above(&fd) { Ok(fd) } else { fcntl_dupfd_cloexec(&fd, LOWEST) }
}

fn is_above(fd: &OwnedFd) -> bool {
    fd.as_raw_fd() >= LOWEST
}

/// What `make` makes, under numbers that are no standard stream's.
///
/// What comes under one of those keeps the place taken until another has come above, and is thrown
/// away then: a thread may have printed into it.
pub(crate) fn descriptors<const N: usize>(
    make: impl Fn() -> Result<[OwnedFd; N], Errno>,
) -> Result<[OwnedFd; N], Errno> {
    let mut thrown_away = Vec::new();
    loop {
        let made = make()?;
        if made.iter().all(is_above) {
            return Ok(made);
        }
        thrown_away.push(made);
    }
}

/// As [`descriptors`], for one.
pub(crate) fn descriptor(make: impl Fn() -> Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    descriptors(|| make().map(|fd| [fd])).map(|[fd]| fd)
}

/// What is in a file: `std::fs::read`, but never under a standard stream's number, where a thread
/// that reads its standard input might read it.
pub(crate) fn read_file(path: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let open = || retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty()));
    read_to_end(&descriptor(open)?)
}

/// What an open file has left.
///
/// Most are files of /proc, which do not tell how long they are: std would ask for that all the same,
/// and begin with 32 bytes.
pub(super) fn read_to_end(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PIECE);
    loop {
        // Doubles it where it is full, as what follows has no other end than a read of nothing.
        bytes.reserve(1);
        if retry_on_intr(|| rustix::io::read(file, spare_capacity(&mut bytes)))? == 0 {
            return Ok(bytes);
        }
    }
}

/// The kernel gives at most so many bytes of a file of /proc at once.
const PIECE: usize = 4096;

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, fstat, memfd_create};

    use super::*;

    /// A file, into which something is printed at once if it has a standard stream's number.
    fn make() -> Result<[OwnedFd; 1], Errno> {
        let file = memfd_create("test", MemfdFlags::CLOEXEC)?;
        if !is_above(&file) {
            rustix::io::write(&file, b"hello")?;
        }
        Ok([file])
    }

    #[test]
    fn a_file_of_any_length_is_read_whole() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let file = descriptor(|| memfd_create("test", MemfdFlags::CLOEXEC)).expect("a file");
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            std::fs::write(&path, &bytes).expect("there is room");
            assert_eq!(read_file(&path).expect("it is there"), bytes, "{length} bytes");
        }
        assert!(!read_file("/proc/self/stat").expect("there is /proc").is_empty());
    }

    #[test]
    fn what_is_printed_meanwhile_is_thrown_away() {
        let is_clean = || {
            let [file] = descriptors(make)?;
            let clean = is_above(&file) && fstat(&file)?.st_size == 0;
            // SAFETY: only asked about.
            let closed = |fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
            Ok::<_, Errno>(clean && (0..LOWEST).all(closed))
        };
        // SAFETY: the child makes files, which needs no lock but the allocator's, and leaves.
        let child = match unsafe { libc::fork() } {
            0 => {
                (0..LOWEST).for_each(|fd| {
                    // SAFETY: nobody in the child uses them.
                    let _ = unsafe { libc::close(fd) };
                });
                // SAFETY: it ends the child.
                unsafe { libc::_exit(i32::from(is_clean() != Ok(true))) }
            }
            child => child,
        };
        let mut status = -1;
        // SAFETY: there is room for a status.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
    }
}
