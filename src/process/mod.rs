//! Floor 6: who runs. Child processes, by fork or as fresh processes of the same program.
//!
//! What most need is at the crate's root: [`Process`], [`ProcessBuilder`], [`Run`],
//! [`ProcessError`](crate::ProcessError).
//!
//! # Ctrl-C
//!
//! A terminal sends SIGINT to every process of its foreground group, so to all of a program that were not
//! moved elsewhere. What each does:
//!
//! | process | at SIGINT |
//! |---|---|
//! | the program itself | what it has set up; by default it is killed, and its daemons with it |
//! | a [daemon](ProcessBuilder::daemon), a worker of a [`Pool`](crate::Pool) | nothing: it leaves that to its parent, and ends with it (so do the programs that it starts) |
//! | another child that was spawned | is killed: [`ProcessError::Signaled`](crate::ProcessError::Signaled) with 2; nothing where its parent ignores it |
//! | another child that was forked | what its parent had set up |
//!
//! # The source
//!
//! ```text
//! builder ──┬── fork ────────────────────┬── body: runs the function, leaves the outcome on the exchange
//!           └── spawn ─ ─ ─ ─ ─> entry ──┘     (start_path: how a spawned child knows that it is one;
//!                └─ fork_server ─┘              spawn_request: what it is to do)
//! settings ── environment, stdio, limits, logs   what the child is given otherwise than its parent has it
//! inherited                              what exec hands on, for a child that is not started by it
//! handle ── child ── children, active    what the parent has of them, and all it has
//! current, parent                        what the running process is, and whose child
//! exit                                   ends the running process
//! ```

mod active;
mod body;
mod builder;
mod child;
mod children;
mod current;
mod entry;
mod environment;
mod exchange;
mod exit;
mod fork;
mod fork_server;
mod handle;
mod identity;
mod image;
mod inherited;
mod limits;
mod logs;
mod namespaces;
mod parent;
mod program;
mod settings;
mod spawn;
mod spawn_request;
mod start;
mod start_method;
mod start_path;
mod status;
mod stdio;

pub use crate::runtime::Run;
pub use active::{ActiveChild, active_children};
pub use builder::ProcessBuilder;
pub use current::{Current, current};
pub use exit::exit;
pub use handle::Process;
pub(crate) use image::Image;
pub use limits::Limits;
pub use parent::{Parent, parent};
pub(crate) use program::can_start_children;
pub use start_method::StartMethod;
pub use status::ExitStatus;
pub use stdio::Stdio;

/// What a child reads before it runs, and what its parent reads when it has ended.
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz_support {
    use std::os::fd::OwnedFd;

    use crate::process::{exchange::Exchange, spawn_request::SpawnRequest};

    /// Whether it is a request.
    pub fn read_spawn_request(bytes: &[u8]) -> bool {
        SpawnRequest::from_bytes(bytes.to_vec()).is_some()
    }

    /// Whether an outcome is there.
    pub fn read_outcome(exchange: OwnedFd) -> bool {
        Exchange::from_fd(exchange).outcome().is_ok_and(|outcome| outcome.is_some())
    }
}
