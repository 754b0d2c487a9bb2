//! A process of a model is a thread, which ends when it says so, or when the search kills it.

use multiproc_checker::thread;

use crate::sys::Deadline;

#[derive(Debug)]
pub(crate) struct Life(());

impl Life {
    /// Whether this model is about lives that end where nobody says so.
    pub(crate) fn can_end() -> bool {
        thread::can_die()
    }

    pub(crate) fn mine() -> u64 {
        thread::name().into()
    }

    pub(crate) fn pid(life: u64) -> u32 {
        life as u32
    }

    /// Nobody waits for it: see [`Me::has_left`].
    pub(crate) fn wait_over(life: u64, _: Deadline) -> bool {
        Self::is_over(life)
    }

    pub(crate) fn is_over(life: u64) -> bool {
        thread::has_ended(life as u32)
    }
}
