//! A thread as glibc has it: joined once, by whoever comes first, also with a deadline.
//!
//! A thread has ended when glibc says so, which is after the drops of its thread-locals. glibc lets
//! only one thread join another, and once; the others wait here for that one.

use std::ffi::{c_int, c_void};
use std::os::unix::thread::JoinHandleExt;
use std::ptr::{from_ref, null, null_mut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::sys::Deadline;

unsafe extern "C" {
    /// Of glibc 2.31 or later.
    fn pthread_clockjoin_np(
        thread: libc::pthread_t,
        value: *mut *mut c_void,
        clock: libc::clockid_t,
        until: *const libc::timespec,
    ) -> c_int;
}

/// How a wait for the end of a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// It has ended.
    Ended,
    TimedOut,
    /// It waits for the end of the thread that calls.
    WaitsForCaller,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Its starter has not said yet what glibc calls it.
    Starting,
    /// It may run, and is to be joined, which one thread may be doing.
    Started {
        thread: libc::pthread_t,
        is_being_joined: bool,
    },
    /// Others have started it, and join it.
    Foreign,
    Ended,
}

#[derive(Debug)]
pub(super) struct Native {
    state: Mutex<State>,
    changed: Condvar,
}

impl Native {
    /// One that is about to be started.
    pub(super) const fn starting() -> Self {
        Native { state: Mutex::new(State::Starting), changed: Condvar::new() }
    }

    /// One that others have started.
    pub(super) const fn foreign() -> Self {
        Native { state: Mutex::new(State::Foreign), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_all();
    }

    /// It has been started. From here on this is what joins it.
    pub(super) fn started(&self, std: JoinHandle<()>) {
        let thread = std.into_pthread_t();
        self.set(State::Started { thread, is_being_joined: false });
    }

    /// It was not started after all, or is foreign and ends.
    pub(super) fn end(&self) {
        self.set(State::Ended);
    }

    /// Whether it has ended. If it has, it is joined.
    pub(super) fn has_ended(&self) -> bool {
        let mut state = self.state();
        if let State::Started { thread, is_being_joined: false } = *state {
            // SAFETY: it was not joined and is not being joined, since the state is locked; and it
            // never was detached. There is no value to be stored.
            if unsafe { libc::pthread_tryjoin_np(thread, null_mut()) } == 0 {
                *state = State::Ended;
            }
        }
        matches!(*state, State::Ended)
    }

    /// Waits until it has ended, and joins it.
    pub(super) fn join(&self, deadline: Deadline) -> Joined {
        let mut state = self.state();
        loop {
            match *state {
                State::Ended => return Joined::Ended,
                State::Started { thread, is_being_joined: false } => {
                    *state = State::Started { thread, is_being_joined: true };
                    drop(state);
                    // SAFETY: this is the one that joins it, as the state tells the others; it was
                    // neither joined nor detached before.
                    let joined = unsafe { join(thread, deadline) };
                    // Should it have timed out, another may have more time.
                    self.set(match joined {
                        Joined::Ended => State::Ended,
                        _ => State::Started { thread, is_being_joined: false },
                    });
                    return joined;
                }
                State::Starting | State::Foreign | State::Started { .. } => {
                    let Some(left) = deadline.remaining() else {
                        state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                        continue;
                    };
                    if left.is_zero() {
                        return Joined::TimedOut;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

/// # Safety
///
/// The thread was neither joined nor detached, and nobody else joins it at the same time.
unsafe fn join(thread: libc::pthread_t, deadline: Deadline) -> Joined {
    let until = match deadline {
        Deadline::Never => None,
        Deadline::At(until) => {
            Some(libc::timespec { tv_sec: until.tv_sec, tv_nsec: until.tv_nsec })
        }
    };
    let until = until.as_ref().map_or(null(), from_ref);
    // SAFETY: the caller's promise. No value is stored; the time is there during the call, or null,
    // which means for ever.
    let answer = unsafe { pthread_clockjoin_np(thread, null_mut(), libc::CLOCK_MONOTONIC, until) };
    match answer {
        0 => Joined::Ended,
        libc::EDEADLK => Joined::WaitsForCaller,
        // A time that has passed. (That it is being joined or detached already, glibc's other
        // answers, is excluded.)
        _ => Joined::TimedOut,
    }
}
