//! What is to be done when a process ends: threads are waited for, children are reaped.
//!
//! A program ends through `exit`, which runs what was registered with `atexit`; that holds for
//! `main` returning and for `std::process::exit`. A child of this crate ends through [`end`],
//! which does the same duties and then leaves by `_exit`: a forked child has inherited its
//! parent's handlers, which are not its own to run. Nobody does anything when a signal kills.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::sys::{Enrolled, ForkCell, fork_generation};

/// One duty. They are done in the order of the variants of [`Rank`].
#[derive(Clone, Copy)]
pub(crate) struct Duty {
    pub(crate) rank: Rank,
    /// Called when the process ends; it may be called again while it runs, by another thread.
    pub(crate) at_end: fn(),
    /// Called in a forked child, which has none of its parent's threads and children.
    pub(crate) after_fork: fn(),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// First: a thread may still start and join children.
    Threads,
    /// Before the children, of which their managers would start more.
    Pools,
    Children,
}

#[derive(Clone, Default)]
struct Duties {
    /// The generation of the process whose they are, 0 for nobody's: another that has a copy of this
    /// memory has none of them.
    of: u64,
    list: Vec<Duty>,
    registered: bool,
    /// They are being done.
    ending: bool,
    /// The code that a thread has asked the program to end with, see [`exit`].
    asked: Option<i32>,
}

impl Duties {
    fn are_ours(&self) -> bool {
        self.of == fork_generation()
    }
}

static DUTIES: ForkCell<Duties> = ForkCell::new();

/// Adds a duty, once for each rank.
pub(crate) fn register(duty: Duty) {
    if DUTIES.read(|duties| duties.of != 0 && !duties.are_ours()) {
        // Somebody has forked without this crate: what there is belongs to the parent.
        after_fork();
    }
    let registered = DUTIES.change(|duties| {
        duties.of = fork_generation();
        if !duties.list.iter().any(|known| known.rank == duty.rank) {
            duties.list.push(duty);
            duties.list.sort_by_key(|duty| duty.rank);
        }
        if !duties.registered {
            // SAFETY: the handler may run at any time: it takes only locks, and catches panics.
            duties.registered = unsafe { libc::atexit(at_exit) } == 0;
        }
        duties.registered
    });
    if !registered {
        log::warn!("no memory left to register what is to be done at exit: nothing will be");
    }
}

extern "C" fn at_exit() {
    // A panic must not leave a C function; it has been told by the hook.
    let _ = catch_unwind(do_duties);
    // A thread that wanted to end the program now sleeps for good in std, which lets only the first
    // do it: that is this one.
    if let Some(code) = asked_for().filter(|_| gettid() == getpid()) {
        // SAFETY: glibc goes on with the handlers that are left, then ends the process.
        unsafe { libc::exit(code) }
    }
}

fn do_duties() {
    let list = DUTIES.change(|duties| {
        if !duties.are_ours() {
            return Vec::new();
        }
        duties.ending = true;
        duties.list.clone()
    });
    list.iter().for_each(|duty| (duty.at_end)());
}

/// Whether the process has begun to end.
pub(crate) fn is_ending() -> bool {
    DUTIES.read(|duties| duties.ending && duties.are_ours())
}

/// Whether a thread has asked for the end of the program, and waits for nothing any more.
pub(crate) fn is_asked_for() -> bool {
    asked_for().is_some()
}

fn asked_for() -> Option<i32> {
    DUTIES.read(|duties| duties.asked.filter(|_| duties.are_ours()))
}

/// In a forked child: what the parent has to do is not the child's.
pub(super) fn after_fork() {
    let list = DUTIES.change(|duties| {
        duties.of = fork_generation();
        duties.ending = false;
        duties.asked = None;
        duties.list.clone()
    });
    list.iter().for_each(|duty| (duty.after_fork)());
}

/// Writes out what Rust's and C's standard streams still hold.
pub(super) fn flush() {
    // A stream that is closed or full: nobody is left to tell.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    // SAFETY: null means every stream.
    unsafe { libc::fflush(null_mut()) };
}

