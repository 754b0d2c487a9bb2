//! What exec hands on from a process to a program that it starts: carried to a child that is not started by
//! exec, so that it has the same.

use std::ffi::{CString, c_char};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::null_mut;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, FdFlags, fcntl_getfd, retry_on_intr};
use rustix::process::fchdir;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};
use serde::{Deserialize, Serialize};

use crate::sys::descriptor;

/// The resources that a process can be limited in.
const RESOURCES: [Resource; 16] = [
    Resource::RLIMIT_CPU,
    Resource::RLIMIT_FSIZE,
    Resource::RLIMIT_DATA,
    Resource::RLIMIT_STACK,
    Resource::RLIMIT_CORE,
    Resource::RLIMIT_RSS,
    Resource::RLIMIT_NPROC,
    Resource::RLIMIT_NOFILE,
    Resource::RLIMIT_MEMLOCK,
    Resource::RLIMIT_AS,
    Resource::RLIMIT_LOCKS,
    Resource::RLIMIT_SIGPENDING,
    Resource::RLIMIT_MSGQUEUE,
    Resource::RLIMIT_NICE,
    Resource::RLIMIT_RTPRIO,
    Resource::RLIMIT_RTTIME,
];

/// The limits of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResourceLimits(
    /// The soft and the hard limit of each of [`RESOURCES`]; `None` where the system does not tell.
    Vec<Option<(u64, u64)>>,
);

impl ResourceLimits {
    pub(super) fn of_this_process() -> Self {
        ResourceLimits(RESOURCES.map(|resource| getrlimit(resource).ok()).to_vec())
    }

    /// Gives them to this process, which has `own`.
    fn apply(&self, own: &Self) -> Result<(), String> {
        let wanted = RESOURCES.iter().zip(&self.0).zip(&own.0);
        for ((&resource, limit), _) in wanted.filter(|((_, limit), own)| limit != own) {
            let Some((soft, hard)) = *limit else { continue };
            setrlimit(resource, soft, hard)
                .map_err(|errno| format!("setrlimit ({resource:?}) failed: {errno}"))?;
        }
        Ok(())
    }
}

/// What is inherited, but for the descriptors.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Inherited {
    /// The variables, each with a NUL behind it.
    #[serde(with = "serde_bytes")]
    environment: Vec<u8>,
    limits: ResourceLimits,
    /// Which of the standard streams are open.
    streams: [bool; 3],
}

/// The descriptors that go with it.
#[derive(Debug)]
pub(super) struct InheritedFds {
    directory: OwnedFd,
    streams: [Option<BorrowedFd<'static>>; 3],
}

impl Inherited {
    /// Of this process, as it is now, but for the environment. Fails where its working directory cannot be opened.
    pub(super) fn of_this_process(environment: &[CString]) -> Result<(Self, InheritedFds), Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || retry_on_intr(|| openat(CWD, c".", flags, Mode::empty()));
        let directory = descriptor(open)?;
        let is_inherited = |fd: &BorrowedFd<'_>| {
            fcntl_getfd(fd).is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC))
        };
        let streams = [stdin(), stdout(), stderr()].map(|fd| Some(fd).filter(is_inherited));
        let inherited = Inherited {
            environment: environment
                .iter()
                .flat_map(|text| text.to_bytes_with_nul())
                .copied()
                .collect(),
            limits: ResourceLimits::of_this_process(),
            streams: streams.map(|stream| stream.is_some()),
        };
        Ok((inherited, InheritedFds { directory, streams }))
    }

    /// Gives it to this process, whose limits are `own`.
    ///
    /// # Safety
    ///
    /// This process has one thread, which has nothing of the environment.
    pub(super) unsafe fn apply(
        self,
        fds: impl IntoIterator<Item = OwnedFd>,
        own: &ResourceLimits,
    ) -> Result<(), String> {
        let failed = |call: &'static str| move |errno| format!("{call} failed: {errno}");
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or("a descriptor is missing".to_owned());
        fchdir(next()?).map_err(failed("fchdir"))?;
        for (number, is_open) in self.streams.into_iter().enumerate() {
            if !is_open {
                // SAFETY: of nobody: what this process had there is the helper's, which it does not use.
                unsafe { libc::close(number as i32) };
                continue;
            }
            let stream = next()?;
            let put = [dup2_stdin, dup2_stdout, dup2_stderr][number];
            put(stream).map_err(failed("dup2"))?;
        }
        self.limits.apply(own)?;
        // SAFETY: the caller's promise.
        unsafe { set_environment(self.environment) };
        Ok(())
    }
}

impl InheritedFds {
    /// In the order in which [`Inherited::apply`] takes them.
    pub(super) fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let streams = self.streams.iter().flatten().copied();
        [self.directory.as_fd()].into_iter().chain(streams)
    }
}

unsafe extern "C" {
    /// The variables of this process, for C and for std.
    static mut environ: *mut *mut c_char;
}

/// Has this process have these variables, each with a NUL behind it, and no others.
///
/// # Safety
///
/// There is one thread, which has nothing of the environment.
unsafe fn set_environment(variables: Vec<u8>) {
    let variables = variables.leak();
    let mut starts = Vec::with_capacity(64);
    for variable in variables.split_mut(|&byte| byte == b'\0').filter(|text| !text.is_empty()) {
        starts.push(variable.as_mut_ptr().cast());
    }
    starts.push(null_mut());
    // SAFETY: a list that ends with null, of texts that end with NUL, all of which stay. Nobody reads the
    // old one at the same time (the caller's promise).
    unsafe { environ = starts.leak().as_mut_ptr() };
}
