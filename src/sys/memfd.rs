//! Files in memory: one's own, and those that a peer may have made.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::sys::resource::{Resource, getrlimit};
use rustix::fs::{CWD, FallocateFlags, FileType, MemfdFlags, Mode, OFlags, SealFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use crate::error::FileSizeLimit;
use crate::sys::fd::descriptor;

/// Where files in memory can have names; gone when the machine stops.
pub(crate) const FOLDER: &str = "/dev/shm";

/// A file with these keeps its size for good.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Zeros that are written at a time.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// A new file in memory, empty and without a name: a memfd; or, where the system refuses those, a
/// file in /dev/shm.
pub(crate) fn memory_file(name: &str) -> Result<OwnedFd, (&'static str, Errno)> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    descriptor(|| rustix::fs::memfd_create(name, flags)).or_else(|errno| {
        let other = if is_denied(errno) { unnamed_file().ok() } else { None };
        other.ok_or(("memfd_create", errno))
    })
}

/// A new file in /dev/shm, for this user alone, without a name.
pub(crate) fn unnamed_file() -> Result<OwnedFd, (&'static str, Errno)> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    descriptor(|| retry_on_intr(|| rustix::fs::openat(CWD, FOLDER, flags, mode)))
        .map_err(|errno| ("open a file in /dev/shm", errno))
}

/// Whether the system does not know the call, or a sandbox does not let it through. What only makes
/// a thing safer, or can be done in another way, is then done without.
fn is_denied(errno: Errno) -> bool {
    matches!(errno, Errno::NOSYS | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP)
}

/// Whether a file may have `bytes` bytes. Asked before it gets them: the kernel answers a write
/// beyond the limit with a signal that kills the process. Where the system does not tell of a limit
/// there is taken to be none.
pub(crate) fn file_fits(bytes: usize) -> Result<(), FileSizeLimit> {
    let needed = bytes as u64;
    // rustix would panic where the call is denied.
    match getrlimit(Resource::RLIMIT_FSIZE) {
        Ok((limit, _)) if limit < needed => Err(FileSizeLimit::new(needed, limit)),
        _ => Ok(()),
    }
}

/// Gives an empty file `bytes` bytes of zeros, all of which have memory.
pub(crate) fn reserve(file: &OwnedFd, bytes: usize) -> Result<(), (&'static str, Errno)> {
    rustix::fs::ftruncate(file, bytes as u64).map_err(|errno| ("ftruncate", errno))?;
    let allocate = || rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes as u64);
    match retry_on_intr(allocate) {
        Err(errno) if is_denied(errno) => write_zeros(file, bytes),
        allocated => allocated.map_err(|errno| ("fallocate", errno)),
    }
}

/// As fallocate does: a page that was written has its memory.
fn write_zeros(file: &OwnedFd, bytes: usize) -> Result<(), (&'static str, Errno)> {
    let mut written = 0;
    while written < bytes {
        let zeros = &ZEROS[..ZEROS.len().min(bytes - written)];
        match retry_on_intr(|| rustix::io::pwrite(file, zeros, written as u64)) {
            Ok(0) => return Err(("pwrite", Errno::NOSPC)),
            Ok(more) => written += more,
            Err(errno) => return Err(("pwrite", errno)),
        }
    }
    Ok(())
}

/// Has a file of this process's own keep its size, so that nobody who gets it can cut it short.
///
/// Where that cannot be had (an old kernel, a sandbox), it is done without: whoever is given the file
/// could then cut it short, and whoever uses its memory would be killed by SIGBUS.
pub(crate) fn seal(file: &OwnedFd) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    // Relaxed: it carries nothing.
    if let Err(errno) = rustix::fs::fcntl_add_seals(file, SEALS)
        && !WARNED.swap(true, Relaxed)
    {
        log::warn!(
            "shared memory cannot be sealed here (F_ADD_SEALS: {errno}): a process that is given \
             some could cut it short, and kill those who use it"
        );
    }
}

/// Whether a file that was received keeps its size for good; or is what this process would have sent
/// itself, where nothing can be sealed.
///
/// What a peer says does not count in that: this process tries to seal a file of its own. So where
/// sealing can be had, nobody gets a file in here that is not sealed. And a child cannot seal where its
/// parent could not, so that it takes what that one has made: a sandbox is inherited.
///
/// Fails where the system does not tell.
pub(crate) fn keeps_size(file: impl AsFd, stat: &Stat) -> Result<bool, (&'static str, Errno)> {
    match rustix::fs::fcntl_get_seals(file) {
        Ok(seals) if seals.contains(SealFlags::SHRINK | SealFlags::GROW) => Ok(true),
        _ if device_without_seals() == Some(stat.st_dev) => Ok(true),
        // The second is a file that has none.
        Ok(_) | Err(Errno::INVAL) => Ok(false),
        Err(errno) => Err(("fcntl (F_GET_SEALS)", errno)),
    }
}

/// Where this process's files in memory are, if they cannot be sealed.
fn device_without_seals() -> Option<u64> {
    let file = memory_file("multiproc-probe").ok()?;
    match rustix::fs::fcntl_add_seals(&file, SEALS) {
        Ok(()) => None,
        Err(_) => rustix::fs::fstat(&file).ok().map(|stat| stat.st_dev),
    }
}

/// How many bytes `file` has, if it has memory for all of them: `None` when it has holes. Such a
/// file claims more than its maker had to have, and whoever believed it would run out of memory.
pub(crate) fn bytes_present(file: impl AsFd) -> Result<Option<usize>, Errno> {
    let stat = rustix::fs::fstat(file)?;
    let present = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    let claimed = u64::try_from(stat.st_size).ok().filter(|&claimed| claimed <= present);
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok(claimed.filter(|_| regular).and_then(|claimed| usize::try_from(claimed).ok()))
}
