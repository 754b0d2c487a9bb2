//! Processes that were forked without this crate: they have a copy of all memory, and nothing in it
//! is theirs.

use std::sync::Barrier;

use crate::{alone, for_ever};
use multiproc::process::{self, ExitStatus};
use multiproc::{Error, Event, Process, ProcessError, Shared, Thread, ThreadError, thread};

/// Runs `body` in a process that C's `fork` makes; gives the exit code, which `body` may choose.
fn fork_bare(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: what other threads there are hold no lock that the child takes: they sleep.
    match unsafe { libc::fork() } {
        0 => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: it ends the child.
            unsafe { libc::_exit(code.unwrap_or(101)) }
        }
        child => {
            assert!(child > 0);
            let mut status = 0;
            // SAFETY: there is room for a status.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert!(libc::WIFEXITED(status), "{status:#x}");
            libc::WEXITSTATUS(status)
        }
    }
}

#[test]
fn they_are_not_the_child_whose_memory_they_have() {
    let work = |()| {
        assert!(process::current().name().starts_with("Process-"));
        let code = fork_bare(|| {
            let current = process::current();
            assert_eq!((current.name(), current.pid()), ("MainProcess", std::process::id()));
            assert!(!current.is_daemon());
            // Nor are they daemons, which may have no children.
            let child = Process::spawn(|()| process::current().name().to_owned(), ()).unwrap();
            assert_eq!(child.join().unwrap(), "Process-1");
            7
        });
        assert_eq!(code, 7);
    };
    Process::spawn(work, ()).unwrap().join().unwrap();
    Process::builder().daemon(true).spawn(work, ()).unwrap().join().unwrap();
}

#[test]
fn their_copy_of_a_handle_does_nothing_to_the_process() {
    alone(|()| {
        let sleeper = Process::builder().daemon(true).spawn(|()| for_ever(), ()).unwrap();
        let look = || {
            assert!(sleeper.is_alive());
            assert_eq!(sleeper.exit_status(), None);
            assert!(matches!(sleeper.kill(), Err(Error::NotAChild)));
            assert!(matches!(sleeper.terminate(), Err(Error::NotAChild)));
            assert!(matches!(sleeper.join(), Err(ProcessError::NotAChild)));
            assert!(format!("{sleeper:?}").contains("status: None"));
            7
        };
        assert_eq!(fork_bare(look), 7);
        assert_eq!(Process::fork(look).unwrap().join().unwrap(), 7);
        assert!(sleeper.is_alive());
        // The copy that the child drops is not the parent's.
        let gone = fork_bare(|| {
            drop(sleeper);
            7
        });
        assert_eq!(gone, 7);
    });
}

#[test]
fn they_have_none_of_the_threads() {
    alone(|()| {
        let go = Shared::new(Event::new()).unwrap();
        let wait = go.clone();
        let thread = Thread::spawn(move || wait.wait()).unwrap();
        let main = thread::current();
        main.rename("Levi");
        let code = fork_bare(|| {
            assert!(!thread.is_alive() && !main.is_alive() && !main.is_current());
            assert!(matches!(thread.join(), Err(ThreadError::OfAnotherProcess)));
            assert!(matches!(thread.try_join(), Some(Err(ThreadError::OfAnotherProcess))));
            assert_eq!(thread::active_count(), 1);
            assert_eq!(thread::current().name(), "Levi");
            assert_eq!(thread::current().native_id(), std::process::id());
            assert_eq!(Thread::spawn(|| 5).unwrap().join().unwrap(), 5);
            7
        });
        assert_eq!(code, 7);
        go.set();
        thread.join().unwrap();
    });
}

/// What is to be done when its process ends is not theirs to do: there is no such thread here.
#[test]
fn they_end_without_waiting_for_the_threads_of_the_parent() {
    alone(|()| {
        let (go, met) = (Shared::new(Event::new()).unwrap(), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let wait = go.clone();
                let thread = Thread::spawn(move || wait.wait()).unwrap();
                met.wait();
                thread.join().unwrap();
            });
            met.wait();
            assert_eq!(fork_bare(|| process::exit(9)), 9);
            go.set();
        });
    });
}

#[test]
fn they_leave_no_outcome_for_another() {
    let work = |()| -> u32 {
        // SAFETY: there is no other thread.
        match unsafe { libc::fork() } {
            // Through everything that the child itself would go.
            0 => 1,
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                process::exit(0)
            }
        }
    };
    let child = Process::spawn(work, ()).unwrap();
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::Exited(0)), "{error}");
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(0)));
}
