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

use std::ffi::CString;
use std::os::fd::RawFd;

use crate::sys::{exec_path, set_exec_path};

/// What the path of a child becomes when its request is taken, while the rest of what comes before
/// `main` is run. It differs from the next by one byte, so that nobody reads half of each.
const BEGINNING: &[u8] = b"/proc/self///exe";

/// What it becomes after that.
const BEGUN: &[u8] = b"/proc/self/./exe";

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
fn read(path: &[u8]) -> Option<RawFd> {
    let mut parts = path.strip_prefix(FOLDER)?.strip_suffix(FILE)?;
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
    (fd > 2 && write(fd).to_bytes() == path).then_some(fd)
}

/// The request's descriptor, if this process was started as a child and its request is not taken.
pub(super) fn of_this_process() -> Option<RawFd> {
    read(&exec_path()?)
}

/// How far this process has come, if it was started as a child and its request is taken, by whatever
/// copy of this crate.
pub(super) fn progress() -> Option<Progress> {
    match exec_path()?.as_slice() {
        BEGINNING => Some(Progress::Beginning),
        BEGUN => Some(Progress::Begun),
        _ => None,
    }
}

/// How far a child has come whose request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// What comes before `main` is still being run.
    Beginning,
    /// It runs its function.
    Begun,
}

/// Notes how far this process, a child, has come: another copy of this crate is not to look for the
/// request. (It may come later, in a library that is loaded now.)
pub(super) fn note(progress: Progress) {
    // The path of a child is longer than these.
    set_exec_path(match progress {
        Progress::Beginning => BEGINNING,
        Progress::Begun => BEGUN,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written() {
        assert_eq!(write(13).to_str(), Ok("/proc/self/././/./exe"));
        for fd in (3..100).chain([1023, 1 << 20, RawFd::MAX]) {
            assert_eq!(read(write(fd).to_bytes()), Some(fd));
            assert!(write(fd).count_bytes() > BEGUN.len().max(BEGINNING.len()));
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
        let others: [&[u8]; _] = [
            b"",
            b"/proc/self/exe",
            BEGINNING,
            BEGUN,
            b"/proc/self/.//exe",
            b"/proc/self//././exe",
            b"/proc/self/././fd/../exe",
            b"/proc/self/././program",
            b"./proc/self/././exe",
            b"/usr/bin/exe",
        ];
        for other in others {
            assert_eq!(read(other), None, "{other:?}");
        }
        let too_long = [FOLDER, &ONE.repeat(32), FILE].concat();
        assert_eq!(read(&too_long), None);
    }

    #[test]
    fn a_program_that_was_started_otherwise_is_no_child() {
        assert_eq!(of_this_process(), None);
        assert_eq!(progress(), None);
    }
}
