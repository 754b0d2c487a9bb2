//! The life of a child, forked or spawned, from its first step to its last.

use std::fmt;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process, pidfd_open,
    set_parent_process_death_signal,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CodecError;
use crate::ipc::codec;
use crate::process::current::{become_child, is_orphan_of, take_exchange};
use crate::process::exchange::{Exchange, Outcome};
use crate::process::identity::{Identity, Tie};
use crate::process::settings::NotSetUp;
use crate::runtime::{caught, end, leave, name_process};
use crate::sys::{Deadline, descriptor, poll};

/// The exit code of a child that did not return, as Python's.
const FAILED: i32 = 1;

/// Between two looks, where the kernel does not let this process wait for the end of its parent.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a function did not even begin.
pub(super) enum NotRun {
    /// Its argument, or what the child is to be, cannot be read.
    NotRead(CodecError),
    /// The child is not what it is to be.
    NotSetUp(NotSetUp),
}

/// Lives the child's life: runs `body`, which first makes the process what it is to be, leaves the outcome on
/// `exchange` and ends. What is on the stack
/// below belongs to the parent (after a fork) or to nobody: it is never returned to.
pub(super) fn live<R: Serialize + DeserializeOwned>(
    identity: Identity,
    exchange: Exchange,
    body: impl FnOnce() -> Result<R, NotRun>,
) -> ! {
    // Also when what is outside of `caught` should panic: nothing unwinds into the frames below.
    let lived = catch_unwind(AssertUnwindSafe(|| {
        match exchange.await_release() {
            Ok(true) => {}
            Ok(false) => leave(FAILED),
            Err(error) => {
                tell(format_args!("this child does not learn whether it may begin: {error}"));
                leave(FAILED);
            }
        }
        // Whoever has no parent in its PID namespace is in another than its parent. (One that has
        // ended is followed by one that is in it.)
        let is_outside = getppid().is_none();
        if !is_outside {
            tie_to_parent(&identity);
        }
        if identity.daemon {
            leave_interrupts_to_parent();
        }
        name_process(&identity.name);
        become_child(identity, exchange);
        let outcome = if is_outside { Outcome::Outside } else { run(body) };
        let code = match outcome {
            Outcome::Returned(_) => 0,
            _ => FAILED,
        };
        match take_exchange().map(|exchange| exchange.leave(&outcome)) {
            Some(Err(error)) => {
                tell(format_args!("the result could not be left for the parent: {error}"));
                FAILED
            }
            _ => code,
        }
    }));
    end(lived.unwrap_or(FAILED))
}

/// Runs `body` and writes its value down; nothing of the user's runs outside of `caught`.
fn run<R: Serialize + DeserializeOwned>(body: impl FnOnce() -> Result<R, NotRun>) -> Outcome {
    let ran = caught(|| match body() {
        Ok(value) => match codec::to_bytes(&value) {
            Ok(bytes) => Outcome::Returned(bytes),
            Err(error) => Outcome::NotSent(error),
        },
        Err(NotRun::NotRead(why)) => Outcome::NotRead(why),
        Err(NotRun::NotSetUp(why)) => Outcome::NotSetUp(why),
    });
    ran.unwrap_or_else(Outcome::Panicked)
}

/// A daemon ends with its parent, even one that is killed and cannot say so.
fn tie_to_parent(identity: &Identity) {
    match identity.tie {
        Tie::None => return,
        // Refused only by a sandbox: the signal is one.
        Tie::Signal if set_parent_process_death_signal(Some(Signal::KILL)).is_ok() => {}
        Tie::Signal | Tie::Watch => watch(identity.parent),
    }
    // It may have gone before the tie was there, and its number to another.
    if is_orphan_of(identity.parent) {
        leave(FAILED);
    }
}

/// Ctrl-C reaches every process of the terminal; the parent decides what becomes of its daemons.
fn leave_interrupts_to_parent() {
    // SAFETY: to ignore a signal runs no code. Where a sandbox denies it, the process ends at Ctrl-C.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
}

/// Says it on the standard error, which is its parent's; whether or not anybody hears it.
fn tell(what: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "multiproc: {what}");
}

/// Starts a thread that ends this process when its parent has ended.
fn watch(parent: i32) {
    // Where there are no pidfds, it looks now and then.
    let open = |pid| descriptor(|| pidfd_open(pid, PidfdFlags::empty())).ok();
    let pidfd = Pid::from_raw(parent).and_then(open);
    let watcher = std::thread::Builder::new().name("multiproc-watch".to_owned());
    if let Err(error) = watcher.spawn(move || outlive(parent, pidfd))
        && !is_orphan_of(parent)
    {
        tell(format_args!(
            "this daemonic process will not see its parent being killed: starting a thread failed: \
             {error}"
        ));
    }
}

/// Waits for the end of the parent, then ends this process as the kernel would.
fn outlive(parent: i32, pidfd: Option<OwnedFd>) {
    // Had the parent ended before the descriptor was made, that could be another process's: then this
    // one is an orphan.
    while !is_orphan_of(parent) {
        let wait = |pidfd| poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Deadline::Never);
        match pidfd.as_ref().map(wait) {
            Some(Ok(_)) => break,
            Some(Err(_)) | None => std::thread::sleep(PAUSE),
        }
    }
    let _ = kill_process(getpid(), Signal::KILL);
    // A sandbox forbids signals.
    leave(FAILED)
}
