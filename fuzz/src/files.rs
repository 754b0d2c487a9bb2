//! Descriptors that a peer may send.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use arbitrary::Arbitrary;
use rustix::fs::{MemfdFlags, SealFlags};

/// A descriptor that is valid, or nearly.
#[derive(Arbitrary, Debug)]
pub(super) enum Descriptor {
    Memfd {
        /// The size, if not that of the contents.
        size: Option<i64>,
        /// The seals, if not all that are needed.
        seals: Option<u32>,
        read_only: bool,
    },
    DevNull,
    Socket,
}

impl Descriptor {
    /// Opens it, with `contents` if it is a file.
    pub(super) fn open(&self, contents: &[u8]) -> OwnedFd {
        match *self {
            Descriptor::DevNull => File::open("/dev/null").unwrap().into(),
            Descriptor::Socket => std::os::unix::net::UnixStream::pair().unwrap().0.into(),
            Descriptor::Memfd { size, seals, read_only } => {
                let file = memfd(contents);
                if let Some(size) = size {
                    // It fails for a negative size; only pages that are touched take memory.
                    let _ = rustix::fs::ftruncate(&file, size as u64);
                }
                let all = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
                let seals = seals.map_or(all, SealFlags::from_bits_retain);
                // It fails for seals that do not exist.
                let _ = rustix::fs::fcntl_add_seals(&file, seals);
                if read_only {
                    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                    return File::open(path).unwrap().into();
                }
                file.into()
            }
        }
    }
}

/// A file in memory that may be sealed.
pub(super) fn memfd(contents: &[u8]) -> File {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(rustix::fs::memfd_create("fuzz", flags).unwrap());
    file.write_all_at(contents, 0).unwrap();
    file
}
