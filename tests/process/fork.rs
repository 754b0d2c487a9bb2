//! What a forked child has of its parent, and where a fork is refused.

use std::mem::MaybeUninit;
use std::thread;
use std::time::Duration;

use crate::alone;
use multiproc::{Error, Lock, Pool, Process, Run, Semaphore, Shared, Thread};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Waits until no other thread is there, joined or not.
fn await_the_last() {
    while threads() != 1 {
        thread::yield_now();
    }
}

/// Has threads lie where those of the parent lay, and others where nothing is mapped any more.
fn use_their_places() {
    for _ in 0..3 {
        let large = thread::Builder::new().stack_size(64 << 20);
        large.spawn(|| ()).unwrap().join().unwrap();
    }
}

#[test]
fn a_forked_closure_works_on_a_copy_of_all_memory() {
    alone(|()| {
        let mut numbers = vec![1, 2, 3];
        let child = Process::fork(|| {
            numbers.push(4);
            numbers.iter().sum::<i32>()
        });
        assert_eq!(child.unwrap().join().unwrap(), 10);
        assert_eq!(numbers, [1, 2, 3]);
    });
}

#[test]
fn fork_refuses_beside_other_threads_and_says_what_to_do() {
    let Err(refused) = Process::fork(|| ()) else { panic!("the harness has threads") };
    let Error::MultiThreaded { threads } = refused else { panic!("{refused}") };
    assert!(threads >= 2);
    assert!(refused.to_string().contains("use Process::spawn"), "{refused}");
}

#[test]
fn fork_counts_the_threads_that_run_and_no_others() {
    alone(|()| {
        for _ in 0..200 {
            std::thread::spawn(|| ()).join().unwrap();
            // SAFETY: all threads that there were are joined.
            unsafe { Process::fork_after_threads(|| ()) }.unwrap().join().unwrap();
        }
        let stay = std::sync::Arc::new(std::sync::Barrier::new(3));
        let threads = [(); 2].map(|()| {
            let stay = stay.clone();
            std::thread::spawn(move || stay.wait())
        });
        // SAFETY: nobody does anything in the child.
        let refused = [Process::fork(|| ()), unsafe { Process::fork_after_threads(|| ()) }];
        for refused in refused {
            let Err(Error::MultiThreaded { threads: 3 }) = refused else {
                panic!("three threads run")
            };
        }
        stay.wait();
        threads.into_iter().for_each(|thread| assert!(thread.join().is_ok()));
    });
}

#[test]
fn fork_refuses_while_a_lock_is_held() {
    alone(|()| {
        let lock = Shared::new(Lock::new(0)).unwrap();
        let guard = lock.lock().unwrap();
        assert!(matches!(Process::fork(|| ()), Err(Error::LockHeld { locks: 1 })));
        drop(guard);
        Process::fork(|| *lock.lock().unwrap() += 1).unwrap().join().unwrap();
        assert_eq!(*lock.lock().unwrap(), 1);
    });
}

#[test]
fn fork_refuses_while_the_youngest_of_many_locks_is_held() {
    alone(|()| {
        let locks: Vec<_> = (0..40).map(|_| Shared::new(Lock::new(0)).unwrap()).collect();
        let mut guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
        let last = guards.pop();
        drop(guards);
        assert!(matches!(Process::fork(|| ()), Err(Error::LockHeld { locks: 1 })));
        drop(last);
        Process::fork(|| ()).unwrap().join().unwrap();
    });
}

