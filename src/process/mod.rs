//! Floor 4: who runs. Child processes, by fork or as fresh processes of the same program.
//!
//! What most need is at the crate's root: [`Process`], [`ProcessBuilder`], [`Run`],
//! [`ProcessError`](crate::ProcessError).
//!
//! ```text
//! builder ──┬── fork ──────────────┬── body: runs the function, leaves the outcome on the page
//!           └── spawn ─ ─ ─> entry ┘        (start_path: how a spawned child knows that it is one;
//!                                            letter: what it is to do)
//! handle ── child ── children            what the parent has of them, and all it has
//! ending                                 what is done when a process ends
//! ```

mod body;
mod builder;
mod child;
mod children;
mod current;
mod ending;
mod entry;
mod fork;
mod handle;
mod identity;
mod image;
mod letter;
mod page;
mod panics;
mod prefix;
mod program;
mod run;
mod spawn;
mod start_path;
mod status;

pub use builder::ProcessBuilder;
pub use current::{Current, current};
pub use ending::exit;
pub(crate) use ending::{Duty, Rank, is_asked_for, is_ending, register};
pub use handle::Process;
pub(crate) use image::Image;
pub(crate) use panics::{Panic, caught};
pub(crate) use prefix::prefix;
pub use run::Run;
pub use status::ExitStatus;

/// What a child reads before it runs, and what its parent reads when it has ended.
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz_support {
    use std::os::fd::OwnedFd;

    use crate::process::{letter::Letter, page::Page};

    /// Whether it is a letter.
    pub fn read_letter(bytes: &[u8]) -> bool {
        Letter::from_bytes(bytes.to_vec()).is_some()
    }

    /// Whether an outcome is there.
    pub fn read_outcome(page: OwnedFd) -> bool {
        Page::from_fd(page).outcome().is_ok_and(|outcome| outcome.is_some())
    }
}
