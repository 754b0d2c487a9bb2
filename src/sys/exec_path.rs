//! The path by which the kernel was told to start this process, where the kernel has put it: in
//! memory of the process, above the stack of its first thread (`AT_EXECFN`).

use std::ffi::CStr;

/// The path; `None` where the kernel does not tell.
pub(crate) fn exec_path() -> Option<&'static CStr> {
    // SAFETY: it only reads what the kernel has put there.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let first = std::ptr::with_exposed_provenance_mut(path as usize);
    // SAFETY: null, or a text that the kernel has put there, for as long as the process is; nobody is
    // given a way to write there.
    std::ptr::NonNull::new(first).map(|first| unsafe { CStr::from_ptr(first.as_ptr()) })
}
