//! Bytes between memory that processes share and one's own. No model uses it: there, what is shared is
//! made of the checker's objects.

use std::slice;

/// As on the machine.
///
/// # Safety
///
/// As on the machine.
pub(crate) unsafe fn copy_to_shared(bytes: &[u8], to: *mut u8) {
    // SAFETY: the caller's promise; nobody else has this memory in a model.
    unsafe { to.copy_from(bytes.as_ptr(), bytes.len()) };
}

/// As on the machine.
///
/// # Safety
///
/// As on the machine.
pub(crate) unsafe fn copy_from_shared(from: *mut u8, len: usize, bytes: &mut Vec<u8>) {
    // SAFETY: the caller's promise; nobody else has this memory in a model.
    bytes.extend_from_slice(unsafe { slice::from_raw_parts(from, len) });
}
