//! How many threads this process has, and whether it ever had more than one.

use std::ffi::c_char;
use std::io;

use rustix::io::Errno;

use crate::sys::{Stat, list_proc, read_proc};

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
    // What a process of one thread has already: the kernel refuses it to others, and does nothing. Without
    // it, an answer takes a hundred times as long.
    // SAFETY: it changes nothing.
    if unsafe { libc::unshare(libc::CLONE_THREAD) } == 0 {
        return Ok(1);
    }
    if Stat::own()?.threads == 1 {
        return Ok(1);
    }
    let mut alive = 0;
    for task in list_proc("/proc/self/task")? {
        let task = task?;
        let Ok(number) = task.file_name().to_str() else { continue };
        if number.starts_with('.') {
            continue;
        }
        match read_proc(&format!("/proc/self/task/{number}/stat")) {
            Ok(stat) => {
                alive += usize::from(Stat::parse(&stat).is_none_or(|stat| !stat.is_exiting()));
            }
            // It has ended: its file is gone by now, or what it told.
            Err(error)
                if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::SRCH)) => {}
            // No descriptor is left, for one: the thread may run.
            Err(error) => return Err(error),
        }
    }
    Ok(alive)
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
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_thread_that_was_joined_is_remembered() {
        std::thread::spawn(|| ()).join().expect("it does nothing");
        assert!(had_threads());
    }

    /// In a child with one thread more and room for one descriptor, by which the list of threads is read, but
    /// none of what is listed.
    #[test]
    fn a_thread_that_cannot_be_looked_at_is_not_overlooked() {
        let body = || {
            let parked = std::thread::Builder::new().spawn(|| {
                loop {
                    std::thread::park();
                }
            });
            let lowest = std::fs::File::open("/dev/null").map(|file| file.as_raw_fd());
            let (Ok(_), Ok(lowest)) = (parked, lowest) else { return false };
            let limit = libc::rlimit { rlim_cur: lowest as u64 + 1, rlim_max: lowest as u64 + 1 };
            // SAFETY: it only reads the limit.
            let is_set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } == 0;
            let refused = threads().map_err(|error| Errno::from_io_error(&error));
            is_set && refused == Err(Some(Errno::MFILE))
        };
        // SAFETY: the child runs `body`, which needs no lock but the allocator's, which glibc sees to, and
        // leaves.
        match unsafe { libc::fork() } {
            // SAFETY: it ends the child.
            0 => unsafe { libc::_exit(i32::from(!body())) },
            child => {
                let mut status = -1;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert_eq!(status, 0);
            }
        }
    }
}