/// Ends a child of this crate: does its duties, flushes, and leaves with `code`.
pub(super) fn end(code: i32) -> ! {
    let _ = catch_unwind(AssertUnwindSafe(do_duties));
    let _ = catch_unwind(flush);
    // The system keeps the lowest 8 bits.
    if code & 0xff == 0 {
        Enrolled::leave_all();
    }
    leave(code)
}

/// Leaves at once.
pub(super) fn leave(code: i32) -> ! {
    // SAFETY: it ends the process, whatever its state.
    unsafe { libc::_exit(code) }
}

/// Ends the running process with `code`, of which the system keeps the lowest 8 bits.
///
/// In a child of this crate, what the program's other parts have registered for its end is not run
/// (a forked child has it from its parent, who runs it); standard output and error are flushed,
/// threads that are no daemons are waited for, children are reaped. The parent's
/// [`join`](crate::Process::join) gives [`ProcessError::Exited`](crate::ProcessError::Exited).
/// In the program itself, this is [`std::process::exit`], but for one case: a thread may call it
/// when `main` has returned and waits for that very thread. (There, std's would never return: it
/// waits for the end that has begun.)
///
/// ```
/// use multiproc::{Process, ProcessError, process};
///
/// // What a closure gives that never returns has to be said: it is not sent.
/// let child: Process<()> = Process::spawn(|()| process::exit(3), ())?;
/// assert!(matches!(child.join(), Err(ProcessError::Exited(3))));
/// assert_eq!(child.exit_status().map(|status| status.code()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Different from Python
///
/// `sys.exit` raises an exception, so what is on the stack is cleaned up; here it is not, as in
/// [`std::process::exit`].
pub fn exit(code: i32) -> ! {
    if crate::process::current::is_child() {
        end(code)
    }
    if gettid() != getpid() {
        // Without duties nobody is waited for.
        DUTIES.change(|duties| _ = duties.asked.get_or_insert(code));
    }
    std::process::exit(code)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// How a child of a bare fork ends that asks and registers here, and does its duties; `None` if it
    /// does not end.
    fn forked() -> Option<i32> {
        // SAFETY: the child takes no lock that another thread may have but the allocator's,
        // which glibc sees to, and leaves.
        match unsafe { libc::fork() } {
            0 => {
                let idle = || ();
                register(Duty { rank: Rank::Pools, at_end: idle, after_fork: idle });
                let code = if is_ending() || is_asked_for() { 1 } else { 7 };
                // Not `end`, which has the standard output locked that the harness may print to.
                do_duties();
                leave(code)
            }
            child => {
                let deadline = Instant::now() + Duration::from_secs(60);
                let mut status = 0;
                // SAFETY: there is room for a status.
                while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
                    if Instant::now() > deadline {
                        // SAFETY: a child of this process that nobody has waited for, until now.
                        unsafe {
                            libc::kill(child, libc::SIGKILL);
                            libc::waitpid(child, &mut status, 0);
                        }
                        return None;
                    }
                    std::thread::yield_now();
                }
                libc::WIFEXITED(status).then_some(libc::WEXITSTATUS(status))
            }
        }
    }

    /// A thread that the child does not have may have been in here when it was forked.
    #[test]
    fn a_child_of_any_fork_ends_though_a_thread_of_the_parent_was_asking() {
        let (begun, asks) = std::sync::mpsc::channel();
        let (over, goes_on) = std::sync::mpsc::channel::<()>();
        let asking = std::thread::spawn(move || {
            while goes_on.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                (0..1000).for_each(|_| assert!(!is_ending()));
                let _ = begun.send(());
            }
        });
        asks.recv().expect("the other thread asks");
        let ends: Vec<_> = (0..300).map(|_| forked()).take_while(|&end| end == Some(7)).collect();
        drop(over);
        asking.join().expect("it only asks");
        assert_eq!(ends.len(), 300, "the next child did not end as it should");
    }
}
