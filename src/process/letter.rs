//! The letter that a spawned process finds, which tells it that it is a child and what to do.
//!
//! ```text
//! parent                                          child (the same program, started afresh)
//! writes the letter on a page                     before main, see entry.rs:
//! starts /proc/self/exe with the page's           finds the number, forgets the variable,
//!   descriptor under the same number, and         reads the letter,
//!   MULTIPROC_CHILD=<that number>@<reader>        runs the function,
//! waits on the pidfd                              leaves the outcome on the same page, ends
//! reads the page
//! ```
//!
//! ```text
//! 0    what it is: MAGIC, which also names the version
//! 8    by what names the typed entry and the function are found (image.rs)
//! 24   length of the head
//! 32   the head: who the child is, which descriptors it was given  (postcard)
//! …    the function's argument, to the end                         (postcard)
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::process::identity::Identity;

/// The variable that tells of the letter: see [`Address`].
pub(super) const VARIABLE: &str = "MULTIPROC_CHILD";

const MAGIC: u64 = u64::from_le_bytes(*b"mpletter");

/// Where the parts begin.
const HEAD: usize = 32;

/// Where the letter is, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The number of its descriptor.
    pub(super) fd: i32,
    /// The name of the code that reads it: a program may have this crate twice, in two versions or
    /// once more in a library, and only the sender's twin understands the letter.
    pub(super) reader: u64,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:x}", self.fd, self.reader)
    }
}

impl Address {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (fd, reader) = text.split_once('@')?;
        // The first three are the standard streams.
        let fd = fd.parse().ok().filter(|&fd| fd > 2)?;
        Some(Address { fd, reader: u64::from_str_radix(reader, 16).ok()? })
    }
}

/// What the child is to run, by names that [`Image`](super::image::Image) resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The code that knows the types.
    pub(super) entry: u64,
    /// The user's function.
    pub(super) function: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) identity: Identity,
    /// The descriptors that the argument brings; the same numbers in both processes.
    pub(super) fds: Vec<i32>,
}

#[derive(Debug)]
pub(super) struct Letter {
    pub(super) names: Names,
    pub(super) head: Head,
    pub(super) argument: Vec<u8>,
}

impl Letter {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        let head = postcard::to_stdvec(&self.head)?;
        let Names { entry, function } = self.names;
        let words = [MAGIC, entry, function, head.len() as u64];
        let mut bytes = Vec::with_capacity(HEAD + head.len() + self.argument.len());
        words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes.extend(&head);
        bytes.extend(&self.argument);
        Ok(bytes)
    }

    /// The letter, if it is one.
    pub(super) fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let (words, rest) = bytes.split_at_checked(HEAD)?;
        let mut words = words.as_chunks().0.iter().copied().map(u64::from_le_bytes);
        let mut word = || words.next();
        if word()? != MAGIC {
            return None;
        }
        let names = Names { entry: word()?, function: word()? };
        let head_len = usize::try_from(word()?).ok()?;
        let head = postcard::from_bytes(rest.get(..head_len)?).ok()?;
        let argument = bytes.split_off(HEAD + head_len);
        Some(Letter { names, head, argument })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            names: Names { entry: 2, function: 3 },
            head: Head { identity: Identity::new(None, "1:2".into(), true), fds: vec![7, 9] },
            argument: vec![1, 2, 3],
        }
    }

    #[test]
    fn a_letter_arrives_as_it_was_written() {
        let read = Letter::from_bytes(letter().to_bytes().unwrap()).unwrap();
        assert_eq!(read.names, letter().names);
        assert_eq!(read.head.fds, [7, 9]);
        assert_eq!(read.head.identity.name, "Process-1:2");
        assert_eq!(read.argument, [1, 2, 3]);
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let address = Address { fd: 7, reader: 0xabc };
        assert_eq!(address.to_string(), "7@abc");
        assert_eq!(Address::parse("7@abc"), Some(address));
        for wrong in ["", "7", "@", "7@", "@abc", "2@abc", "-7@abc", "7@xyz", "7@abc@"] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_letter_is_not_read_as_one() {
        let bytes = letter().to_bytes().unwrap();
        assert!(Letter::from_bytes(Vec::new()).is_none());
        assert!(Letter::from_bytes(bytes[..HEAD + 3].to_vec()).is_none());
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(Letter::from_bytes(other).is_none());
        let mut too_long = bytes;
        too_long[24..32].fill(0xff);
        assert!(Letter::from_bytes(too_long).is_none());
    }
}
