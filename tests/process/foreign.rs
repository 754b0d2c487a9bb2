//! Processes that were forked without this crate: they have a copy of all memory, and nothing in it
//! is theirs.

use std::panic::AssertUnwindSafe;
use std::sync::Barrier;
use std::time::Instant;

use super::{builder, spawn};
use crate::{LONG, alone, for_ever};
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
            let status = wait(child);
            assert!(libc::WIFEXITED(status), "{status:#x}");
            libc::WEXITSTATUS(status)
        }
    }
}

/// Waits for the end of a child; one that does not come to it is killed.
fn wait(child: i32) -> i32 {
    let deadline = Instant::now() + LONG;
    let mut status = 0;
    loop {
        // SAFETY: there is room for a status.
        match unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } {
            0 if Instant::now() < deadline => std::thread::yield_now(),
            0 => {
                // SAFETY: it is a child of this process that nobody has waited for.
                unsafe { libc::kill(child, libc::SIGKILL) };
            }
            waited => {
                assert_eq!(waited, child);
                return status;
            }
        }
    }
}

/// Has processes forked while another thread of the parent is in `busy`, at whatever instruction of it,
/// and each do `work`.
fn forked_while(busy: impl Fn() + Sync, work: impl Fn()) {
    const FORKS: u32 = 300;
    let (begun, over) = (Event::new(), Event::new());
    let codes: Vec<i32> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.is_set() {
                busy();
                begun.set();
            }
        });
        let has_begun = begun.wait_for(LONG);
        let fork = |_| {
            fork_bare(|| {
                work();
                7
            })
        };
        let codes = std::panic::catch_unwind(AssertUnwindSafe(|| {
            (0..FORKS).map(fork).take_while(|&code| has_begun && code == 7).collect()
        }));
        over.set();
        codes.unwrap_or_default()
    });
    assert_eq!(codes.len(), FORKS as usize, "the next child did not end as it should");
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
            let child = spawn(|()| process::current().name().to_owned(), ()).unwrap();
            assert_eq!(child.join().unwrap(), "Process-1");
            7
        });
        assert_eq!(code, 7);
    };
    spawn(work, ()).unwrap().join().unwrap();
    builder().daemon(true).spawn(work, ()).unwrap().join().unwrap();
}

#[test]
fn their_copy_of_a_handle_does_nothing_to_the_process() {
    alone(|()| {
        let sleeper = builder().daemon(true).spawn(|()| for_ever(), ()).unwrap();
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
    let child = spawn(work, ()).unwrap();
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::Exited(0)), "{error}");
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(0)));
}

#[test]
fn they_know_what_they_are_though_a_thread_of_the_parent_was_asking() {
    alone(|()| {
        forked_while(
            || _ = process::current(),
            || assert_eq!(process::current().name(), "MainProcess"),
        );
    });
}

/// What each start asks for: which children there are, how many there were, what is done at the end.
#[test]
fn they_start_children_though_a_thread_of_the_parent_was_starting_some() {
    alone(|()| {
        let sleep = |_| builder().daemon(true).spawn(|()| for_ever(), ()).unwrap();
        // Each start asks each of them whether it has ended.
        let sleepers: Vec<_> = (0..20).map(sleep).collect();
        forked_while(
            || assert!(matches!(Process::fork(|| ()), Err(Error::MultiThreaded { .. }))),
            || assert!(matches!(Process::fork(|| ()), Err(Error::HadThreads))),
        );
        let start = |()| process::current().name().to_owned();
        let code = fork_bare(|| {
            assert_eq!(spawn(start, ()).unwrap().join().unwrap(), "Process-1");
            7
        });
        assert_eq!(code, 7);
        assert!(sleepers.iter().all(Process::is_alive));
    });
}

#[test]
fn they_ask_how_a_child_ended_though_a_thread_of_the_parent_was_asking() {
    alone(|()| {
        let sleeper = builder().daemon(true).spawn(|()| for_ever(), ()).unwrap();
        let look = || assert_eq!((sleeper.exit_status(), sleeper.is_alive()), (None, true));
        forked_while(look, look);
    });
}

#[test]
fn they_have_threads_though_a_thread_of_the_parent_was_asking_for_its_own() {
    alone(|()| {
        thread::current().rename("Levi");
        forked_while(
            || {
                let names = thread::all().iter().map(thread::Handle::name).collect::<Vec<_>>();
                assert_eq!(names, ["Levi"]);
            },
            || {
                assert_eq!(thread::current().name(), "Levi");
                assert_eq!(thread::active_count(), 1);
                assert_eq!(Thread::spawn(|| 5).unwrap().join().unwrap(), 5);
            },
        );
    });
}

/// How many open files of this process hold an outcome.
fn pages() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = files.flat_map(|file| std::fs::read_link(file.path()));
    targets.filter(|target| target.to_string_lossy().contains("multiproc-child")).count()
}

/// Its parent's own, and those of the parent's children.
#[test]
fn they_close_the_files_for_outcomes_that_are_not_theirs() {
    alone(|()| {
        let sleeper = builder().daemon(true).spawn(|()| for_ever(), ()).unwrap();
        let code = fork_bare(|| {
            assert_eq!(pages(), 2);
            assert_eq!(process::current().name(), "MainProcess");
            assert_eq!(pages(), 1);
            Process::fork(|| assert_eq!(pages(), 1)).unwrap().join().unwrap();
            assert_eq!(pages(), 0);
            7
        });
        assert_eq!(code, 7);
        assert_eq!(pages(), 2);
        assert!(sleeper.is_alive());
    });
}
