//! How many threads this process has, and whether it ever had more than one.

use std::ffi::c_char;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::sys::{descriptor, read_file};

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
    let count: usize = field(&read("/proc/self/stat")?, 20).unwrap_or(usize::MAX);
    if count == 1 {
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
        let Ok(stat) = read(&format!("/proc/self/task/{number}/stat")) else { continue };
        let flags: Option<u32> = field(&stat, 9);
        alive += usize::from(flags.is_none_or(|flags| flags & PF_EXITING == 0));
    }
    Ok(alive)
}

fn read(path: &str) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_file(path)?).into_owned())
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

/// The kernel's flag of a thread that is on its last steps.
const PF_EXITING: u32 = 4;

/// Field `number` of a `stat` file, as proc(5) counts them: from 1, and the second is a name in
/// parentheses that may hold anything.
fn field<T: std::str::FromStr>(stat: &str, number: usize) -> Option<T> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_stat_file_are_found_behind_any_name() {
        let stat = "7 (a) (b) S 1 2 3 4 5 64 7 8 9 10 11 12 13 14 15 16 3 18";
        assert_eq!(field(stat, 9), Some(64));
        assert_eq!(field(stat, 20), Some(3));
        assert_eq!(field::<u32>("7 (a", 9), None);
    }

    #[test]
    fn a_thread_that_was_joined_is_remembered() {
        std::thread::spawn(|| ()).join().expect("it does nothing");
        assert!(had_threads());
    }
}
