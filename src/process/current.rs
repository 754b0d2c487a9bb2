//! What the running process is: the program itself or somebody's child, and which.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{getpid, getppid};

use crate::error::Error;
use crate::process::exchange::Exchange;
use crate::process::identity::{Identity, number};
use crate::sys::{ForkCell, ForkLocal, fork_generation};

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
    let (name, daemon) = with_own(|own| match &own.identity {
        Some(child) => (child.name.clone(), child.daemon),
        None => ("MainProcess".to_owned(), false),
    });
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

/// What a process has from its parent.
#[derive(Clone, Default)]
struct Own {
    /// The generation of the process whose it is.
    of: u64,
    /// `None` in the program itself, and in a process that was forked without this crate.
    identity: Option<Identity>,
    /// Where the parent waits for the outcome.
    exchange: Option<Arc<Exchange>>,
}

static OWN: ForkCell<Own> = ForkCell::new();

/// Children of this process that were given a number.
static BORN: ForkLocal<Mutex<u64>> = ForkLocal::new(|| Mutex::new(0));

/// Looks at what the running process has.
fn with_own<R>(look: impl FnOnce(&Own) -> R) -> R {
    forget_parents();
    OWN.read(look)
}

/// In a forked process, whoever has forked it: the name and the exchange are its parent's, and the copy of
/// the exchange's descriptor is closed.
fn forget_parents() {
    let generation = fork_generation();
    if OWN.read(|own| own.of) == generation {
        return;
    }
    OWN.change(|own| {
        // Another thread may have been here meanwhile.
        if own.of != generation {
            *own = Own { of: generation, ..Own::default() };
        }
    });
}

/// Whether this process was started by this crate.
pub(super) fn is_child() -> bool {
    with_own(|own| own.identity.is_some())
}

/// A new child's identity.
pub(super) fn name_child(name: Option<String>, daemon: bool) -> Result<Identity, Error> {
    let parent = with_own(|own| own.identity.clone());
    if parent.as_ref().is_some_and(|parent| parent.daemon) {
        return Err(Error::Daemonic);
    }
    let number = {
        let mut born = BORN.get().lock().unwrap_or_else(PoisonError::into_inner);
        *born += 1;
        *born
    };
    let line = match parent {
        Some(parent) => format!("{}:{number}", parent.line),
        None => number.to_string(),
    };
    Ok(Identity::new(name, line, daemon))
}

/// The process is this child from here on.
pub(super) fn become_child(identity: Identity, exchange: Exchange) {
    forget_parents();
    let exchange = Some(Arc::new(exchange));
    OWN.change(|own| (own.identity, own.exchange) = (Some(identity), exchange));
}

/// By a child, before it begins: when it aborts because an allocation has failed, its parent is to learn
/// that.
pub(super) fn note_alloc_failure() -> Result<(), (&'static str, Errno)> {
    with_own(|own| own.exchange.as_ref().map_or(Ok(()), |exchange| exchange.note_alloc_failure()))
}

/// Takes the exchange that the outcome belongs on; once.
pub(super) fn take_exchange() -> Option<Arc<Exchange>> {
    forget_parents();
    OWN.change(|own| own.exchange.take())
}

/// The number of the process that has started this one, if this crate has.
pub(super) fn parent_number() -> Option<i32> {
    with_own(|own| own.identity.as_ref().map(|identity| identity.parent))
}

/// Whether `parent` is no longer this process's parent: then it has ended.
pub(super) fn is_orphan_of(parent: i32) -> bool {
    getppid().map(number) != Some(parent)
}
