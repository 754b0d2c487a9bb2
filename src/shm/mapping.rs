//! A piece of memory that processes share: one descriptor, one mapping.
//!
//! ```text
//! 0    magic, layout stamp, length, PID namespace   (the header: one cache line)
//! 64   the contents, zero at first
//! ```
//!
//! The memory has no name: it is a memfd, reached by those who inherit the mapping (fork) or are
//! handed the descriptor (spawn), and gone with the last of them, however they end. It is
//! reserved when it is made and sealed against changes of size, so that no access can fail later
//! (SIGBUS), whatever a peer does with the descriptor.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::fs::MetadataExt;
use std::ptr::{NonNull, null_mut};

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use crate::error::Error;
use crate::sys::{MODELLED, Me};

/// The first word of every mapping: a name and a version of the header.
const MAGIC: u64 = u64::from_le_bytes(*b"mproc\0\0\x01");

/// Where the contents begin, and what they are aligned to.
pub(crate) const CONTENTS: usize = size_of::<Header>();

#[repr(C, align(64))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    magic: u64,
    stamp: u64,
    bytes: u64,
    pid_namespace: u64,
}

/// A mapped piece of shared memory; unmapped when dropped.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
    /// `None` in a model, whose processes are threads and whose memory is the heap's.
    fd: Option<OwnedFd>,
}

// SAFETY: the mapping is bytes; who may touch which, and how, is the business of its users.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Makes one with room for `contents` bytes, all zero. `stamp` says what they will be.
    pub(crate) fn new(contents: usize, stamp: u64) -> Result<Self, Error> {
        let bytes = contents
            .checked_add(CONTENTS)
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| Error::OutOfMemory { needed: contents, available: available() })?;
        let header = Header {
            magic: MAGIC,
            stamp,
            bytes: bytes as u64,
            pid_namespace: if MODELLED { 0 } else { pid_namespace()? },
        };
        let mapping = if MODELLED { Self::on_heap(bytes) } else { Self::on_memfd(bytes)? };
        // SAFETY: at least a header's bytes are mapped there, aligned to a page.
        unsafe { mapping.base.cast::<Header>().write(header) };
        Ok(mapping)
    }

    /// Maps the memory behind a descriptor that was inherited, after checking that it is what
    /// [`Mapping::new`] made for the same `stamp`.
    pub(crate) fn attach(fd: OwnedFd, stamp: u64) -> Result<Self, Error> {
        let seals = rustix::fs::fcntl_get_seals(&fd)
            .map_err(|_| Error::Layout("the descriptor is no memfd".into()))?;
        if !seals.contains(SealFlags::SHRINK | SealFlags::GROW) {
            return Err(Error::Layout("its size is not sealed".into()));
        }
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::os("fstat", errno))?;
        let bytes = usize::try_from(stat.st_size).unwrap_or(0);
        if bytes < CONTENTS {
            return Err(Error::Layout(format!("its {bytes} bytes hold no header")));
        }
        let mapping = Self::map(fd, bytes)?;
        // SAFETY: mapped, aligned, at least a header long; any bits are a header. Copied once,
        // then checked, since a peer may write there.
        let header = unsafe { mapping.base.cast::<Header>().read_volatile() };
        let expected =
            Header { magic: MAGIC, stamp, bytes: bytes as u64, pid_namespace: pid_namespace()? };
        if header != expected {
            return Err(Error::Layout(format!("its header is {header:x?}, not {expected:x?}")));
        }
        Ok(mapping)
    }

    fn on_memfd(bytes: usize) -> Result<Self, Error> {
        // The kernel would rather kill a process than refuse pages of a memfd: ask first.
        let available = available();
        if bytes > available {
            return Err(Error::OutOfMemory { needed: bytes, available });
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("multiproc", flags)
            .map_err(|errno| Error::os("memfd_create", errno))?;
        rustix::fs::ftruncate(&fd, bytes as u64).map_err(|errno| Error::os("ftruncate", errno))?;
        rustix::io::retry_on_intr(|| {
            rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, bytes as u64)
        })
        .map_err(|errno| match errno {
            Errno::NOMEM | Errno::NOSPC => Error::OutOfMemory { needed: bytes, available },
            errno => Error::os("fallocate", errno),
        })?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals).map_err(|errno| Error::os("F_ADD_SEALS", errno))?;
        Self::map(fd, bytes)
    }

    fn map(fd: OwnedFd, bytes: usize) -> Result<Self, Error> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let base = unsafe { rustix::mm::mmap(null_mut(), bytes, access, flags, &fd, 0) }
            .map_err(|errno| Error::os("mmap", errno))?;
        let base = NonNull::new(base.cast()).expect("mmap does not map address 0");
        Ok(Mapping { base, bytes, fd: Some(fd) })
    }

    fn on_heap(bytes: usize) -> Self {
        let layout = Self::heap_layout(bytes);
        // SAFETY: the layout is not empty: a header at least.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout));
        Mapping { base, bytes, fd: None }
    }

    fn heap_layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, CONTENTS).expect("checked when it was made")
    }

    /// Where the contents begin: 64-byte aligned, the same bytes for all who map it.
    #[inline]
    pub(crate) fn contents(&self) -> NonNull<u8> {
        // SAFETY: every mapping is at least a header long.
        unsafe { self.base.add(CONTENTS) }
    }

    /// How many bytes the contents have; they are there for as long as the mapping.
    pub(crate) fn len(&self) -> usize {
        self.bytes - CONTENTS
    }

    /// The descriptor, to hand the memory to a child that is about to be spawned.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let start = self.base.addr().get();
        if self.fd.is_none() {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.base.as_ptr(), Self::heap_layout(self.bytes)) };
        } else if Me::holds_in(start..start + self.bytes) {
            log::warn!("a lock was never unlocked (a guard leaked): its memory stays mapped");
        } else {
            // SAFETY: mapped by `map`, and whoever borrowed from it is gone with it.
            let unmapped = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.bytes) };
            debug_assert_eq!(unmapped, Ok(()));
        }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("bytes", &self.bytes).field("fd", &self.fd).finish()
    }
}

/// What a mapping holds, as a number: of its type's name, size and alignment, and of this crate's
/// version. (FNV-1a: it guards against mistakes, not against malice.)
pub(crate) fn stamp_of<T>() -> u64 {
    let text = [std::any::type_name::<T>(), env!("CARGO_PKG_VERSION")];
    let sizes = [size_of::<T>().to_le_bytes(), align_of::<T>().to_le_bytes()];
    let bytes = text.iter().flat_map(|text| text.bytes());
    bytes.chain(sizes.into_iter().flatten()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Locks know their owners by thread number, and a number means something else in another
/// namespace: memory is not shared across.
fn pid_namespace() -> Result<u64, Error> {
    fs::metadata("/proc/self/ns/pid")
        .map(|metadata| metadata.st_ino())
        .map_err(|source| Error::os("stat /proc/self/ns/pid", source))
}

/// Bytes of memory that the machine could still give, by the kernel's own estimate.
pub(crate) fn available() -> usize {
    let estimate = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
    });
    // A kernel that does not say so gets asked by fallocate alone.
    estimate.unwrap_or(usize::MAX)
}
