//! How a spawned process comes to its function: before `main`, without a call in it.
//!
//! The loader runs what stands in `.init_array` before `main`, in every program that uses this
//! crate. There, [`on_start`] looks at the path by which the process was started. In a program that
//! was started in any other way it is no child's path, and nothing happens. A process whose path is
//! a child's never comes to `main`: it does what its request says, or ends.
//!
//! What the loader would run after this, up to `main`, is run first: the function may rely on it, as
//! all that `main` calls may. (What libraries have of that the loader has run before.)
//!
//! Before `main`, in a child, std works; what its runtime does at the start of `main` is missing: a
//! stack overflow is not told as such, and the main thread has no name.

use std::ffi::{CStr, CString, c_char, c_int};
use std::io::Write;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CodecError;
use crate::handoff;
use crate::ipc::codec;
use crate::process::body::{NotRun, live};
use crate::process::exchange::{Exchange, Outcome};
use crate::process::identity::{Identity, Tie};
use crate::process::image::Image;
use crate::process::inherited::ResourceLimits;
use crate::process::program;
use crate::process::settings::Settings;
use crate::process::spawn_request::{self, Head, SpawnRequest};
use crate::process::start_path::{self, Progress};
use crate::runtime::{leave, tell_panics_of_process};
use crate::sys::{Arguments, Constructor, Constructors};

/// What the loader runs before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
pub(super) static ON_START: Constructor = on_start;

static HAS_RUN: OnceLock<()> = OnceLock::new();

/// Whether a process that is started now would not come to this same call, and start another: what
/// comes before [`on_start`] comes before it in a child too; and in a child, what comes after it before
/// `main` has come before the function. Of a child, each copy of this crate knows it, whosever it is.
pub(super) fn may_start() -> bool {
    match start_path::progress() {
        Some(progress) => progress == Progress::Begun,
        None => HAS_RUN.get().is_some(),
    }
}

/// The exit code of a process that was told to be a child and cannot: EX_SOFTWARE of sysexits.h.
const BROKEN: i32 = 70;

/// What the request's entry is given.
pub(super) struct Task {
    pub(super) exchange: Exchange,
    identity: Identity,
    function: *const (),
    pub(super) argument: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
    /// What is to be run before the function, by a process that the loader has not brought to `main`.
    pub(super) constructors: Option<Constructors>,
    settings: Vec<u8>,
}

/// The type of [`enter`], whatever its parameters.
pub(super) type Entry = unsafe fn(Task) -> !;

pub(super) extern "C" fn on_start(
    argc: c_int,
    argv: *const *const c_char,
    envp: *const *const c_char,
) {
    let _ = HAS_RUN.set(());
    let Some(fd) = start_path::of_this_process() else { return };
    let why = match open(fd, Arguments { argc, argv, envp }) {
        // SAFETY: the request says that it is the `enter` of the types that the function and the
        // argument have; it was written by this same program, see `open`.
        Ok(Some((entry, task))) => unsafe { entry(task) },
        Ok(None) => return,
        Err(why) => why,
    };
    refuse(&why)
}

/// Ends a process that cannot do what it was started for.
fn refuse(why: &str) -> ! {
    // Whether or not anybody hears it.
    let _ = writeln!(
        std::io::stderr(),
        "multiproc: this process was started as a child, and cannot be one: {why}"
    );
    leave(BROKEN)
}

