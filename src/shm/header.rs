//! The first cache line of every mapping: what the memory holds, and for whom.
//!
//! ```text
//! 0    magic       this crate's, of every version
//! 8    version     of this layout, and of what lies behind it
//! 16   stamp       of the type (and the crate's version) that it was made for
//! 24   length      of the whole, in bytes
//! 32   PID namespace
//! 40   time namespace
//! 48   a random word, which no other memory has
//! ```
//!
//! It is written once, before anybody else knows of the memory.

use std::os::fd::AsFd;

use rustix::rand::GetRandomFlags;

use crate::error::{Error, NameProblem};
use crate::sys::{Namespace, now};

const MAGIC: u64 = u64::from_le_bytes(*b"mproc\0\0\0");

/// To be counted up when the header changes, or what a primitive has in memory.
const VERSION: u64 = 4;

/// What is asked about a namespace.
const STAT: &str = "stat of a file in /proc/self/ns";

#[repr(C, align(64))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    magic: u64,
    version: u64,
    stamp: u64,
    bytes: u64,
    namespaces: [u64; 2],
    random: u64,
}

impl Header {
    /// That of memory of `bytes` bytes, this header included.
    pub(super) fn new(bytes: usize, stamp: u64) -> Result<Self, Error> {
        let mut namespaces = [0; 2];
        for (namespace, number) in Namespace::ALL.into_iter().zip(&mut namespaces) {
            *number = namespace.own().map_err(|source| Error::os(STAT, source))?;
        }
        let (bytes, random) = (bytes as u64, random());
        Ok(Header { magic: MAGIC, version: VERSION, stamp, bytes, namespaces, random })
    }

    /// The header of a file, if this very layout of this crate is there.
    ///
    /// It is read by a system call and once: a file that is cut short meanwhile ends the read, not
    /// the process, and what was checked does not change any more.
    pub(super) fn read(file: impl AsFd) -> Result<Self, NameProblem> {
        let mut bytes = [0; size_of::<Self>()];
        let there = rustix::io::retry_on_intr(|| rustix::io::pread(&file, &mut bytes, 0))
            .map_err(|errno| NameProblem::os("pread", errno))?;
        long_enough(there as u64)?;
        let (words, _) = bytes.as_chunks();
        let word = |at: usize| u64::from_ne_bytes(words[at]);
        let header = Header {
            magic: word(0),
            version: word(1),
            stamp: word(2),
            bytes: word(3),
            namespaces: [word(4), word(5)],
            random: word(6),
        };
        if header.magic != MAGIC {
            return Err(NameProblem::Foreign);
        }
        if header.version != VERSION {
            return Err(NameProblem::Version { found: header.version, ours: VERSION });
        }
        Ok(header)
    }

    /// Whether it is that of a file of `bytes` bytes, made for `stamp`, among processes that know
    /// this one by its number.
    pub(super) fn check(&self, bytes: u64, stamp: u64) -> Result<(), NameProblem> {
        // Again, since the file may have become another length since it was read.
        long_enough(bytes)?;
        if self.bytes != bytes {
            return Err(NameProblem::Resized { bytes, made: self.bytes });
        }
        if self.stamp != stamp {
            return Err(NameProblem::Type);
        }
        // Processes know each other by numbers, which mean something else in another namespace:
        // memory is not shared across.
        for (namespace, made_in) in Namespace::ALL.into_iter().zip(self.namespaces) {
            let own = namespace.own().map_err(|source| NameProblem::os(STAT, source))?;
            if own != made_in {
                return Err(match namespace {
                    Namespace::Pid => NameProblem::PidNamespace,
                    Namespace::Time => NameProblem::TimeNamespace,
                });
            }
        }
        Ok(())
    }
}

fn long_enough(bytes: u64) -> Result<(), NameProblem> {
    let needed = size_of::<Header>() as u64;
    if bytes < needed { Err(NameProblem::TooShort { bytes, needed }) } else { Ok(()) }
}

/// A number that nobody else has, and nobody guesses. Where the system gives none, the time: then two
/// are still different, if not a secret.
fn random() -> u64 {
    let mut bytes = [0; size_of::<u64>()];
    match rustix::rand::getrandom(&mut bytes, GetRandomFlags::NONBLOCK) {
        Ok(given) if given == bytes.len() => u64::from_ne_bytes(bytes),
        _ => {
            let now = now();
            (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
        }
    }
}
