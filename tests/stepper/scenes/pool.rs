//! Deaths of a pool's worker, as it hands in a task's result, waits, takes the next task, does it,
//! and hands in that one's: each task has its result or an error that says who died, none is done
//! twice, and the pool goes on with as many workers as before.

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

use crate::cut::{Cut, Harm, same, sure};
use crate::victim::{Halt, Victim, stand};

const ARGUMENT: u64 = 0x1234_5678_9abc;

/// In the victim: to be stepped from here on.
fn arm(_: ()) -> bool {
    stand()
}

/// Is at work for as long as it pleases the scene.
fn work(_: ()) {
    raise(Signal::SIGSTOP).unwrap();
}

/// Leaves a mark in the file, and gives a result.
fn double((marks, n): (String, u64)) -> u64 {
    OpenOptions::new().append(true).open(marks).unwrap().write_all(b"x").unwrap();
    n * 2
}

/// Another worker is at work all the time.
pub(crate) fn beside_another(cut: &Cut) -> Result<(), Harm> {
    same_places_in_all()?;
    let pool = Pool::new(2).unwrap();
    let other = pool.apply_async(work, ()).unwrap();
    let at_work = one_who_stops(cut)?;
    step_a_worker(cut, &pool, 0)?;
    kill(at_work, Signal::SIGCONT).unwrap();
    same("the other's answer", awaited(cut, &other)?, Ok(()))?;
    goes_on(cut, pool)
}

/// It is the only one, and more tasks wait.
pub(crate) fn alone(cut: &Cut) -> Result<(), Harm> {
    same_places_in_all()?;
    let pool = Pool::new(1).unwrap();
    step_a_worker(cut, &pool, 2)?;
    goes_on(cut, pool)
}

/// A child that has stopped itself, or is about to.
fn one_who_stops(cut: &Cut) -> Result<Pid, Harm> {
    let stopped = see_one_stop(cut)?;
    waitid(Id::Pid(stopped), WaitPidFlag::WSTOPPED).unwrap();
    Ok(stopped)
}

/// The same, to be waited for once more.
fn see_one_stop(cut: &Cut) -> Result<Pid, Harm> {
    let start = Instant::now();
    let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while start.elapsed() < cut.patience {
        if let Some(stopped) = waitid(Id::All, look).unwrap().pid() {
            return Ok(stopped);
        }
        thread::yield_now();
    }
    Err(Harm::Hang("a task does not begin".into()))
}

fn step_a_worker(cut: &Cut, pool: &Pool, pending: u64) -> Result<(), Harm> {
    let armed = pool.apply_async(arm, ()).unwrap();
    let mut victim = Victim::adopt(cut, see_one_stop(cut)?)?;
    let marks = rustix::fs::memfd_create("marks", MemfdFlags::CLOEXEC).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), marks.as_raw_fd());
    let give = || pool.apply_async(double, (path.clone(), ARGUMENT)).unwrap();
    let mut task = None;
    loop {
        match victim.step()? {
            Halt::Asleep if task.is_none() => {
                same("the first task's answer", awaited(cut, &armed)?, Ok(true))?;
                task = Some(give());
            }
            // Nothing comes after that.
            Halt::Asleep => break victim.is_over(),
            Halt::Cut | Halt::Ended => break,
        }
    }
    let others: Vec<_> = (0..pending).map(|n| pool.apply_async(|n: u64| n, n).unwrap()).collect();
    let is_done = victim.has_ended();
    victim.kill();
    let task = task.unwrap_or_else(give);
    answered(cut, &armed, true, is_done)?;
    answered(cut, &task, ARGUMENT * 2, is_done)?;
    sure(length(marks) <= 1, || "a task was done twice".into())?;
    for (n, other) in (0..).zip(&others) {
        // The first may have been given to the one who was about to die.
        match awaited(cut, other)? {
            Err(TaskError::Signaled(libc::SIGKILL)) if n == 0 => {}
            answer => same("a pending task's answer", answer, Ok(n))?,
        }
    }
    Ok(())
}

fn awaited<R: DeserializeOwned>(
    cut: &Cut,
    task: &AsyncResult<R>,
) -> Result<Result<R, TaskError>, Harm> {
    task.get_for(cut.patience).ok_or_else(|| Harm::Hang("a task is never answered".into()))
}

/// By its result, or its worker's death.
fn answered<R: DeserializeOwned + PartialEq + Debug>(
    cut: &Cut,
    task: &AsyncResult<R>,
    result: R,
    is_done: bool,
) -> Result<(), Harm> {
    match awaited(cut, task)? {
        Err(TaskError::Signaled(libc::SIGKILL)) if !is_done => Ok(()),
        answer => same("a task's answer", answer, Ok(result)),
    }
}

/// It has as many workers as it was made with, and ends when it is closed.
fn goes_on(cut: &Cut, pool: Pool) -> Result<(), Harm> {
    let each = 0..pool.workers();
    let tasks: Vec<_> = each.map(|_| pool.apply_async(work, ()).unwrap()).collect();
    let at_work = tasks.iter().map(|_| one_who_stops(cut)).collect::<Result<Vec<_>, _>>()?;
    at_work.iter().for_each(|&worker| kill(worker, Signal::SIGCONT).unwrap());
    for task in &tasks {
        same("the answer of one of all", awaited(cut, task)?, Ok(()))?;
    }
    pool.close();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(pool.join().is_ok()));
    let ended = told.recv_timeout(cut.patience);
    ended.map_err(|_| Harm::Hang("a closed pool does not end".into())).map(drop)
}

fn length(file: OwnedFd) -> u64 {
    File::from(file).metadata().unwrap().len()
}

/// The victims are no forks of each other: without this each would have its program elsewhere.
fn same_places_in_all() -> Result<(), Harm> {
    // SAFETY: only a number is passed.
    let set = unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    if set == -1 { Err(Harm::NotPermitted) } else { Ok(()) }
}
