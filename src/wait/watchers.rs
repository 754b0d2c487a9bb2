//! The threads that wait in the stead of futures, and what becomes of one whose waker does not come back.
//!
//! A watcher calls wakers, which are code of others. While one of them blocks, nobody would watch. So there is
//! one more thread, the *supervisor*: it looks every 100 ms, as long as wakers are called, and where the same waker
//! still runs, starts another thread that goes on with the watcher's work. The first ends with its waker.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::Builder;
use std::time::Instant;

use crate::sys::ForkLocal;
use crate::wait::wakers::{SLICE, wake};

/// What a watcher does, again and again: waits, and gives those to be woken.
type Round = dyn Fn() -> Vec<Waker> + Send + Sync;

struct Watcher {
    name: &'static str,
    round: Box<Round>,
    /// Those that are still to be woken.
    pending: Mutex<VecDeque<Waker>>,
}

/// Starts a thread that watches; `None` when there can be none.
pub(super) fn start(
    name: &'static str,
    round: impl Fn() -> Vec<Waker> + Send + Sync + 'static,
) -> Option<()> {
    let pending = Mutex::default();
    Arc::new(Watcher { name, round: Box::new(round), pending }).start()
}

impl Watcher {
    fn start(self: Arc<Self>) -> Option<()> {
        // It is detached: it keeps nobody waiting, and ends with the process.
        Builder::new().name(self.name.to_owned()).spawn(move || self.run()).ok().map(drop)
    }

    /// Until another thread does it.
    fn run(self: Arc<Self>) {
        let supervisor = SUPERVISOR.get();
        loop {
            while let Some(waker) = self.next() {
                let id = supervisor.begin(&self);
                wake(waker);
                if !supervisor.end(id) {
                    return;
                }
            }
            let woken = (self.round)();
            self.pending().extend(woken);
        }
    }

    fn next(&self) -> Option<Waker> {
        self.pending().pop_front()
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Waker>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static SUPERVISOR: ForkLocal<Supervisor> = ForkLocal::new(Supervisor::default);

#[derive(Default)]
struct Supervisor {
    calls: Mutex<Calls>,
    begun: Condvar,
}

#[derive(Default)]
struct Calls {
    /// Those that are under way.
    running: HashMap<u64, (Instant, Arc<Watcher>)>,
    /// How many there were.
    count: u64,
    supervision: Supervision,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Supervision {
    #[default]
    NotStarted,
    /// The thread sleeps until it is told of a call.
    Sleeps,
    Looks,
}

impl Supervisor {
    /// A watcher calls a waker.
    fn begin(&'static self, watcher: &Arc<Watcher>) -> u64 {
        let mut calls = self.lock();
        calls.count += 1;
        let id = calls.count;
        calls.running.insert(id, (Instant::now(), watcher.clone()));
        match calls.supervision {
            Supervision::Looks => {}
            Supervision::Sleeps => self.begun.notify_one(),
            Supervision::NotStarted => {
                let thread = Builder::new().name("multiproc-wakers".to_owned());
                if thread.spawn(|| self.supervise()).is_ok() {
                    calls.supervision = Supervision::Looks;
                }
            }
        }
        id
    }

    /// The waker has come back. False when another thread does the watcher's work by now.
    fn end(&self, id: u64) -> bool {
        self.lock().running.remove(&id).is_some()
    }

    fn supervise(&self) {
        loop {
            let calls = self.lock();
            let before = calls.count;
            let waited = self.begun.wait_timeout(calls, SLICE);
            let mut calls = waited.unwrap_or_else(PoisonError::into_inner).0;
            if calls.running.is_empty() && calls.count == before {
                calls.supervision = Supervision::Sleeps;
                let is_idle = |calls: &mut Calls| calls.count == before;
                let woken = self.begun.wait_while(calls, is_idle);
                woken.unwrap_or_else(PoisonError::into_inner).supervision = Supervision::Looks;
                continue;
            }
            let late = calls.running.extract_if(|_, (since, _)| since.elapsed() >= SLICE);
            let late: Vec<_> = late.collect();
            drop(calls);
            late.into_iter().for_each(|(id, (_, watcher))| self.replace(id, watcher));
        }
    }

    /// Has another thread go on with the work of a watcher.
    fn replace(&self, id: u64, watcher: Arc<Watcher>) {
        log::warn!("a waker runs for 100 ms: another thread goes on as {}", watcher.name);
        if watcher.clone().start().is_none() {
            // None is to be had: later, then.
            self.lock().running.insert(id, (Instant::now(), watcher));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing of a user's is called under the lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
