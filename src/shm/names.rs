//! Memory under a name, for programs that have nothing else in common.
//!
//! A name is a file in /dev/shm. Two locks on it say the rest. The kernel keeps them for an open
//! file description (`F_OFD_SETLK`): they go with its descriptor into a child, by fork or as an
//! argument, and are released with the last one, however its process ends.
//!
//! ```text
//! HOLD     shared      whoever has the memory, as long as they have it
//! DECIDE   exclusive   whoever looks at a file, for what it then does about it: a few calls
//! ```
//!
//! ```text
//! create   make a file without a name, write it, HOLD it; then link it: nobody sees it sooner
//!            linked: done.  The name is taken: DECIDE over that file
//!            HOLD is held: in use.  Not held: unlink the file, and link again
//! open     DECIDE.  HOLD is held: HOLD it too.  Not held: abandoned
//! unlink   DECIDE.  Unlink
//! ```
//!
//! A name is only taken from a file by who DECIDEs over it, having seen, under that lock, that the
//! name is still that file's; and a file gets a name once. So nobody unlinks a file that took the
//! place of the one looked at. And as HOLD is only taken before the file has a name, or under
//! DECIDE while another holds it, what nobody holds stays so: two who open it together do not take
//! each other for a holder, and none who comes to hold it is overlooked by who replaces it.
//!
//! Who waits to DECIDE waits for a few calls of another process of this user, or until that one is
//! dead; for one that is stopped in there it waits until it goes on.
//!
//! `F_OFD_GETLK` tells whether HOLD is held without touching it. (`flock` can only try, and who
//! tries looks like a holder for a moment.)

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use crate::error::{Error, NameProblem};
use crate::shm::header::Header;
use crate::shm::mapping::Mapping;
use crate::sys::{FOLDER, MEMORY_HAS_FILES, descriptor, proc_folder};

/// The most bytes of a name: with what stands before it, well below the 255 of a file's.
const LONGEST: usize = 200;

/// The bytes of the file that stand for the locks. What is written there does not matter.
#[derive(Clone, Copy)]
enum Lock {
    Hold = 0,
    Decide = 1,
}

/// A name that can be one.
pub(super) struct Name<'a> {
    name: &'a str,
    path: String,
}

impl<'a> Name<'a> {
    pub(super) fn new(name: &'a str) -> Result<Self, Error> {
        let checked = Name { name, path: format!("{FOLDER}/multiproc-{name}") };
        if !MEMORY_HAS_FILES {
            let source = std::io::ErrorKind::Unsupported;
            return Err(checked.error(NameProblem::os("naming a model's memory", source)));
        }
        if name.is_empty() || name.len() > LONGEST || name.contains(['/', '\0']) {
            return Err(checked.error(NameProblem::Invalid));
        }
        Ok(checked)
    }

    pub(super) fn error(&self, problem: NameProblem) -> Error {
        Error::Name { name: self.name.into(), problem }
    }

    /// Gives the name to memory that is all written. It must be [`Mapping::nameable`].
    pub(super) fn give(&self, mapping: &Mapping) -> Result<(), Error> {
        let fd = mapping.fd().expect("it has a file");
        let link = || {
            hold(fd)?;
            loop {
                match link(fd, &self.path) {
                    Ok(()) => return Ok(()),
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => self.clear()?,
                    Err(error) => return Err(NameProblem::os("linkat of /proc/self/fd", error)),
                }
            }
        };
        link().map_err(|problem| self.error(problem))
    }

    /// Maps the memory that has the name, after checking that it was made for `stamp`.
    pub(super) fn open(&self, stamp: u64) -> Result<Mapping, Error> {
        let held = || {
            loop {
                let file = self.find()?;
                let stat = stat(&file)?;
                let header = Header::read(&file)?;
                header.check(stat.st_size as u64, stamp)?;
                let Some(decision) = self.decide(&file)? else { continue };
                if !held(&file)? {
                    return Err(NameProblem::Abandoned);
                }
                hold(&file)?;
                drop(decision);
                return Ok((file, stat, header));
            }
        };
        let (file, stat, header) = held().map_err(|problem| self.error(problem))?;
        let (mapping, surplus) = Mapping::of_file(file, &stat, header, stat.st_size as usize)?;
        if surplus.is_some() {
            // This process had the memory: what it keeps is the other open file, which holds it too
            // unless whoever handed it over did not. The one that came holds it until then.
            hold(mapping.fd().expect("it has a file")).map_err(|problem| self.error(problem))?;
        }
        Ok(mapping)
    }

    /// Takes the name from whatever memory has it.
    pub(super) fn unlink(&self) -> Result<(), Error> {
        let unlink = || {
            loop {
                let file = self.find()?;
                if let Some(decision) = self.decide(&file)? {
                    return decision.unlink();
                }
            }
        };
        unlink().map_err(|problem| self.error(problem))
    }

