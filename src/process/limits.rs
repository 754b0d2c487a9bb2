//! What a child may use.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What a child may use; what is not said stays as it is for the parent. For
/// [`ProcessBuilder::limits`](crate::ProcessBuilder::limits).
///
/// ```
/// use multiproc::{Process, ProcessError, process::Limits};
///
/// let greedy = |bytes: usize| Vec::<u8>::with_capacity(bytes).capacity();
/// let limits = Limits::new().memory(1 << 30);
/// let child = Process::builder().limits(limits).spawn(greedy, 1 << 31)?;
/// assert!(matches!(child.join(), Err(ProcessError::OutOfMemory)));
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// The child sets them for itself before its function is called, as both the soft and the hard limit:
/// it cannot raise them, unless it is privileged. The processes that it starts have the same, each for
/// itself. They can be lower than the parent's hard limits or equal, not higher.
///
/// # What happens at a limit
///
/// | limit | what fails |
/// |---|---|
/// | memory | an allocation, which ends the process: [`ProcessError::OutOfMemory`](crate::ProcessError::OutOfMemory) |
/// | CPU time | the process is killed by SIGXCPU: [`ProcessError::Signaled`](crate::ProcessError::Signaled) with 24 |
/// | open files | whatever opens one more, with an error |
/// | core | a process that crashes leaves no more than that of its memory in a file |
///
/// # Different from Python
///
/// There, a child calls `resource.setrlimit` itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "nothing is limited by this alone"]
pub struct Limits {
    memory: Option<u64>,
    cpu_time: Option<Duration>,
    open_files: Option<u64>,
    core: Option<u64>,
}

/// A limit that a child is to have.
struct Limit {
    what: &'static str,
    resource: Resource,
    soft: u64,
    hard: u64,
}

impl Limits {
    /// None: all stays as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many bytes of memory for itself alone: heap, stacks of threads, what it maps privately and can
    /// write (RLIMIT_DATA). What it shares does not count, nor what is only reserved.
    ///
    /// What it has when it begins counts: of a forked child, all that it has from its parent.
    ///
    /// An allocation that fails is told by [`ProcessError::OutOfMemory`] where it is Rust's and Rust's
    /// answer to it is to abort (as of `Vec`, `Box`, `String` and so on). One of C's gives null, which is
    /// often answered by an abort of its own; a thread that has no memory for its stack is not started,
    /// and that is an error, or a panic, where it is started.
    ///
    /// [`ProcessError::OutOfMemory`]: crate::ProcessError::OutOfMemory
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// So much time of the processor, for all threads together, rounded up to whole seconds
    /// (RLIMIT_CPU). A process that handles or ignores SIGXCPU is killed, by SIGKILL, a second later.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.cpu_time = Some(time);
        self
    }

    /// So many descriptors at a time, the standard streams included; precisely, none with a number from
    /// there on (RLIMIT_NOFILE). Those that are open when it begins stay open.
    pub fn open_files(mut self, files: u64) -> Self {
        self.open_files = Some(files);
        self
    }

    /// So many bytes of its memory are left in a file when it crashes; with 0 there is no such file
    /// (RLIMIT_CORE).
    pub fn core(mut self, bytes: u64) -> Self {
        self.core = Some(bytes);
        self
    }

    pub(super) fn has_memory(&self) -> bool {
        self.memory.is_some()
    }

    fn all(&self) -> impl Iterator<Item = Limit> {
        let both = |what, resource, value: Option<u64>| {
            value.map(|value| Limit { what, resource, soft: value, hard: value })
        };
        let seconds = self.cpu_time.map(|time| {
            // No seconds at all would be no limit to the kernel, which makes 1 of it.
            let whole = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1);
            let (what, resource) = ("seconds of CPU time", Resource::RLIMIT_CPU);
            Limit { what, resource, soft: whole, hard: whole.saturating_add(1) }
        });
        let memory = both("bytes of memory", Resource::RLIMIT_DATA, self.memory);
        let files = both("open files", Resource::RLIMIT_NOFILE, self.open_files);
        let core = both("bytes of a core file", Resource::RLIMIT_CORE, self.core);
        [core, files, seconds, memory].into_iter().flatten()
    }

    /// Whether each can be had.
    pub(super) fn check(&self) -> Result<(), Error> {
        for limit in self.all() {
            let most = hard_limit(limit.resource).map_err(|errno| Error::os(CALL, errno))?;
            if limit.soft > most {
                return Err(Error::LimitTooHigh { limit: limit.what, asked: limit.soft, most });
            }
        }
        Ok(())
    }

    /// Sets them for the running process.
    pub(super) fn apply(&self) -> Result<(), Errno> {
        for Limit { resource, soft, hard, .. } in self.all() {
            // It may have been lowered since `check`: then this one is above it, and refused.
            let most = hard_limit(resource)?;
            setrlimit(resource, soft, hard.min(most).max(soft))?;
        }
        Ok(())
    }
}

/// The system call by which limits are asked for and set.
pub(super) const CALL: &str = "prlimit64";

/// By nix: rustix would panic where the call is denied.
fn hard_limit(resource: Resource) -> Result<u64, Errno> {
    getrlimit(resource).map(|(_, hard)| hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(time: Duration) -> (u64, u64) {
        let limits = Limits::new().cpu_time(time);
        let mut all = limits.all().map(|limit| (limit.soft, limit.hard));
        all.next().expect("it is one")
    }

    #[test]
    fn time_is_rounded_up_to_whole_seconds() {
        assert_eq!(cpu(Duration::ZERO), (1, 2));
        assert_eq!(cpu(Duration::from_secs(3)), (3, 4));
        assert_eq!(cpu(Duration::from_millis(3001)), (4, 5));
        assert_eq!(cpu(Duration::MAX), (u64::MAX, u64::MAX));
    }

    #[test]
    fn what_is_not_said_is_not_limited() {
        assert_eq!(Limits::new().all().count(), 0);
        assert_eq!(Limits::new().core(0).all().count(), 1);
        Limits::new().check().expect("nothing is asked for");
    }
}
