//! What a child is to have otherwise than its parent: made by the parent, carried to the child, and applied
//! there by one function, however the child is started.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::fchdir;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::handoff::Handed;
use crate::process::current::note_alloc_failure;
use crate::process::environment::Environment;
use crate::process::limits::{self, Limits};
use crate::process::logs::{self, LogReader, LogWriter};
use crate::process::stdio::Stdio;
use crate::sys::descriptor;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) environment: Environment,
    pub(super) directory: Option<PathBuf>,
    /// Standard input, output and error.
    pub(super) streams: [Stdio; 3],
    pub(super) limits: Limits,
    pub(super) forward_logs: bool,
}

/// What goes to the child.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    environment: Environment,
    directory: Option<Handed>,
    streams: [Option<Handed>; 3],
    limits: Limits,
    logs: Option<LogWriter>,
}

/// What stays with the parent.
#[derive(Debug, Default)]
pub(super) struct ParentEnds {
    /// The other ends of the streams that are pipes.
    pub(super) streams: [Option<OwnedFd>; 3],
    pub(super) logs: Option<LogReader>,
}

impl Plan {
    /// Opens all that is to be opened; refuses what the child could not be given.
    pub(super) fn open(&self) -> Result<(Settings, ParentEnds), Error> {
        self.environment.check()?;
        self.limits.check()?;
        let directory = self.directory.as_deref().map(open_directory).transpose()?;
        let [input, output, error] = &self.streams;
        let (input, output, error) = (input.open(true)?, output.open(false)?, error.open(false)?);
        let (logs, reader) = match self.forward_logs {
            true => logs::forward()?.unzip(),
            false => (None, None),
        };
        let settings = Settings {
            environment: self.environment.clone(),
            directory: directory.map(Handed),
            streams: [input.child, output.child, error.child].map(|stream| stream.map(Handed)),
            limits: self.limits,
            logs,
        };
        let streams = [input.parent, output.parent, error.parent];
        Ok((settings, ParentEnds { streams, logs: reader }))
    }
}

/// Opens a directory that a child may enter.
fn open_directory(path: &Path) -> Result<OwnedFd, Error> {
    let failed = |source| Error::Directory { path: path.to_owned(), source };
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "the path holds a NUL")));
    }
    if path.as_os_str().is_empty() {
        return Err(failed(Errno::NOENT.into()));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // By what is in it, so that one which this process may not enter is refused now.
    let inside = path.join(".");
    let open = || retry_on_intr(|| openat(CWD, &inside, flags, Mode::empty()));
    descriptor(open).map_err(|errno| failed(errno.into()))
}

/// Why a child is not as it should be: the call that was refused there, and its error.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct NotSetUp {
    call: Call,
    errno: i32,
}

/// A call that a child makes to be as it should.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Call {
    Fchdir,
    Dup,
    DupFd,
    Sigaction,
    SetLimit,
}

impl NotSetUp {
    fn new(call: Call, errno: Errno) -> Self {
        NotSetUp { call, errno: errno.raw_os_error() }
    }

    pub(super) fn call(self) -> &'static str {
        match self.call {
            Call::Fchdir => "fchdir",
            Call::Dup => "dup2",
            Call::DupFd => "fcntl (F_DUPFD_CLOEXEC)",
            Call::Sigaction => "sigaction",
            Call::SetLimit => limits::CALL,
        }
    }

    pub(super) fn source(self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

impl Settings {
    /// Whether there is nothing to be done.
    pub(super) fn are_empty(&self) -> bool {
        let Settings { environment, directory, streams, limits, logs } = self;
        let is_plain = *environment == Environment::default() && *limits == Limits::new();
        is_plain && directory.is_none() && streams.iter().all(Option::is_none) && logs.is_none()
    }

    /// Takes the changes to the environment out, for a start that makes them itself.
    pub(super) fn take_environment(&mut self) -> Environment {
        std::mem::take(&mut self.environment)
    }

    /// Makes the running process, a child that has not begun, what it is to be. It has its name
    /// and its exchange already.
    ///
    /// # Safety
    ///
    /// No other thread of this process reads or changes its environment, or it is not to be changed.
    pub(super) unsafe fn apply(self) -> Result<(), NotSetUp> {
        let Settings { environment, directory, streams, limits, logs } = self;
        // SAFETY: the caller's promise.
        unsafe { environment.apply() };
        if let Some(Handed(directory)) = directory {
            let enter = || retry_on_intr(|| fchdir(&directory));
            enter().map_err(|errno| NotSetUp::new(Call::Fchdir, errno))?;
        }
        let put: [fn(OwnedFd) -> Result<(), Errno>; 3] = [dup2_stdin, dup2_stdout, dup2_stderr];
        for (stream, put) in streams.into_iter().zip(put) {
            if let Some(Handed(stream)) = stream {
                put(stream).map_err(|errno| NotSetUp::new(Call::Dup, errno))?;
            }
        }
        if let Some(logs) = logs {
            logs.become_logger();
        }
        if limits.has_memory() {
            note_alloc_failure().map_err(|(call, errno)| {
                let call = if call == "sigaction" { Call::Sigaction } else { Call::DupFd };
                NotSetUp::new(call, errno)
            })?;
        }
        let refused =
            |errno: nix::errno::Errno| NotSetUp { call: Call::SetLimit, errno: errno as i32 };
        limits.apply().map_err(refused)
    }
}
