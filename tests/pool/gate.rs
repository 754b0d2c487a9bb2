//! A gate at which tasks wait until the test lets them through.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use multiproc::{AsyncResult, Pool, TaskError};
use rustix::event::{PollFd, PollFlags, poll};

use crate::LONG;

/// Where a task finds a gate: what it writes to when it has come there, and reads from to go on.
pub(crate) type Way = (String, String);

pub(crate) struct Gate {
    /// For tasks.
    open: PipeReader,
    opener: PipeWriter,
    /// For the test.
    arrivals: PipeReader,
    bell: PipeWriter,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (open, opener) = std::io::pipe().unwrap();
        let (arrivals, bell) = std::io::pipe().unwrap();
        Gate { open, opener, arrivals, bell }
    }

    pub(crate) fn way(&self) -> Way {
        let path = |fd| format!("/proc/{}/fd/{fd}", std::process::id());
        (path(self.bell.as_raw_fd()), path(self.open.as_raw_fd()))
    }

    /// Waits until so many tasks more have come to it.
    pub(crate) fn await_arrivals(&self, tasks: usize) {
        let timeout = LONG.try_into().unwrap();
        for arrived in 0..tasks {
            let some = poll(&mut [PollFd::new(&self.arrivals, PollFlags::IN)], Some(&timeout));
            assert_eq!(some, Ok(1), "{arrived} tasks of {tasks} came to the gate");
            (&self.arrivals).read_exact(&mut [0]).unwrap();
        }
    }

    /// Whether no task has come to it that was not awaited.
    pub(crate) fn is_without_arrivals(&self) -> bool {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.arrivals, PollFlags::IN)], Some(&now)) == Ok(0)
    }

    /// Lets so many tasks through.
    pub(crate) fn let_through(&self, tasks: usize) {
        (&self.opener).write_all(&vec![0; tasks]).unwrap();
    }
}

/// A task: goes through the gate, gives `n` and who it was.
pub(crate) fn pass(((bell, open), n): (Way, u64)) -> (u64, u32) {
    OpenOptions::new().write(true).open(bell).unwrap().write_all(&[0]).unwrap();
    File::open(open).unwrap().read_exact(&mut [0]).unwrap();
    (n, std::process::id())
}

/// Has a worker begin a task that does not end by itself.
pub(crate) fn begin_forever(pool: &Pool) -> Result<AsyncResult<()>, TaskError> {
    let gate = Gate::new();
    let stay = |way| _ = pass((way, 0));
    let task = pool.apply_async(stay, gate.way())?;
    gate.await_arrivals(1);
    // Nobody will ever open it.
    std::mem::forget(gate);
    Ok(task)
}

/// The workers of the pool: each is given a task, all at the same time.
pub(crate) fn all_at_work(pool: &Pool) -> Result<Vec<u32>, TaskError> {
    let gate = Gate::new();
    let all = pool.workers();
    let tasks = (0..all).map(|_| pool.apply_async(pass, (gate.way(), 0)));
    let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
    gate.await_arrivals(all);
    gate.let_through(all);
    tasks
        .iter()
        .map(|task| task.get_for(LONG).expect("it is through").map(|(_, pid)| pid))
        .collect()
}
