//! How long to look again before going to sleep: in a model, not at all.

use crate::sys::Futex;

#[derive(Debug)]
pub(crate) struct AdaptiveSpin(());

impl AdaptiveSpin {
    pub(crate) fn new() -> Self {
        AdaptiveSpin(())
    }

    /// What a look finds, the step that announces a sleeper finds as well: nothing to explore.
    pub(crate) fn look(&self, _: &Futex, seen: u32, _done: impl Fn(u32) -> bool) -> u32 {
        seen
    }

    #[cfg(test)]
    pub(crate) fn turns(&self) -> u32 {
        0
    }

    #[cfg(test)]
    pub(crate) fn scribble(&self, _: u32) {}
}
