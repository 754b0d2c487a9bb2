//! Floor 6: who runs. Child processes, by fork or as fresh processes of the same program.
//!
//! What most need is at the crate's root: [`Process`], [`ProcessBuilder`], [`Run`],
//! [`ProcessError`](crate::ProcessError).
//!
//! ```text
//! builder ──┬── fork ──────────────┬── body: runs the function, leaves the outcome on the exchange
//!           └── spawn ─ ─ ─> entry ┘        (start_path: how a spawned child knows that it is one;
//!                                            spawn_request: what it is to do)
//! settings ── environment, stdio, limits, logs   what the child is given otherwise than its parent has it
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
mod handle;
mod identity;
mod image;
mod limits;
mod logs;
mod parent;
mod program;
mod settings;
mod spawn;
mod spawn_request;
mod start;
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
