//! The handlers of pthread keys that others make later than this crate: they are the last that a thread
//! runs, and may hold guards, drop them and lock.

use std::mem;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use multiproc::{Lock, LockGuard, RLock, Shared, TryLockError};
use nix::unistd::gettid;

use crate::until::until;
use crate::{LONG, Nothing, alone};

/// A key whose values are work that is done when the thread ends. Never deleted.
#[derive(Clone, Copy)]
struct Key(libc::pthread_key_t);

type Work = Box<dyn FnOnce()>;

impl Key {
    /// One that is made after this crate's.
    fn later() -> Self {
        drop(Shared::new(Lock::new(0)).unwrap().lock());
        let mut key = 0;
        // SAFETY: there is room for a key, and the handler takes what `at_last` puts there.
        assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(work)) }, 0);
        Key(key)
    }

    /// Has this thread do it at its end.
    fn at_last(self, work: impl FnOnce() + 'static) {
        let work: Box<Work> = Box::new(Box::new(work));
        // SAFETY: the key is there, and its handler takes a box like this.
        assert_eq!(unsafe { libc::pthread_setspecific(self.0, Box::into_raw(work).cast()) }, 0);
    }

    /// Has this thread do it in the last of the rounds in which the handlers are run.
    fn in_the_last_round(self, work: impl FnOnce() + 'static) {
        self.in_round(ROUNDS, work);
    }

    fn in_round(self, round: u32, work: impl FnOnce() + 'static) {
        match round {
            1 => self.at_last(work),
            _ => self.at_last(move || self.in_round(round - 1, work)),
        }
    }
}

/// glibc's PTHREAD_DESTRUCTOR_ITERATIONS.
const ROUNDS: u32 = 4;

unsafe extern "C" fn work(work: *mut libc::c_void) {
    // SAFETY: a box of `at_last`'s, which the key has had for this thread alone, and has no more.
    let work = unsafe { Box::from_raw(work.cast::<Work>()) };
    work();
}

/// A thread that is in the handler of a key made later, until it is told to go on.
struct Ending {
    thread: JoinHandle<()>,
    go: Sender<()>,
}

impl Ending {
    /// One that takes something along, and drops it there.
    fn with<G>(take: impl FnOnce() -> G + Send + 'static) -> Self
    where
        G: 'static,
    {
        let key = Key::later();
        let ((tell, told), (go, may_go)): ((Sender<()>, _), (_, Receiver<()>)) =
            (channel(), channel());
        let thread = thread::spawn(move || {
            let taken = take();
            key.at_last(move || {
                tell.send(()).unwrap();
                may_go.recv().unwrap();
                drop(taken);
            });
        });
        told.recv().unwrap();
        Ending { thread, go }
    }

    fn end(self) {
        self.go.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// What others lock meanwhile does not come into what the thread has.
#[test]
fn a_guard_that_they_drop_unlocks() -> Nothing {
    let shared = leak(Shared::new(Lock::new(1))?);
    let private = leak(Lock::new(1));
    let again = leak(Shared::new(RLock::new(1))?);
    let ending = Ending::with(|| {
        (shared.lock().unwrap(), private.lock().unwrap(), [(); 2].map(|()| again.lock().unwrap()))
    });
    let other = Shared::new([const { Lock::new(0) }; 40])?;
    for _ in 0..10 {
        // Each is a thread that has not locked before.
        thread::scope(|scope| {
            scope.spawn(|| {
                let _all: Vec<_> = other.iter().map(|lock| lock.lock().unwrap()).collect();
                assert!(matches!(shared.try_lock(), Err(TryLockError::WouldBlock)));
                assert!(matches!(private.try_lock(), Err(TryLockError::WouldBlock)));
                assert!(matches!(again.try_lock(), Err(TryLockError::WouldBlock)));
            });
        });
    }
    ending.end();
    assert!(shared.lock_for(LONG).is_ok());
    assert!(private.lock_for(LONG).is_ok());
    assert!(again.lock_for(LONG).is_ok());
    Ok(())
}

#[test]
fn they_lock_and_unlock_up_to_the_last_round() -> Nothing {
    let locks = leak((Shared::new([const { Lock::new(0) }; 40])?, Lock::new(0)));
    let key = Key::later();
    for late in [false, true] {
        // With a lock before, and without.
        let thread = thread::spawn(move || {
            if late {
                *locks.1.lock().unwrap() += 1;
            }
            key.in_the_last_round(|| {
                let mut all: Vec<_> = locks.0.iter().map(|lock| lock.lock().unwrap()).collect();
                all.iter_mut().for_each(|number| **number += 1);
                *locks.1.lock().unwrap() += 1;
            });
        });
        thread.join().unwrap();
    }
    assert!(locks.0.iter().all(|lock| *lock.lock().unwrap() == 2));
    assert_eq!(*locks.1.lock().unwrap(), 3);
    Ok(())
}

/// Not two who have it: what the guard gave access to is elsewhere.
#[test]
fn a_guard_that_they_leak_keeps_the_lock() -> Nothing {
    let lock = leak(Shared::new(Lock::new(1u64))?);
    let key = Key::later();
    let (give, given) = channel::<&'static mut u64>();
    let thread = thread::spawn(move || {
        key.in_the_last_round(move || {
            let guard: &'static mut LockGuard<'static, u64> =
                Box::leak(Box::new(lock.lock().unwrap()));
            give.send(&mut **guard).unwrap();
        });
    });
    let number = given.recv()?;
    thread.join().unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    // Longer than a waiter takes to find an owner dead.
    assert!(matches!(lock.lock_for(Duration::from_millis(250)), Err(TryLockError::WouldBlock)));
    assert!(lock.is_locked());
    *number += 1;
    Ok(())
}

/// The memory of a lock that a thread has left locked goes with its last user, if the thread is gone.
#[test]
fn a_thread_that_is_gone_keeps_no_memory() {
    alone(|()| {
        let lock = Shared::new(Lock::new(1u64)).unwrap();
        let place = (&raw const *lock).addr();
        let inside = lock.clone();
        let leaks = move || {
            mem::forget(inside.lock().unwrap());
            gettid()
        };
        let thread = thread::spawn(leaks).join().unwrap();
        // One that was joined is in the kernel for another moment.
        let task = format!("/proc/self/task/{thread}");
        until("the thread to be gone", || !Path::new(&task).exists());
        assert!(is_mapped(place));
        drop(lock);
        assert!(!is_mapped(place));
    });
}

fn is_mapped(place: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let end = rest.split_once(' ').unwrap().0;
        let hex = |text| usize::from_str_radix(text, 16).unwrap();
        (hex(start)..hex(end)).contains(&place) && line.contains("memfd:multiproc")
    })
}
