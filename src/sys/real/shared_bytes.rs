//! Bytes between memory that processes share and one's own.

use crate::sys::real::copy::{copy_in, copy_out};

/// Copies `bytes` to shared memory, so that a peer that accesses the same memory meanwhile does no harm.
///
/// # Safety
///
/// So many bytes are mapped at `to`, and no process accesses them but by atomics or by these two functions.
pub(crate) unsafe fn copy_to_shared(bytes: &[u8], to: *mut u8) {
    // SAFETY: the caller's promise; what is borrowed does not overlap with memory that is shared.
    unsafe { copy_in(bytes.as_ptr(), to, bytes.len()) };
}

/// Appends `len` bytes of shared memory to `bytes`, which has room for them.
///
/// # Safety
///
/// As for [`copy_to_shared`], of `from`.
///
/// # Panics
///
/// When there is no room.
pub(crate) unsafe fn copy_from_shared(from: *mut u8, len: usize, bytes: &mut Vec<u8>) {
    let spare = bytes.spare_capacity_mut();
    assert!(spare.len() >= len, "the caller makes room");
    // SAFETY: the caller's promise, and there is room for so many; then so many are there.
    unsafe {
        copy_out(from, spare.as_mut_ptr().cast(), len);
        bytes.set_len(bytes.len() + len);
    }
}
