//! Starting a child as a fresh process of the same program.

use std::ffi::{CString, OsString};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::handoff;
use crate::ipc::codec;
use crate::process::child::Child;
use crate::process::entry::{self, Entry, ON_START};
use crate::process::exchange::Exchange;
use crate::process::image::Image;
use crate::process::spawn_request::{Head, Names, SpawnRequest};
use crate::process::start::Start;
use crate::process::{program, start_path};
use crate::sys::file_fits;

/// Starts this program again, to run `function` on `argument` and nothing else.
pub(super) fn spawn<A, R>(start: Start, function: fn(A) -> R, argument: &A) -> Result<Child, Error>
where
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let entry: Entry = entry::enter::<A, R>;
    let image = Image::of_program();
    let name = |code: *const ()| image.name_of(code).ok_or(Error::NotInProgram);
    // Read through the static, so that the linker keeps what the loader runs.
    let reader = name(std::hint::black_box(ON_START) as *const ())?;
    let names = Names { entry: name(entry as *const ())?, function: name(function as *const ())? };
    program::check(&image)?;

    let Start { identity, mut settings, ends } = start;
    let environment = settings.take_environment().for_exec();
    // Most children have none: then there is nothing to encode, nor to find out how it is read.
    let encode = || if settings.are_empty() { Ok(Vec::new()) } else { codec::to_bytes(&settings) };
    let ((settings, argument), fds) = handoff::sending(|| (encode(), codec::to_bytes(argument)));
    let (settings, argument) =
        (settings.map_err(Error::Argument)?, argument.map_err(Error::Argument)?);
    let numbers: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let exchange = Exchange::new()?;
    let head = Head { identity, fds: numbers.clone(), settings };
    let request = SpawnRequest { reader, program: image.identity(), names, head, argument };
    let bytes = request.to_bytes().map_err(Error::Argument)?;
    file_fits(bytes.len())?;
    exchange.write(&bytes)?;

    let pid = exec(exchange.raw_fd(), &numbers, &environment)
        .map_err(|errno| Error::os("posix_spawn", errno))?;
    Child::new(pid, &request.head.identity, exchange, ends)
}

fn exec(request: RawFd, fds: &[RawFd], environment: &[CString]) -> Result<i32, Errno> {
    let mut actions = PosixSpawnFileActions::init()?;
    for &fd in [request].iter().chain(fds) {
        // Onto itself: in the child alone, the descriptor is no longer closed by exec.
        actions.add_dup2(fd, fd)?;
    }
    let text = |text: OsString| CString::new(text.into_vec()).ok();
    let args: Vec<CString> = std::env::args_os().filter_map(text).collect();
    let mut attributes = PosixSpawnAttr::init()?;
    // As std's Command: what this thread does not want to hear of, the child does; it could not be
    // terminated otherwise.
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    attributes.set_sigmask(&SigSet::empty())?;
    let program = start_path::write(request);
    posix_spawn(program.as_c_str(), &actions, &attributes, &args, environment)
        .map(|pid| pid.as_raw())
}
