//! Whether a fresh process of this program can be started, and would be its child: asked before it
//! is, since whatever runs instead would have this program's arguments and go its own ways.

use std::ffi::CStr;
use std::io::ErrorKind;

use rustix::fs::readlink;

use crate::error::Error;
use crate::process::entry;
use crate::process::image::Image;
use crate::process::start_path;
use crate::sys::proc_folder;

/// The file that runs, also when another has been put in its place since.
const PROGRAM: &CStr = c"/proc/self/exe";

/// The same by a longer way. An emulator that lays its guest's file under the first path does not
/// know this one.
const LONGER: &CStr = c"/proc/self/./exe";

/// Whether this process has more rights than the one that started it. Such a program takes no
/// orders from its caller, so it is no child either.
pub(super) fn is_privileged() -> bool {
    // SAFETY: it only reads what the kernel has put there.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Why a process that is started from [`PROGRAM`] would be no child.
pub(super) fn check(image: &Image) -> Result<(), Error> {
    if !entry::may_start() {
        return Err(Error::TooEarly);
    }
    // Each process of a program with more rights has them again, and would refuse.
    if is_privileged() {
        return Err(Error::Privileged);
    }
    if !start_path::is_told() {
        return Err(Error::NoStartPath);
    }
    proc_folder("/proc/self").map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NoProc,
        _ => Error::os("open of /proc/self", error),
    })?;
    if is_started_by_loader(image) || is_emulated() {
        return Err(Error::OtherProgram);
    }
    Ok(())
}

/// The same, for who makes much before it starts children.
pub(crate) fn can_start_children() -> Result<(), Error> {
    check(&Image::of_program())
}

/// Whether somebody has run the loader and it this program: then the kernel knows of the loader
/// only. A program that names an interpreter has been loaded by it; the kernel says where that is,
/// unless it has not loaded one.
fn is_started_by_loader(image: &Image) -> bool {
    // SAFETY: it only reads what the kernel has put there.
    image.names_interpreter() && unsafe { libc::getauxval(libc::AT_BASE) } == 0
}

/// Whether the two paths lead to different files; asked twice, since the file can be moved between
/// the questions.
fn is_emulated() -> bool {
    let leads_elsewhere = || {
        let (one, other) = (readlink(PROGRAM, Vec::new()), readlink(LONGER, Vec::new()));
        matches!((one, other), (Ok(one), Ok(other)) if one != other)
    };
    leads_elsewhere() && leads_elsewhere()
}
