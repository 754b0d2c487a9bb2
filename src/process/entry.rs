//! How a spawned process comes to its function: before `main`, without a call in it.
//!
//! The loader runs what stands in `.init_array` before `main`, in every program that uses this
//! crate. There, [`on_start`] looks for the variable that names a letter. In a program that was
//! started in any other way there is none, and nothing happens.
//!
//! Before `main`, in a child, std works; what its runtime does at the start of `main` is missing: a
//! stack overflow is not told as such, and the main thread has no name.

use std::ffi::{CString, OsStr};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::process::body::{NotRead, live};
use crate::process::ending::leave;
use crate::process::identity::Identity;
use crate::process::image::Image;
use crate::process::letter::{Address, Letter, VARIABLE};
use crate::process::page::Page;
use crate::shm::handoff;

/// What the loader runs before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
pub(super) static ON_START: extern "C" fn() = on_start;

/// The exit code of a process that was told to be a child and cannot: EX_SOFTWARE of sysexits.h.
const BROKEN: i32 = 70;

/// What the letter's entry is given.
pub(super) struct Task {
    page: Page,
    identity: Identity,
    function: *const (),
    argument: Vec<u8>,
    fds: Vec<OwnedFd>,
}

/// The type of [`enter`], whatever its parameters.
pub(super) type Entry = unsafe fn(Task) -> !;

pub(super) extern "C" fn on_start() {
    let Some(address) = std::env::var_os(VARIABLE) else { return };
    // A program with more rights than its caller takes no orders from the caller's environment.
    // SAFETY: it only reads what the kernel has put there.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return;
    }
    match open(&address) {
        Ok(Some((entry, task))) => {
            // SAFETY: the letter says that it is the `enter` of the types that the function and
            // the argument have; it was written by this same program, see `open`.
            unsafe { entry(task) }
        }
        Ok(None) => {}
        Err(why) => {
            eprintln!(
                "multiproc: {VARIABLE} is set, but this process cannot be the child it speaks of: \
                 {why}. If you set it, unset it."
            );
            leave(BROKEN);
        }
    }
}

/// Reads the letter; `None` when it is for another copy of this crate in the same process.
fn open(address: &OsStr) -> Result<Option<(Entry, Task)>, &'static str> {
    let address =
        address.to_str().and_then(Address::parse).ok_or("it is no address of a letter")?;
    let image = Image::of_program();
    if image.find(address.reader) != Some(ON_START as *const ()) {
        return Ok(None);
    }
    let number = address.fd;
    // SAFETY: only asked about.
    if unsafe { libc::fcntl(number, libc::F_GET_SEALS) } == -1 {
        return Err("the descriptor is no memory that a parent has sent");
    }
    // SAFETY: it is open, since its seals were just told; and it is the letter's, which was put
    // there for us. (Should it not be, the errors below end the process.)
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let page = Page::from_fd(fd);
    let bytes = page.read().map_err(|_| "its letter cannot be read")?;
    let letter = Letter::from_bytes(bytes).ok_or("what it finds there is no letter")?;
    // SAFETY: before `main`, where this crate has started no thread. (One that a constructor of a
    // library has started would have to be in C's getenv at this very moment.)
    unsafe { std::env::remove_var(VARIABLE) };
    page.keep_to_itself().map_err(|_| "its letter cannot be kept from its own children")?;
    let fds = letter.head.fds.iter().map(|&fd| adopt(fd)).collect::<Result<_, _>>()?;

    let entry = image.find(letter.names.entry).ok_or("its letter names no function")?;
    let function = image.find(letter.names.function).ok_or("its letter names no function")?;
    // SAFETY: it is code of this program, named as an `Entry` by this same program.
    let entry = unsafe { std::mem::transmute::<*const (), Entry>(entry) };
    imitate_main();
    let identity = letter.head.identity;
    Ok(Some((entry, Task { page, identity, function, argument: letter.argument, fds })))
}

/// Takes a descriptor that the letter brings. The parent's file actions have made it inheritable
/// for this one step; from here on it is not.
fn adopt(fd: RawFd) -> Result<OwnedFd, &'static str> {
    // SAFETY: one that is not open is refused; one that is, is set to what every descriptor of
    // this crate is.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err("a descriptor that its letter names is not there");
    }
    // SAFETY: open, as was just seen, and put there for us: nobody else in this process knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What else a process has when it comes to `main`.
fn imitate_main() {
    // SAFETY: std's runtime does the same before main: writing to a pipe that nobody reads is an
    // error, not death.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    // It was started as /proc/self/exe: its short name would be "exe".
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or(&program).as_bytes();
    if let Ok(name) = CString::new(&name[..name.len().min(15)]) {
        let _ = rustix::thread::set_name(&name);
    }
}

/// Runs the task's function on its argument and ends the process.
///
/// # Safety
///
/// The task's function is a `fn(A) -> R`.
pub(super) unsafe fn enter<A: DeserializeOwned, R: Serialize>(task: Task) -> ! {
    let Task { page, identity, function, argument, fds } = task;
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    live(identity, page, move || {
        let read = handoff::taking(fds, || postcard::from_bytes(&argument));
        drop(argument);
        Ok(function(read.map_err(|error| NotRead(handoff::explain(&error)))?))
    })
}
