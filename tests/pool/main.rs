//! Pools, in the stock harness, whose threads are many.
//!
//! What must hold:
//! * results come back to whom they belong, in order;
//! * whatever happens to a task happens to that task alone, is told, and the pool goes on;
//! * nobody waits for ever: not for a killed worker, not for a pool that is gone;
//! * nothing is left behind.
#![cfg(not(modelled))]

mod alone;
mod at_the_end;
mod completed;
mod ends;
mod forked;
mod gate;
mod hostile;
mod imap;
mod in_a_sandbox;
#[path = "../support/logger.rs"]
mod logger;
mod many;
mod maps;
#[path = "../support/no_descriptors.rs"]
mod no_descriptors;
mod settings;
mod starts_fail;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{
    AsyncResult, Error, Pool, PoolJoinError, Process, Sender, TaskError, pipe, process,
};
use nix::sys::signal::Signal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gate::begin_forever;

type Nothing = Result<(), Box<dyn std::error::Error>>;

/// What no test waits in full.
const LONG: Duration = Duration::from_secs(60);

fn square(n: u64) -> u64 {
    n * n
}

fn pid(_: ()) -> u32 {
    std::process::id()
}

/// A task that does not end by itself.
fn forever(_: ()) {
    loop {
        thread::park();
    }
}

fn kill(pid: u32, signal: Signal) {
    let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
    nix::sys::signal::kill(pid, signal).expect("it is our child");
}

/// Runs `test` in a process without other threads, whose descriptors, limits and signals are its own. What
/// it panics with is this test's panic; and it must not hang.
#[track_caller]
fn in_own_process(test: fn(())) {
    let process = Process::spawn(test, ()).unwrap();
    let ended = process.join_for(LONG);
    process.kill().unwrap();
    ended.expect("it does not hang").unwrap_or_else(|error| panic!("{error}"));
}

/// The error, which must come soon.
fn error_of<R>(result: &AsyncResult<R>) -> TaskError {
    match result.get_for(LONG) {
        Some(Err(error)) => error,
        Some(Ok(_)) => panic!("the task did not fail"),
        None => panic!("the task neither failed nor ended"),
    }
}

#[test]
fn map_keeps_the_order_of_any_number_of_items() -> Nothing {
    let pool = Pool::new(3)?;
    for count in [0, 1, 2, 11, 12, 13, 5000] {
        assert!(pool.map(square, 0..count)?.into_iter().eq((0..count).map(square)), "{count}");
    }
    Ok(())
}

#[test]
fn async_results_belong_to_their_calls() -> Nothing {
    let pool = Pool::new(4)?;
    let results: Vec<_> =
        (0..200).map(|n| pool.apply_async(square, n)).collect::<Result<_, _>>()?;
    // Asked for backwards, and twice.
    for (n, result) in (0u64..).zip(&results).collect::<Vec<_>>().into_iter().rev() {
        assert_eq!(result.get()?, n * n);
        assert!(result.is_ready() && result.wait_for(Duration::ZERO));
        assert_eq!(result.try_get().transpose()?, Some(n * n));
    }
    Ok(())
}

#[test]
fn workers_are_other_processes_named_and_daemonic() -> Nothing {
    let pool = Pool::builder().workers(1).build()?;
    let current = |()| {
        let current = process::current();
        (current.pid(), current.name().to_owned(), current.is_daemon())
    };
    let (pid, name, daemon) = pool.apply(current, ())?;
    assert_ne!(pid, std::process::id());
    assert_eq!((name.as_str(), daemon), ("PoolWorker-1", true));
    assert!(matches!(
        pool.apply(|()| Pool::new(1).map(drop).map_err(|error| error.to_string()), ())?,
        Err(refused) if refused == Error::Daemonic.to_string()
    ));
    Ok(())
}

#[test]
fn many_threads_share_a_pool() -> Nothing {
    let pool = Arc::new(Pool::new(2)?);
    let threads = (0..8u64).map(|id| {
        let pool = pool.clone();
        thread::spawn(move || (0..50).all(|n| pool.apply(square, id * n) == Ok(square(id * n))))
    });
    for thread in threads.collect::<Vec<_>>() {
        assert!(thread.join().expect("no thread panics"));
    }
    Ok(())
}

#[test]
fn large_arguments_and_results_go_through() -> Nothing {
    let pool = Pool::new(2)?;
    let reverse = |mut bytes: String| {
        bytes.push('!');
        bytes
    };
    let size = 10 << 20;
    let results: Vec<_> = (0..4)
        .map(|n| pool.apply_async(reverse, n.to_string().repeat(size)))
        .collect::<Result<_, _>>()?;
    for (n, result) in results.iter().enumerate() {
        let text = result.get_for(LONG).expect("it does not hang")?;
        assert_eq!(text.len(), size + 1);
        assert!(text.starts_with(&n.to_string()) && text.ends_with('!'));
    }
    Ok(())
}

