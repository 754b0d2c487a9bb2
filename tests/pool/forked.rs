//! A process that is forked by other means than this crate's has copies of a pool and of results. The
//! pool is its parent's all the same, and goes on there as if nothing had been.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::Signal;

use super::*;
use crate::gate::{Gate, pass};

/// Runs `child` in a process that is forked by nobody of this crate, where it must not panic.
#[track_caller]
fn fork(child: impl FnOnce()) {
    // SAFETY: the child runs what a program would that somebody has forked, and leaves.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = catch_unwind(AssertUnwindSafe(child)).map_or(1, |()| 0);
        // SAFETY: it ends the child.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    let deadline = Instant::now() + LONG;
    // SAFETY: there is room for a status.
    while unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            kill(pid.cast_unsigned(), Signal::SIGKILL);
            panic!("the forked process hangs");
        }
        thread::yield_now();
    }
    assert_eq!(status, 0, "what is right there was right");
}

fn is_other<T>(result: Result<T, TaskError>) -> bool {
    matches!(result, Err(TaskError::OtherProcess))
}

#[test]
fn a_forked_process_gets_nothing_of_its_parents_pool() {
    in_own_process(|()| {
        let pool = Pool::new(2).unwrap();
        let done = pool.apply_async(square, 4).unwrap();
        let many = pool.map_async(square, 0..3).unwrap();
        done.wait();
        many.wait();
        let gate = Gate::new();
        for n in 0..30 {
            let running = pool.apply_async(pass, (gate.way(), n)).unwrap();
            let running_many = pool.map_async(pass, [(gate.way(), n)]).unwrap();
            gate.await_arrivals(2);
            fork(|| {
                assert!(is_other(pool.apply(square, 1)));
                assert!(is_other(pool.apply_async(square, 1)));
                assert!(is_other(pool.map(square, [1, 2])));
                assert!(is_other(pool.map_async(square, [1, 2])));
                // What is to be sent is not even looked at.
                assert!(is_other(pool.apply(|_: Odd| (), Odd { written: false })));

                assert_eq!((done.get(), many.get()), (Ok(16), Ok(vec![0, 1, 4])));
                running.wait();
                assert!(running.is_ready() && running.wait_for(Duration::ZERO));
                assert!(is_other(running.get()) && is_other(running_many.get()));
                assert!(running.try_get().is_some_and(is_other));
                assert!(running.get_for(Duration::MAX).is_some_and(is_other));
                assert!(!running.cancel() && !running_many.cancel());
                let (sender, receiver) = std::sync::mpsc::channel();
                let callback = move |result| sender.send(is_other(result)).unwrap();
                running.on_done(callback).unwrap();
                assert_eq!(receiver.try_recv(), Ok(true));
            });
            assert!(!running.is_ready() && running.try_get().is_none());
            gate.let_through(2);
            assert_eq!(running.get_for(LONG).expect("it is through").map(|(n, _)| n), Ok(n));
            let many = running_many.get_for(LONG).expect("it is through").unwrap();
            assert_eq!(many[0].0, n);
        }
    });
}

#[test]
fn a_forked_process_ends_nothing_of_its_parents_pool() {
    in_own_process(|()| {
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(pid, ()).unwrap();
        let gate = Gate::new();
        for n in 0..30 {
            let running = pool.apply_async(pass, (gate.way(), n)).unwrap();
            gate.await_arrivals(1);
            fork(|| {
                pool.close();
                pool.terminate();
                assert_eq!(pool.join(), Err(PoolJoinError::OtherProcess));
                // SAFETY: the child's copy, which nobody uses from here on: the child leaves.
                drop(unsafe { std::ptr::read(&pool) });
            });
            gate.let_through(1);
            assert_eq!(running.get_for(LONG).expect("it is through"), Ok((n, worker)));
        }
        pool.close();
        assert_eq!(pool.join(), Ok(()));
    });
}

/// The locks of the pool and of its results are often held at the moment of the fork.
#[test]
fn a_forked_process_waits_for_no_lock_of_its_parents_threads() {
    in_own_process(|()| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let stop = Arc::new(multiproc::Event::new());
        let users = [0, 1].map(|_| {
            let (pool, stop) = (pool.clone(), stop.clone());
            thread::spawn(move || {
                let mut n = 0;
                while !stop.is_set() {
                    assert_eq!(pool.apply(square, n), Ok(n * n));
                    n += 1;
                }
            })
        });
        for n in 0..200 {
            let running = pool.apply_async(square, n).unwrap();
            fork(|| {
                assert!(is_other(pool.apply(square, 1)));
                assert!(matches!(running.get(), Err(TaskError::OtherProcess) | Ok(_)));
                pool.terminate();
                assert_eq!(pool.join(), Err(PoolJoinError::OtherProcess));
                // SAFETY: the child's copy, which nobody uses from here on: the child leaves, and
                // has no other threads.
                unsafe { std::ptr::drop_in_place(Arc::as_ptr(&pool).cast_mut()) };
            });
            assert_eq!(running.get_for(LONG).expect("it does not hang"), Ok(n * n));
        }
        stop.set();
        for user in users {
            user.join().expect("each answer is its own task's");
        }
    });
}

/// libc gives the place of a thread that has ended to another: the handle is of no use in the child.
#[test]
fn a_forked_process_does_not_touch_the_managers_thread() {
    in_own_process(|()| {
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.apply(square, 2), Ok(4));
        pool.close();
        // The manager has ended, and is not joined.
        wait_until(|| std::fs::read_dir("/proc/self/task").unwrap().count() == 1);
        fork(|| {
            for _ in 0..3 {
                let large = thread::Builder::new().stack_size(64 << 20);
                large.spawn(|| ()).unwrap().join().unwrap();
            }
            // SAFETY: the child's copy, which nobody uses from here on: the child leaves.
            drop(unsafe { std::ptr::read(&pool) });
        });
        assert_eq!(pool.join(), Ok(()));
    });
}

#[test]
fn a_forked_process_makes_a_pool_of_its_own() {
    in_own_process(|()| {
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(pid, ()).unwrap();
        fork(|| {
            let own = Pool::new(1).unwrap();
            assert_ne!(own.apply(pid, ()).unwrap(), worker);
            own.apply_async(forever, ()).unwrap();
            std::mem::forget(own);
            // SAFETY: the child has its own threads alone. Here its own pool is ended, and no other.
            unsafe { libc::exit(0) }
        });
        assert_eq!(pool.apply(pid, ()), Ok(worker));
    });
}

#[test]
fn what_a_task_has_forked_does_not_answer_in_the_workers_stead() {
    in_own_process(|()| {
        let pool = Pool::new(1).unwrap();
        let forks = |returned: u32| {
            // SAFETY: the worker has one thread, and the child does what it would have done.
            match unsafe { libc::fork() } {
                0 => returned + 1,
                child => {
                    let mut status = -1;
                    // SAFETY: there is room for a status.
                    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                    assert_eq!(status, 0);
                    returned
                }
            }
        };
        for n in 0..20 {
            assert_eq!(pool.apply(forks, n), Ok(n));
        }
    });
}
