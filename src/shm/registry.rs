//! The mappings of this process: each memory is mapped once.
//!
//! Who holds a lock is known by the lock's address. So what comes to a process twice (as two
//! arguments, by its name and as an argument, back from a child…) must come to one place: else an
//! `RLock` could not be locked again through the other, and a `Lock` would be waited for by the
//! thread that has it.
//!
//! ```text
//! first     map the file, and keep the descriptor
//! again     count one user more, close the descriptor that came
//! last      a thread here still holds a lock in it (a guard leaked): it stays mapped, and is found
//!             again.  Else unmap it, and close the descriptor
//! ```
//!
//! # How a memory is known
//!
//! By its device and inode number, which the kernel gives; and, since an inode number can come round
//! again while the first that had it lives, by the header too, of which each memory's has a random
//! word. The header is kept when the memory first comes, since a peer may write into it.
//!
//! What can a peer do that writes a false header?
//!
//! * *Send another memory that passes for one that this process has.* For that it must have made
//!   memories until one had the same inode number, some four billion, and know the random word, which
//!   stands in the memory itself. Who can read that has the memory, and could have sent it just as
//!   well: no more comes of it. It is of the type that was asked for, as its own header said.
//! * *Change the header of one that this process has*, and send that again. Then it is refused, or,
//!   where only the random word was changed, mapped a second time. Locks in it are then not known by
//!   both places: threads wait, as they do when the peer writes into the lock itself.
//!
//! # After a fork
//!
//! A child has its parent's mappings, at their places, and a copy of the list that says so. What the
//! threads had that did not come with it is never given back in the child.

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

use rustix::fs::Stat;

use crate::error::Error;
use crate::shm::header::Header;
use crate::sys::{CurrentThread, ForkList, OwnEntries};

static MAPPINGS: ForkList<Mapped> = ForkList::new();

/// A file, as the kernel tells it from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct File {
    device: u64,
    inode: u64,
}

impl From<&Stat> for File {
    fn from(stat: &Stat) -> Self {
        File { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// A memory that this process has mapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapped {
    file: File,
    /// As it was when the memory came.
    header: Header,
    pub(super) base: NonNull<u8>,
    pub(super) bytes: usize,
    /// Owned by the list. `None` while there are no users.
    fd: Option<RawFd>,
    users: usize,
}

// SAFETY: numbers, and an address that means the same in every thread.
unsafe impl Send for Mapped {}

impl Mapped {
    /// Its descriptor.
    ///
    /// # Safety
    ///
    /// It has a user for as long as that.
    pub(super) unsafe fn fd<'a>(&self) -> BorrowedFd<'a> {
        let fd = self.fd.expect("what has users has a descriptor");
        // SAFETY: open as long as there are users, which the caller promises.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }

    fn is(&self, other: &Mapped) -> bool {
        (self.file, self.header) == (other.file, other.header)
    }
}

/// Counts one user more of the memory in this file, and has it mapped by `map` if it is not. Gives
/// back the descriptor if there was one already.
pub(super) fn enter(
    fd: OwnedFd,
    file: File,
    header: Header,
    bytes: usize,
    map: impl FnOnce(&OwnedFd) -> Result<NonNull<u8>, Error>,
) -> Result<(Mapped, Option<OwnedFd>), Error> {
    let is = |known: &Mapped| (known.file, known.header) == (file, header);
    let mut mappings = MAPPINGS.lock();
    let mut surplus = None;
    let mapped = match mappings.get(file.inode, is) {
        Some(mut known) => {
            match known.fd {
                Some(_) => surplus = Some(fd),
                None => known.fd = Some(fd.into_raw_fd()),
            }
            known.users += 1;
            known
        }
        None => {
            let base = map(&fd)?;
            Mapped { file, header, base, bytes, fd: Some(fd.into_raw_fd()), users: 1 }
        }
    };
    mappings.set(file.inode, is, Some(mapped));
    Ok((mapped, surplus))
}

/// Counts one user less, and unmaps the memory after the last.
pub(super) fn leave(mapped: &Mapped) {
    let mut mappings = MAPPINGS.lock();
    let is = |known: &Mapped| known.is(mapped);
    let Some(mut known) = mappings.get(mapped.file.inode, is) else {
        debug_assert!(false, "what has users is in the list");
        return;
    };
    known.users -= 1;
    if known.users > 0 {
        return mappings.set(known.file.inode, is, Some(known));
    }
    // SAFETY: the list's own, and nobody has borrowed it: there are no users.
    let fd = known.fd.take().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let start = known.base.addr().get();
    let range = start..start + known.bytes;
    // Before it goes: nobody waits any more for what this process might have come to there.
    OwnEntries::leave_in(range.clone());
    let held = CurrentThread::holds_in(range);
    // Out of the list first: a child that is forked in between finds no place that is not mapped.
    mappings.set(known.file.inode, is, held.then_some(known));
    drop(mappings);
    drop(fd);
    if held {
        log::warn!("a lock was never unlocked (a guard leaked): its memory stays mapped");
        return;
    }
    // SAFETY: mapped by `enter`; there is no user, and nobody finds it any more.
    let unmapped = unsafe { rustix::mm::munmap(known.base.as_ptr().cast(), known.bytes) };
    debug_assert_eq!(unmapped, Ok(()));
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use rustix::fs::MemfdFlags;
    use rustix::mm::{MapFlags, ProtFlags, mmap};

    use super::*;

    /// An inode number comes round again after 2^32 memories: here it does at once.
    #[test]
    fn two_memories_with_one_inode_number_are_two() {
        let file = File { device: u64::MAX, inode: 7 };
        let come = |header| {
            let fd = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
            rustix::fs::ftruncate(&fd, 4096).unwrap();
            let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
            enter(fd, file, header, 4096, |fd| {
                // SAFETY: a fresh mapping at an address that the kernel chooses.
                let base = unsafe { mmap(null_mut(), 4096, access, flags, fd, 0) }.unwrap();
                Ok(NonNull::new(base.cast()).unwrap())
            })
            .unwrap()
        };
        let [one, other] = [(); 2].map(|()| Header::new(4096, 0).unwrap());
        let all = [one, other, one, other].map(come);
        let places = [0, 1, 2, 3].map(|i: usize| all[i].0.base);
        assert_ne!(places[0], places[1]);
        assert_eq!(places[..2], places[2..]);
        assert_eq!([0, 1, 2, 3].map(|i: usize| all[i].1.is_some()), [false, false, true, true]);
        all.iter().for_each(|(mapped, _)| leave(mapped));
        assert!(MAPPINGS.lock().get(7, |known| known.file == file).is_none());
    }
}
