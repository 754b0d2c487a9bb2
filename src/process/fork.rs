//! Starting a child by fork, after checking that it can be one.

use std::fs;
use std::panic::catch_unwind;

use nix::unistd::ForkResult;
use serde::Serialize;

use crate::error::Error;
use crate::process::body::live;
use crate::process::child::Child;
use crate::process::ending;
use crate::process::identity::Identity;
use crate::process::page::Page;
use crate::sys::Me;

/// Forks. The child runs `body` and never returns from here.
pub(super) fn fork<R: Serialize>(
    identity: Identity,
    body: impl FnOnce() -> R,
) -> Result<Child, Error> {
    let threads = threads()?;
    if threads != 1 {
        return Err(Error::MultiThreaded { threads });
    }
    // The copy of a guard would give the child access to shared memory that the parent has
    // locked; so would what was borrowed through a guard that was leaked. (Of a lock in private
    // memory the child has its own copy.)
    let locks = Me::held();
    if locks > 0 {
        return Err(Error::LockHeld { locks });
    }
    let page = Page::new()?;
    // What the streams hold would be written twice.
    ending::flush();
    // SAFETY: this is the only thread, so every lock of the process (malloc's, std's, the user's)
    // is free or held by this very thread, and the child finds its memory whole. The child runs
    // `live`, which never returns into the parent's frames. References that `body` borrows point
    // into the child's own copy of the memory; what is shared is reached by atomics, or under a
    // lock, of which none is held (above).
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => Child::new(child.as_raw(), &identity, page),
        Ok(ForkResult::Child) => {
            // Nothing may unwind from here into the parent's frames.
            let _ = catch_unwind(ending::after_fork);
            live(identity, page, || Ok(body()))
        }
        Err(errno) => Err(Error::os("fork", errno)),
    }
}

/// How many threads can run in this process.
///
/// One that has been joined can stay in the kernel's list for a moment, on its last steps there:
/// it does not come back to the program, holds none of its locks any more, and is not counted.
fn threads() -> Result<usize, Error> {
    let stat = fs::read_to_string("/proc/self/stat")
        .map_err(|source| Error::os("read /proc/self/stat", source))?;
    let count: usize = field(&stat, 20).unwrap_or(usize::MAX);
    if count == 1 {
        return Ok(1);
    }
    let tasks = fs::read_dir("/proc/self/task")
        .map_err(|source| Error::os("read /proc/self/task", source))?;
    let alive = tasks.flatten().filter(|task| {
        // One whose entry is gone by now has ended.
        let stat = fs::read_to_string(task.path().join("stat"));
        stat.is_ok_and(|stat| field(&stat, 9).is_none_or(|flags: u32| flags & PF_EXITING == 0))
    });
    Ok(alive.count())
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
}