    /// Makes room where the name was taken, unless somebody holds the memory that has it.
    fn clear(&self) -> Result<(), NameProblem> {
        let file = match self.find() {
            Err(NameProblem::NotFound) => return Ok(()),
            found => found?,
        };
        // What is not memory of ours is not ours to replace.
        Header::read(&file)?;
        let Some(decision) = self.decide(&file)? else { return Ok(()) };
        if held(&file)? {
            return Err(NameProblem::InUse);
        }
        decision.unlink()?;
        log::warn!("shared memory {:?} was left by processes that have ended: replaced", self.name);
        Ok(())
    }

    /// Opens the file that has the name, if it is one and this user's.
    fn find(&self) -> Result<OwnedFd, NameProblem> {
        let refused = |call| {
            move |errno| match errno {
                Errno::NOENT => NameProblem::NotFound,
                Errno::ACCESS => NameProblem::NoPermission,
                // It was put there since the first look.
                Errno::LOOP => NameProblem::NotAFile,
                errno => NameProblem::os(call, errno),
            }
        };
        // Looked at before it is opened: what is no file might do something when it is. Should it be
        // put there in between, it is not waited for (NONBLOCK), and is refused then.
        let found = rustix::fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        is_usable(&found.map_err(refused("stat"))?)?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(CWD, &self.path, flags, Mode::empty());
        let file = descriptor(|| retry_on_intr(open)).map_err(refused("open"))?;
        is_usable(&stat(&file)?)?;
        Ok(file)
    }

    /// Locks the file for a decision; `None` when the name is not that file's any more.
    fn decide<'f>(&'f self, file: &'f OwnedFd) -> Result<Option<Decision<'f>>, NameProblem> {
        let lock = region(Lock::Decide, libc::F_WRLCK);
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLKW(&lock)) {
                Ok(_) => break,
                Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(NameProblem::os("F_OFD_SETLKW", errno)),
            }
        }
        let decision = Decision { name: self, file };
        match rustix::fs::statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) => {
                // The file is open, so its number is not another's.
                let then = stat(file)?;
                Ok(((now.st_dev, now.st_ino) == (then.st_dev, then.st_ino)).then_some(decision))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(NameProblem::os("stat", errno)),
        }
    }
}

/// The lock DECIDE, on the file that has the name.
struct Decision<'f> {
    name: &'f Name<'f>,
    file: &'f OwnedFd,
}

impl Decision<'_> {
    fn unlink(self) -> Result<(), NameProblem> {
        rustix::fs::unlinkat(CWD, &self.name.path, AtFlags::empty())
            .map_err(|errno| NameProblem::os("unlink", errno))
    }
}

impl Drop for Decision<'_> {
    fn drop(&mut self) {
        // Not left to the end of the descriptor, of which a child that was just forked has a copy.
        let unlock = region(Lock::Decide, libc::F_UNLCK);
        // Neither waits to unlock; a sandbox may deny the one and allow the other.
        let unlocked = fcntl(self.file, FcntlArg::F_OFD_SETLK(&unlock))
            .or_else(|_| fcntl(self.file, FcntlArg::F_OFD_SETLKW(&unlock)));
        if let Err(errno) = unlocked {
            log::warn!(
                "shared memory {:?} cannot be unlocked as long as it is open here: fcntl \
                 (F_OFD_SETLK) failed: {errno}",
                self.name.name
            );
        }
    }
}

/// Links a file without a name to `path`. By its descriptor before Linux 6.10 only a privileged
/// process can: others find the file in /proc.
fn link(fd: BorrowedFd<'_>, path: &str) -> io::Result<()> {
    match rustix::fs::linkat(fd, "", CWD, path, AtFlags::EMPTY_PATH) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(Errno::EXIST.into()),
        Err(_) => {
            let (folder, fd) = (proc_folder("/proc/self/fd")?, fd.as_raw_fd().to_string());
            Ok(rustix::fs::linkat(&folder, fd, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
        }
    }
}

/// Takes the lock HOLD, for as long as this open file has a descriptor anywhere.
fn hold(file: impl AsFd) -> Result<(), NameProblem> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&region(Lock::Hold, libc::F_RDLCK)))
        .map(drop)
        .map_err(|errno| NameProblem::os("F_OFD_SETLK", errno))
}

/// Whether the lock HOLD is held through another open file than this.
fn held(file: impl AsFd) -> Result<bool, NameProblem> {
    let mut lock = region(Lock::Hold, libc::F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))
        .map_err(|errno| NameProblem::os("F_OFD_GETLK", errno))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn region(lock: Lock, kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: lock as i64,
        l_len: 1,
        l_pid: 0,
    }
}

fn stat(file: impl AsFd) -> Result<Stat, NameProblem> {
    rustix::fs::fstat(file).map_err(|errno| NameProblem::os("fstat", errno))
}

/// Whether it is a file, and this user's.
fn is_usable(stat: &Stat) -> Result<(), NameProblem> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(NameProblem::NotAFile);
    }
    if !is_ours(stat) {
        return Err(NameProblem::Owner { owner: stat.st_uid });
    }
    Ok(())
}

fn is_ours(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}

/// Whether it is a file of this user's that has, had or could get a name.
pub(super) fn is_nameable(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && is_ours(stat)
        // A memfd is on a file system of the kernel's own.
        && rustix::fs::stat(FOLDER).is_ok_and(|folder| folder.st_dev == stat.st_dev)
}
