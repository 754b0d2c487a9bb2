//! What a process may not make larger.

use std::io;

/// Memory that processes share is a file, as is what goes to a child or comes from it, and a long
/// message of a pipe; and this process may make no file of that length (`ulimit -f`, RLIMIT_FSIZE).
///
/// In an [`io::Error`] it is of the kind [`FileTooLarge`](io::ErrorKind::FileTooLarge).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} bytes are more than the {limit} that this process may write to a file, also to one \
     in memory: raise its limit (`ulimit -f`, RLIMIT_FSIZE), or ask for less"
)]
#[non_exhaustive]
pub struct FileSizeLimit {
    /// Bytes that the file would have.
    pub needed: u64,
    /// Bytes that this process's files may have.
    pub limit: u64,
}

impl FileSizeLimit {
    pub(crate) fn new(needed: u64, limit: u64) -> Self {
        FileSizeLimit { needed, limit }
    }
}

impl From<FileSizeLimit> for io::Error {
    fn from(limit: FileSizeLimit) -> Self {
        io::Error::new(io::ErrorKind::FileTooLarge, limit)
    }
}
