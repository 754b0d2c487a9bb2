//! Programs in which other code waits for children, any children, and takes their status.

use super::spawn;
use crate::{LONG, alone};
use multiproc::{Process, Semaphore, Shared};

extern "C" fn reap_all(_: i32) {
    let mut status = 0;
    // SAFETY: it may be called in a handler, and there is room for a status.
    while unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } > 0 {}
}

/// From here on every child is waited for as soon as it ends.
fn reap() {
    // SAFETY: the handler does what a handler may.
    let old = unsafe { libc::signal(libc::SIGCHLD, reap_all as extern "C" fn(i32) as usize) };
    assert_eq!(old, libc::SIG_DFL);
}

/// A start says that it has failed only when nothing runs, and what a child left is not lost.
fn all_start(count: u32, start: fn(&Shared<Semaphore>) -> Result<Process<u32>, multiproc::Error>) {
    reap();
    let ran = Shared::new(Semaphore::new(0)).unwrap();
    for n in 0..count {
        let child = start(&ran).unwrap_or_else(|error| panic!("{n}: {error}"));
        assert_eq!(child.join_for(LONG).expect("it ends").unwrap(), 7);
        child.kill().unwrap();
    }
    assert_eq!(ran.value(), count);
}

#[test]
fn no_fork_is_said_to_have_failed_while_its_function_runs() {
    alone(|()| {
        all_start(1000, |ran| {
            Process::fork(|| {
                ran.release(1).unwrap();
                7
            })
        });
    });
}

#[test]
fn no_spawn_is_said_to_have_failed_while_its_function_runs() {
    alone(|()| {
        all_start(200, |ran| {
            let work = |ran: Shared<Semaphore>| {
                ran.release(1).unwrap();
                7
            };
            spawn(work, ran.clone())
        });
    });
}

/// Other threads start and wait at the same time.
#[test]
fn a_thread_that_waits_for_any_child_takes_no_start_away() {
    alone(|()| {
        let ran = Shared::new(Semaphore::new(0)).unwrap();
        let count = 60;
        std::thread::spawn(|| {
            loop {
                let mut status = 0;
                // SAFETY: there is room for a status.
                if unsafe { libc::waitpid(-1, &mut status, 0) } < 0 {
                    std::thread::yield_now();
                }
            }
        });
        for _ in 0..count {
            let work = |ran: Shared<Semaphore>| ran.release(1).unwrap();
            let child = spawn(work, ran.clone()).unwrap();
            child.join_for(LONG).expect("it ends").unwrap();
        }
        assert_eq!(ran.value(), count);
    });
}
