//! What is wrong with a name of shared memory.

use std::io;

/// Why a name of shared memory could not be used: part of [`Error::Name`](crate::Error::Name).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// It cannot be a name.
    #[error("a name has from 1 to 200 bytes, none of which is '/' or NUL")]
    Invalid,
    /// Nothing has this name.
    #[error("there is none of this name: create it first, or has it been unlinked?")]
    NotFound,
    /// A living process holds the memory of this name.
    #[error("the name is in use: open it, or unlink it first if the memory should be another")]
    InUse,
    /// The memory is there, but every process that held it has let go of it or has ended.
    #[error("nobody holds it any more: create it anew, or unlink it")]
    Abandoned,
    /// The file's mode, or that of its folder, does not let this process read and write.
    #[error("this process may not read and write its file: see its mode, and that of /dev/shm")]
    NoPermission,
    /// The file is another user's, who could do anything to it: it is not used.
    #[error("its file belongs to user {owner}: only processes of one user share a name")]
    Owner {
        /// The number of the file's user.
        owner: u32,
    },
    /// There is a directory, a link or the like where the file should be.
    #[error("what is there is no regular file: remove it, or choose another name")]
    NotAFile,
    /// The file is empty or cut short, or was never memory of this crate.
    #[error(
        "its file of {bytes} bytes has no room for a header of {needed}: something has cut it \
         short, or it is another program's; unlink it if nobody needs it"
    )]
    TooShort {
        /// Bytes of the file.
        bytes: u64,
        /// Bytes of a header.
        needed: u64,
    },
    /// The file is not memory of this crate.
    #[error("its file is another program's: choose another name, or unlink it if nobody needs it")]
    Foreign,
    /// A version of this crate has made it that puts things in other places.
    #[error(
        "its layout has version {found}, and this program's multiproc has {ours}: build both \
         programs with one version, or unlink it when its users have ended"
    )]
    Version {
        /// The version that was found.
        found: u64,
        /// The version that this program knows.
        ours: u64,
    },
    /// The file is not as long as it was made.
    #[error("it was made with {made} bytes and now has {bytes}: something has resized it")]
    Resized {
        /// Bytes that it has.
        bytes: u64,
        /// Bytes that it was made with.
        made: u64,
    },
    /// It was made for another type, for one that lies otherwise in memory, or by another version of
    /// this crate.
    #[error(
        "it was made for another type, or by another version of multiproc: both programs need \
         the same type, from the same version of the same crate, and one compiler if it has tuples"
    )]
    Type,
    /// It was made in another PID namespace (another container): locks know their owners by number.
    #[error("it was made in another PID namespace: start both programs in one")]
    PidNamespace,
    /// It was made in another time namespace: a process is told from the next of its number by when
    /// it started.
    #[error("it was made in another time namespace: start both programs in one")]
    TimeNamespace,
    /// The operating system refused a call.
    #[error("{call} failed")]
    Os {
        /// The call.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

impl NameProblem {
    pub(crate) fn os(call: &'static str, source: impl Into<io::Error>) -> Self {
        NameProblem::Os { call, source: source.into() }
    }
}
