//! A piece of memory that processes share: one descriptor, one mapping.
//!
//! ```text
//! 0    the header: one cache line, see header.rs
//! 64   the contents, zero at first
//! ```
//!
//! The memory has no name: it is a memfd, reached by those who inherit the mapping (fork) or are
//! handed the descriptor (spawn), and gone with the last of them, however they end. It is
//! reserved when it is made and sealed against changes of size, so that no access fails later (SIGBUS),
//! also when a peer resizes it. (What the seals leave to a peer that means harm is to punch holes: they
//! are filled with zeros, as long as there is memory.)
//!
//! Memory that shall get a name (see names.rs) is a file in /dev/shm instead. It is reserved too,
//! but the kernel seals memfds only: whoever may write the file may cut it short. The same goes for
//! all memory where the system has no memfds or seals, or lets a process have none (see memfd.rs).

use std::alloc::{self, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::{NonNull, null_mut};

use rustix::fs::Stat;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use serde::{Serialize, Serializer, de, ser};

use crate::error::{Chain, Error, LayoutProblem};
use crate::handoff::{HandoffError, send_fd, take_fd};
use crate::shm::header::Header;
use crate::shm::layout::Layout;
use crate::shm::names::is_nameable;
use crate::shm::process_safe::ProcessSafe;
use crate::shm::registry::{self, Mapped};
use crate::sys::{self, MEMORY_HAS_FILES, bytes_present, read_file};

/// Where the contents begin, and what they are aligned to.
pub(crate) const CONTENTS: usize = size_of::<Header>();

/// A mapped piece of shared memory, unmapped when the last of this process's is dropped: however
/// often the memory comes to it, it is mapped once (see registry.rs).
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
    /// `None` in a model, whose processes are threads and whose memory is the heap's.
    mapped: Option<Mapped>,
}

