//! The path by which a spawned child is started: it tells the child that it is one, and where its
//! request is.
//!
//! A child is started from `/proc/self/exe`, the file that its parent runs. Between `self` and
//! `exe` the number of the request's descriptor is written in binary, as parts of a path that lead
//! nowhere: `./` is a one, a lone `/` is a zero. 13 is 1101, so:
//!
//! ```text
//! /proc/self/././/./exe
//! ```
//!
//! The kernel keeps the path for the child to read (`AT_EXECFN`). Unlike a variable of the
//! environment, it is there whatever has run in the child before (unless that calls exec again); it
//! comes from whoever has called exec and from nobody else; and no program that the child starts has
//! it.

use std::ffi::{CStr, CString, c_char};
use std::os::fd::RawFd;

/// What the path of a child becomes when its request is taken.
const TAKEN: &CStr = c"/proc/self/./exe";

const FOLDER: &[u8] = b"/proc/self/";
const FILE: &[u8] = b"exe";
const ONE: &[u8] = b"./";
const ZERO: &[u8] = b"/";

/// The path for a child whose request has this descriptor.
pub(super) fn write(fd: RawFd) -> CString {
    let bits = (0..RawFd::BITS - fd.leading_zeros()).rev();
    let parts = bits.map(|bit| if fd >> bit & 1 == 1 { ONE } else { ZERO });
    let path: Vec<u8> =
        [FOLDER].into_iter().chain(parts).chain([FILE]).flatten().copied().collect();
    CString::new(path).expect("no part of it holds a NUL")
}

/// The request's descriptor, if the path is one for a child.
fn read(path: &CStr) -> Option<RawFd> {
    let mut parts = path.to_bytes().strip_prefix(FOLDER)?.strip_suffix(FILE)?;
    let mut fd: RawFd = 0;
    while !parts.is_empty() {
        let (bit, rest) = match parts.strip_prefix(ONE) {
            Some(rest) => (1, rest),
            None => (0, parts.strip_prefix(ZERO)?),
        };
        fd = fd.checked_mul(2)? | bit;
        parts = rest;
    }
    // The first three are the standard streams; and none begins with a zero.
    (fd > 2 && write(fd).as_c_str() == path).then_some(fd)
}

/// The request's descriptor, if this process was started as a child and its request is not taken.
pub(super) fn of_this_process() -> Option<RawFd> {
    own().and_then(read)
}

/// Whether this process was started as a child, and some copy of this crate has taken its request.
pub(super) fn is_taken() -> bool {
    own() == Some(TAKEN)
}

/// Notes that the request is taken: a copy of this crate that comes later, since it is in a library
/// that is loaded now, is not to look for it.
///
/// # Safety
///
/// Nobody reads the path at the same time.
pub(super) unsafe fn set_taken() {
    if of_this_process().is_some() {
        let taken = TAKEN.to_bytes_with_nul();
        // SAFETY: the path of a child is longer than this. It is on this process's stack, which can
        // be written, and nobody looks at it (the caller's promise).
        unsafe {
            address().cast_mut().copy_from_nonoverlapping(taken.as_ptr().cast(), taken.len())
        };
    }
}

/// The path by which this process was started.
fn own<'a>() -> Option<&'a CStr> {
    let path = address();
    // SAFETY: unless it is null, the kernel has put a text there, for as long as the process is.
    // Only `set_taken` changes it, and nobody who calls this in this file keeps it until then.
    (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) })
}

/// Where that is: above the stack of the main thread.
fn address() -> *const c_char {
    // SAFETY: it only reads what the kernel has put there.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    std::ptr::with_exposed_provenance(path as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written() {
        assert_eq!(write(13).to_str(), Ok("/proc/self/././/./exe"));
        for fd in (3..100).chain([1023, 1 << 20, RawFd::MAX]) {
            assert_eq!(read(&write(fd)), Some(fd));
            assert!(write(fd).count_bytes() > TAKEN.count_bytes());
        }
    }

    #[test]
    fn every_path_leads_to_the_program() {
        let program = std::fs::canonicalize("/proc/self/exe").unwrap();
        for fd in [3, 8, 1023, RawFd::MAX] {
            let path = std::fs::canonicalize(write(fd).to_str().unwrap()).unwrap();
            assert_eq!(path, program);
        }
    }

    #[test]
    fn other_paths_are_no_childs() {
        let others = [
            c"",
            c"/proc/self/exe",
            TAKEN,
            c"/proc/self/.//exe",
            c"/proc/self//././exe",
            c"/proc/self/././fd/../exe",
            c"/proc/self/././program",
            c"./proc/self/././exe",
            c"/usr/bin/exe",
        ];
        for other in others {
            assert_eq!(read(other), None, "{other:?}");
        }
        let too_long = [FOLDER, &ONE.repeat(32), FILE].concat();
        assert_eq!(read(&CString::new(too_long).unwrap()), None);
    }

    #[test]
    fn a_program_that_was_started_otherwise_is_no_child() {
        assert_eq!(of_this_process(), None);
        assert!(!is_taken());
    }
}
