//! How many threads this process has, and whether it ever had more than one.

use std::ffi::c_char;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::sys::{Stat, descriptor, read_file};

unsafe extern "C" {
    /// Not 0 as long as glibc (2.32 or later) has made no thread in this process, nor in one that it
    /// was forked from.
    static mut __libc_single_threaded: c_char;
}

/// How many threads can run in this process.
///
/// One that has been joined can stay in the kernel's list for a moment, on its last steps there:
/// it does not come back to the program, holds none of its locks any more, and is not counted.
pub(crate) fn threads() -> io::Result<usize> {
    if Stat::parse(&read_file("/proc/self/stat")?).is_some_and(|stat| stat.threads == 1) {
        return Ok(1);
    }
    let mut alive = 0;
    for task in Dir::new(open_folder("/proc/self/task")?)? {
        let task = task?;
        let Ok(number) = task.file_name().to_str() else { continue };
        if number.starts_with('.') {
            continue;
        }
        // One whose entry is gone by now has ended.
        let Ok(stat) = read_file(&format!("/proc/self/task/{number}/stat")) else { continue };
        alive += usize::from(Stat::parse(&stat).is_none_or(|stat| !stat.is_exiting()));
    }
    Ok(alive)
}

fn open_folder(path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    descriptor(|| retry_on_intr(|| openat(CWD, path, flags, Mode::empty())))
}

/// Whether glibc has made a thread in this process, be it long gone, or in one that it was forked
/// from. Of a thread that was made past glibc, by a bare `clone`, nothing in glibc is left.
pub(crate) fn had_threads() -> bool {
    // SAFETY: a byte that glibc alone writes, when it makes a thread. Read once, as it is now: it
    // changes behind the compiler's back.
    unsafe { (&raw const __libc_single_threaded).read_volatile() == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_was_joined_is_remembered() {
        std::thread::spawn(|| ()).join().expect("it does nothing");
        assert!(had_threads());
    }
}
