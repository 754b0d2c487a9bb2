//! Many who do the same: threads, or processes.

use std::fmt;

use multiproc::{Process, Thread};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Copy)]
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

pub(crate) enum Crew<R> {
    Threads(Vec<Thread<R>>),
    Processes(Vec<Process<R>>),
}

impl<R: Serialize + DeserializeOwned + Send + 'static> Crew<R> {
    /// Starts one for each of these roles.
    pub(crate) fn start<A>(kind: Kind, body: fn(A) -> R, roles: impl Iterator<Item = A>) -> Self
    where
        A: Serialize + DeserializeOwned + Send + 'static,
    {
        match kind {
            Kind::Threads => Crew::Threads(
                roles.map(|role| Thread::spawn(move || body(role)).expect("a thread")).collect(),
            ),
            Kind::Processes => {
                // Two descriptors for each.
                let limit = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
                    .expect("what is allowed");
                Crew::Processes(
                    roles.map(|role| Process::spawn(body, role).expect("a process")).collect(),
                )
            }
        }
    }

    /// What each of them came to.
    pub(crate) fn join(self) -> Vec<R> {
        match self {
            Crew::Threads(all) => all.iter().map(|one| one.join().expect("no panic")).collect(),
            Crew::Processes(all) => all.iter().map(|one| one.join().expect("it lives")).collect(),
        }
    }
}
