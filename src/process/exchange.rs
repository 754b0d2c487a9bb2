//! The exchange that goes between a child and its parent: a piece of memory without a name.
//!
//! For a child that is spawned it carries the request there (see `spawn_request.rs`), for every child the
//! outcome back. The parent reads it when the child has ended, so an outcome of any size waits
//! for nobody; and the child's last write is the one that makes it valid, so one that was killed
//! in between has left no outcome, rather than half of one.
//!
//! ```text
//! 0   what it is: 0 nothing yet, or one of the numbers below    (written last)
//! 8   the outcome, to the end
//! ```
//!
//! # Who begins
//!
//! A child runs nothing of the user's before its parent holds a descriptor of it (a pidfd). A child
//! that has not begun has not ended either, so nobody can have waited for it: its number is its own
//! still. And where the parent gets no descriptor, it says that the start has failed, and that is
//! true: without the parent's word the child ends by itself, and needs no signal.
//!
//! | parent | child |
//! |---|---|
//! | locks the exchange's file (`F_SETLK`), as it makes the exchange | |
//! | forks or spawns | waits for the lock |
//! | has a pidfd: gives the file the mode [`BEGIN`], unlocks | |
//! | has none: closes the file, which unlocks it, too | |
//! | | begins if the mode is [`BEGIN`], else ends |
//!
//! The lock is the parent process's alone: a fork does not inherit it, and the kernel takes it off
//! when the parent ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, fchmod, fcntl_lock, fstat};
use rustix::io::{Errno, FdFlags, retry_on_intr};

use crate::error::{CodecError, Error, FileSizeLimit};
use crate::ipc::codec;
use crate::process::settings::NotSetUp;
use crate::process::spawn_request;
use crate::runtime::{Panic, prefix};
use crate::sys::{bytes_present, file_fits, memory_file, note_alloc_failure};

const RETURNED: u64 = u64::from_le_bytes(*b"returned");
const PANICKED: u64 = u64::from_le_bytes(*b"panicked");
const NOT_READ: u64 = u64::from_le_bytes(*b"not read");
const NOT_SENT: u64 = u64::from_le_bytes(*b"not sent");
const OUTSIDE: u64 = u64::from_le_bytes(*b"outside ");
const NOT_SET_UP: u64 = u64::from_le_bytes(*b"not set ");
const OUT_OF_MEMORY: u64 = u64::from_le_bytes(*b"no room ");

/// The mode of the file of a exchange whose child may begin. No file is made with this one, which has
/// the sticky bit: of a file it says nothing else.
const BEGIN: Mode = PLAIN.union(Mode::SVTX);

/// The mode of one whose child may not.
const PLAIN: Mode = Mode::RUSR.union(Mode::WUSR);

/// `fcntl`'s command that locks, and unlocks, without a wait.
const SETLK: &str = "fcntl (F_SETLK)";

/// Between two looks, where the kernel does not wait.
const PAUSE: Duration = Duration::from_millis(5);

const BODY: u64 = size_of::<u64>() as u64;

/// For so many bytes there must be room, so that a child can say at least that there is no more.
const LEAST: usize = 512;

/// What a child's function came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It returned; this is the value, as bytes.
    Returned(Vec<u8>),
    /// It panicked.
    Panicked(Panic),
    /// It never ran: its argument could not be read.
    NotRead(CodecError),
    /// It returned what cannot be written down.
    NotSent(CodecError),
    /// It never ran: the child is in another PID namespace than its parent.
    Outside,
    /// It never ran: the child is not as its builder says.
    NotSetUp(NotSetUp),
    /// The child has aborted, since an allocation failed.
    OutOfMemory,
}

impl Outcome {
    /// What is left in its stead where it is longer than `limit` allows; `None` where there is nothing
    /// shorter.
    fn shorter(&self, limit: FileSizeLimit) -> Option<Outcome> {
        let why = || CodecError::NotCarried(limit.to_string());
        match self {
            Outcome::Panicked(Panic { message, location }) if !message.is_empty() => {
                let surplus = usize::try_from(limit.needed - limit.limit).unwrap_or(usize::MAX);
                let left = prefix(message, message.len().saturating_sub(surplus));
                let (message, location) = (left.to_owned(), location.clone());
                Some(Outcome::Panicked(Panic { message, location }))
            }
            Outcome::Panicked(_) | Outcome::Outside => None,
            Outcome::NotSetUp(_) | Outcome::OutOfMemory => None,
            // It says already that there is no room, or is as short.
            Outcome::NotRead(CodecError::NotCarried(_)) => None,
            Outcome::NotSent(CodecError::NotCarried(_)) => None,
            Outcome::NotRead(_) => Some(Outcome::NotRead(why())),
            Outcome::NotSent(_) | Outcome::Returned(_) => Some(Outcome::NotSent(why())),
        }
    }
}

