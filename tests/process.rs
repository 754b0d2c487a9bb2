#![cfg(not(loom))]
//! Child processes, in the stock harness: no call in `main`, no runner of its own.
//!
//! The harness runs tests in threads, where a fork is refused. So what is said of forked children is
//! shown inside of a spawned one, which has one thread.

use std::time::Duration;

use multiproc::process::{self, ExitStatus};
use multiproc::{Error, Event, Lock, Process, ProcessError, Shared};

type Nothing = Result<(), Box<dyn std::error::Error>>;

/// Runs `test` where it can fork. What it panics with is this test's panic.
fn alone(test: fn(())) {
    Process::spawn(test, ()).unwrap().join().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_function_runs_in_a_process_of_its_own_and_its_result_comes_back() -> Nothing {
    let child = Process::spawn(
        |(a, b): (String, u64)| (process::current().pid(), a, b),
        ("text".to_owned(), 7),
    )?;
    let pid = child.pid();
    assert_ne!(pid, std::process::id());
    assert_eq!(child.join()?, (pid, "text".to_owned(), 7));
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(0)));
    assert!(!child.is_alive());
    Ok(())
}

#[test]
fn a_forked_closure_sees_a_copy_of_all_memory() {
    alone(|()| {
        let mut numbers = vec![1, 2, 3];
        let child = Process::fork(|| {
            numbers.push(4);
            numbers.iter().sum::<i32>()
        });
        assert_eq!(child.unwrap().join().unwrap(), 10);
        assert_eq!(numbers, [1, 2, 3]);
    });
}

#[test]
fn fork_refuses_beside_other_threads_and_says_what_to_do() {
    let Err(refused) = Process::fork(|| ()) else { panic!("the harness has threads") };
    let Error::MultiThreaded { threads } = refused else { panic!("{refused}") };
    assert!(threads >= 2);
    assert!(refused.to_string().contains("use Process::spawn"), "{refused}");
}
