//! An array of bytes as the text that it holds: what Python's `Array('c', …)` has as `value`.

use crate::error::ValueTooLong;
use crate::ipc::shared_array::SharedArray;

impl SharedArray<u8> {
    /// The bytes up to the first zero, or all.
    pub fn value(&self) -> Vec<u8> {
        self.iter().take_while(|&byte| byte != 0).collect()
    }

    /// Writes `value` from the beginning, and a zero behind it if there is room: so that
    /// [`SharedArray::value`] gives it back (up to a zero in it).
    ///
    /// # Errors
    ///
    /// [`ValueTooLong`] when it is longer than the array; nothing is written then.
    pub fn set_value(&self, value: &[u8]) -> Result<(), ValueTooLong> {
        let too_long = ValueTooLong { size: value.len(), max: self.len() };
        self.write_slice(0, value).map_err(|_| too_long)?;
        // Out of range when the value fills the array: then it needs no zero.
        let _ = self.set(value.len(), 0);
        Ok(())
    }
}
