//! Who runs a pool: the manager, a thread, and whoever gives it a task.
//!
//! The manager sleeps until a worker says something or ends, or until the bell is rung; it starts
//! and buries the workers and hears their replies. A task is dealt by whoever can: the caller who
//! gives it, when a worker is free, else the manager, when one has become free. Neither ever waits
//! for a worker: one that has no task has room for the next, and replies are always heard.

use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::Level;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::io::{Errno, retry_on_intr};

use crate::error::{
    Chain, CodecError, Error, PoolJoinError, RecvError, SendCause, TaskError, WorkerNotStarted,
};
use crate::pool::board::{Board, Stage};
use crate::pool::slot::Task;
use crate::pool::worker::Worker;
use crate::sys::{self, Deadline, fork_generation};

/// Between two looks of a manager or a worker that the system does not let wait.
pub(super) const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Crew {
    /// Of the process whose it is. In another, which has a copy, a lock may be held by a thread that
    /// is not there, and the lines are the parent's: nothing but this and the size is looked at.
    generation: u64,
    size: usize,
    start_timeout: Duration,
    board: Mutex<Board>,
    over: Condvar,
    bell: OwnedFd,
}

impl Crew {
    /// A crew whose workers are started; it still needs a thread that [manages](Crew::manage) it.
    pub(super) fn new(size: usize, start_timeout: Duration) -> Result<Self, Error> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let bell =
            sys::descriptor(|| eventfd(0, flags)).map_err(|errno| Error::os("eventfd", errno))?;
        // Whether a sandbox lets it be rung.
        write_to(&bell).map_err(|errno| Error::os("write (to an eventfd)", errno))?;
        let mut board = Board::new();
        for _ in 0..size {
            board.hired += 1;
            board.post(Worker::start(board.hired)?);
        }
        let (board, over) = (Mutex::new(board), Condvar::new());
        Ok(Crew { generation: fork_generation(), size, start_timeout, board, over, bell })
    }

    /// Whether this is the process whose pool it is, and no fork of that.
    fn is_ours(&self) -> bool {
        self.generation == fork_generation()
    }

    pub(super) fn check_process(&self) -> Result<(), TaskError> {
        if self.is_ours() { Ok(()) } else { Err(TaskError::OtherProcess) }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes all of these tasks, or none.
    pub(super) fn take(&self, tasks: Vec<Task>) -> Result<(), TaskError> {
        // Again: what has encoded the arguments is the user's, and may have forked.
        self.check_process()?;
        let short_of_workers = {
            let mut board = self.board();
            board.accepts()?;
            board.pending.extend(tasks);
            board.is_short(self.size)
        };
        if short_of_workers {
            self.ring();
        }
        self.deal();
        Ok(())
    }

    /// Goes on to that stage, if it is not there yet. A fork's copy has none.
    pub(super) fn advance(&self, stage: Stage) {
        if !self.is_ours() {
            return;
        }
        {
            let mut board = self.board();
            board.stage = board.stage.max(stage);
        }
        self.ring();
    }

    /// Waits until all workers have ended.
    pub(super) fn join(&self) -> Result<(), PoolJoinError> {
        if !self.is_ours() {
            return Err(PoolJoinError::OtherProcess);
        }
        if self.board().stage == Stage::Open {
            return Err(PoolJoinError::NotClosed);
        }
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let is_not_over = |board: &mut Board| !board.over;
        drop(self.over.wait_while(board, is_not_over).unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// The manager's thread: until the last worker has ended.
    pub(super) fn manage(&self) {
        // Also when a bug here panics: nobody shall wait for a manager that is gone.
        let _last = Last(self);
        let mut can_wait = true;
        loop {
            self.hire();
            self.deal();
            let (workers, deadline) = {
                let mut board = self.board();
                let expiry = board.give_up(self.start_timeout);
                let done = board.is_done();
                let workers = self.send_home(&mut board, done);
                if done {
                    board.pending.clear();
                    if board.posts.is_empty() {
                        return;
                    }
                }
                let look = [expiry, board.next_start(self.size)].into_iter().flatten().min();
                (workers, look.map_or(Deadline::Never, Deadline::at))
            };
            let waited = self.listen(&workers, deadline);
            if let (Err(errno), true) = (waited, can_wait) {
                log::warn!("a pool cannot wait for its workers, and looks now and then: {errno}");
            }
            can_wait = waited.is_ok();
        }
    }

    /// Tells the workers to end that shall; gives all, and whether to listen to what they say.
    fn send_home(&self, board: &mut Board, done: bool) -> Vec<(Arc<Worker>, bool)> {
        let terminated = board.stage == Stage::Terminated;
        board.posts.retain_mut(|post| {
            // One that has not come to its line would not see that it is hung up.
            let told = if terminated || done && !post.is_ready() {
                post.worker.kill()
            } else if done && !post.leaving {
                post.worker.dismiss()
            } else {
                true
            };
            post.leaving |= done;
            // One that cannot be told to end is not waited for.
            told
        });
        board.posts.iter().map(|post| (post.worker.clone(), !post.leaving)).collect()
    }

    /// Sleeps until something happens or the deadline has passed, then sees to it; fails when the
    /// system does not let it sleep so.
    fn listen(&self, workers: &[(Arc<Worker>, bool)], deadline: Deadline) -> Result<(), Errno> {
        let mut fds = vec![PollFd::new(&self.bell, PollFlags::IN)];
        for (worker, listen) in workers {
            let events = if *listen { PollFlags::IN } else { PollFlags::empty() };
            // One that is not listened to is not looked at: its line would tell of its end again
            // and again.
            let line = if *listen { worker.line() } else { self.bell.as_fd() };
            fds.push(PollFd::from_borrowed_fd(line, events));
            fds.push(PollFd::from_borrowed_fd(worker.process(), PollFlags::IN));
        }
        let polled = sys::poll(&mut fds, deadline);
        if polled.is_err() {
            // No memory in the kernel for the list, or descriptors are limited to fewer, or waiting
            // is forbidden: look at all of them, now and then.
            std::thread::sleep(PAUSE);
        }
        let mut rung = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut rung);
        let spoke = |fd: &PollFd<'_>| polled.is_err() || !fd.revents().is_empty();
        for (pair, (worker, _)) in fds[1..].chunks(2).zip(workers) {
            let ended = spoke(&pair[1]);
            let is_closed = (ended || spoke(&pair[0])) && self.hear(worker);
            // Where the system does not tell, its line does.
            if ended && worker.has_ended().unwrap_or(is_closed) {
                self.board().bury(worker);
            }
        }
        polled.map(drop)
    }

    /// Hears all that the worker has to say; true when its line is closed.
    fn hear(&self, worker: &Arc<Worker>) -> bool {
        loop {
            let heard = worker.hear();
            let mut board = self.board();
            match heard {
                Ok(reply) => {
                    if board.hear(worker, reply) {
                        continue;
                    }
                    let news =
                        format!("{} has replied to a task that it does not have", worker.name());
                    board.log.push((Level::Warn, news));
                }
                Err(RecvError::Empty) => return false,
                Err(RecvError::Closed) if worker.has_ended() != Some(false) => return true,
                Err(RecvError::Closed) => {}
                Err(RecvError::Decode(error)) => board.misunderstood(worker, error),
                Err(error) => {
                    let error = CodecError::NotCarried(Chain(&error).to_string());
                    board.misunderstood(worker, error);
                }
            }
            // It has closed its line, or said what is no reply of its own: a task has meddled with
            // it, or there was no memory for what it said. It will not be understood again.
            worker.kill();
            for post in &mut board.posts {
                post.leaving |= Arc::ptr_eq(&post.worker, worker);
            }
            return false;
        }
    }

    /// Starts the workers that are missing.
    fn hire(&self) {
        loop {
            let number = {
                let mut board = self.board();
                if !board.is_short_of_one(self.size) {
                    return;
                }
                board.hired += 1;
                board.hired
            };
            // Not under the lock: it takes a millisecond.
            let started = Worker::start(number);
            let mut board = self.board();
            match started {
                Ok(worker) => board.post(worker),
                Err(error) => board.start_failed(WorkerNotStarted::Refused(error.into())),
            }
        }
    }

    /// Gives tasks to workers as long as there are both.
    fn deal(&self) {
        loop {
            let Some((worker, request)) = self.board().deal() else { return };
            let Err(refused) = worker.give(request) else { continue };
            let (request, cause) = refused.into_parts();
            let mut board = self.board();
            match cause {
                SendCause::Disconnected | SendCause::Full => {
                    // Should it only have closed its line, it ends now.
                    worker.kill();
                    board.take_back(&worker, request);
                }
                cause => {
                    let error = CodecError::NotCarried(Chain(&cause).to_string());
                    board.fail(&worker, TaskError::Argument(error));
                    // It may have been the last task of a pool that is closed.
                    drop(board);
                    self.ring();
                }
            }
        }
    }

    /// Wakes the manager.
    fn ring(&self) {
        match write_to(&self.bell) {
            // It has been rung so often that it is ringing.
            Ok(()) | Err(Errno::AGAIN) => {}
            Err(_) => {
                // A sandbox has come to deny that. The end of a worker wakes the manager too.
                let mut board = self.board();
                let done = board.is_done();
                self.send_home(&mut board, done);
            }
        }
    }

    fn board(&self) -> Locked<'_> {
        // Each step under the lock leaves the board whole, up to where it could panic.
        Locked(Some(self.board.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The board, locked. What is to be logged is logged after that: a logger may use the pool.
struct Locked<'a>(Option<MutexGuard<'a, Board>>);

impl Deref for Locked<'_> {
    type Target = Board;

    fn deref(&self) -> &Board {
        self.0.as_ref().expect("it is locked until it is dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Board {
        self.0.as_mut().expect("it is locked until it is dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let Some(mut board) = self.0.take() else { return };
        let news = std::mem::take(&mut board.log);
        drop(board);
        news.into_iter().for_each(|(level, news)| log::log!(level, "{news}"));
    }
}

fn write_to(bell: &OwnedFd) -> Result<(), Errno> {
    retry_on_intr(|| rustix::io::write(bell, &1u64.to_ne_bytes())).map(drop)
}

/// The end of the manager.
struct Last<'a>(&'a Crew);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        let mut board = self.0.board();
        board.stage = board.stage.max(Stage::Closed);
        let posts = std::mem::take(&mut board.posts);
        let pending = std::mem::take(&mut board.pending);
        drop(board);
        // Tasks that are dropped are finished, workers that are dropped are killed and reaped.
        drop((posts, pending));
        self.0.board().over = true;
        self.0.over.notify_all();
    }
}
