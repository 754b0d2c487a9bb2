//! The page that goes between a child and its parent: a piece of memory without a name.
//!
//! For a child that is spawned it carries the letter there (see `letter.rs`), for every child the
//! outcome back. The parent reads it when the child has ended, so an outcome of any size waits
//! for nobody; and the child's last write is the one that makes it valid, so one that was killed
//! in between has left no outcome, rather than half of one.
//!
//! ```text
//! 0   what it is: 0 nothing yet, or one of the numbers below    (written last)
//! 8   the outcome, to the end
//! ```

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

use rustix::io::FdFlags;

use crate::error::Error;
use crate::process::letter;
use crate::process::panics::Panic;
use crate::sys::{bytes_present, file_fits, memory_file};

const RETURNED: u64 = u64::from_le_bytes(*b"returned");
const PANICKED: u64 = u64::from_le_bytes(*b"panicked");
const NOT_READ: u64 = u64::from_le_bytes(*b"not read");
const NOT_SENT: u64 = u64::from_le_bytes(*b"not sent");

const BODY: u64 = size_of::<u64>() as u64;

/// What a child's function came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It returned; this is the value, as bytes.
    Returned(Vec<u8>),
    /// It panicked.
    Panicked(Panic),
    /// It never ran: its argument could not be read.
    NotRead(String),
    /// It returned what cannot be written down.
    NotSent(String),
}

#[derive(Debug)]
pub(super) struct Page(File);

impl Page {
    pub(super) fn new() -> Result<Self, Error> {
        let made = memory_file("multiproc-child");
        let fd = made.map_err(|(call, errno)| Error::os(call, errno))?;
        Ok(Page(fd.into()))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> Self {
        Page(fd.into())
    }

    /// Keeps an inherited page from the programs that this process starts.
    pub(super) fn keep_to_itself(&self) -> io::Result<()> {
        Ok(rustix::io::fcntl_setfd(&self.0, FdFlags::CLOEXEC)?)
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// All that is on it. Whoever wrote it may have claimed anything.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let holes = || io::Error::other("what it left has holes");
        let len = bytes_present(&self.0)?.ok_or_else(holes)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        bytes.resize(len, 0);
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, 0)
    }

    /// Takes off what is there. The memory is free again.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.0.set_len(0)
    }

    /// Whether the letter is still there: the child has not come to take it.
    pub(super) fn holds_letter(&self) -> bool {
        let mut start = [0; 16];
        self.0.read_exact_at(&mut start, 0).is_ok() && letter::reader(&start).is_some()
    }

    /// Leaves the outcome in place of whatever is there.
    pub(super) fn leave(&self, outcome: &Outcome) -> io::Result<()> {
        let (kind, body) = match outcome {
            Outcome::Returned(value) => (RETURNED, value),
            Outcome::Panicked(panic) => {
                (PANICKED, &postcard::to_stdvec(panic).map_err(io::Error::other)?)
            }
            Outcome::NotRead(why) => (NOT_READ, &why.clone().into_bytes()),
            Outcome::NotSent(why) => (NOT_SENT, &why.clone().into_bytes()),
        };
        let fits = file_fits(BODY as usize + body.len());
        if let (Outcome::Returned(_), Err(limit)) = (outcome, fits) {
            return self.leave(&Outcome::NotSent(limit.to_string()));
        }
        fits?;
        self.0.set_len(0)?;
        self.0.write_all_at(body, BODY)?;
        self.0.write_all_at(&kind.to_le_bytes(), 0)
    }

    /// What the child left; `None` when it did not come to that.
    pub(super) fn outcome(&self) -> io::Result<Option<Outcome>> {
        let mut bytes = self.read()?;
        let Some(kind) = bytes.first_chunk().copied().map(u64::from_le_bytes) else {
            return Ok(None);
        };
        let body = bytes.split_off(BODY as usize);
        Ok(match kind {
            RETURNED => Some(Outcome::Returned(body)),
            PANICKED => postcard::from_bytes(&body).ok().map(Outcome::Panicked),
            NOT_READ => Some(Outcome::NotRead(String::from_utf8_lossy(&body).into_owned())),
            NOT_SENT => Some(Outcome::NotSent(String::from_utf8_lossy(&body).into_owned())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_comes_back_whole_whatever_was_there_before() {
        let page = Page::new().unwrap();
        page.write(&[7; 100]).unwrap();
        assert!(page.outcome().unwrap().is_none());
        page.leave(&Outcome::Returned(vec![1, 2, 3])).unwrap();
        let Some(Outcome::Returned(value)) = page.outcome().unwrap() else { panic!() };
        assert_eq!(value, [1, 2, 3]);
    }

    #[test]
    fn what_claims_more_than_there_is_is_refused() {
        let page = Page::new().unwrap();
        page.leave(&Outcome::Returned(vec![1, 2, 3])).unwrap();
        page.0.set_len(1 << 50).unwrap();
        assert_eq!(page.outcome().unwrap_err().to_string(), "what it left has holes");
    }

    #[test]
    fn what_was_not_made_valid_is_no_outcome() {
        let page = Page::new().unwrap();
        assert!(page.outcome().unwrap().is_none());
        page.0.write_all_at(b"half of a value", BODY).unwrap();
        assert!(page.outcome().unwrap().is_none());
    }
}
