//! What a protocol hands over.

use loom::cell::UnsafeCell;

/// A number that nothing guards but what the model is about.
#[derive(Default)]
pub(crate) struct Data(UnsafeCell<u32>);

// SAFETY: loom checks every access.
unsafe impl Sync for Data {}

impl Data {
    pub(crate) fn read(&self) -> u32 {
        // SAFETY: loom runs one thread at a time, and ends the model when this access races.
        self.0.with(|data| unsafe { *data })
    }

    pub(crate) fn write(&self, value: u32) {
        // SAFETY: as above.
        self.0.with_mut(|data| unsafe { *data = value });
    }
}
