//! What is to be done when a process ends: threads are waited for, children are reaped.
//!
//! A program ends through `exit`, which runs what was registered with `atexit`; that holds for
//! `main` returning and for `std::process::exit`. A child of this crate ends through [`end`],
//! which does the same hooks and then leaves by `_exit`: a forked child has inherited its
//! parent's handlers, which are not its own to run. Nobody does anything when a signal kills.

use std::io::Write;
use std::ptr::null_mut;

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::sys::{ForkCell, OwnEntries, contained, fork_generation};

/// One hook. They are done in the order of the variants of [`ExitOrder`].
#[derive(Clone, Copy)]
pub(crate) struct ExitHook {
    pub(crate) order: ExitOrder,
    /// Called when the process ends; it may be called again while it runs, by another thread.
    pub(crate) at_end: fn(),
    /// Called in a forked child, which has none of its parent's threads and children.
    pub(crate) after_fork: fn(),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExitOrder {
    /// First: a thread may still start and join children.
    Threads,
    /// Before the children, of which their managers would start more.
    Pools,
    Children,
}

#[derive(Clone, Default)]
struct ExitHooks {
    /// The generation of the process whose they are, 0 for nobody's: another that has a copy of this
    /// memory has none of them.
    of: u64,
    list: Vec<ExitHook>,
    registered: bool,
    /// They are being done.
    ending: bool,
    /// The code that a thread has asked the program to end with, see [`exit`].
    asked: Option<i32>,
}

impl ExitHooks {
    fn are_ours(&self) -> bool {
        self.of == fork_generation()
    }
}

static HOOKS: ForkCell<ExitHooks> = ForkCell::new();

/// Adds a hook, once for each order.
pub(crate) fn register(hook: ExitHook) {
    if HOOKS.read(|hooks| hooks.of != 0 && !hooks.are_ours()) {
        // Somebody has forked without this crate: what there is belongs to the parent.
        after_fork();
    }
    let registered = HOOKS.change(|hooks| {
        hooks.of = fork_generation();
        if !hooks.list.iter().any(|known| known.order == hook.order) {
            hooks.list.push(hook);
            hooks.list.sort_by_key(|hook| hook.order);
        }
        if !hooks.registered {
            // SAFETY: the handler may run at any time: it takes only locks, and catches panics.
            hooks.registered = unsafe { libc::atexit(at_exit) } == 0;
        }
        hooks.registered
    });
    if !registered {
        log::warn!("no memory left to register what is to be done at exit: nothing will be");
    }
}

extern "C" fn at_exit() {
    // A panic must not leave a C function; it has been told by the hook.
    contained(run_hooks);
    // A thread that wanted to end the program now sleeps for good in std, which lets only the first
    // do it: that is this one.
    if let Some(code) = asked_for().filter(|_| gettid() == getpid()) {
        // SAFETY: glibc goes on with the handlers that are left, then ends the process.
        unsafe { libc::exit(code) }
    }
}

fn run_hooks() {
    let list = HOOKS.change(|hooks| {
        if !hooks.are_ours() {
            return Vec::new();
        }
        hooks.ending = true;
        hooks.list.clone()
    });
    list.iter().for_each(|hook| (hook.at_end)());
}

/// Whether the process has begun to end.
pub(crate) fn is_ending() -> bool {
    HOOKS.read(|hooks| hooks.ending && hooks.are_ours())
}

/// Whether a thread has asked for the end of the program, and waits for nothing any more.
pub(crate) fn is_asked_for() -> bool {
    asked_for().is_some()
}

fn asked_for() -> Option<i32> {
    HOOKS.read(|hooks| hooks.asked.filter(|_| hooks.are_ours()))
}

/// In a forked child: what the parent has to do is not the child's.
pub(crate) fn after_fork() {
    let list = HOOKS.change(|hooks| {
        hooks.of = fork_generation();
        hooks.ending = false;
        hooks.asked = None;
        hooks.list.clone()
    });
    list.iter().for_each(|hook| (hook.after_fork)());
}

/// Writes out what Rust's and C's standard streams still hold.
pub(crate) fn flush() {
    // A stream that is closed or full: nobody is left to tell.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    // SAFETY: null means every stream.
    unsafe { libc::fflush(null_mut()) };
}

/// Ends a child of this crate: does its hooks, flushes, and leaves with `code`.
pub(crate) fn end(code: i32) -> ! {
    contained(run_hooks);
    contained(flush);
    // The system keeps the lowest 8 bits.
    if code & 0xff == 0 {
        OwnEntries::leave_all();
    }
    leave(code)
}

/// Leaves at once.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: it ends the process, whatever its state.
    unsafe { libc::_exit(code) }
}

/// The program is to end with `code`, which a thread asks for that `main` may be waiting for.
pub(crate) fn ask_to_end(code: i32) {
    // Without hooks nobody is waited for.
    HOOKS.change(|hooks| _ = hooks.asked.get_or_insert(code));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// How a child of a bare fork ends that asks and registers here, and does its hooks; `None` if it
    /// does not end.
    fn forked() -> Option<i32> {
        // SAFETY: the child takes no lock that another thread may have but the allocator's,
        // which glibc sees to, and leaves.
        match unsafe { libc::fork() } {
            0 => {
                let idle = || ();
                register(ExitHook { order: ExitOrder::Pools, at_end: idle, after_fork: idle });
                let code = if is_ending() || is_asked_for() { 1 } else { 7 };
                // Not `end`, which has the standard output locked that the harness may print to.
                run_hooks();
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