// SAFETY: the mapping is bytes; who may touch which, and how, is the business of its users.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Makes one with room for `contents` bytes, all zero. `stamp` says what they will be.
    pub(crate) fn new(contents: usize, stamp: u64) -> Result<Self, Error> {
        if !MEMORY_HAS_FILES {
            return Ok(Self::on_heap(Self::bytes_for(contents)?));
        }
        Self::make(contents, stamp, Self::on_memfd)
    }

    /// The same, but able to get a name.
    pub(super) fn nameable(contents: usize, stamp: u64) -> Result<Self, Error> {
        Self::make(contents, stamp, Self::on_file)
    }

    fn make(
        contents: usize,
        stamp: u64,
        on: fn(usize, Header) -> Result<Self, Error>,
    ) -> Result<Self, Error> {
        let bytes = Self::bytes_for(contents)?;
        let header = Header::new(bytes, stamp)?;
        let mapping = on(bytes, header)?;
        // SAFETY: at least a header's bytes are mapped there, aligned to a page.
        unsafe { mapping.base.cast::<Header>().write(header) };
        Ok(mapping)
    }

    /// As many bytes as contents of so many need, with the header.
    fn bytes_for(contents: usize) -> Result<usize, Error> {
        contents
            .checked_add(CONTENTS)
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| Error::OutOfMemory { needed: contents, available: available() })
    }

    /// Maps the memory behind a descriptor that was inherited, after checking that it is what
    /// [`Mapping::new`] or [`Mapping::nameable`] made for the same `stamp`.
    pub(crate) fn attach(fd: OwnedFd, stamp: u64) -> Result<Self, Error> {
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::os("fstat", errno))?;
        // Before its size is asked for, which is for good from then on. A file with a name cannot be
        // sealed; another must be, if that can be had at all.
        let keeps_size =
            || sys::keeps_size(&fd, &stat).map_err(|(call, errno)| Error::os(call, errno));
        if !is_nameable(&stat) && !keeps_size()? {
            return Err(Error::Layout(LayoutProblem::NotSealed));
        }
        let bytes = bytes_present(&fd)
            .map_err(|errno| Error::os("fstat", errno))?
            .ok_or(Error::Layout(LayoutProblem::NotReserved))?;
        let header = Header::read(&fd)
            .and_then(|header| header.check(bytes as u64, stamp).map(|()| header))
            .map_err(|problem| Error::Layout(LayoutProblem::Header(problem)))?;
        Ok(Self::of_file(fd, &stat, header, bytes)?.0)
    }

    fn on_memfd(bytes: usize, header: Header) -> Result<Self, Error> {
        let fd = sys::memory_file("multiproc").map_err(|(call, errno)| Error::os(call, errno))?;
        Self::reserve(&fd, bytes)?;
        sys::seal(&fd);
        Self::of_new_file(fd, header, bytes)
    }

    /// On a file without a name, for this user alone.
    fn on_file(bytes: usize, header: Header) -> Result<Self, Error> {
        let fd = sys::unnamed_file().map_err(|(call, errno)| Error::os(call, errno))?;
        Self::reserve(&fd, bytes)?;
        Self::of_new_file(fd, header, bytes)
    }

    fn of_new_file(fd: OwnedFd, header: Header, bytes: usize) -> Result<Self, Error> {
        let stat = rustix::fs::fstat(&fd).map_err(|errno| Error::os("fstat", errno))?;
        Ok(Self::of_file(fd, &stat, header, bytes)?.0)
    }

    /// Makes the file `bytes` long, and all of it real.
    fn reserve(fd: &OwnedFd, bytes: usize) -> Result<(), Error> {
        sys::file_fits(bytes)?;
        let available = available().min(room(fd));
        // The kernel would rather kill a process than refuse pages of a file in memory: ask first.
        if bytes > available {
            return Err(Error::OutOfMemory { needed: bytes, available });
        }
        sys::reserve(fd, bytes).map_err(|(call, errno)| match errno {
            Errno::NOMEM | Errno::NOSPC => Error::OutOfMemory { needed: bytes, available },
            errno => Error::os(call, errno),
        })
    }

    /// The memory in the file, which has `bytes` bytes, as said in its header. Gives back the
    /// descriptor if this process had another of the same memory.
    pub(super) fn of_file(
        fd: OwnedFd,
        stat: &Stat,
        header: Header,
        bytes: usize,
    ) -> Result<(Self, Option<OwnedFd>), Error> {
        let (mapped, surplus) = registry::enter(fd, stat.into(), header, bytes, |fd| {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
            // SAFETY: a fresh mapping at an address that the kernel chooses.
            let base = unsafe { rustix::mm::mmap(null_mut(), bytes, access, flags, fd, 0) }
                .map_err(|errno| Error::os("mmap", errno))?;
            Ok(NonNull::new(base.cast()).expect("mmap does not map address 0"))
        })?;
        Ok((Mapping { base: mapped.base, bytes: mapped.bytes, mapped: Some(mapped) }, surplus))
    }

    /// Nobody attaches to it, and so it has no header.
    fn on_heap(bytes: usize) -> Self {
        let layout = Self::heap_layout(bytes);
        // SAFETY: the layout is not empty: a header at least.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout));
        Mapping { base, bytes, mapped: None }
    }

    fn heap_layout(bytes: usize) -> alloc::Layout {
        alloc::Layout::from_size_align(bytes, CONTENTS).expect("checked when it was made")
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
        // SAFETY: `self` is a user of it.
        self.mapped.map(|mapped| unsafe { mapped.fd() })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        match &self.mapped {
            // SAFETY: allocated with this layout.
            None => unsafe { dealloc(self.base.as_ptr(), Self::heap_layout(self.bytes)) },
            Some(mapped) => registry::leave(mapped),
        }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("bytes", &self.bytes).field("fd", &self.fd()).finish()
    }
}

/// What a mapping holds, as a number: of its type's name and layout, and of this crate's version.
pub(crate) fn stamp_of<T>() -> u64 {
    stamp::<T>(Layout::of::<T>())
}

/// The same, of a value that lies there as it is.
pub(super) fn stamp_of_value<T: ProcessSafe>() -> u64 {
    stamp::<T>(T::LAYOUT)
}

fn stamp<T>(layout: Layout) -> u64 {
    layout.named(std::any::type_name::<T>()).named(env!("CARGO_PKG_VERSION")).to_number()
}

/// Bytes of memory that the machine could still give, by the kernel's own estimate.
pub(crate) fn available() -> usize {
    let estimate = read_file("/proc/meminfo").ok().and_then(|text| {
        let text = String::from_utf8(text).ok()?;
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
    });
    // A kernel that does not say so gets asked by fallocate alone.
    estimate.unwrap_or(usize::MAX)
}

/// Bytes that the file system of `fd` could still give: one that is mounted may have a limit.
fn room(fd: &OwnedFd) -> usize {
    match rustix::fs::fstatvfs(fd) {
        // No size at all says that there is no limit.
        Ok(stat) if stat.f_blocks > 0 => stat.f_bavail.saturating_mul(stat.f_frsize) as usize,
        // Where it cannot be asked, what is not there is refused when it is reserved.
        _ => usize::MAX,
    }
}

