//! Forks, which have no thread of their parent's.

use std::sync::Arc;
use std::thread;

use multiproc::{Error, Event, Process, Queue, Semaphore, pipe};

use crate::alone::alone;
use crate::block_on::block_on;
use crate::polled::poll_once;

/// Runs `child` in a bare fork; whether it has said yes.
fn in_fork(child: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child uses locks that other threads of the parent may have only through this crate, which has
    // its own in each process, and the allocator, which glibc sees to; it leaves at once.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: an alarm ends a child that would wait for ever; then the child ends.
            unsafe {
                libc::alarm(60);
                libc::_exit(i32::from(child()))
            }
        }
        pid => {
            let mut status = 0;
            // SAFETY: there is room for a status.
            assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
            assert!(libc::WIFEXITED(status), "{status:#x}");
            libc::WEXITSTATUS(status) == 1
        }
    }
}

#[test]
fn a_fork_in_between_has_its_own_watchers() {
    alone(|()| {
        let queue = Queue::<u32>::bounded(4).unwrap();
        let semaphore = Arc::new(Semaphore::new(0));
        let (receiver, sender) = pipe::<u32>().unwrap();
        // In the parent the watchers run, and sleep for these.
        let mut waits = Box::pin(semaphore.acquire_async());
        assert!(poll_once(&mut waits).is_pending());
        let mut gets = Box::pin(queue.get_async());
        assert!(poll_once(&mut gets).is_pending());
        let mut receives = Box::pin(receiver.recv_async());
        assert!(poll_once(&mut receives).is_pending());
        let child = || {
            let release = semaphore.clone();
            let (put, send) = (queue.clone(), sender.clone());
            let others = thread::spawn(move || {
                release.release(1).unwrap();
                put.put(1).unwrap();
                send.send(2).unwrap();
            });
            // A copy of a future of the parent's goes on here, as does a new one; and one may be dropped.
            drop(block_on(&mut waits));
            let got = block_on(queue.get_async()).unwrap();
            let received = block_on(receiver.recv_async()).unwrap();
            drop(gets);
            drop(receives);
            others.join().unwrap();
            (got, received) == (1, 2)
        };
        assert!(in_fork(child));
        // The semaphore is the parent's own. The parent's watchers go on.
        let mut waits = Box::pin(semaphore.acquire_async());
        assert!(poll_once(&mut waits).is_pending());
        semaphore.release(1).unwrap();
        drop(block_on(waits));
        queue.put(5).unwrap();
        assert_eq!(block_on(queue.get_async()).unwrap(), 5);
    });
}

#[test]
fn a_watcher_is_a_thread_and_so_this_crates_fork_is_refused() {
    alone(|()| {
        let event = Event::new();
        let fork = || Process::fork(|| ()).map(|child| child.join().unwrap());
        fork().unwrap();
        let mut wait = Box::pin(event.wait_async());
        assert!(poll_once(&mut wait).is_pending());
        assert!(matches!(fork(), Err(Error::MultiThreaded { .. })));
    });
}
