//! What is missing in a machine: a folder, by an empty one in its place, for this process and its
//! children alone.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::ptr::null;

use rustix::process::{getegid, geteuid};

/// Folders that a sandbox may not have.
pub(crate) const FOLDERS: &[&CStr] = &[c"/proc", c"/dev/shm"];

/// Puts an empty folder in its place, into which nobody can write. The process must have one thread;
/// its rights are those of namespaces of its own.
pub(crate) fn hide(folder: &CStr) -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    // SAFETY: the process has one thread, and nothing in it has asked who it is or what is mounted.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) })?;
    // Without these it could make no file: its user would be nobody's.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{0} {0} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("{0} {0} 1", group.as_raw()))?;
    let kind = c"tmpfs".as_ptr();
    // SAFETY: the strings end with a NUL, and this kind of file system takes no data.
    check(unsafe { libc::mount(kind, folder.as_ptr(), kind, libc::MS_RDONLY, null()) })
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
