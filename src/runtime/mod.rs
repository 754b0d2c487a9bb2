//! Floor 5: what processes, threads and pools have in common: what is run, what is done at the end of the
//! program, and what is known of a panic.

mod exit_hooks;
mod panics;
mod prefix;
mod run;

pub(crate) use exit_hooks::{
    ExitHook, ExitOrder, after_fork, ask_to_end, end, flush, is_asked_for, is_ending, leave,
    register,
};
pub(crate) use panics::{Panic, caught, name_process, tell_panics_of_process};
pub(crate) use prefix::prefix;
pub use run::Run;
