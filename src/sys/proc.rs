//! Files of /proc, which are believed only where they are the kernel's.
//!
//! Under a root of one's own (`chroot`), or with something mounted over it, /proc may be a folder like
//! others, with files that tell anything. Each file is asked itself, when it is open: the root may be
//! changed at any time.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Dir, Mode, OFlags, PROC_SUPER_MAGIC, fstat, fstatfs, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::sys::descriptor;
use crate::sys::fd::read_to_end;

/// Why a file of /proc is not used.
#[derive(Debug, thiserror::Error)]
enum ProcProblem {
    #[error("it is no file of the kernel's: mount /proc there (mount -t proc proc /proc)")]
    NotTheKernels,
    #[error("fstatfs, which tells whether it is a file of the kernel's, failed")]
    NotTold(#[source] Errno),
    #[error(
        "it tells of another process of that number: mount /proc of the PID namespace that this process \
         is in"
    )]
    OtherNamespace,
}

/// What is in a file of /proc.
pub(crate) fn read_proc(path: &str) -> io::Result<Vec<u8>> {
    read_to_end(&open_proc(path, OFlags::RDONLY)?)
}

/// What is in a file of /proc about the process, or the thread, of that number.
///
/// A /proc numbers processes as the PID namespace does that it was mounted for, which may be one around
/// that of this process.
pub(crate) fn read_proc_of(process: u32, file: &str) -> io::Result<Vec<u8>> {
    let file = open_proc(&format!("/proc/{process}/{file}"), OFlags::RDONLY)?;
    if !numbers_as_here(fstat(&file)?.st_dev)? {
        return Err(io::Error::new(io::ErrorKind::NotFound, ProcProblem::OtherNamespace));
    }
    read_to_end(&file)
}

/// Whether the /proc on that device, of which a file is open, numbers processes as this one does.
fn numbers_as_here(device: u64) -> io::Result<bool> {
    let status = open_proc("/proc/self/status", OFlags::RDONLY)?;
    if fstat(&status)?.st_dev != device {
        return Ok(false);
    }
    let status = read_to_end(&status)?;
    // A number for each namespace from that of /proc to that of this process.
    let numbers = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"NSpid:"));
    let count = |numbers: &[u8]| numbers.trim_ascii().split(u8::is_ascii_whitespace).count();
    Ok(numbers.map(count) == Some(1))
}

/// Writes to a file of /proc.
pub(crate) fn write_proc(path: &str, bytes: &[u8]) -> io::Result<()> {
    File::from(open_proc(path, OFlags::WRONLY)?).write_all(bytes)
}

/// A folder of /proc, to find files in it. (Some may not be read by the process that they tell of.)
pub(crate) fn proc_folder(path: &str) -> io::Result<OwnedFd> {
    open_proc(path, OFlags::PATH | OFlags::DIRECTORY)
}

/// What is in a folder of /proc.
pub(crate) fn list_proc(path: &str) -> io::Result<Dir> {
    Ok(Dir::new(open_proc(path, OFlags::RDONLY | OFlags::DIRECTORY)?)?)
}

fn open_proc(path: &str, access: OFlags) -> io::Result<OwnedFd> {
    // NONBLOCK: what is not the kernel's may be a pipe that nobody writes to.
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = descriptor(|| retry_on_intr(|| openat(CWD, path, flags, Mode::empty())))?;
    let refused = |kind, problem| Err(io::Error::new(kind, problem));
    match retry_on_intr(|| fstatfs(&file)) {
        Ok(system) if system.f_type == PROC_SUPER_MAGIC => Ok(file),
        // Nothing of the kernel's is there: as where there is no /proc.
        Ok(_) => refused(io::ErrorKind::NotFound, ProcProblem::NotTheKernels),
        Err(errno) => refused(io::Error::from(errno).kind(), ProcProblem::NotTold(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_kernels_is_refused() {
        assert!(!read_proc("/proc/self/stat").expect("there is /proc").is_empty());
        proc_folder("/proc/self/task").expect("there is /proc");
        for other in ["/dev/null", "/sys/kernel/notes", "/etc/hostname", "/proc/.."] {
            let why = read_proc(other).expect_err("it is no file of /proc");
            assert_eq!(why.kind(), io::ErrorKind::NotFound, "{other}: {why}");
            // It is not there at all on some machines.
            let is_told = why.to_string().contains("mount -t proc") || why.raw_os_error().is_some();
            assert!(is_told, "{other}: {why}");
        }
        assert!(proc_folder("/").is_err() && list_proc("/").is_err());
        assert!(write_proc("/dev/null", b"nothing").is_err());
    }

    /// Runs `body` in a child; gives its exit code.
    fn in_child(body: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child runs `body`, which needs no lock but the allocator's, which glibc sees to, and
        // leaves.
        match unsafe { libc::fork() } {
            // SAFETY: it ends the child.
            0 => unsafe { libc::_exit(body()) },
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                libc::WEXITSTATUS(status)
            }
        }
    }

    /// The first process of another namespace, which still sees the /proc of this one: there, 1 is another.
    #[test]
    fn what_is_told_of_another_process_of_that_number_is_refused() {
        const NO_NAMESPACE: i32 = 9;
        let here = std::process::id();
        assert!(!read_proc_of(here, "stat").expect("there is /proc").is_empty());
        let seen = in_child(|| {
            // SAFETY: the child has one thread, and nothing that has asked for its user.
            if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) } != 0 {
                return NO_NAMESPACE;
            }
            in_child(|| {
                let refused = |process| {
                    let read = read_proc_of(process, "stat");
                    read.is_err_and(|why| why.to_string().contains("of another process"))
                };
                let told = std::fs::exists("/proc/1/stat").is_ok_and(|there| there);
                i32::from(!(told && refused(1) && read_proc("/proc/self/stat").is_ok()))
            })
        });
        if seen == NO_NAMESPACE {
            let text = "SKIPPED: no namespaces here, so /proc numbers all processes alike\n";
            std::io::stderr().write_all(text.as_bytes()).expect("there is a standard error");
        } else {
            assert_eq!(seen, 0);
        }
    }
}