/// Reads the request; `None` when it is for another copy of this crate, to which the loader comes
/// later.
fn open(number: RawFd, arguments: Arguments) -> Result<Option<(Entry, Task)>, String> {
    let image = Image::of_program();
    // A copy in a library comes before all of the program's: see `spawn`, which a library refuses.
    if image.name_of(on_start as *const ()).is_none() {
        return Ok(None);
    }
    // The descriptor, too, comes from whoever called exec.
    if program::is_privileged() {
        let why = "it has more rights than its parent, so it does not do what that one says";
        return Err(why.to_owned());
    }
    if !is_of_request(number) {
        let why = "the descriptor of its request is not there: something has closed it before";
        return Err(why.to_owned());
    }
    // SAFETY: it is open, as was just told; and it is the request's, which was put there for us.
    // (Should it not be, the errors below end the process.) It is not closed here when it is for
    // another copy.
    let exchange = ManuallyDrop::new(Exchange::from_fd(unsafe { OwnedFd::from_raw_fd(number) }));
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error| format!("{what}: {error}")
    };
    let bytes = exchange.read().map_err(failed("its request cannot be read"))?;
    let reader = spawn_request::reader(&bytes).ok_or("what it finds there is no request")?;
    let constructors = Constructors::behind(&ON_START, arguments)
        .ok_or("the linker of this program does not tell what else comes before main")?;
    match image.find(reader) {
        Some(reader) if reader == on_start as *const () => {}
        Some(reader) if constructors.contains(reader) => return Ok(None),
        _ => return Err("its request is for nobody in this program".to_owned()),
    }
    let request = SpawnRequest::from_bytes(bytes).ok_or("its request is of another version")?;
    if request.program != image.identity() {
        return Err("its request is of another program, or of another build of this one".to_owned());
    }
    let exchange = ManuallyDrop::into_inner(exchange);
    start_path::note(Progress::Beginning);
    let (entry, task) =
        accept(&image, exchange, request, |fds| fds.iter().map(|&fd| adopt(fd)).collect())?;
    Ok(Some((entry, Task { constructors: Some(constructors), ..task })))
}

/// Takes the request off, with the descriptors that `fds` gives for the numbers in it.
fn accept(
    image: &Image,
    exchange: Exchange,
    request: SpawnRequest,
    fds: impl FnOnce(&[i32]) -> Result<Vec<OwnedFd>, String>,
) -> Result<(Entry, Task), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error| format!("{what}: {error}")
    };
    exchange.clear().map_err(failed("its request cannot be taken off"))?;
    exchange
        .keep_to_itself()
        .map_err(failed("its request cannot be kept from its own children"))?;
    let found = fds(&request.head.fds).and_then(|fds| {
        let find = |name| image.find(name).ok_or("its request names no function".to_owned());
        Ok((fds, find(request.names.entry)?, find(request.names.function)?))
    });
    let (fds, entry, function) = found.inspect_err(|why| {
        // The parent hears it too. (Should that not be possible, it hears of the exit code.)
        let _ = exchange.leave(&Outcome::NotRead(CodecError::NotCarried(why.clone())));
    })?;
    // SAFETY: it is code of this program, named as an `Entry` by this same program.
    let entry = unsafe { std::mem::transmute::<*const (), Entry>(entry) };
    let Head { identity, settings, .. } = request.head;
    let argument = request.argument;
    let constructors = None;
    let task = Task { exchange, identity, function, argument, fds, constructors, settings };
    Ok((entry, task))
}

/// The request that is on `exchange`, for a process that is not started by exec.
pub(super) fn read_copied(exchange: &Exchange) -> Result<SpawnRequest, String> {
    let bytes = exchange.read().map_err(|error| format!("its request cannot be read: {error}"))?;
    SpawnRequest::from_bytes(bytes).ok_or("what it finds there is no request".to_owned())
}

/// A copy of a process that [`on_start`] has come to, and what it has from that process.
pub(super) struct Copied<'a> {
    pub(super) request: Result<SpawnRequest, String>,
    pub(super) exchange: Exchange,
    /// Those of what is inherited, and then those of the argument.
    pub(super) fds: Vec<OwnedFd>,
    /// What its tie to its parent is, if it has one.
    pub(super) tie: Tie,
    pub(super) image: &'a Image,
    pub(super) limits: &'a ResourceLimits,
    /// What its program is called.
    pub(super) name: &'a CStr,
}

