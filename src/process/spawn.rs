//! Starting a child as a fresh process of the same program, or having a copy of one made.

use std::ffi::{CString, OsString};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::retry_on_intr;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::handoff;
use crate::ipc::codec;
use crate::process::child::Child;
use crate::process::entry::{self, Entry, ON_START};
use crate::process::environment::Environment;
use crate::process::exchange::Exchange;
use crate::process::identity::Identity;
use crate::process::image::Image;
use crate::process::settings::ParentEnds;
use crate::process::spawn_request::{Head, Names, SpawnRequest};
use crate::process::start::Start;
use crate::process::start_method::StartMethod;
use crate::process::{fork_server, namespaces, program, start_path};
use crate::sys::descriptor;

/// Starts a child that runs `function` on `argument` and nothing else.
pub(super) fn spawn<A, R>(
    start: Start,
    method: StartMethod,
    function: fn(A) -> R,
    argument: &A,
) -> Result<Child, Error>
where
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let Start { identity, mut settings, ends } = start;
    let environment = settings.take_environment().for_exec();
    // Most children have none: then there is nothing to encode, nor to find out how it is read.
    let encode = || if settings.are_empty() { Ok(Vec::new()) } else { codec::to_bytes(&settings) };
    let ((settings, argument), fds) = handoff::sending(|| (encode(), codec::to_bytes(argument)));
    let (settings, argument) =
        (settings.map_err(Error::Argument)?, argument.map_err(Error::Argument)?);
    let head = Head::new(identity, settings, &fds);
    let mut request = request(entry::enter::<A, R>, function as *const (), head, argument)?;
    let (pid, exchange) = match method {
        StartMethod::Spawn => self::start(&request, &environment)?,
        StartMethod::ForkServer => fork_server::start(&mut request, &environment, &fds)?,
    };
    Child::new(pid, &request.head.identity, exchange, ends)
}

/// The request to run `entry`, and by that `function`.
fn request(
    entry: Entry,
    function: *const (),
    head: Head,
    argument: Vec<u8>,
) -> Result<SpawnRequest, Error> {
    let image = Image::of_program();
    let name = |code: *const ()| image.name_of(code).ok_or(Error::NotInProgram);
    // Read through the static, so that the linker keeps what the loader runs.
    let reader = name(std::hint::black_box(ON_START) as *const ())?;
    let names = Names { entry: name(entry as *const ())?, function: name(function)? };
    Ok(SpawnRequest { reader, program: image.identity(), names, head, argument })
}

/// A process that was started, and its exchange: it is a child once [`Child::new`] says so.
pub(super) type Started = (i32, Exchange);

/// Starts this program again, for a request whose descriptors are open.
pub(super) fn start(request: &SpawnRequest, environment: &[CString]) -> Result<Started, Error> {
    start_with(request, environment, PosixSpawnFileActions::init)
}

/// Starts this program again, to run `entry`, which uses neither the standard streams nor any other
/// descriptor than `fds`.
pub(super) fn start_helper(
    entry: Entry,
    identity: Identity,
    argument: Vec<u8>,
    fds: &[OwnedFd],
) -> Result<Child, Error> {
    let head = Head::new(identity, Vec::new(), fds);
    let request = request(entry, entry as *const (), head, argument)?;
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let open = || retry_on_intr(|| openat(CWD, c"/dev/null", flags, Mode::empty()));
    let nowhere = descriptor(open).map_err(|errno| Error::os("open /dev/null", errno))?;
    let environment = Environment::default().for_exec();
    let (pid, exchange) = start_with(&request, &environment, || without_inherited(&nowhere))?;
    Child::new(pid, &request.head.identity, exchange, ParentEnds::default())
}

fn start_with(
    request: &SpawnRequest,
    environment: &[CString],
    actions: impl FnOnce() -> Result<PosixSpawnFileActions, Errno>,
) -> Result<Started, Error> {
    namespaces::check()?;
    program::check(&Image::of_program())?;
    let bytes = request.to_bytes().map_err(Error::Argument)?;
    let exchange = Exchange::with_request(&bytes)?;
    let pid = actions()
        .and_then(|actions| exec(actions, exchange.raw_fd(), &request.head.fds, environment))
        .map_err(|errno| Error::os("posix_spawn", errno))?;
    Ok((pid, exchange))
}

/// In the child alone: nothing that this process would hand on, and standard streams that lead nowhere.
fn without_inherited(nowhere: &OwnedFd) -> Result<PosixSpawnFileActions, Errno> {
    let mut actions = PosixSpawnFileActions::init()?;
    for fd in inheritable() {
        actions.add_close(fd)?;
    }
    for stream in 0..3 {
        actions.add_dup2(nowhere.as_raw_fd(), stream)?;
    }
    Ok(actions)
}

/// The descriptors above the standard streams that a program would inherit. (One that another thread
/// opens meanwhile is missed.)
fn inheritable() -> Vec<RawFd> {
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let numbers = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_inherited = |&fd: &RawFd| {
        // SAFETY: only asked about.
        fd > 2 && unsafe { libc::fcntl(fd, libc::F_GETFD) } == 0
    };
    numbers.filter(is_inherited).collect()
}

fn exec(
    mut actions: PosixSpawnFileActions,
    request: RawFd,
    fds: &[RawFd],
    environment: &[CString],
) -> Result<i32, Errno> {
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
