//! What a thread is to be, before it is started.

use std::sync::{Arc, Mutex};

use crate::error::Error;
use crate::process::{Run, caught};
use crate::thread::handle::Handle;
use crate::thread::joinable::Thread;
use crate::thread::registry;

/// A thread to be, with a name and other properties. Made by [`Thread::builder`].
///
/// ```
/// use multiproc::Thread;
///
/// let thread = Thread::builder().name("Levi").daemon(true).spawn(|| 2 + 2)?;
/// assert_eq!(thread.name(), "Levi");
/// assert!(thread.is_daemon());
/// assert_eq!(thread.join()?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is started yet"]
pub struct ThreadBuilder {
    name: Option<String>,
    daemon: Option<bool>,
}

impl ThreadBuilder {
    /// Calls the thread `name`, instead of "Thread-1" and so on.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether the program ends without waiting for it. If this is not said, it is as the thread
    /// that starts it, if this crate has started that one.
    pub fn daemon(mut self, daemon: bool) -> Self {
        self.daemon = Some(daemon);
        self
    }

    /// Starts it as [`Thread::spawn`] does.
    ///
    /// # Errors
    ///
    /// As for [`Thread::spawn`].
    pub fn spawn<F, R>(self, f: F) -> Result<Thread<R>, Error>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.start(f)
    }

    /// Starts it as [`Thread::start`] does.
    ///
    /// # Errors
    ///
    /// As for [`Thread::spawn`].
    pub fn start<W>(self, work: W) -> Result<Thread<W::Output>, Error>
    where
        W: Run + Send + 'static,
        W::Output: Send + 'static,
    {
        registry::open();
        let daemon = self.daemon.unwrap_or_else(registry::starts_daemons);
        let name = self.name.unwrap_or_else(registry::next_name);
        // std's own name of the thread is what a panic's message shows; it takes no NUL.
        let std_name = name.replace('\0', "");
        let handle = Handle::starting(name, daemon);
        let result = Arc::new(Mutex::new(None));
        let (own, slot) = (handle.clone(), result.clone());
        let body = move || {
            own.begin();
            registry::become_current(own, false);
            let outcome = caught(|| work.run());
            // When the handle is gone the result is dropped here, and may panic once more.
            let _ = caught(move || {
                if let Ok(mut slot) = slot.lock() {
                    *slot = Some(outcome);
                }
            });
        };
        // On the list first: a program that ends now waits for it.
        registry::add(handle.clone());
        match std::thread::Builder::new().name(std_name).spawn(body) {
            Ok(std) => {
                handle.native().started(std);
                Ok(Thread::new(handle, result))
            }
            Err(source) => {
                handle.fail();
                registry::remove(&handle);
                Err(Error::os("starting a thread", source))
            }
        }
    }
}