impl Copied<'_> {
    /// Does what exec would have done, and runs the request.
    ///
    /// # Safety
    ///
    /// The request was written by this same program. The process has one thread, which has nothing of
    /// the environment.
    pub(super) unsafe fn begin(self) -> ! {
        // SAFETY: the caller's promise.
        match unsafe { self.open() } {
            // SAFETY: as in `on_start`.
            Ok((entry, task)) => unsafe { entry(task) },
            Err(why) => refuse(&why),
        }
    }

    /// # Safety
    ///
    /// As for [`Copied::begin`].
    unsafe fn open(self) -> Result<(Entry, Task), String> {
        let mut request = self.request?;
        if request.head.identity.tie != Tie::None {
            request.head.identity.tie = self.tie;
        }
        let inherited = request.head.inherited.take().ok_or("its request is one for exec")?;
        accept(self.image, self.exchange, request, |numbers| {
            let _ = rustix::thread::set_name(self.name);
            let mut fds = self.fds.into_iter();
            // SAFETY: the caller's promise.
            unsafe { inherited.apply(&mut fds, self.limits) }?;
            let fds: Vec<OwnedFd> = fds.collect();
            // What came for the helper before this is blocked, and is not for this one.
            let unblocked = SigSet::empty().thread_set_mask();
            unblocked.map_err(|errno| format!("sigprocmask failed: {errno}"))?;
            match fds.len() == numbers.len() {
                true => Ok(fds),
                false => Err("a descriptor that its request names is not there".to_owned()),
            }
        })
    }
}

/// Whether a file in memory has that descriptor, as the request has. Where the system does not tell,
/// whether anything has: what is not a request is found out when it is read.
fn is_of_request(fd: RawFd) -> bool {
    // SAFETY: only asked about.
    let asked = |what| unsafe { libc::fcntl(fd, what) } != -1;
    let is_absent = || matches!(Errno::last(), Errno::EBADF | Errno::EINVAL);
    asked(libc::F_GET_SEALS) || !is_absent() && asked(libc::F_GETFD)
}

/// Takes a descriptor that the request brings. The parent's file actions have made it inheritable
/// for this one step; from here on it is not.
fn adopt(fd: RawFd) -> Result<OwnedFd, String> {
    // SAFETY: one that is not open is refused; one that is, is set to what every descriptor of
    // this crate is.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(match Errno::last() {
            Errno::EBADF => "a descriptor that its request names is not there".to_owned(),
            errno => format!("fcntl (F_SETFD) failed: {errno}"),
        });
    }
    // SAFETY: open, as was just seen, and put there for us: nobody else in this process knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Does what is done in a process before it comes to `main`.
///
/// # Safety
///
/// As for [`Constructors::run`].
pub(super) unsafe fn come_to_main(constructors: Constructors) {
    // SAFETY: the caller's promise.
    unsafe { constructors.run() };
    imitate_main();
    start_path::note(Progress::Begun);
}

/// What else a process has when it comes to `main`.
fn imitate_main() {
    // SAFETY: std's runtime does the same before main: writing to a pipe that nobody reads is an
    // error, not death.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    // It was started as …/exe: its short name would be "exe".
    let _ = rustix::thread::set_name(&name_of_program());
}

/// What the kernel calls a process of this program.
pub(super) fn name_of_program() -> CString {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or(&program).as_bytes();
    CString::new(&name[..name.len().min(15)]).unwrap_or_default()
}

/// Runs the task's function on its argument and ends the process.
///
/// # Safety
///
/// The task's function is a `fn(A) -> R`.
pub(super) unsafe fn enter<A, R>(task: Task) -> !
where
    A: DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let Task { exchange, identity, function, argument, fds, constructors, settings } = task;
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    // Below the hook that `live` sets, which notes the place; a constructor may set another.
    tell_panics_of_process();
    live(identity, exchange, move || {
        if let Some(constructors) = constructors {
            // SAFETY: this is called by `on_start`, which the loader runs, and never returns.
            unsafe { come_to_main(constructors) };
        }
        let read = handoff::taking(fds, || {
            if !settings.is_empty() {
                let settings: Settings = codec::decode(&settings).map_err(NotRun::NotRead)?;
                // SAFETY: there is nothing in the settings to be changed in the environment, which came
                // with the start (see `spawn`).
                unsafe { settings.apply() }.map_err(NotRun::NotSetUp)?;
            }
            codec::decode(&argument).map_err(NotRun::NotRead)
        });
        drop((argument, settings));
        Ok(function(read?))
    })
}