/// Another version of this crate in the same program has its locks on the same list, and guards of which
/// this one knows nothing.
#[test]
fn fork_refuses_while_something_else_is_on_the_threads_list() {
    alone(|()| {
        let mutex = Box::leak(Box::new(libc::PTHREAD_MUTEX_INITIALIZER));
        let mut robust = MaybeUninit::uninit();
        // SAFETY: each is made before it is used, has a place of its own and is used by this thread.
        unsafe {
            libc::pthread_mutexattr_init(robust.as_mut_ptr());
            libc::pthread_mutexattr_setrobust(robust.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(mutex, robust.as_ptr());
            assert_eq!(libc::pthread_mutex_lock(mutex), 0);
        }
        assert!(matches!(Process::fork(|| ()), Err(Error::LockHeld { locks: 1 })));
        // SAFETY: as above, and it is locked.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(mutex) }, 0);
        let lock = Shared::new(Lock::new(0)).unwrap();
        drop(lock.lock().unwrap());
        Process::fork(|| ()).unwrap().join().unwrap();
    });
}

#[test]
fn fork_refuses_when_a_thread_that_has_ended_leaked_a_guard() {
    alone(|()| {
        let lock = Shared::new(Lock::new(0)).unwrap();
        let inside = lock.clone();
        std::thread::spawn(move || std::mem::forget(inside.lock().unwrap())).join().unwrap();
        // SAFETY: the thread is joined.
        let refused = unsafe { Process::fork_after_threads(|| ()) };
        assert!(matches!(refused, Err(Error::LockHeld { locks: 1 })));
    });
}

#[test]
fn a_forked_child_holds_its_own_copy_of_a_private_lock() {
    alone(|()| {
        let lock = Lock::new(0);
        let guard = lock.lock().unwrap();
        let wait = Duration::from_millis(250);
        // As long as its copy of the guard lives, nobody gets a second.
        let child = Process::fork(|| lock.lock_for(wait).is_err() && *guard == 0);
        assert!(child.unwrap().join().unwrap());
        let child = Process::fork(|| {
            drop(guard);
            lock.lock().is_ok()
        });
        assert!(child.unwrap().join().unwrap());
        assert!(lock.lock().is_ok(), "the parent's copy went with the closure");
    });
}

#[test]
fn a_child_can_be_forked_while_its_parent_panics() {
    alone(|()| {
        struct Forks;
        impl Drop for Forks {
            fn drop(&mut self) {
                assert!(std::thread::panicking());
                assert_eq!(Process::fork(|| 5).unwrap().join().unwrap(), 5);
            }
        }
        let unwound = std::panic::catch_unwind(|| {
            let _forks = Forks;
            std::panic::resume_unwind(Box::new(0));
        });
        assert!(unwound.is_err());
    });
}

/// The child could drop it, or join it, and glibc has given the place of its thread to others.
#[test]
fn fork_refuses_where_a_handle_of_a_thread_may_be_left() {
    struct Works(Shared<Semaphore>);
    impl Run for Works {
        type Output = ();
        fn run(self) {
            self.0.release(1).unwrap();
        }
    }
    alone(|()| {
        let ran = Shared::new(Semaphore::new(0)).unwrap();
        let old = thread::Builder::new().stack_size(256 << 20).spawn(|| ()).unwrap();
        await_the_last();
        let forked = Process::fork(move || {
            use_their_places();
            drop(old);
        });
        let refused = forked.unwrap_err();
        assert!(matches!(refused, Error::HadThreads), "{refused}");
        assert!(refused.to_string().contains("use Process::spawn"), "{refused}");
        let refused = [
            Process::fork(|| ran.release(1).unwrap()),
            Process::builder().daemon(true).fork(|| ran.release(1).unwrap()),
            Process::start(Works(ran.clone())),
            Process::builder().name("Levi").start(Works(ran.clone())),
        ];
        assert!(refused.iter().all(|refused| matches!(refused, Err(Error::HadThreads))));
        assert_eq!(ran.value(), 0);
        // So it is for the children of such a process: they have the handles, too.
        // SAFETY: the child has no handle of a thread.
        let child = unsafe {
            Process::fork_after_threads(|| matches!(Process::fork(|| ()), Err(Error::HadThreads)))
        };
        assert!(child.unwrap().join().unwrap());
    });
}

#[test]
fn fork_refuses_after_a_pool() {
    alone(|()| {
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.apply(|n: u32| n + 1, 1).unwrap(), 2);
        pool.close();
        await_the_last();
        let forked = Process::fork(move || {
            use_their_places();
            drop(pool);
        });
        assert!(matches!(forked, Err(Error::HadThreads)));
    });
}
/// The handles of this crate know that they are copies.
#[test]
fn a_handle_of_this_crates_is_harmless_in_a_forked_child() {
    alone(|()| {
        let start = || Thread::spawn(|| 5).unwrap();
        let (joined, dropped, listed) = (start(), start(), start().handle().clone());
        await_the_last();
        let body = move || {
            use_their_places();
            drop(dropped);
            assert!(!listed.is_alive() && !listed.is_current());
            joined.join().unwrap_err().to_string()
        };
        // SAFETY: of the threads that there were, the child has only handles of this crate.
        let child = unsafe { Process::fork_after_threads(body) };
        let said = child.unwrap().join().unwrap();
        assert!(said.contains("the process that this one was forked from"), "{said}");
    });
}