#[test]
fn a_panic_is_told_and_keeps_its_worker() -> Nothing {
    let pool = Pool::new(1)?;
    let before = pool.apply(pid, ())?;
    let error = pool.apply(|n: i32| -> i32 { panic!("no {n}") }, 7).unwrap_err();
    let TaskError::Panicked { message, location: Some(location) } = error else {
        panic!("{error}");
    };
    assert_eq!(message, "no 7");
    assert!(location.starts_with(concat!(file!(), ":")), "{location}");
    assert_eq!(pool.apply(pid, ())?, before);
    Ok(())
}

#[test]
fn a_map_gives_its_first_error_after_all_are_done() -> Nothing {
    let pool = Pool::new(2)?;
    let picky = |n: u32| if n % 10 == 7 { panic!("not {n}") } else { n };
    for _ in 0..5 {
        let error = pool.map(picky, 0..40).unwrap_err();
        let TaskError::Items { items, source } = error else { panic!("{error}") };
        assert_eq!(items, 7..8);
        assert!(matches!(&*source, TaskError::Panicked { message, .. } if message == "not 7"));
    }
    assert_eq!(pool.map(picky, 0..5)?, [0, 1, 2, 3, 4]);
    Ok(())
}

#[test]
fn a_task_that_exits_fails_alone() -> Nothing {
    let pool = Pool::new(2)?;
    let before = pool.apply_async(square, 3)?;
    let exits = pool.apply_async(|code| -> () { std::process::exit(code) }, 5)?;
    let leaves = pool.apply_async(|code| -> () { process::exit(code) }, 0)?;
    let aborts = pool.apply_async(|()| -> () { std::process::abort() }, ())?;
    let after = pool.apply_async(square, 4)?;
    assert_eq!(error_of(&exits), TaskError::Exited(5));
    assert_eq!(error_of(&leaves), TaskError::Exited(0));
    assert_eq!(error_of(&aborts), TaskError::Signaled(6));
    assert_eq!((before.get()?, after.get()?), (9, 16));
    Ok(())
}

#[test]
fn a_killed_worker_fails_its_task_alone_and_is_replaced() -> Nothing {
    let pool = Pool::new(1)?;
    for _ in 0..10 {
        let victim = pool.apply(pid, ())?;
        let task = begin_forever(&pool)?;
        let next = pool.apply_async(square, 5)?;
        assert!(!task.is_ready());
        thread::spawn(move || kill(victim, Signal::SIGKILL)).join().expect("it is alive");
        assert_eq!(error_of(&task), TaskError::Signaled(9));
        assert_eq!(next.get_for(LONG).expect("it does not hang")?, 25);
        assert_ne!(pool.apply(pid, ())?, victim);
    }
    Ok(())
}

#[test]
fn an_idle_worker_that_is_killed_is_replaced() -> Nothing {
    let pool = Pool::new(1)?;
    let victim = pool.apply(pid, ())?;
    kill(victim, Signal::SIGKILL);
    wait_until_gone(victim);
    assert_eq!(pool.apply(square, 6)?, 36);
    Ok(())
}

#[test]
fn a_worker_that_has_closed_its_descriptors_is_replaced() -> Nothing {
    let pool = Pool::new(1)?;
    let meddle = |()| {
        for fd in 3..100 {
            // A task may do what it likes to its own process.
            let _ = nix::unistd::close(fd);
        }
        std::process::id()
    };
    // It has its result all the same.
    let worker = pool.apply(meddle, ())?;
    // Neither its task nor any other is struck.
    let deadline = Instant::now() + LONG;
    while pool.apply(pid, ())? == worker {
        assert!(Instant::now() < deadline, "it is not replaced");
    }
    assert_eq!(pool.apply(square, 6)?, 36);
    Ok(())
}

#[test]
fn a_worker_that_says_what_none_says_is_replaced() -> Nothing {
    let pool = Pool::new(1)?;
    // A whole packet, with a message that is none.
    const ANSWER: [u8; 7] = [0, 1, 1, 99, 0, 1, 7];
    let task = pool.apply_async(
        |()| -> u64 {
            for fd in 3..100 {
                // SAFETY: whatever it is; a task may do what it likes to its own process.
                unsafe { libc::send(fd, ANSWER.as_ptr().cast(), ANSWER.len(), libc::MSG_NOSIGNAL) };
            }
            forever(());
            0
        },
        (),
    )?;
    assert_eq!(error_of(&task), TaskError::Signaled(9));
    assert_eq!(pool.apply(square, 6)?, 36);
    Ok(())
}

