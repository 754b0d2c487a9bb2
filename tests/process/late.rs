//! What is started while a process ends already does not keep it from ending.

use std::process::{Command, Stdio};
use std::thread;

use multiproc::{Event, Pool, Receiver, Thread, pipe, process};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{builder, spawn};
use crate::{LONG, for_ever, name_of};

fn sleep(_: ()) {
    for_ever();
}

/// Runs `late` in a thread that nobody waits for, when its process has begun to end; the process is
/// held there until `late` has returned.
fn as_it_ends(late: fn()) {
    let (held, release) = pipe::<()>().unwrap();
    // No daemon: it is waited for, and comes after the daemons.
    spawn(|held: Receiver<()>| held.recv().unwrap(), held).unwrap();
    let daemon = builder().daemon(true).spawn(sleep, ()).unwrap();
    thread::spawn(move || {
        // It is terminated: the end has begun.
        daemon.join().unwrap_err();
        late();
        release.send(()).unwrap();
    });
}

/// Whether a process that runs this function comes to its end.
fn ends(function: fn(())) {
    let program = spawn(function, ()).unwrap();
    let ended = program.join_for(LONG);
    program.kill().unwrap();
    ended.expect("it does not hang").unwrap();
}

#[test]
fn a_daemon_that_is_started_late_is_ended_too() {
    ends(|()| {
        as_it_ends(|| drop(builder().daemon(true).spawn(sleep, ()).unwrap()));
    });
}

#[test]
fn a_pool_that_is_made_late_is_terminated_too() {
    ends(|()| {
        as_it_ends(|| {
            let pool = Pool::new(1).unwrap();
            pool.apply_async(sleep, ()).ok();
            std::mem::forget(pool);
        });
    });
}

/// Says that the program has begun to end.
static ENDING: Event = Event::new();

/// A program of its own: its main thread has returned, and waits for a thread that exits.
#[test]
fn a_thread_exits_the_program() {
    const PROGRAM: &str = "MULTIPROC_TEST_EXIT";
    if std::env::var_os(PROGRAM).is_some() {
        let thread = Thread::spawn(|| {
            ENDING.wait();
            process::exit(7);
        });
        std::mem::forget(thread);
        extern "C" fn ending() {
            ENDING.set();
        }
        // SAFETY: the handler only sets an event. The last registered is the first called.
        assert_eq!(unsafe { nix::libc::atexit(ending) }, 0);
        return;
    }
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name_of(module_path!(), "a_thread_exits_the_program")])
        .env(PROGRAM, "")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pidfd = pidfd_open(Pid::from_child(&program), PidfdFlags::empty()).unwrap();
    let timeout = LONG.try_into().unwrap();
    let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)).unwrap();
    program.kill().unwrap();
    assert_eq!(ended, 1, "it does not hang");
    assert_eq!(program.wait().unwrap().code(), Some(7));
}
