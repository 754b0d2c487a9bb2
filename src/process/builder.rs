//! What a child is to be, before it is started.

use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::process::child::Child;
use crate::process::fork::{fork, fork_after_threads};
use crate::process::handle::Process;
use crate::process::identity::Identity;
use crate::process::run::Run;
use crate::process::spawn::spawn;
use crate::process::{children, current};
use crate::sys::Namespace;

/// A child to be, with a name and other properties. Made by [`Process::builder`].
///
/// ```
/// use multiproc::{Process, process};
///
/// let child = Process::builder()
///     .name("Levi")
///     .spawn(|sec: u32| format!("{} works for {sec} s", process::current().name()), 2)?;
/// assert_eq!(child.name(), "Levi");
/// assert_eq!(child.join()?, "Levi works for 2 s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is started yet"]
pub struct ProcessBuilder {
    name: Option<String>,
    daemon: bool,
}

impl ProcessBuilder {
    /// Calls the child `name`, instead of "Process-1" and so on.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it a daemon: it ends with its parent, and may have no children.
    ///
    /// When the parent ends, its daemons get SIGTERM, and SIGKILL if they do not heed it; when the
    /// parent is killed, they are killed. One that the parent may not signal is not waited for: where
    /// a sandbox forbids it, it is killed after the parent's end; one that has changed its user lives
    /// on. The log tells of it.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = daemon;
        self
    }

    /// Starts it as [`Process::fork`] does.
    ///
    /// # Errors
    ///
    /// As for [`Process::fork`].
    pub fn fork<F, R>(self, f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        self.bear(|identity| fork(identity, f))
    }

    /// Starts it as [`Process::fork_after_threads`] does.
    ///
    /// # Safety
    ///
    /// As for [`Process::fork_after_threads`].
    ///
    /// # Errors
    ///
    /// As for [`Process::fork_after_threads`].
    pub unsafe fn fork_after_threads<F, R>(self, f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        // SAFETY: the caller's promise.
        self.bear(|identity| unsafe { fork_after_threads(identity, f) })
    }

    /// Starts it as [`Process::start`] does.
    ///
    /// # Errors
    ///
    /// As for [`Process::fork`].
    pub fn start<W: Run>(self, work: W) -> Result<Process<W::Output>, Error>
    where
        W::Output: Serialize + DeserializeOwned,
    {
        self.fork(|| work.run())
    }

    /// Starts it as [`Process::spawn`] does.
    ///
    /// # Errors
    ///
    /// As for [`Process::spawn`].
    pub fn spawn<A, R>(self, f: fn(A) -> R, argument: A) -> Result<Process<R>, Error>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        self.bear(|identity| spawn(identity, f, &argument))
    }

    fn bear<R>(
        self,
        start: impl FnOnce(Identity) -> Result<Child, Error>,
    ) -> Result<Process<R>, Error> {
        if children_are_ignored() {
            return Err(Error::ChildrenIgnored);
        }
        // Where that cannot be seen, the child looks: see `live`.
        let is_left = |namespace: &Namespace| namespace.is_left_by_children() == Some(true);
        if let Some(namespace) = Namespace::ALL.into_iter().find(is_left) {
            return Err(Error::OtherNamespace { namespace: namespace.name() });
        }
        children::open();
        children::sweep();
        let child = Arc::new(start(current::name_child(self.name, self.daemon)?)?);
        children::add(child.clone());
        Ok(Process::new(child))
    }
}

/// Whether the kernel is told to forget children as they end: then nobody learns how.
fn children_are_ignored() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: nothing is set, and there is room for what is asked.
    if unsafe { libc::sigaction(libc::SIGCHLD, null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call has filled it in.
    let action = unsafe { action.assume_init() };
    action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0
}
