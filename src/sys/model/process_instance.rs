//! A process of a model is a thread, or several, which end when they say so, or when the search kills them.

use multiproc_checker::thread;

use crate::sys::Deadline;

#[derive(Debug)]
pub(crate) struct ProcessInstance(());

impl ProcessInstance {
    /// Whether this model is about lives that end where nobody says so.
    pub(crate) fn can_exit() -> bool {
        thread::can_die()
    }

    pub(crate) fn current() -> u64 {
        thread::process().into()
    }

    pub(crate) fn pid(life: u64) -> u32 {
        life as u32
    }

    /// Whoever waits for it looks again when a slice of its next wait has ended.
    pub(crate) fn wait_over(life: u64, _: Deadline) -> bool {
        Self::has_exited(life)
    }

    pub(crate) fn has_exited(life: u64) -> bool {
        thread::has_ended(life as u32)
    }
}
