//! Who a process of this crate is.

use rustix::process::{Pid, getpid};
use rustix::thread::gettid;
use serde::{Deserialize, Serialize};

/// Who a child is; made by its parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) name: String,
    /// The numbers of its line: "2:1" for the first child of the second child of the program.
    pub(super) line: String,
    pub(super) daemon: bool,
    /// The parent's process number.
    pub(super) parent: i32,
    pub(super) tie: Tie,
}

/// What makes a daemonic child end when its parent is gone, however that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tie {
    /// Nothing: it is no daemon, and lives on.
    None,
    /// The kernel sends it SIGKILL. But the kernel looks at the *thread* that made the child, so
    /// this is for a thread that lives as long as its process: the main thread.
    Signal,
    /// A thread in the child watches the parent.
    Watch,
}

impl Identity {
    pub(super) fn new(name: Option<String>, line: String, daemon: bool) -> Self {
        Identity {
            name: name.unwrap_or_else(|| format!("Process-{line}")),
            line,
            daemon,
            parent: number(getpid()),
            tie: match daemon {
                false => Tie::None,
                true if gettid() == getpid() => Tie::Signal,
                true => Tie::Watch,
            },
        }
    }
}

/// A process number as the system's calls have it.
pub(super) fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}
