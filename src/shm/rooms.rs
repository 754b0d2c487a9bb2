//! Memory for messages of any length: a file that is large and almost empty, mapped once.
//!
//! It is divided into rooms of the same size, so large that any message fits into one where addresses are
//! plenty (64 bits have them). A room has no memory at first. It gets as much as a message needs, keeps some
//! for the next, and gives the rest back.
//!
//! The file is sealed against changes of size. Memory is reserved before it is written, so that want of it
//! is an error and no signal (SIGBUS); but where the kernel cannot (Linux before 5.14), or a peer punches
//! holes.

use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{NonNull, null_mut};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::error::Error;
use crate::handoff::{self, send_fd, take_fd};
use crate::shm::available;
use crate::sys::{self, copy_from_shared, copy_to_shared};

/// Tried one after the other, for the whole: a process may be limited in addresses (`ulimit -v`) or in the
/// size of its files (`ulimit -f`), or have fewer.
const SIZES: [usize; 5] = [1 << 42, 1 << 38, 1 << 34, 1 << 30, 1 << 26];

/// What memory is given in, on every machine.
const PAGE: usize = 1 << 16;

/// From here on it is asked first whether so much memory is there: the kernel would rather kill a process
/// than refuse it.
const MUCH: usize = 16 << 20;

/// See this file's top.
#[derive(Debug)]
pub(crate) struct Rooms {
    file: OwnedFd,
    base: NonNull<u8>,
    count: u32,
    /// Of each.
    size: usize,
}

// SAFETY: bytes that are reached by atomics; who may touch which is the business of the users.
unsafe impl Send for Rooms {}
// SAFETY: as above.
unsafe impl Sync for Rooms {}

impl Rooms {
    /// So many rooms, as large as they can be.
    pub(crate) fn new(count: u32) -> Result<Self, Error> {
        let mut refused = None;
        for whole in SIZES {
            match Self::of_size(count, whole / count as usize / PAGE * PAGE) {
                Ok(rooms) => return Ok(rooms),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.expect("there are sizes to try"))
    }

    fn of_size(count: u32, size: usize) -> Result<Self, Error> {
        let whole = size * count as usize;
        sys::file_fits(whole)?;
        let file = sys::memory_file("multiproc-messages")
            .map_err(|(call, errno)| Error::os(call, errno))?;
        rustix::fs::ftruncate(&file, whole as u64)
            .map_err(|errno| Error::os("ftruncate", errno))?;
        sys::seal(&file);
        Self::map(file, count, size)
    }

    fn map(file: OwnedFd, count: u32, size: usize) -> Result<Self, Error> {
        let (access, flags) =
            (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED | MapFlags::NORESERVE);
        let whole = size * count as usize;
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let base = unsafe { rustix::mm::mmap(null_mut(), whole, access, flags, &file, 0) }
            .map_err(|errno| Error::os("mmap", errno))?;
        // SAFETY: our own mapping, whose contents this does not change: a core file does not have it. What
        // the kernel refuses is done without.
        let _ = unsafe { rustix::mm::madvise(base, whole, Advice::LinuxDontDump) };
        let base = NonNull::new(base.cast()).expect("mmap does not map address 0");
        Ok(Rooms { file, base, count, size })
    }

    /// How many bytes a message may have.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// # Panics
    /// When the room is not there, or smaller than `end`.
    fn at(&self, room: u32, end: usize) -> *mut u8 {
        assert!(room < self.count && end <= self.size, "checked by the caller");
        // SAFETY: within the mapping.
        unsafe { self.base.as_ptr().add(room as usize * self.size) }
    }

    /// Has memory for the room's first `bytes` bytes, of which `had` have it; gives how many have it then.
    ///
    /// # Panics
    /// When the room is not there, or smaller.
    pub(crate) fn reserve(&self, room: u32, had: usize, bytes: usize) -> Result<usize, Error> {
        if bytes <= had {
            return Ok(had);
        }
        let end = bytes.next_multiple_of(PAGE).min(self.size);
        let (start, had) = (self.at(room, end), had.min(end) / PAGE * PAGE);
        let refused = || Error::OutOfMemory { needed: bytes, available: available() };
        if end - had > MUCH && end - had > available() {
            return Err(refused());
        }
        // SAFETY: within our own mapping, whose contents this does not change.
        let reserved = unsafe {
            let first = start.add(had).cast();
            rustix::mm::madvise(first, end - had, Advice::LinuxPopulateWrite)
        };
        match reserved {
            // An older kernel, or a sandbox: pages come as they are written.
            Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::ACCESS) => Ok(end),
            Err(Errno::NOMEM | Errno::FAULT | Errno::NOSPC) => Err(refused()),
            Err(errno) => Err(Error::os("madvise", errno)),
        }
    }

    /// Gives back what memory the room has beyond its first `kept` bytes, up to `had`.
    ///
    /// # Panics
    /// When the room is not there.
    pub(crate) fn release(&self, room: u32, kept: usize, had: usize) {
        let had = had.min(self.size);
        let kept = kept.next_multiple_of(PAGE);
        if kept < had {
            let start = self.at(room, had);
            // SAFETY: within our own mapping, of which nobody reads what is taken away. What the kernel
            // refuses stays until the pool is gone.
            let _ = unsafe {
                rustix::mm::madvise(start.add(kept).cast(), had - kept, Advice::LinuxRemove)
            };
        }
    }

    /// Writes a message, for which memory is reserved.
    ///
    /// # Panics
    /// When the room is not there, or smaller.
    pub(crate) fn write(&self, room: u32, message: &[u8]) {
        let start = self.at(room, message.len());
        // SAFETY: mapped; a room begins at a page; and all processes reach it by these two functions.
        unsafe { copy_to_shared(message, start) };
    }

    /// Appends the first `len` bytes of the room to `message`. Fails where there is no memory for them, or the file
    /// does not have so much, so that no worker can have written them.
    ///
    /// # Panics
    /// When the room is not there, or smaller.
    pub(crate) fn read(&self, room: u32, len: usize, message: &mut Vec<u8>) -> Result<(), Error> {
        let start = self.at(room, len);
        let refused = || Error::OutOfMemory { needed: len, available: available() };
        if len > MUCH {
            let stat = rustix::fs::fstat(&self.file).map_err(|errno| Error::os("fstat", errno))?;
            if (stat.st_blocks as u64).saturating_mul(512) < len as u64 {
                return Err(refused());
            }
        }
        message.try_reserve(len).map_err(|_| refused())?;
        // SAFETY: as in `write`.
        unsafe { copy_from_shared(start, len, message) };
        Ok(())
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody reaches any more.
        let _ = unsafe {
            rustix::mm::munmap(self.base.as_ptr().cast(), self.size * self.count as usize)
        };
    }
}

/// Only as an argument of a process that is started: it is the memory that goes to it.
impl Serialize for Rooms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = send_fd(self.file.as_fd()).map_err(ser::Error::custom)?;
        (number, self.count, self.size as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rooms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (number, count, size) = <(u32, u32, u64)>::deserialize(deserializer)?;
        if handoff::is_probing() {
            return Rooms::of_size(1, PAGE).map_err(de::Error::custom);
        }
        let file = take_fd(number).map_err(de::Error::custom)?;
        // From the parent, whom a child trusts.
        Rooms::map(file, count, size as usize).map_err(de::Error::custom)
    }
}
