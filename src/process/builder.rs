//! What a child is to be, before it is started.

use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr::null;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::process::child::Child;
use crate::process::fork::{fork, fork_after_threads};
use crate::process::handle::Process;
use crate::process::limits::Limits;
use crate::process::settings::Plan;
use crate::process::spawn::spawn;
use crate::process::start::Start;
use crate::process::start_method::StartMethod;
use crate::process::stdio::Stdio;
use crate::process::{children, current};
use crate::runtime::Run;

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
    plan: Plan,
    start_method: StartMethod,
}

impl ProcessBuilder {
    /// Calls the child `name`, instead of "Process-1" and so on.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes it a daemon: it ends with its parent, and may have no children.
    ///
    /// Ctrl-C is [left to its parent](crate::process#ctrl-c).
    ///
    /// When the parent ends, its daemons get SIGTERM, and SIGKILL if they do not heed it; when the
    /// parent is killed, they are killed. One that the parent may not signal is not waited for: where
    /// a sandbox forbids it, it is killed after the parent's end; one that has changed its user lives
    /// on. The log tells of it.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = daemon;
        self
    }

    /// Sets a variable of its environment. Its environment is this process's, as it is at the start, with
    /// what is said here.
    ///
    /// The start is refused with [`Error::InvalidVariable`] where the name is empty or has a `=` or a NUL,
    /// or the value has a NUL.
    ///
    /// ```
    /// use multiproc::Process;
    ///
    /// let child = Process::builder()
    ///     .env("GREETING", "hello")
    ///     .env_remove("HOME")
    ///     .spawn(|()| (std::env::var("GREETING").ok(), std::env::var("HOME").ok()), ())?;
    /// assert_eq!(child.join()?, (Some("hello".to_owned()), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A child that is spawned has it from its first instruction, so that also the loader and libraries
    /// see it (`LD_LIBRARY_PATH`); one that is forked sets it before its function is called, and what its
    /// parent has read of the old environment stays as it was read.
    ///
    /// # Different from Python
    ///
    /// There, a child changes `os.environ` itself.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.plan.environment.set(name.into(), value.into());
        self
    }

    /// Removes a variable of its environment: see [`env`](Self::env).
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.plan.environment.remove(name.into());
        self
    }

    /// Begins with an empty environment: what was said before is removed, too.
    pub fn env_clear(mut self) -> Self {
        self.plan.environment.clear();
        self
    }

    /// Has it begin in another directory than this process's.
    ///
    /// The start is refused with [`Error::Directory`] where this process could not enter it. A relative
    /// path is looked up when the child is started.
    ///
    /// ```
    /// use multiproc::{Error, Process};
    ///
    /// let here = |()| std::env::current_dir().unwrap();
    /// let child = Process::builder().current_dir("/proc").spawn(here, ())?;
    /// assert_eq!(child.join()?, std::path::Path::new("/proc"));
    /// let missing = Process::builder().current_dir("/no/such/place").spawn(here, ());
    /// assert!(matches!(missing, Err(Error::Directory { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.plan.directory = Some(directory.into());
        self
    }

    /// Says where its standard input comes from; by default from where this process's does.
    ///
    /// A forked child has also what its parent has read ahead of the old one and not used yet
    /// ([`std::io::stdin`] reads ahead), and gets that first.
    ///
    /// # Different from Python
    ///
    /// There, the standard input of every child is empty: here, that is
    /// [`Stdio::Null`](crate::process::Stdio::Null).
    pub fn stdin(mut self, from: impl Into<Stdio>) -> Self {
        self.plan.streams[0] = from.into();
        self
    }

    /// Says where its standard output goes; by default to where this process's does.
    ///
    /// ```
    /// use std::io::Read;
    /// use multiproc::{Process, process::Stdio};
    ///
    /// let builder = Process::builder().stdout(Stdio::Piped);
    /// let child = builder.spawn(|name: String| println!("hello, {name}"), "Levi".into())?;
    /// let mut said = String::new();
    /// child.take_stdout().expect("it is a pipe").read_to_string(&mut said)?;
    /// assert_eq!(said, "hello, Levi\n");
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// What runs in a spawned child before its function, the constructors, still writes to this process's.
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.plan.streams[1] = to.into();
        self
    }

    /// Says where its standard error goes; by default to where this process's does.
    pub fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.plan.streams[2] = to.into();
        self
    }

    /// Limits what it may use: see [`Limits`].
    ///
    /// The start is refused with [`Error::LimitTooHigh`] where one is above this process's hard limit.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.plan.limits = limits;
        self
    }

    /// Brings what it logs, by the crate `log`, to this process's logger, with the child's name before it.
    ///
    /// ```
    /// use multiproc::Process;
    ///
    /// // The logger of this process, whichever it is, gets the record
    /// // "Process-1: half done" of level info, with the child's target, file and line.
    /// log::set_max_level(log::LevelFilter::Info);
    /// let child = Process::builder().forward_logs(true).spawn(|()| log::info!("half done"), ())?;
    /// child.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A spawned child is a fresh process, in which no logger was set (but by a constructor: then that one
    /// stays). With this, its logger sends each record here before the call that logs it returns, up to the
    /// level that [`log::max_level`] has when it is started. (So it is not to set another, or only by what
    /// accepts that there is one: `try_init`.) A thread of this process gives them to the logger, one after another. For a forked child this says
    /// nothing: it has a copy of this process's logger, which writes where that one does.
    ///
    /// A child never waits for ever: when the logger takes nothing for a second while there is no room, the
    /// child leaves out what it cannot send, and says how many records those were once there is room again.
    ///
    /// # If the process dies
    ///
    /// What it had logged is not lost with it: when a [`join`](Process::join) returns how it ended, the logger
    /// has it. For that, any join, also one with a deadline, waits for the logger, for at most a second; of a
    /// logger that takes longer, the rest follows.
    ///
    /// # Costs
    ///
    /// For each child a thread of this process, until the child has ended, and a descriptor. A process with
    /// such a thread cannot [fork](Process::fork).
    ///
    /// # Different from Python
    ///
    /// There, it takes a queue, a `QueueHandler` and a `QueueListener`.
    pub fn forward_logs(mut self, forward: bool) -> Self {
        self.plan.forward_logs = forward;
        self
    }

    /// How [`spawn`](ProcessBuilder::spawn) is to start it, if not by [`StartMethod::Spawn`].
    ///
    /// ```
    /// use multiproc::Process;
    /// use multiproc::process::StartMethod;
    ///
    /// let quick = Process::builder().start_method(StartMethod::ForkServer);
    /// let children = (0..10u64).map(|n| quick.clone().spawn(|n| n * n, n));
    /// let children: Vec<_> = children.collect::<Result<_, _>>()?;
    /// for (n, child) in (0..).zip(children) {
    ///     assert_eq!(child.join()?, n * n);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_method(mut self, method: StartMethod) -> Self {
        self.start_method = method;
        self
    }

    /// Starts it as [`Process::fork`] does.
    ///
    /// # Errors
    ///
    /// As for [`Process::fork`], and where the child cannot be given what was said here: see there.
    pub fn fork<F, R>(self, f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        self.without_logs().launch(|start| fork(start, f))
    }

    /// Starts it as [`Process::fork_after_threads`] does.
    ///
    /// # Safety
    ///
    /// As for [`Process::fork_after_threads`].
    ///
    /// # Errors
    ///
    /// As for [`Process::fork_after_threads`], and as [`fork`](Self::fork).
    pub unsafe fn fork_after_threads<F, R>(self, f: F) -> Result<Process<R>, Error>
    where
        F: FnOnce() -> R,
        R: Serialize + DeserializeOwned,
    {
        // SAFETY: the caller's promise.
        self.without_logs().launch(|start| unsafe { fork_after_threads(start, f) })
    }

    /// Starts it as [`Process::start`] does.
    ///
    /// # Errors
    ///
    /// As for [`fork`](Self::fork).
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
    /// As for [`Process::spawn`], and where the child cannot be given what was said here: see there.
    pub fn spawn<A, R>(self, f: fn(A) -> R, argument: A) -> Result<Process<R>, Error>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        let method = self.start_method;
        self.launch(|start| spawn(start, method, f, &argument))
    }

    /// For a child that has a copy of this process's logger.
    fn without_logs(self) -> Self {
        self.forward_logs(false)
    }

    fn launch<R>(
        self,
        start: impl FnOnce(Start) -> Result<Child, Error>,
    ) -> Result<Process<R>, Error> {
        if children_are_ignored() {
            return Err(Error::ChildrenIgnored);
        }
        children::open();
        children::sweep();
        let identity = current::name_child(self.name, self.daemon)?;
        let (settings, ends) = self.plan.open()?;
        let child = Arc::new(start(Start { identity, settings, ends })?);
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
