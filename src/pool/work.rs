//! The life of a worker, in the child.

use std::mem;

use nix::sys::signal::{SigHandler, Signal, signal};
use serde::{Deserialize, Serialize};

use crate::error::{Chain, RecvError, SendCause};
use crate::ipc::Buffer;
use crate::ipc::{Connection, Receiver};
use crate::pool::kill_switch::die_of;
use crate::pool::messages::Messages;
use crate::pool::request::{Call, Failure, Notice, Request};
use crate::pool::schedule::{Next, Spin};
use crate::pool::tasks::has_processors;
use crate::runtime::Panic;
use crate::sys::{fork_generation, millis};

/// What a worker needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) place: u32,
    pub(super) messages: Messages,
    pub(super) limits: Limits,
    /// Called once, before the first task.
    pub(super) initializer: Option<Request>,
}

/// What a worker heeds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Limits {
    /// Tasks after which it ends; 0 is without end.
    pub(super) tasks: u32,
    /// Whether it notes when it has begun a task.
    pub(super) timed: bool,
}

/// Why a worker did not come to its first task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum NotBegun {
    Failed(String),
    Initializer(Panic),
    /// It had no memory: as its end tells, and not by itself.
    OutOfMemory,
}

/// Buffers up to this size are kept for the next task.
const KEPT: usize = 1 << 20;

/// Gives why it could not begin, if it could not.
pub(super) fn work(
    (line, death, job): (Connection<Notice, ()>, Receiver<()>, Job),
) -> Result<(), NotBegun> {
    if die_of(&death) {
        return Ok(());
    }
    let served = serve(&line, &job);
    // All is closed with the process. When the line closes before, the pool takes the worker for one that has
    // lost it; and a task may have closed these descriptors already.
    mem::forget((line, death, job));
    served
}

fn serve(line: &Connection<Notice, ()>, job: &Job) -> Result<(), NotBegun> {
    // Ctrl-C reaches every process of the terminal; the parent decides what becomes of its pool.
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { signal(Signal::SIGINT, SigHandler::SigIgn) };
    // Nothing has been sent: it shows whether something could be received.
    match line.try_recv() {
        Err(RecvError::Closed) => return Ok(()),
        Err(error @ RecvError::Os { .. }) => {
            return Err(NotBegun::Failed(Chain(&error).to_string()));
        }
        _ => {}
    }
    let generation = fork_generation();
    if let Some(call) = &job.initializer {
        match call.call.run(&call.argument, &mut Buffer::take()) {
            Ok(_) => {}
            Err(Failure::Panicked(panic) | Failure::PanickedAt(_, panic)) => {
                return Err(NotBegun::Initializer(panic));
            }
            Err(Failure::NotRead(why) | Failure::NotSent(why)) => {
                return Err(NotBegun::Failed(why.to_string()));
            }
        }
        if fork_generation() != generation {
            return Ok(());
        }
    }
    if let Err(refused) = line.send(Notice::Ready) {
        return match refused.cause() {
            SendCause::Disconnected => Ok(()),
            cause => Err(NotBegun::Failed(Chain(cause).to_string())),
        };
    }
    do_tasks(line, job, generation);
    Ok(())
}

fn do_tasks(line: &Connection<Notice, ()>, job: &Job, generation: u64) {
    let Job { place, ref messages, limits, .. } = *job;
    let schedule = &messages.schedule;
    // A pool that has been told so often needs not be told again; one that is gone neither.
    let tell = || {
        if schedule.wants_more() {
            let _ = line.try_send(Notice::Done);
        }
    };
    let spin = Spin::new(has_processors());
    let mut argument = Vec::new();
    let mut done = 0;
    while limits.tasks == 0 || done < limits.tasks {
        let Next::Task(claim) = schedule.next(place, &spin, tell) else { return };
        let (request, read) = messages.read_request(claim.index, &mut argument);
        schedule.begin(claim, place, if limits.timed { millis() } else { 0 });
        let call = Call { runner: request.runner, function: request.function };
        let mut result = Buffer::take();
        let outcome = match read {
            Ok(()) => call.run(&argument, &mut result),
            Err(why) => Err(Failure::NotRead(why)),
        };
        if fork_generation() != generation {
            // A task has forked, and this copy of it has returned too: the memory is the worker's.
            return;
        }
        messages.write_outcome(claim.index, &request, outcome, result.message());
        if !schedule.finish(claim, place) {
            // The task was taken away, and the worker is to be killed.
            return;
        }
        done += 1;
        tell();
        if argument.capacity() > KEPT {
            argument = Vec::new();
        }
    }
}
