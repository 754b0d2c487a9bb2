//! A value that was to be sent, from which a type's `Deserialize` is had to tell more.

use crate::ipc::codec::fault::Result;
use crate::ipc::codec::input::Input;

/// The bytes of a value, as far as they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    bytes: Vec<u8>,
    at: usize,
}

impl Sample {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Sample { bytes, at: 0 }
    }

    /// Whether there is more of it.
    pub(super) fn is_read(&self) -> bool {
        self.at < self.bytes.len()
    }

    /// Goes back to its beginning.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
    }

    /// What comes next; none when the bytes have come to an end, or are nothing that can be read:
    /// what comes after that is made up.
    pub(super) fn next<R>(&mut self, read: impl FnOnce(&mut Input<'_>) -> Result<R>) -> Option<R> {
        let mut input = Input::new(&self.bytes[self.at..]);
        let value = read(&mut input).ok();
        self.at = match value {
            Some(_) => self.bytes.len() - input.left(),
            None => self.bytes.len(),
        };
        value
    }
}
