//! Eight bytes of a message, as loom tracks them: an access that another may race with fails the
//! model.

#[derive(Debug)]
pub(crate) struct Granule(loom::cell::UnsafeCell<u64>);

impl Granule {
    pub(crate) fn new() -> Self {
        Granule(loom::cell::UnsafeCell::new(0))
    }

    pub(crate) fn read(&self) -> u64 {
        // SAFETY: loom runs one thread at a time, and ends the model when this access races.
        self.0.with(|bytes| unsafe { *bytes })
    }

    pub(crate) fn write(&self, bytes: u64) {
        // SAFETY: as above.
        self.0.with_mut(|place| unsafe { *place = bytes });
    }
}
