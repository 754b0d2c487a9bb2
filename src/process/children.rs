//! The children of the running process that are not reaped yet.
//!
//! No zombie is left behind: a child is reaped by its join, when its handle is dropped after its
//! end, when the next child is started, or when the process ends.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::child::Child;
use crate::process::fork_server;
use crate::runtime::{self, ExitHook, ExitOrder};
use crate::sys::{Deadline, ForkCell};

/// How long a daemon may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

static CHILDREN: ForkCell<Vec<Arc<Child>>> = ForkCell::new();

/// Looks at the children of the running process, and changes which there are.
fn children<R>(look: impl FnOnce(&mut Vec<Arc<Child>>) -> R) -> R {
    CHILDREN.change(|children| {
        // A forked process, whoever has forked it, has none of its parent's. (They are all of one.)
        if children.first().is_some_and(|child| !child.is_ours()) {
            children.drain(..).for_each(|child| child.forget());
        }
        look(children)
    })
}

/// Makes the list known to those who end the process; before the first child is started.
pub(super) fn open() {
    runtime::register(ExitHook { order: ExitOrder::Children, at_end, after_fork });
}

pub(super) fn add(child: Arc<Child>) {
    children(|children| children.push(child));
}

/// Reaps those that have ended; their status stays with their handles.
pub(super) fn sweep() {
    children(|children| children.retain(|child| child.reap().is_none()));
}

/// Those that have not ended.
pub(super) fn swept() -> Vec<Arc<Child>> {
    sweep();
    children(|children| children.clone())
}

/// As Python: daemons are terminated, the others are waited for. A daemon that does not heed
/// SIGTERM for a while is killed; Python would wait for it. One that the system does not let this
/// process signal is not waited for: it ends when this process has ended (see `body.rs`).
fn at_end() {
    end_all();
    fork_server::end();
}

fn end_all() {
    let all = children(|children| children.clone());
    let daemons: Vec<_> = all.into_iter().filter(|child| child.daemon).collect();
    dismiss(&daemons);
    // Not under the lock: other threads still run, and may start and join children.
    loop {
        let Some(child) = children(|children| children.last().cloned()) else { return };
        if child.daemon {
            // Started by such a thread meanwhile.
            dismiss(std::slice::from_ref(&child));
            if !children(|children| children.iter().any(|known| Arc::ptr_eq(known, &child))) {
                continue;
            }
        }
        if let Err(errno) = child.wait(Deadline::Never) {
            log::error!("the end of {} cannot be waited for: poll failed: {errno}", child.name);
        }
        child.finish_logs();
        sweep();
        // Should the system not say how it ended: that it did is known.
        remove(&child);
    }
}

fn remove(child: &Arc<Child>) {
    children(|children| children.retain(|known| !Arc::ptr_eq(known, child)));
}

fn dismiss(daemons: &[Arc<Child>]) {
    let signal = |child: &Arc<Child>, signal| {
        let sent = child.signal(signal);
        if let Err(error) = &sent {
            log::warn!(
                "the daemon {} cannot be told to end, and is left to end by itself: {error}",
                child.name
            );
            remove(child);
        }
        sent.is_ok()
    };
    let told: Vec<_> = daemons.iter().filter(|child| signal(child, Signal::TERM)).collect();
    let grace = Deadline::after(GRACE);
    for child in told {
        if child.wait(grace) != Ok(true) {
            signal(child, Signal::KILL);
        }
        child.finish_logs();
    }
}

fn after_fork() {
    children(|_| ());
    fork_server::forget();
}
