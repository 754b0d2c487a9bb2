//! What is in a file of memory that a peer may have made.

use std::os::fd::AsFd;

use rustix::fs::FileType;
use rustix::io::Errno;

/// How many bytes `file` has, if it has memory for all of them: `None` when it has holes. Such a
/// file claims more than its maker had to have, and whoever believed it would run out of memory.
pub(crate) fn bytes_present(file: impl AsFd) -> Result<Option<usize>, Errno> {
    let stat = rustix::fs::fstat(file)?;
    let present = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    let claimed = u64::try_from(stat.st_size).ok().filter(|&claimed| claimed <= present);
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok(claimed.filter(|_| regular).and_then(|claimed| usize::try_from(claimed).ok()))
}
