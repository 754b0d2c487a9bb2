//! Starting a child by fork, after checking that it can be one.

use std::panic::catch_unwind;

use nix::unistd::ForkResult;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::ipc::codec::Reads;
use crate::process::body::{NotRun, live};
use crate::process::child::Child;
use crate::process::exchange::Exchange;
use crate::process::namespaces;
use crate::process::start::Start;
use crate::runtime;
use crate::sys::{CurrentThread, had_threads, threads};

/// Forks in a process that never had another thread. The child runs `body` and never returns from
/// here.
pub(super) fn fork<R: Serialize + DeserializeOwned>(
    start: Start,
    body: impl FnOnce() -> R,
) -> Result<Child, Error> {
    look_at::<R>();
    is_only_thread()?;
    if had_threads() {
        return Err(Error::HadThreads);
    }
    // SAFETY: this is the only thread, and glibc never made another, so nothing names one. (One that
    // was made past glibc and has ended has left nothing in glibc, and no handle of std's.)
    unsafe { fork_alone(start, body) }
}

/// As [`fork`], in a process that has one thread now.
///
/// # Safety
///
/// In the child, nothing is done with what names another thread that this process has had (a
/// `pthread_t`, a `JoinHandle`): it is neither used nor dropped.
pub(super) unsafe fn fork_after_threads<R: Serialize + DeserializeOwned>(
    start: Start,
    body: impl FnOnce() -> R,
) -> Result<Child, Error> {
    look_at::<R>();
    is_only_thread()?;
    // SAFETY: this is the only thread; the rest is the caller's promise.
    unsafe { fork_alone(start, body) }
}

/// What the codec finds out of a type once, each child would find out again when it sends its result. If it
/// cannot be sent, the child says so.
fn look_at<R: Serialize + DeserializeOwned>() {
    let _ = Reads::of::<R>();
}

fn is_only_thread() -> Result<(), Error> {
    namespaces::check()?;
    // First: what a thread does when it first comes here may call a logger, which may lock, or start a
    // thread. From here to the fork nothing of the user's runs.
    CurrentThread::current();
    match threads().map_err(|source| Error::os("reading /proc/self", source))? {
        1 => Ok(()),
        threads => Err(Error::MultiThreaded { threads }),
    }
}

/// # Safety
///
/// As for [`fork_after_threads`]; and no other thread runs.
unsafe fn fork_alone<R: Serialize + DeserializeOwned>(
    start: Start,
    body: impl FnOnce() -> R,
) -> Result<Child, Error> {
    // The copy of a guard would give the child access to shared memory that the parent has
    // locked; so would what was borrowed through a guard that was leaked. (Of a lock in private
    // memory the child has its own copy.)
    let locks = CurrentThread::held();
    if locks > 0 {
        return Err(Error::LockHeld { locks });
    }
    let exchange = Exchange::new()?;
    let Start { identity, settings, ends } = start;
    // What the streams hold would be written twice.
    runtime::flush();
    // SAFETY: each thing that a fork can break, and why it does not here.
    //
    // - A lock that another thread holds at the fork stays locked in the child, around data that is
    //   half changed: this is the only thread that runs (the caller's promise), so every lock of the
    //   process (malloc's, std's, the user's) is free, or held by this very thread, whose frames the
    //   child has too.
    // - What names another thread, one that has ended and was not joined, names memory that glibc
    //   gives to others in the child: the caller's promise; and this crate's own handles know that
    //   they are copies (`sys::fork_generation`).
    // - Frames would be run twice: the child runs `live`, which neither returns nor unwinds from
    //   here, and leaves by `_exit`; handlers that were registered for the exit are not run.
    // - Memory would belong to two: what `body` owns and borrows is in the child's own copy.
    // - Memory that is shared is reached by atomics, or under a lock: of those in shared memory no
    //   thread of this process holds one (`held`, above), also none that has ended, nor is one of
    //   another copy of this crate on this thread's list. (Of a lock in
    //   private memory the child has a copy, and so of its guard: each excludes in its own process.)
    //   Who maps memory as shared in another way, keeps it from children (MADV_DONTFORK), or has the
    //   kernel write into it meanwhile (io_uring), has said `unsafe` for what comes of it.
    // - A lock in shared memory would name the parent as its owner for what the child does: the
    //   thread's number is read anew after a fork by glibc (`pthread_atfork`). Numbers mean the same
    //   on both sides (`namespaces::check`, and `live` where that could not be seen).
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => Child::new(child.as_raw(), &identity, exchange, ends),
        Ok(ForkResult::Child) => {
            // Nothing may unwind from here into the parent's frames.
            let _ = catch_unwind(runtime::after_fork);
            drop(ends);
            live(identity, exchange, || {
                // SAFETY: this process has one thread; and perhaps one that watches its parent (see
                // `live`), which does not look at the environment.
                unsafe { settings.apply() }.map_err(NotRun::NotSetUp)?;
                Ok(body())
            })
        }
        Err(errno) => Err(Error::os("fork", errno)),
    }
}
