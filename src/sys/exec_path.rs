//! The path by which the kernel was told to start this process, where the kernel has put it: in
//! memory of the process, above the stack of its first thread (`AT_EXECFN`).
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The path, or what was written in its place; `None` where the kernel does not tell.
pub(crate) fn exec_path() -> Option<Vec<u8>> {
    // Relaxed: here and below, the bytes stand for themselves.
    let bytes = bytes()?.map(|byte| byte.load(Relaxed));
    Some(bytes.take_while(|&byte| byte != 0).collect())
}

/// Writes another path in its place; none where that is longer. Who reads it meanwhile may find
/// some bytes of the one, and some of the other.
pub(crate) fn set_exec_path(path: &[u8]) {
    if exec_path().is_none_or(|old| old.len() < path.len()) {
        return;
    }
    let bytes = bytes().into_iter().flatten();
    // Relaxed: as above.
    bytes.zip(path.iter().chain(&[0])).for_each(|(byte, &new)| byte.store(new, Relaxed));
}

/// The bytes from its first on. Not to be followed beyond its end.
fn bytes() -> Option<impl Iterator<Item = &'static AtomicU8>> {
    // SAFETY: it only reads what the kernel has put there.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let first: *mut u8 = std::ptr::with_exposed_provenance_mut(path as usize);
    // SAFETY: the kernel has put a text there, in memory that can be written, for as long as the process
    // is; its bytes are read up to its end only, and each by an atomic here, by which threads of this
    // process may write at the same time.
    let byte = move |at| unsafe { AtomicU8::from_ptr(first.wrapping_add(at)) };
    (!first.is_null()).then(|| (0..).map(byte))
}