#[test]
fn ctrl_c_is_for_the_program_not_for_its_workers() -> Nothing {
    let pool = Pool::new(1)?;
    let worker = pool.apply(pid, ())?;
    kill(worker, Signal::SIGINT);
    assert_eq!(pool.apply(pid, ())?, worker);
    Ok(())
}

/// Cannot be written, or not be read.
#[derive(Debug)]
struct Odd {
    written: bool,
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.written {
            true => serializer.serialize_bool(true),
            false => Err(serde::ser::Error::custom("not written")),
        }
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("not read"))
    }
}

#[test]
fn what_serde_refuses_is_an_error_of_the_task() -> Nothing {
    let pool = Pool::new(1)?;
    let refused = pool.apply_async(|_: Odd| (), Odd { written: false }).unwrap_err();
    assert!(matches!(refused, TaskError::Argument(_)), "{refused}");
    let error = pool.apply(|_: Odd| (), Odd { written: true }).unwrap_err();
    assert!(matches!(error, TaskError::Argument(_)), "{error}");
    let error = pool.apply(|()| Odd { written: false }, ()).unwrap_err();
    assert!(matches!(error, TaskError::Encode(_)), "{error}");
    let error = pool.apply(|()| Odd { written: true }, ()).unwrap_err();
    assert!(matches!(error, TaskError::Decode(_)), "{error}");
    assert_eq!(pool.apply(square, 7)?, 49);
    Ok(())
}

#[test]
fn a_closed_pool_does_what_it_has_and_takes_no_more() -> Nothing {
    let pool = Pool::new(2)?;
    assert_eq!(pool.join(), Err(PoolJoinError::NotClosed));
    let results: Vec<_> = (0..50).map(|n| pool.apply_async(square, n)).collect::<Result<_, _>>()?;
    pool.close();
    assert_eq!(pool.apply(square, 1), Err(TaskError::Closed));
    assert_eq!(pool.map(square, 0..9), Err(TaskError::Closed));
    pool.join()?;
    pool.join()?;
    for (n, result) in (0..50).zip(results) {
        assert!(result.is_ready());
        assert_eq!(result.get()?, n * n);
    }
    Ok(())
}

#[test]
fn a_closed_pool_replaces_a_worker_that_dies_with_work_left() -> Nothing {
    let pool = Pool::new(1)?;
    let exits = pool.apply_async(|code| -> () { std::process::exit(code) }, 3)?;
    let next = pool.apply_async(square, 9)?;
    pool.close();
    pool.join()?;
    assert_eq!((exits.get(), next.get()), (Err(TaskError::Exited(3)), Ok(81)));
    Ok(())
}

#[test]
fn terminating_ends_all_tasks_with_an_error() -> Nothing {
    let pool = Pool::new(2)?;
    let tasks: Vec<_> = (0..6).map(|_| pool.apply_async(forever, ())).collect::<Result<_, _>>()?;
    assert!(tasks[0].get_for(Duration::ZERO).is_none());
    pool.terminate();
    pool.join()?;
    for task in &tasks {
        assert_eq!(task.try_get(), Some(Err(TaskError::Terminated)));
    }
    assert_eq!(pool.apply(square, 1), Err(TaskError::Terminated));
    Ok(())
}

#[test]
fn dropping_a_pool_terminates_it() -> Nothing {
    let pool = Pool::new(2)?;
    let workers = [pool.apply(pid, ())?, pool.apply(pid, ())?];
    let task = pool.apply_async(forever, ())?;
    let tasks = pool.map_async(|_: u8| forever(()), 0..9)?;
    drop(pool);
    assert_eq!(task.try_get(), Some(Err(TaskError::Terminated)));
    assert_eq!(tasks.try_get(), Some(Err(TaskError::Terminated)));
    for worker in workers {
        assert!(!std::fs::exists(format!("/proc/{worker}"))?, "no zombie is left");
    }
    Ok(())
}

#[test]
fn a_pool_of_no_workers_or_of_too_many_is_refused() {
    for asked in [0, 1_000_000] {
        let refused = Pool::new(asked).unwrap_err();
        assert!(matches!(refused, Error::Capacity { asked: told, .. } if told == asked));
    }
}

/// Waits until the process has ended and is reaped.
fn wait_until_gone(pid: u32) {
    wait_until(|| !std::fs::exists(format!("/proc/{pid}")).expect("/proc is there"));
}

fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < deadline, "what was waited for did not happen");
        thread::yield_now();
    }
}
