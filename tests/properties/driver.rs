//! Has worker threads perform operations on a target, one at a time.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::gettid;

use crate::asleep::sleeps;
use crate::harness::{By, Expected, Generate, Target};
use crate::model::{Outcome, WORKERS};
use crate::panics::caught;
use crate::until::until;

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a worker thread has: its operations to perform, and the channel for their outcomes.
pub(crate) struct Worker<O, R> {
    id: usize,
    operations: Receiver<O>,
    outcomes: Sender<(usize, Outcome<R>)>,
}

impl<O, R> Worker<O, R> {
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// Performs each operation, until there are no more.
    pub(crate) fn run(self, mut perform: impl FnMut(O) -> R) {
        for op in self.operations {
            let outcome = caught(|| perform(op));
            if self.outcomes.send((self.id, outcome)).is_err() {
                return;
            }
        }
    }
}

struct Handle<M: Generate> {
    /// The thread's id, which it keeps when the model's workers are exchanged.
    id: usize,
    operations: Sender<M::Op>,
    /// The thread's path in /proc.
    task: String,
    thread: JoinHandle<()>,
}

/// All worker threads, in the order of the model's workers. (A thread that hangs in a failed test is
/// leaked.)
pub(crate) struct Driver<M: Generate> {
    workers: Vec<Handle<M>>,
    outcomes: Receiver<(usize, Outcome<M::Ret>)>,
}

impl<M: Generate> Driver<M> {
    pub(crate) fn new<T: Target<Model = M>>(target: &T) -> Self {
        let (sender, outcomes) = channel();
        let start = |id| {
            let (operations, received) = channel();
            let worker = Worker { id, operations: received, outcomes: sender.clone() };
            let (target, (task, its_task)) = (target.clone(), channel());
            let thread = thread::spawn(move || {
                task.send(format!("self/task/{}", gettid())).expect("it is received below");
                target.run(worker);
            });
            Handle { id, operations, task: its_task.recv().expect("it has started"), thread }
        };
        Driver { workers: (0..WORKERS).map(start).collect(), outcomes }
    }

    /// Has an operation performed. Its outcomes must be those that are expected, no others, and the
    /// workers that wait must sleep.
    pub(crate) fn perform(&mut self, By(caller, op): By<M::Op>, expected: &Expected<M>) {
        self.workers[caller].operations.send(op).expect("the worker runs");
        let due = &expected.outcomes.0;
        let mut got: Vec<_> =
            due.iter().map_while(|_| self.outcomes.recv_timeout(TIMEOUT).ok()).collect();
        let mut agrees = self.matches(caller, due, got.clone());
        for (worker, _) in self.workers.iter().zip(expected.waits).filter(|(_, waits)| *waits) {
            until("a waiting worker to sleep", || {
                got.extend(self.outcomes.try_iter());
                agrees &= got.len() == due.len();
                !agrees || sleeps(&worker.task)
            });
        }
        let mut got: Vec<_> = got.into_iter().map(|(id, got)| (self.worker_of(id), got)).collect();
        got.sort_by_key(|(worker, _)| *worker);
        assert!(agrees, "outcomes: {got:?}, expected: {due:?}");
    }

    fn worker_of(&self, id: usize) -> usize {
        let found = self.workers.iter().position(|worker| worker.id == id);
        found.expect("every thread is a worker")
    }

    /// Whether the outcomes are those that are due. The model does not say which of several waiting
    /// workers goes on: the one that does is exchanged with the one that the model has chosen.
    fn matches(
        &mut self,
        caller: usize,
        due: &[(usize, Outcome<M::Ret>)],
        mut got: Vec<(usize, Outcome<M::Ret>)>,
    ) -> bool {
        let caller_id = self.workers[caller].id;
        for (worker, expected) in due {
            let own = self.workers[*worker].id;
            got.sort_by_key(|(id, _)| *id != own);
            let found = got.iter().position(|(id, outcome)| {
                outcome == expected && (*id == own || *worker != caller && *id != caller_id)
            });
            let Some(found) = found else { return false };
            let (id, _) = got.remove(found);
            let other = self.worker_of(id);
            self.workers.swap(*worker, other);
        }
        true
    }

    /// Ends all workers, which drop what they hold; `unblock` lets those go on that wait.
    pub(crate) fn end(self, unblock: impl FnOnce()) {
        let (operations, threads): (Vec<_>, Vec<_>) =
            self.workers.into_iter().map(|worker| (worker.operations, worker.thread)).unzip();
        drop(operations);
        unblock();
        until("all workers to end", || threads.iter().all(JoinHandle::is_finished));
        threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    }
}
