//! The life of a child, forked or spawned, from its first step to its last.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{
    Pid, PidfdFlags, Signal, getppid, pidfd_open, set_parent_process_death_signal,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CodecError;
use crate::ipc::codec;
use crate::process::current::{become_child, is_orphan_of, take_page};
use crate::process::ending::{end, leave};
use crate::process::identity::{Identity, Tie};
use crate::process::page::{Outcome, Page};
use crate::process::panics::caught;
use crate::sys::descriptor;

/// The exit code of a child that did not return, as Python's.
const FAILED: i32 = 1;

/// Why a function did not even begin.
pub(super) struct NotRead(pub(super) CodecError);

/// Lives the child's life: runs `body`, leaves the outcome on `page` and ends. What is on the stack
/// below belongs to the parent (after a fork) or to nobody: it is never returned to.
pub(super) fn live<R: Serialize + DeserializeOwned>(
    identity: Identity,
    page: Page,
    body: impl FnOnce() -> Result<R, NotRead>,
) -> ! {
    // Also when what is outside of `caught` should panic: nothing unwinds into the frames below.
    let lived = catch_unwind(AssertUnwindSafe(|| {
        if !page.await_release() {
            leave(FAILED);
        }
        // Whoever has no parent in its PID namespace is in another than its parent. (One that has
        // ended is followed by one that is in it.)
        let is_outside = getppid().is_none();
        if !is_outside {
            tie_to_parent(&identity);
        }
        become_child(identity, page);
        let outcome = if is_outside { Outcome::Outside } else { run(body) };
        let code = match outcome {
            Outcome::Returned(_) => 0,
            _ => FAILED,
        };
        match take_page().map(|page| page.leave(&outcome)) {
            Some(Err(error)) => {
                eprintln!("multiproc: the result could not be left for the parent: {error}");
                FAILED
            }
            _ => code,
        }
    }));
    end(lived.unwrap_or(FAILED))
}

/// Runs `body` and writes its value down; nothing of the user's runs outside of `caught`.
fn run<R: Serialize + DeserializeOwned>(body: impl FnOnce() -> Result<R, NotRead>) -> Outcome {
    let ran = caught(|| match body() {
        Ok(value) => match codec::to_bytes(&value) {
            Ok(bytes) => Outcome::Returned(bytes),
            Err(error) => Outcome::NotSent(error),
        },
        Err(NotRead(why)) => Outcome::NotRead(why),
    });
    ran.unwrap_or_else(Outcome::Panicked)
}

/// A daemon ends with its parent, even one that is killed and cannot say so.
fn tie_to_parent(identity: &Identity) {
    match identity.tie {
        Tie::None => return,
        Tie::Signal => {
            // It cannot be refused: the signal is one.
            let _ = set_parent_process_death_signal(Some(Signal::KILL));
        }
        Tie::Watch => {
            let parent = Pid::from_raw(identity.parent);
            let open = |pid| descriptor(|| pidfd_open(pid, PidfdFlags::empty())).ok();
            let watch = parent.and_then(open);
            let watching = watch.and_then(|pidfd| {
                let watcher = std::thread::Builder::new().name("multiproc-watch".to_owned());
                watcher.spawn(move || outlive(&pidfd)).ok()
            });
            if watching.is_none() && !is_orphan_of(identity.parent) {
                eprintln!("multiproc: this daemonic process will not see its parent being killed");
            }
        }
    }
    // It may have gone before the tie was there, and its number to another.
    if is_orphan_of(identity.parent) {
        leave(FAILED);
    }
}

/// Waits for the end of the parent, then ends this process as the kernel would.
fn outlive(parent: &std::os::fd::OwnedFd) {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        if poll(&mut [PollFd::new(parent, PollFlags::IN)], None).is_ok() {
            let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        }
    }
}
