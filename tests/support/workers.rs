//! Workers: threads or processes that run the same function at the same time.

use std::fmt;
use std::time::Duration;

use multiproc::{Process, Thread};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the workers are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Threads,
    Processes,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Threads => "threads",
            Kind::Processes => "processes",
        })
    }
}

/// Workers that were started. They are daemons: if one hangs, it is ended with the caller.
pub(crate) enum Workers<R> {
    Threads(Vec<Thread<R>>),
    Processes(Vec<Process<R>>),
}

impl<R: Serialize + DeserializeOwned + Send + 'static> Workers<R> {
    /// Starts a thread for each argument.
    pub(crate) fn threads<A: Send + 'static>(
        body: fn(A) -> R,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let start = |argument| Thread::builder().daemon(true).start(move || body(argument));
        Workers::Threads(arguments.into_iter().map(|one| start(one).expect("a thread")).collect())
    }

    /// Starts a process for each argument.
    pub(crate) fn processes<A: Serialize + DeserializeOwned>(
        body: fn(A) -> R,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let start = |argument| Process::builder().daemon(true).spawn(body, argument);
        Workers::Processes(
            arguments.into_iter().map(|one| start(one).expect("a process")).collect(),
        )
    }

    /// Waits for all, and returns their results in the order of the arguments.
    ///
    /// # Panics
    /// If a worker has not ended after that time, panicked or died.
    pub(crate) fn join(self, timeout: Duration) -> Vec<R> {
        const HANGS: &str = "a worker hangs";
        match self {
            Workers::Threads(all) => {
                all.iter().map(|one| one.join_for(timeout).expect(HANGS).unwrap()).collect()
            }
            Workers::Processes(all) => {
                all.iter().map(|one| one.join_for(timeout).expect(HANGS).unwrap()).collect()
            }
        }
    }
}
