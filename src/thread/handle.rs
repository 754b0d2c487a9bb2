//! A thread as everyone sees it.

use std::ffi::CString;
use std::fmt;
use std::sync::{Arc, OnceLock};

use rustix::process::getpid;
use rustix::thread::{gettid, set_name};

use crate::runtime::prefix;
use crate::sys::{ForkCell, fork_generation, write_proc};
use crate::thread::native::Native;

/// A thread as everyone sees it: its name, whether it is a daemon, whether it lives. What it
/// returns belongs to its [`Thread`](crate::Thread).
///
/// Clones are the same thread. [`current`](crate::thread::current) gives the caller's own.
///
/// ```
/// use multiproc::{Event, Shared, Thread, thread};
///
/// let renamed = Shared::new(Event::new())?;
/// let seen = renamed.clone();
/// let thread = Thread::builder().name("before").start(move || {
///     seen.wait();
///     thread::current().name()
/// })?;
/// thread.rename("after");
/// renamed.set();
/// assert_eq!(thread.join()?, "after");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    name: ForkCell<String>,
    daemon: bool,
    /// The kernel's number; set by the thread itself, as its first step.
    number: OnceLock<u32>,
    /// Of its process: another that has a copy of this memory does not have the thread.
    generation: u64,
    native: Native,
}

impl Handle {
    fn new(name: String, daemon: bool, native: Native) -> Self {
        let cell = ForkCell::new();
        cell.change(|own| *own = name);
        Handle(Arc::new(Inner {
            name: cell,
            daemon,
            number: OnceLock::new(),
            generation: fork_generation(),
            native,
        }))
    }

    /// A thread that is about to be started.
    pub(super) fn starting(name: String, daemon: bool) -> Self {
        Self::new(name, daemon, Native::starting())
    }

    /// The thread that calls, which was started by others.
    pub(super) fn of_caller(name: String, daemon: bool) -> Self {
        let handle = Self::new(name, daemon, Native::foreign());
        handle.0.number.get_or_init(caller);
        handle
    }

    /// The main thread, whoever calls.
    pub(super) fn of_main(name: String) -> Self {
        let handle = Self::new(name, false, Native::foreign());
        handle.0.number.get_or_init(|| getpid().as_raw_nonzero().get().cast_unsigned());
        handle
    }

    /// Its name. Python calls the threads it starts "Thread-1" and so on, and so does this crate.
    pub fn name(&self) -> String {
        self.0.name.read(Clone::clone)
    }

    /// Calls it `name` from now on: for everyone who asks, and for the kernel, whose tools show
    /// the first 15 bytes.
    pub fn rename(&self, name: impl Into<String>) {
        let name = name.into();
        self.0.name.change(|own| {
            *own = name;
            // One that has not begun yet tells the kernel itself when it does; the number of one that
            // has ended may be another's.
            if let Some(&number) = self.0.number.get().filter(|_| self.is_alive()) {
                tell_kernel(number, own);
            }
        });
    }

    /// Whether the program ends without waiting for it.
    pub fn is_daemon(&self) -> bool {
        self.0.daemon
    }

    /// Whether it has not ended yet, the drops of its thread-locals included. In a process that was
    /// forked from the thread's, there is no such thread.
    pub fn is_alive(&self) -> bool {
        self.is_ours() && !self.0.native.has_ended()
    }

    /// The number by which the kernel knows it. In a process that was forked from the thread's before
    /// it had begun, 0.
    pub fn native_id(&self) -> u32 {
        if !self.is_ours() {
            return self.0.number.get().copied().unwrap_or(0);
        }
        // It is about to begin: its start has succeeded.
        *self.0.number.wait()
    }

    /// Whether it is the thread that calls.
    pub fn is_current(&self) -> bool {
        self.0.number.get() == Some(&caller()) && self.is_alive()
    }

    /// Whether it is a thread of the running process.
    pub(super) fn is_ours(&self) -> bool {
        self.0.generation == fork_generation()
    }

    pub(super) fn is(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The first step of the thread itself.
    pub(super) fn begin(&self) {
        self.0.name.read(|name| {
            self.0.number.get_or_init(caller);
            tell_kernel_own(name);
        });
    }

    pub(super) fn native(&self) -> &Native {
        &self.0.native
    }

    /// A thread that was never started: whoever has seen it on the list waits no longer.
    pub(super) fn fail(&self) {
        self.0.number.get_or_init(|| 0);
        self.0.native.end();
    }
}

/// The kernel's number of the calling thread.
fn caller() -> u32 {
    gettid().as_raw_nonzero().get().cast_unsigned()
}

/// Tells the kernel a thread's name, as far as it goes into 15 bytes. It is for people to read: a
/// system that refuses it loses nothing else.
fn tell_kernel(number: u32, name: &str) {
    let _ = write_proc(&format!("/proc/self/task/{number}/comm"), short(name).as_bytes());
}

/// The same for the calling thread's own, without a file of /proc, which would take a third of the start of
/// a thread.
fn tell_kernel_own(name: &str) {
    if let Ok(name) = CString::new(short(name)) {
        let _ = set_name(&name);
    }
}

/// What the kernel keeps of a name: it ends at a NUL.
fn short(name: &str) -> &str {
    prefix(name.split('\0').next().unwrap_or_default(), 15)
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("name", &self.name())
            .field("alive", &self.is_alive())
            .field("daemon", &self.is_daemon())
            .finish()
    }
}
