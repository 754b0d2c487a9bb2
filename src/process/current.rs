//! What the running process is: the program itself or somebody's child, and which.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{getpid, getppid};

use crate::error::Error;
use crate::process::identity::{Identity, number};
use crate::process::page::Page;
use crate::sys::fork_generation;

/// The running process, as [`current`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    pid: u32,
    name: String,
    daemon: bool,
}

/// The running process: its number, its name, whether it is daemonic.
///
/// A process that a child has forked without this crate (by C's `fork`) is no child of this crate: it is
/// a "MainProcess" of its own.
///
/// ```
/// use multiproc::{Process, process};
///
/// let child = Process::spawn(|()| process::current().name().to_owned(), ())?;
/// assert_eq!(child.join()?, "Process-1");
/// assert_eq!(process::current().name(), "MainProcess");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn current() -> Current {
    let state = state();
    let (name, daemon) = match &state.identity {
        Some(child) => (child.name.clone(), child.daemon),
        None => ("MainProcess".to_owned(), false),
    };
    Current { pid: number(getpid()).cast_unsigned(), name, daemon }
}

impl Current {
    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name: "MainProcess" for the program, for a child what its parent called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a child that ends with its parent and may have no children.
    pub fn is_daemon(&self) -> bool {
        self.daemon
    }
}

struct State {
    /// The generation of the process whose it is.
    of: u64,
    /// `None` in the program itself, and in a process that was forked without this crate.
    identity: Option<Identity>,
    /// Where the parent waits for the outcome.
    page: Option<Page>,
    /// Children that were given a number.
    born: u64,
}

impl State {
    const fn of(generation: u64) -> Self {
        State { of: generation, identity: None, page: None, born: 0 }
    }
}

static STATE: Mutex<State> = Mutex::new(State::of(0));

fn state() -> MutexGuard<'static, State> {
    // Nothing that is done under the lock leaves the state half changed.
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    let generation = fork_generation();
    if state.of != generation {
        // In a forked process, whoever has forked it: the name and the page are its parent's.
        *state = State::of(generation);
    }
    state
}

/// Whether this process was started by this crate.
pub(super) fn is_child() -> bool {
    state().identity.is_some()
}

/// A new child's identity.
pub(super) fn name_child(name: Option<String>, daemon: bool) -> Result<Identity, Error> {
    let mut state = state();
    let line = match &state.identity {
        Some(own) if own.daemon => return Err(Error::Daemonic),
        Some(own) => format!("{}:{}", own.line, state.born + 1),
        None => (state.born + 1).to_string(),
    };
    state.born += 1;
    Ok(Identity::new(name, line, daemon))
}

/// The process is this child from here on.
pub(super) fn become_child(identity: Identity, page: Page) {
    let mut state = state();
    (state.identity, state.page) = (Some(identity), Some(page));
}

/// Takes the page that the outcome belongs on; once.
pub(super) fn take_page() -> Option<Page> {
    state().page.take()
}

/// Whether `parent` is no longer this process's parent: then it has ended.
pub(super) fn is_orphan_of(parent: i32) -> bool {
    getppid().map(number) != Some(parent)
}
