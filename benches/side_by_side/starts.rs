//! Starting a child or a thread that does nothing, and joining it.
//!
//! Each implementation is measured in a process of its own that has one thread, which a fork needs, and
//! little memory, or as much as is said.

use std::ffi::CString;
use std::time::{Duration, Instant};

use multiproc::process::StartMethod;
use multiproc::{Connection, Error, Process, Thread, duplex};
use serde::{Deserialize, Serialize};

use crate::{Implementation, Workload};

/// What a program that is started by [`posix_spawn`] is told, to end at once.
pub(crate) const NOTHING: &str = "--nothing";

/// The memory of a process that has much.
const MUCH: usize = 512 << 20;

/// What is measured.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Start {
    ForkServer,
    Fork,
    Spawn,
    Thread,
    RawFork,
    PosixSpawn,
    StdThread,
}

impl Start {
    fn once(self) {
        match self {
            Start::ForkServer => {
                let builder = Process::builder().start_method(StartMethod::ForkServer);
                join(builder.spawn(|()| (), ()));
            }
            Start::Fork => join(Process::fork(|| ())),
            Start::Spawn => join(Process::spawn(|()| (), ())),
            Start::Thread => Thread::spawn(|| ()).expect("a thread").join().expect("it ends"),
            Start::RawFork => raw_fork(),
            Start::PosixSpawn => posix_spawn(),
            Start::StdThread => std::thread::spawn(|| ()).join().expect("it ends"),
        }
    }
}

fn join(child: Result<Process<()>, Error>) {
    child.expect("a child").join().expect("it ends");
}

fn compare(name: &'static str, ours: Implementation, theirs: Implementation) -> Workload {
    Workload { name, implementations: vec![ours, theirs] }
}

pub(crate) fn fork_server() -> Workload {
    let ours = apart("multiproc", Start::ForkServer, 0);
    let theirs = apart("fork + waitpid", Start::RawFork, 0).goal(1.5);
    compare("fork server: start, join", ours, theirs)
}

pub(crate) fn fork_server_of_much() -> Workload {
    let ours = apart("multiproc", Start::ForkServer, MUCH);
    let theirs = apart("fork + waitpid, little memory", Start::RawFork, 0).goal(1.5);
    compare("fork server: start, join, from 512 MiB", ours, theirs)
}

pub(crate) fn fork() -> Workload {
    let ours = apart("multiproc", Start::Fork, 0);
    let theirs = apart("fork + waitpid", Start::RawFork, 0).goal(1.15);
    compare("fork: start, join", ours, theirs)
}

pub(crate) fn spawn() -> Workload {
    let ours = apart("multiproc", Start::Spawn, 0);
    let theirs = apart("posix_spawn + waitpid", Start::PosixSpawn, 0).goal(1.05);
    compare("spawn: start, join", ours, theirs)
}

pub(crate) fn thread() -> Workload {
    let ours = apart("multiproc", Start::Thread, 0);
    let theirs = apart("std", Start::StdThread, 0).goal(1.3);
    compare("thread: start, join", ours, theirs)
}

fn raw_fork() {
    // SAFETY: there is one thread; the child leaves.
    match unsafe { libc::fork() } {
        // SAFETY: it ends the child.
        0 => unsafe { libc::_exit(0) },
        child => wait(child),
    }
}

fn posix_spawn() {
    let program = c"/proc/self/exe";
    let nothing = CString::new(NOTHING).expect("no NUL");
    let arguments =
        [program.as_ptr().cast_mut(), nothing.as_ptr().cast_mut(), std::ptr::null_mut()];
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    let (mut child, null) = (0, std::ptr::null());
    // SAFETY: lists of texts that end with null; nobody changes the environment.
    let failed = unsafe {
        let (to, program) = (&raw mut child, program.as_ptr());
        libc::posix_spawn(to, program, null, null.cast(), arguments.as_ptr(), environ)
    };
    assert_eq!(failed, 0);
    wait(child);
}

fn wait(child: i32) {
    let mut status = -1;
    // SAFETY: there is room for a status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

/// Measures it in a process that has so many bytes of memory beside what it needs.
fn apart(name: &'static str, what: Start, ballast: usize) -> Implementation {
    let mut process = None;
    Implementation::timed(name, move |times| {
        let (connection, _) = process.get_or_insert_with(|| measuring(what, ballast));
        connection.send(times).expect("it waits");
        connection.recv().expect("it answers")
    })
}

type Measuring = (Connection<u64, Duration>, Process<()>);

fn measuring(what: Start, ballast: usize) -> Measuring {
    type Work = (Connection<Duration, u64>, Start, usize);
    let body = |(connection, what, ballast): Work| {
        let ballast = vec![1u8; ballast];
        while let Ok(times) = connection.recv() {
            let start = Instant::now();
            (0..times).for_each(|_| what.once());
            connection.send(start.elapsed()).expect("the parent waits");
        }
        drop(ballast);
    };
    let (here, there) = duplex().expect("two sockets");
    (here, Process::spawn(body, (there, what, ballast)).expect("a child"))
}
