//! Kills of a pool's worker, while it returns a task's result, waits, takes the next task, runs it, and
//! returns that result: each task has its result or an error that names the death, none runs twice, and
//! the pool continues with as many workers as before.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use multiproc::{AsyncResult, Pool, TaskError};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use rustix::fs::MemfdFlags;
use serde::de::DeserializeOwned;

use crate::tracee::{Halt, Tracee, stop_for_tracer};
use crate::trial::{Failure, Trial, check, check_eq};

const ARGUMENT: u64 = 0x1234_5678_9abc;

/// A task that stops the worker, to be stepped from here on.
fn arm(_: ()) -> bool {
    stop_for_tracer()
}

/// A task that keeps its worker busy until it is continued.
fn block(_: ()) {
    raise(Signal::SIGSTOP).unwrap();
}

/// A task that appends a byte to the file, so that its runs are counted, and returns a result.
fn double((runs, n): (String, u64)) -> u64 {
    OpenOptions::new().append(true).open(runs).unwrap().write_all(b"x").unwrap();
    n * 2
}

/// Another worker is busy all the time.
pub(crate) fn other_worker_busy(trial: &Trial) -> Result<(), Failure> {
    disable_address_randomisation()?;
    let pool = Pool::new(2).unwrap();
    let other = pool.apply_async(block, ()).unwrap();
    let busy = stopped_child(trial)?;
    step_a_worker(trial, &pool, 0)?;
    kill(busy, Signal::SIGCONT).unwrap();
    check_eq("the other process's result", wait_for(trial, &other)?, Ok(()))?;
    still_works(trial, pool)
}

/// The tracee is the only worker, and more tasks are pending.
pub(crate) fn only_worker(trial: &Trial) -> Result<(), Failure> {
    disable_address_randomisation()?;
    let pool = Pool::new(1).unwrap();
    step_a_worker(trial, &pool, 2)?;
    still_works(trial, pool)
}

/// Waits for a child that has stopped itself, and consumes its status.
fn stopped_child(trial: &Trial) -> Result<Pid, Failure> {
    let stopped = find_stopped_child(trial)?;
    waitid(Id::Pid(stopped), WaitPidFlag::WSTOPPED).unwrap();
    Ok(stopped)
}

/// Waits for a child that has stopped itself, and leaves its status to be waited for.
fn find_stopped_child(trial: &Trial) -> Result<Pid, Failure> {
    let start = Instant::now();
    let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while start.elapsed() < trial.timeout {
        if let Some(stopped) = waitid(Id::All, look).unwrap().pid() {
            return Ok(stopped);
        }
        thread::yield_now();
    }
    Err(Failure::Hang("a task does not start".into()))
}

fn step_a_worker(trial: &Trial, pool: &Pool, pending: u64) -> Result<(), Failure> {
    let armed = pool.apply_async(arm, ()).unwrap();
    let mut tracee = Tracee::adopt(trial, find_stopped_child(trial)?)?;
    let runs = rustix::fs::memfd_create("runs", MemfdFlags::CLOEXEC).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), runs.as_raw_fd());
    let submit = || pool.apply_async(double, (path.clone(), ARGUMENT)).unwrap();
    let mut task = None;
    loop {
        match tracee.step()? {
            Halt::Asleep if task.is_none() => {
                check_eq("the first task's result", wait_for(trial, &armed)?, Ok(true))?;
                task = Some(submit());
            }
            // It waits for a next task, which does not come.
            Halt::Asleep => break tracee.end_operation(),
            Halt::KillPoint | Halt::Ended => break,
        }
    }
    let others: Vec<_> = (0..pending).map(|n| pool.apply_async(|n: u64| n, n).unwrap()).collect();
    let is_done = tracee.has_ended();
    tracee.kill();
    let task = task.unwrap_or_else(submit);
    check_result(trial, &armed, true, is_done)?;
    check_result(trial, &task, ARGUMENT * 2, is_done)?;
    check(length(runs) <= 1, || "a task ran twice".into())?;
    for (n, other) in (0..).zip(&others) {
        // The first may have been given to the worker that was killed.
        match wait_for(trial, other)? {
            Err(TaskError::Signaled(libc::SIGKILL)) if n == 0 => {}
            result => check_eq("a pending task's result", result, Ok(n))?,
        }
    }
    Ok(())
}

fn wait_for<R: DeserializeOwned>(
    trial: &Trial,
    task: &AsyncResult<R>,
) -> Result<Result<R, TaskError>, Failure> {
    task.get_for(trial.timeout).ok_or_else(|| Failure::Hang("a task never gets a result".into()))
}

/// Checks that the task has its result, or the error that its worker was killed.
fn check_result<R: DeserializeOwned + PartialEq + Debug>(
    trial: &Trial,
    task: &AsyncResult<R>,
    result: R,
    is_done: bool,
) -> Result<(), Failure> {
    match wait_for(trial, task)? {
        Err(TaskError::Signaled(libc::SIGKILL)) if !is_done => Ok(()),
        got => check_eq("a task's result", got, Ok(result)),
    }
}

/// The pool has as many workers as it was made with, and ends when it is closed.
fn still_works(trial: &Trial, pool: Pool) -> Result<(), Failure> {
    let each = 0..pool.workers();
    let tasks: Vec<_> = each.map(|_| pool.apply_async(block, ()).unwrap()).collect();
    let busy = tasks.iter().map(|_| stopped_child(trial)).collect::<Result<Vec<_>, _>>()?;
    busy.iter().for_each(|&worker| kill(worker, Signal::SIGCONT).unwrap());
    for task in &tasks {
        check_eq("a task's result", wait_for(trial, task)?, Ok(()))?;
    }
    pool.close();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(pool.join().is_ok()));
    let ended = told.recv_timeout(trial.timeout);
    ended.map_err(|_| Failure::Hang("a closed pool does not end".into())).map(drop)
}

fn length(file: OwnedFd) -> u64 {
    File::from(file).metadata().unwrap().len()
}

/// Has later programs loaded at the same addresses: the workers are not forks of one process.
fn disable_address_randomisation() -> Result<(), Failure> {
    // SAFETY: only a number is passed.
    let set = unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    if set == -1 { Err(Failure::NotPermitted) } else { Ok(()) }
}