/// Why a exchange was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// The system refused a call.
    #[error("{0} failed: {1}")]
    Os(&'static str, io::Error),
    /// Its file claims more bytes than it has.
    #[error("what it left has holes")]
    Holes,
    #[error(transparent)]
    FileSizeLimit(#[from] FileSizeLimit),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

fn os<E: Into<io::Error>>(call: &'static str) -> impl Fn(E) -> ExchangeError {
    move |error| ExchangeError::Os(call, error.into())
}

#[derive(Debug)]
pub(super) struct Exchange(File);

impl Exchange {
    /// A exchange for a child that is about to be started. The child begins at [`Exchange::release`], or ends
    /// when this is dropped.
    pub(super) fn new() -> Result<Self, Error> {
        file_fits(LEAST)?;
        let made = memory_file("multiproc-child");
        let exchange = Exchange(made.map_err(|(call, errno)| Error::os(call, errno))?.into());
        let lock = || fcntl_lock(&exchange.0, FlockOperation::NonBlockingLockExclusive);
        retry_on_intr(lock).map_err(|errno| Error::os(SETLK, errno))?;
        Ok(exchange)
    }

    /// One that the request stands on.
    pub(super) fn with_request(bytes: &[u8]) -> Result<Self, Error> {
        let exchange = Self::new()?;
        file_fits(bytes.len())?;
        exchange.write(bytes)?;
        Ok(exchange)
    }

    /// By the parent: the child is to begin.
    pub(super) fn release(&self) -> Result<(), Error> {
        let mode = |mode| retry_on_intr(|| fchmod(&self.0, mode));
        mode(BEGIN).map_err(|errno| Error::os("fchmod", errno))?;
        self.unlock().map_err(|errno| {
            // It has not been released, and will not be.
            let _ = mode(PLAIN);
            Error::os(SETLK, errno)
        })
    }

    /// An unlock of the whole needs no memory: only a sandbox refuses it, and one that came since the
    /// lock. (By F_SETLK, as the lock: there is no wait.)
    fn unlock(&self) -> Result<(), Errno> {
        retry_on_intr(|| fcntl_lock(&self.0, FlockOperation::NonBlockingUnlock))
    }

    /// By the child, before it does anything of the user's: waits for its parent's word. False when
    /// there will be none; an error when it cannot be heard.
    pub(super) fn await_release(&self) -> Result<bool, ExchangeError> {
        loop {
            match fcntl_lock(&self.0, FlockOperation::LockShared) {
                Ok(()) => break,
                Err(Errno::INTR) => continue,
                // There is no memory for a wait, or a sandbox does not let it wait.
                Err(_) => {}
            }
            match fcntl_lock(&self.0, FlockOperation::NonBlockingLockShared) {
                Ok(()) => break,
                Err(Errno::AGAIN | Errno::ACCESS | Errno::INTR | Errno::NOLCK) => {}
                Err(errno) => return Err(os(SETLK)(errno)),
            }
            std::thread::sleep(PAUSE);
        }
        // Nobody waits for this one; and it is gone when the process ends.
        let _ = self.unlock();
        let stat = fstat(&self.0).map_err(os("fstat"))?;
        Ok(Mode::from_raw_mode(stat.st_mode) == BEGIN)
    }

    pub(super) fn from_fd(fd: OwnedFd) -> Self {
        Exchange(fd.into())
    }

    /// Keeps an inherited exchange from the programs that this process starts.
    pub(super) fn keep_to_itself(&self) -> Result<(), ExchangeError> {
        rustix::io::fcntl_setfd(&self.0, FdFlags::CLOEXEC).map_err(os("fcntl (F_SETFD)"))
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// All that is on it. Whoever wrote it may have claimed anything.
    pub(super) fn read(&self) -> Result<Vec<u8>, ExchangeError> {
        let len = bytes_present(&self.0).map_err(os("fstat"))?.ok_or(ExchangeError::Holes)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(os("malloc"))?;
        bytes.resize(len, 0);
        self.0.read_exact_at(&mut bytes, 0).map_err(os("pread"))?;
        Ok(bytes)
    }

    /// Whether what is on it has at most so many bytes.
    pub(super) fn holds_at_most(&self, bytes: u64) -> bool {
        self.0.metadata().is_ok_and(|metadata| metadata.len() <= bytes)
    }

    /// By the parent, before there is a child.
    fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.0.write_all_at(bytes, 0).map_err(|source| Error::os("pwrite", source))
    }

    fn write_at(&self, bytes: &[u8], place: u64) -> Result<(), ExchangeError> {
        self.0.write_all_at(bytes, place).map_err(os("pwrite"))
    }

    /// Takes off what is there. The memory is free again.
    pub(super) fn clear(&self) -> Result<(), ExchangeError> {
        self.0.set_len(0).map_err(os("ftruncate"))
    }

    /// By a child, before it begins: when it aborts because an allocation has failed, that is its
    /// outcome.
    pub(super) fn note_alloc_failure(&self) -> Result<(), (&'static str, Errno)> {
        note_alloc_failure(&self.0, u64::from_ne_bytes(OUT_OF_MEMORY.to_le_bytes()))
    }

    /// Whether the request is still there: the child has not come to take it.
    pub(super) fn holds_request(&self) -> bool {
        let mut start = [0; 16];
        self.0.read_exact_at(&mut start, 0).is_ok() && spawn_request::reader(&start).is_some()
    }

    /// Leaves the outcome in place of whatever is there.
    pub(super) fn leave(&self, outcome: &Outcome) -> Result<(), ExchangeError> {
        let (kind, body) = match outcome {
            Outcome::Returned(value) => (RETURNED, value),
            Outcome::Panicked(panic) => (PANICKED, &codec::to_bytes(panic)?),
            Outcome::NotRead(why) => (NOT_READ, &codec::to_bytes(why)?),
            Outcome::NotSent(why) => (NOT_SENT, &codec::to_bytes(why)?),
            Outcome::Outside => (OUTSIDE, &Vec::new()),
            Outcome::NotSetUp(why) => (NOT_SET_UP, &codec::to_bytes(why)?),
            Outcome::OutOfMemory => (OUT_OF_MEMORY, &Vec::new()),
        };
        if let Err(limit) = file_fits(BODY as usize + body.len()) {
            return self.leave(&outcome.shorter(limit).ok_or(limit)?);
        }
        self.clear()?;
        self.write_at(body, BODY)?;
        self.write_at(&kind.to_le_bytes(), 0)
    }

    /// What the child left; `None` when it did not come to that.
    pub(super) fn outcome(&self) -> Result<Option<Outcome>, ExchangeError> {
        let mut bytes = self.read()?;
        let Some(kind) = bytes.first_chunk().copied().map(u64::from_le_bytes) else {
            return Ok(None);
        };
        let body = bytes.split_off(BODY as usize);
        Ok(match kind {
            RETURNED => Some(Outcome::Returned(body)),
            PANICKED => codec::decode(&body).ok().map(Outcome::Panicked),
            NOT_READ => Some(Outcome::NotRead(codec::decode(&body).unwrap_or_else(|error| error))),
            NOT_SENT => Some(Outcome::NotSent(codec::decode(&body).unwrap_or_else(|error| error))),
            OUTSIDE => Some(Outcome::Outside),
            NOT_SET_UP => codec::decode(&body).ok().map(Outcome::NotSetUp),
            OUT_OF_MEMORY => Some(Outcome::OutOfMemory),
            _ => None,
        })
    }
}

impl AsFd for Exchange {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_comes_back_whole_whatever_was_there_before() {
        let exchange = Exchange::new().unwrap();
        exchange.write(&[7; 100]).unwrap();
        assert!(exchange.outcome().unwrap().is_none());
        exchange.leave(&Outcome::Returned(vec![1, 2, 3])).unwrap();
        let Some(Outcome::Returned(value)) = exchange.outcome().unwrap() else { panic!() };
        assert_eq!(value, [1, 2, 3]);
    }

    #[test]
    fn what_claims_more_than_there_is_is_refused() {
        let exchange = Exchange::new().unwrap();
        exchange.leave(&Outcome::Returned(vec![1, 2, 3])).unwrap();
        exchange.0.set_len(1 << 50).unwrap();
        assert_eq!(exchange.outcome().unwrap_err().to_string(), "what it left has holes");
    }

    #[test]
    fn a_child_begins_when_it_is_released_and_not_when_its_page_is_dropped() {
        fn begins(decide: fn(Exchange)) -> bool {
            let exchange = Exchange::new().unwrap();
            // SAFETY: the child calls the kernel, and nothing else.
            match unsafe { libc::fork() } {
                // SAFETY: it ends the child.
                0 => unsafe { libc::_exit(i32::from(exchange.await_release().unwrap())) },
                child => {
                    decide(exchange);
                    let mut status = 0;
                    // SAFETY: there is room for a status.
                    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1
                }
            }
        }
        for _ in 0..20 {
            assert!(begins(|exchange| exchange.release().unwrap()));
            assert!(!begins(drop));
        }
    }

    #[test]
    fn what_was_not_made_valid_is_no_outcome() {
        let exchange = Exchange::new().unwrap();
        assert!(exchange.outcome().unwrap().is_none());
        exchange.0.write_all_at(b"half of a value", BODY).unwrap();
        assert!(exchange.outcome().unwrap().is_none());
    }
}
