//! What is called when a result is there.

use std::fmt;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::error::{Error, TaskError};
use crate::pool::AsyncResult;
use crate::pool::completed::{Awaited, await_some};
use crate::runtime::caught;
use crate::sync::Event;
use crate::wait::{Sealed, Source};

/// The callbacks of a pool, and the thread that calls them: it is there as long as there are some.
#[derive(Default)]
pub(super) struct Callbacks {
    state: Mutex<State>,
    /// Callbacks were added.
    news: Event,
    /// The thread has come to its end.
    over: Condvar,
}

#[derive(Default)]
struct State {
    added: Vec<Box<dyn Pending>>,
    thread: Option<ThreadId>,
}

/// A callback whose result is not there yet.
trait Pending: Awaited + Send {
    fn call(self: Box<Self>);
}

struct Callback<R, F> {
    result: AsyncResult<R>,
    f: F,
}

impl<R, F> Sealed for Callback<R, F> {
    fn source(&self) -> Source<'_> {
        self.result.source()
    }
}

impl<R, F> Awaited for Callback<R, F> {
    fn is_ready(&self) -> bool {
        self.result.is_ready()
    }

    fn has_place(&self) -> bool {
        self.result.has_place()
    }
}

impl<R, F: FnOnce(Result<R, TaskError>) + Send> Pending for Callback<R, F> {
    fn call(self: Box<Self>) {
        let Callback { result, f } = *self;
        if let Err(panic) = caught(|| f(result.get())) {
            // A logger that panics has said so; the next callback is called all the same.
            let tell = || log::warn!("a callback of a pool's task panicked: {}", panic.message);
            let _ = caught(tell);
        }
    }
}

impl Callbacks {
    /// Has `f` called with the result when it is there.
    pub(super) fn add<R: 'static>(
        self: &Arc<Self>,
        result: AsyncResult<R>,
        f: impl FnOnce(Result<R, TaskError>) + Send + 'static,
    ) -> Result<(), Error> {
        let mut state = self.state();
        if state.thread.is_none() {
            let callbacks = self.clone();
            let builder = thread::Builder::new().name("multiproc-callbacks".to_owned());
            let thread = builder
                .spawn(move || callbacks.run())
                .map_err(|source| Error::os("starting a thread", source))?;
            state.thread = Some(thread.thread().id());
        }
        state.added.push(Box::new(Callback { result, f }));
        drop(state);
        self.news.set();
        Ok(())
    }

    /// Waits until all have been called; not in one of them.
    pub(super) fn join(&self) {
        let me = thread::current().id();
        let is_running = |state: &mut State| state.thread.is_some_and(|thread| thread != me);
        drop(
            self.over.wait_while(self.state(), is_running).unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The thread.
    fn run(&self) {
        let mut all: Vec<Box<dyn Pending>> = Vec::new();
        loop {
            {
                let mut state = self.state();
                self.news.clear();
                all.append(&mut state.added);
                if all.is_empty() {
                    state.thread = None;
                    self.over.notify_all();
                    return;
                }
            }
            await_some(
                &all.iter().map(|one| &**one as &dyn Awaited).collect::<Vec<_>>(),
                Some(&self.news),
            );
            let (ready, waiting) =
                mem::take(&mut all).into_iter().partition::<Vec<_>, _>(|one| one.is_ready());
            all = waiting;
            ready.into_iter().for_each(|one| one.call());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing of a user's is called under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}
