//! Whether a thread that a lock names as its owner can still hold it.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, getpgid, pidfd_open};

use crate::sys::{Deadline, Stat, descriptor, poll, read_proc, read_proc_of};

/// Whether no thread of the machine has the number `tid` (as this PID namespace counts), or only
/// what is left of a process until its parent has waited for it.
///
/// Where the system does not tell (it denies these calls, or is short of descriptors), the thread is
/// taken to live: of several ways to ask, the next is tried, and those who wait ask again.
pub(super) fn has_ended(tid: u32) -> bool {
    let Some(thread) = Pid::from_raw(tid as i32) else { return true };
    // A thread that is not its process's first goes when it ends; a process stays as a zombie.
    !is_there(thread) || is_left_over(thread).unwrap_or(false)
}

/// Whether there is a thread of that number, be it a zombie, or on its last steps in the kernel.
pub(super) fn exists(tid: u32) -> bool {
    Pid::from_raw(tid as i32).is_some_and(is_there)
}

fn is_there(thread: Pid) -> bool {
    // SAFETY: signal 0 is only asked about, never sent.
    let asked = unsafe { libc::syscall(libc::SYS_tkill, thread.as_raw_nonzero().get(), 0) };
    match asked {
        0 => true,
        _ if errno() == Some(Errno::SRCH) => false,
        // It is another user's, or the call is denied; this one asks for no rights.
        _ => getpgid(Some(thread)) != Err(Errno::SRCH),
    }
}

fn errno() -> Option<Errno> {
    Errno::from_io_error(&std::io::Error::last_os_error())
}

/// Whether the thread is its process's first, and that has ended with all its threads.
fn is_left_over(thread: Pid) -> Option<bool> {
    match descriptor(|| pidfd_open(thread, PidfdFlags::empty())) {
        Ok(process) => {
            let mut fds = [PollFd::new(&process, PollFlags::IN)];
            if let Ok(ready) = poll(&mut fds, Deadline::after(Duration::ZERO)) {
                return Some(ready > 0);
            }
        }
        // A thread that is not its process's first.
        Err(Errno::INVAL | Errno::NOENT) => return Some(false),
        Err(_) => {}
    }
    Stat::of(thread.as_raw_nonzero().get().cast_unsigned()).map(|stat| stat.is_left_over())
}

/// Whether the thread's process is known not to map the memory that this one has at `address`: it
/// has gone on to another program, or the number to another process. False where that cannot be
/// seen.
pub(super) fn no_longer_maps(tid: u32, address: usize) -> bool {
    maps(tid, address) == Some(false)
}

fn maps(tid: u32, address: usize) -> Option<bool> {
    let maps = [read_proc("/proc/self/maps").ok()?, read_proc_of(tid, "maps").ok()?];
    let [own, theirs] = maps.map(|maps| String::from_utf8_lossy(&maps).into_owned());
    let file = own.lines().find(|line| covers(line, address)).and_then(file)?;
    // One that is about to end has no memory.
    let mut theirs = theirs.lines().map(self::file).peekable();
    theirs.peek()?;
    Some(theirs.any(|theirs| theirs == Some(file)))
}

/// Whether the address is in the mapping of this line of a `maps` file.
fn covers(line: &str, address: usize) -> bool {
    let range = line.split(' ').next().and_then(|range| range.split_once('-'));
    range.is_some_and(|(start, end)| {
        let hex = |text| usize::from_str_radix(text, 16);
        hex(start).is_ok_and(|start| start <= address) && hex(end).is_ok_and(|end| address < end)
    })
}

/// What is mapped: the device and the inode. `None` for memory of the process alone.
fn file(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split_ascii_whitespace().skip(3);
    fields.next().zip(fields.next()).filter(|&(_, inode)| inode != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_mapping_is_found() {
        let line = "7f00-7f0a rw-s 00000000 00:01 4242                       /memfd:a b (deleted)";
        assert_eq!(file(line), Some(("00:01", "4242")));
        let inside = [0x7eff, 0x7f00, 0x7f09, 0x7f0a].map(|address| covers(line, address));
        assert_eq!(inside, [false, true, true, false]);
        assert_eq!(file("7f00-7f0a rw-p 00000000 00:00 0"), None);
        assert!(!covers("", 0) && file("").is_none());
    }

    #[test]
    fn what_is_mapped_in_this_process_is_seen() {
        static OF_THE_PROGRAM: [u8; 16] = [7; 16];
        let place = OF_THE_PROGRAM.as_ptr().addr();
        assert_ne!(maps(std::process::id(), place), Some(false));
        // Nothing is there, so nothing is known of who maps it.
        assert_eq!(maps(std::process::id(), 1), None);
    }
}
