//! Child processes, in the stock harness: no call in `main`, no runner of its own.
//!
//! The harness runs tests in threads, where a fork is refused. So what is said of forked children
//! is shown inside of a spawned one, which has one thread.
#![cfg(not(modelled))]
#![allow(clippy::duplicate_mod, reason = "one text, for each way to start children")]

#[path = "../support/alone.rs"]
mod alone;
mod fork;
mod fork_server;
mod interrupts;
#[path = "../support/linger.rs"]
mod linger;
#[path = "../support/logger.rs"]
mod logger;
mod logs;
mod namespaces;
mod relatives;
#[path = "../support/until.rs"]
mod until;

use std::fs;
use std::time::Duration;

pub(crate) use alone::alone;
pub(crate) use linger::{for_a_while, for_ever};

pub(crate) type Nothing = Result<(), Box<dyn std::error::Error>>;

/// Long enough for whatever comes, short enough to see that it does not.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What is said of children that are spawned, by one way to start them: whatever is written here with
/// `builder` or `spawn`.
macro_rules! started_by {
    ($name:ident, $method:ident) => {
        #[path = "."]
        mod $name {
            mod ends;
            mod foreign;
            mod given;
            mod late;
            mod limits;
            mod panics;
            mod reaped;
            mod run;

            use multiproc::process::StartMethod;
            use multiproc::{Error, Process, ProcessBuilder};
            use serde::Serialize;
            use serde::de::DeserializeOwned;

            const METHOD: StartMethod = StartMethod::$method;

            fn builder() -> ProcessBuilder {
                Process::builder().start_method(METHOD)
            }

            fn spawn<A, R>(f: fn(A) -> R, argument: A) -> Result<Process<R>, Error>
            where
                A: Serialize + DeserializeOwned,
                R: Serialize + DeserializeOwned,
            {
                builder().spawn(f, argument)
            }
        }
    };
}

started_by!(by_exec, Spawn);
started_by!(by_fork_server, ForkServer);

/// The name by which the harness knows a test of a module.
pub(crate) fn name_of(module: &str, test: &str) -> String {
    let (_, module) = module.split_once("::").expect("it is in a module of this program");
    format!("{module}::{test}")
}

/// What the kernel calls a fork server.
const FORK_SERVER: &str = "mp-fork-server";

/// The children of this process, but for a fork server.
pub(crate) fn children() -> Vec<u32> {
    all_children().into_iter().filter(|&(_, is_server)| !is_server).map(|(pid, _)| pid).collect()
}

/// The fork servers of this process that are not reaped.
pub(crate) fn fork_servers() -> Vec<u32> {
    all_children().into_iter().filter(|&(_, is_server)| is_server).map(|(pid, _)| pid).collect()
}

/// The children of this process that are not reaped, and whether each is a fork server.
fn all_children() -> Vec<(u32, bool)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = tasks.flat_map(|task| fs::read_to_string(task.path().join("children")));
    let pids: Vec<u32> = lists
        .flat_map(|list| list.split_whitespace().map(str::parse).collect::<Vec<_>>())
        .map(Result::unwrap)
        .collect();
    let is_server = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == FORK_SERVER)
    };
    pids.into_iter().map(|pid| (pid, is_server(&pid))).collect()
}
