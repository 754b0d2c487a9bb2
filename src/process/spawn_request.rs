//! The request that a spawned process finds, which tells it that it is a child and what to do.
//!
//! ```text
//! parent                                          child (the same program, started afresh)
//! writes the request on a exchange                     before main, see entry.rs:
//! starts the program by a path that tells the     finds the number in the path,
//!   number of the exchange's descriptor (see          takes the request off the exchange,
//!   start_path.rs), which is the same there,      runs the function,
//! waits on the pidfd                              leaves the outcome on the same exchange, ends
//! reads the exchange
//! ```
//!
//! ```text
//! 0    what it is: MARK, then the version
//! 8    the name (image.rs) of the code that reads it; up to here, the same in every version
//! 16   the program whose names these are (image.rs)
//! 24   by what names the typed entry and the function are found
//! 40   length of the head
//! 48   the head: who the child is, what it is given                (ipc/codec)
//! …    the function's argument, to the end                         (ipc/codec)
//! ```

use std::os::fd::{AsRawFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::error::CodecError;
use crate::ipc::codec;
use crate::process::identity::Identity;
use crate::process::inherited::Inherited;

/// What a request begins with, in every version.
const MARK: &[u8] = b"mpchild";

const MAGIC: u64 = u64::from_le_bytes(*b"mpchild1");

/// Where the parts begin.
const HEAD: usize = 48;

/// The name of the code that reads this request, whatever its version; `None` if it is no request. A
/// program may have this crate twice, in two versions or once more in a library, and only the
/// sender's twin understands the rest.
pub(super) fn reader(bytes: &[u8]) -> Option<u64> {
    bytes.strip_prefix(MARK)?.get(1..)?.first_chunk().copied().map(u64::from_le_bytes)
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
    /// The descriptors that settings and argument bring; the same numbers in both processes. (A child that is
    /// not started by exec is given as many.)
    pub(super) fds: Vec<i32>,
    /// What the child is to have otherwise than its parent: [`Settings`](super::settings::Settings), which
    /// take their descriptors from `fds`, before the argument does. Empty where there are none.
    pub(super) settings: Vec<u8>,
    /// What exec hands on, for a child that is not started by it.
    pub(super) inherited: Option<Inherited>,
}

impl Head {
    pub(super) fn new(identity: Identity, settings: Vec<u8>, fds: &[OwnedFd]) -> Self {
        let fds = fds.iter().map(AsRawFd::as_raw_fd).collect();
        Head { identity, fds, settings, inherited: None }
    }
}

#[derive(Debug)]
pub(super) struct SpawnRequest {
    pub(super) reader: u64,
    /// The program that the names are of.
    pub(super) program: u64,
    pub(super) names: Names,
    pub(super) head: Head,
    pub(super) argument: Vec<u8>,
}

impl SpawnRequest {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, CodecError> {
        let head = codec::to_bytes(&self.head)?;
        let Names { entry, function } = self.names;
        let words = [MAGIC, self.reader, self.program, entry, function, head.len() as u64];
        let mut bytes = Vec::with_capacity(HEAD + head.len() + self.argument.len());
        words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes.extend(&head);
        bytes.extend(&self.argument);
        Ok(bytes)
    }

    /// The request, if it is one.
    pub(super) fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let (words, rest) = bytes.split_at_checked(HEAD)?;
        let mut words = words.as_chunks().0.iter().copied().map(u64::from_le_bytes);
        let mut word = || words.next();
        if word()? != MAGIC {
            return None;
        }
        let (reader, program) = (word()?, word()?);
        let names = Names { entry: word()?, function: word()? };
        let head_len = usize::try_from(word()?).ok()?;
        let head = codec::decode(rest.get(..head_len)?).ok()?;
        let argument = bytes.split_off(HEAD + head_len);
        Some(SpawnRequest { reader, program, names, head, argument })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> SpawnRequest {
        SpawnRequest {
            reader: 1,
            program: 4,
            names: Names { entry: 2, function: 3 },
            head: Head {
                identity: Identity::new(None, "1:2".into(), true),
                fds: vec![7, 9],
                settings: vec![4, 5],
                inherited: None,
            },
            argument: vec![1, 2, 3],
        }
    }

    #[test]
    fn a_request_arrives_as_it_was_written() {
        let read = SpawnRequest::from_bytes(request().to_bytes().unwrap()).unwrap();
        assert_eq!((read.reader, read.program), (1, 4));
        assert_eq!(read.names, request().names);
        assert_eq!(read.head.fds, [7, 9]);
        assert_eq!(read.head.settings, [4, 5]);
        assert_eq!(read.head.identity.name, "Process-1:2");
        assert_eq!(read.argument, [1, 2, 3]);
    }

    #[test]
    fn whose_a_request_is_can_be_told_in_every_version() {
        let mut bytes = request().to_bytes().unwrap();
        assert_eq!(reader(&bytes), Some(1));
        bytes[MARK.len()] = b'2';
        assert!(SpawnRequest::from_bytes(bytes.clone()).is_none());
        assert_eq!(reader(&bytes), Some(1));
        assert_eq!(reader(&bytes[..15]), None);
        bytes[0] ^= 1;
        assert_eq!(reader(&bytes), None);
    }

    #[test]
    fn what_is_no_request_is_not_read_as_one() {
        let bytes = request().to_bytes().unwrap();
        assert!(SpawnRequest::from_bytes(Vec::new()).is_none());
        assert!(SpawnRequest::from_bytes(bytes[..HEAD + 3].to_vec()).is_none());
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(SpawnRequest::from_bytes(other).is_none());
        let mut too_long = bytes;
        too_long[40..48].fill(0xff);
        assert!(SpawnRequest::from_bytes(too_long).is_none());
    }
}