/// Serialises a mapping: its descriptor to the carrier, its place in the list to the message.
pub(crate) fn send_mapping<S: Serializer>(mapping: &Mapping, to: S) -> Result<S::Ok, S::Error> {
    // A model's memory has no descriptor: nothing to hand over.
    let sent = mapping.fd().ok_or(HandoffError::NoCarrier).and_then(send_fd);
    sent.map_err(ser::Error::custom)?.serialize(to)
}

/// Takes a mapping that was made with the same `stamp`.
pub(crate) fn take_mapping<E: de::Error>(stamp: u64, number: u32) -> Result<Mapping, E> {
    let fd = take_fd(number).map_err(de::Error::custom)?;
    Mapping::attach(fd, stamp).map_err(|error| de::Error::custom(Chain(&error)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{MemfdFlags, SealFlags};

    use super::*;

    const STAMP: u64 = 7;

    /// Another descriptor of memory that was made here; `None` in a model.
    fn fd(made: &Mapping) -> Option<OwnedFd> {
        made.fd().map(|fd| fd.try_clone_to_owned().unwrap())
    }

    #[test]
    fn what_was_made_is_attached_with_its_stamp_only() {
        let made = Mapping::new(100, STAMP).unwrap();
        let Some(again) = fd(&made).map(|fd| Mapping::attach(fd, STAMP).unwrap()) else { return };
        assert_eq!(again.len(), 100);
        // SAFETY: both are mapped and 100 bytes long.
        let seen = unsafe {
            made.contents().write(9);
            again.contents().read()
        };
        assert_eq!(seen, 9);
        assert!(matches!(Mapping::attach(fd(&made).unwrap(), 8), Err(Error::Layout(_))));
    }

    /// Nothing but the seals, or a place in /dev/shm, tells that a peer was ours.
    #[test]
    #[cfg_attr(modelled, ignore = "a model's memory has no file")]
    fn memory_whose_size_can_change_is_refused_unless_it_could_have_a_name() {
        let header = |file: &OwnedFd, bytes: u64| {
            rustix::fs::ftruncate(file, bytes).unwrap();
            let header = Header::new(bytes as usize, STAMP).unwrap();
            let (copy, stat) = (file.try_clone().unwrap(), rustix::fs::fstat(file).unwrap());
            let (mapping, _) = Mapping::of_file(copy, &stat, header, bytes as usize).unwrap();
            // SAFETY: mapped, aligned to a page, and long enough.
            unsafe { mapping.base.cast::<Header>().write(header) };
        };
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memfd = || rustix::fs::memfd_create("test", flags).unwrap();
        for seals in [SealFlags::empty(), SealFlags::GROW, SealFlags::SHRINK] {
            let memfd = memfd();
            header(&memfd, 128);
            rustix::fs::fcntl_add_seals(&memfd, seals).unwrap();
            let refused = Mapping::attach(memfd, STAMP).unwrap_err();
            assert!(matches!(refused, Error::Layout(LayoutProblem::NotSealed)), "{refused:?}");
        }
        let memfd = memfd();
        header(&memfd, 128);
        rustix::fs::fcntl_add_seals(&memfd, SealFlags::GROW | SealFlags::SHRINK).unwrap();
        assert_eq!(Mapping::attach(memfd, STAMP).unwrap().len(), 64);

        let nameable = Mapping::nameable(64, STAMP).unwrap();
        assert_eq!(Mapping::attach(fd(&nameable).unwrap(), STAMP).unwrap().len(), 64);
        for elsewhere in [File::open("/proc/self/exe").unwrap(), File::open("/dev/null").unwrap()] {
            assert!(matches!(Mapping::attach(elsewhere.into(), STAMP), Err(Error::Layout(_))));
        }
    }

    #[test]
    #[cfg_attr(modelled, ignore = "a model's memory has no file")]
    fn more_than_there_is_is_refused_at_once() {
        for bytes in [1 << 50, usize::MAX - 10] {
            for made in [Mapping::new(bytes, STAMP), Mapping::nameable(bytes, STAMP)] {
                assert!(matches!(made, Err(Error::OutOfMemory { .. })), "{bytes}");
            }
        }
    }

    #[test]
    fn memory_that_is_claimed_and_not_reserved_is_refused() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("test", flags).unwrap();
        rustix::fs::ftruncate(&fd, 1 << 40).unwrap();
        rustix::fs::fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
        let refused = Mapping::attach(fd, 0).unwrap_err();
        assert!(matches!(refused, Error::Layout(LayoutProblem::NotReserved)), "{refused:?}");
    }
}
