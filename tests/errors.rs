//! Errors as a program meets them: how `?` hands them on, and what a chain of causes says. (That each
//! error, in every way it can be, says each thing once is tested beside them, in src/error.)
#![cfg(not(modelled))]

#[path = "support/chain.rs"]
mod chain;

use std::error::Error as Cause;
use std::fmt::Display;
use std::time::Duration;

use multiproc::{
    BrokenBarrier, Condition, Error, GetError, IndexOutOfRange, LayoutProblem, Lock, NameProblem,
    Overflow, PoisonCause, Poisoned, PoolJoinError, ProcessError, PutError, Queue, RLock,
    RecvError, SendCause, SendError, Shared, SharedArray, TaskError, ThreadError, TooManyDone,
    TryLockError, Value, ValueTooLong, WorkerNotStarted, duplex, pipe,
};

use chain::chain;

/// Short enough to wait for, with a lock that is held.
const SOON: Duration = Duration::from_millis(1);

/// Takes every lock, in every way; what any of them says is handed on as an `E`.
fn lock_all<E>(locks: &Locks) -> Result<(), E>
where
    E: From<Error>
        + for<'a> From<Poisoned<multiproc::LockGuard<'a, u8>>>
        + for<'a> From<TryLockError<multiproc::LockGuard<'a, u8>>>
        + for<'a> From<Poisoned<multiproc::RLockGuard<'a, u8>>>
        + for<'a> From<TryLockError<multiproc::RLockGuard<'a, u8>>>
        + for<'a> From<Poisoned<multiproc::LockGuard<'a, ()>>>
        + for<'a> From<TryLockError<multiproc::LockGuard<'a, ()>>>
        + for<'a> From<Poisoned<multiproc::ArrayGuard<'a>>>
        + for<'a> From<TryLockError<multiproc::ArrayGuard<'a>>>
        + for<'a> From<Poisoned<(multiproc::LockGuard<'a, u8>, bool)>>,
{
    *locks.lock.lock()? += 1;
    *locks.lock.try_lock()? += 1;
    *locks.lock.lock_for(SOON)? += 1;
    drop(locks.rlock.lock()?);
    drop(locks.rlock.try_lock()?);
    drop(locks.value.lock()?);
    drop(locks.value.try_lock()?);
    drop(locks.array.lock()?);
    drop(locks.array.try_lock()?);
    let (_guard, was_notified) = locks.changed.wait_for(locks.lock.lock()?, SOON)?;
    assert!(!was_notified);
    Ok(())
}

struct Locks {
    lock: Lock<u8>,
    rlock: RLock<u8>,
    value: Value<u32>,
    array: SharedArray<u8>,
    changed: Condition,
}

impl Locks {
    fn new() -> Self {
        Locks {
            lock: Lock::new(0),
            rlock: RLock::new(0),
            value: Value::new(0),
            array: SharedArray::new(&[0]).unwrap(),
            changed: Condition::new(),
        }
    }
}

#[test]
fn what_a_lock_says_is_handed_on_by_a_question_mark() {
    lock_all::<Error>(&Locks::new()).unwrap();
    lock_all::<Box<dyn Cause>>(&Locks::new()).unwrap();
    lock_all::<Box<dyn Cause + Send + Sync>>(&Locks::new()).unwrap();
}

#[test]
fn a_poisoned_lock_is_handed_on_as_one() {
    fn boxed(lock: &Lock<u8>) -> Result<u8, Box<dyn Cause + Send + Sync>> {
        Ok(*lock.lock()?)
    }
    fn named(lock: &Lock<u8>) -> Result<u8, Error> {
        Ok(*lock.try_lock()?)
    }
    let lock = Lock::new(0);
    std::thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let _guard = lock.lock().unwrap();
            panic!("while holding the lock");
        });
        panics.join().unwrap_err();
    });
    assert!(matches!(named(&lock), Err(Error::Poisoned(PoisonCause::Panicked))));
    let error = boxed(&lock).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::Poisoned(PoisonCause::Panicked))));
    assert_eq!(error.to_string(), lock.lock().unwrap_err().to_string());
    // Handing it on has unlocked.
    assert!(!lock.is_locked());
}

#[test]
fn a_lock_that_another_holds_is_handed_on_as_one() {
    fn boxed(lock: &Lock<u8>) -> Result<u8, Box<dyn Cause>> {
        Ok(*lock.try_lock()?)
    }
    fn named(lock: &Lock<u8>) -> Result<u8, Error> {
        Ok(*lock.lock_for(SOON)?)
    }
    let lock = Lock::new(0);
    let _held = lock.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(matches!(named(&lock), Err(Error::WouldBlock)));
            let error = boxed(&lock).unwrap_err();
            assert!(matches!(error.downcast_ref(), Some(Error::WouldBlock)));
        });
    });
}

/// What any box of errors takes, and whatever is made of one by way of a thread.
fn can_be_handed_on<E: Cause + Send + Sync + 'static>() {}

#[test]
fn every_error_can_be_handed_on() {
    can_be_handed_on::<Error>();
    can_be_handed_on::<LayoutProblem>();
    can_be_handed_on::<NameProblem>();
    can_be_handed_on::<BrokenBarrier>();
    can_be_handed_on::<Overflow>();
    can_be_handed_on::<IndexOutOfRange>();
    can_be_handed_on::<ValueTooLong>();
    can_be_handed_on::<PutError<String>>();
    can_be_handed_on::<GetError>();
    can_be_handed_on::<TooManyDone>();
    can_be_handed_on::<SendError<String>>();
    can_be_handed_on::<SendCause>();
    can_be_handed_on::<RecvError>();
    can_be_handed_on::<ProcessError>();
    can_be_handed_on::<ThreadError>();
    can_be_handed_on::<TaskError>();
    can_be_handed_on::<WorkerNotStarted>();
    can_be_handed_on::<PoolJoinError>();
}

#[test]
fn a_chain_of_causes_says_each_thing_once() {
    let error = Shared::<u64>::open("a/b").unwrap_err();
    assert_eq!(
        chain(&error),
        "shared memory \"a/b\": a name has from 1 to 200 bytes, none of which is '/' or NUL"
    );
}

/// The value is had back in the same words from a queue and from a pipe.
#[test]
fn what_was_refused_comes_back() {
    fn is<E: Display>(error: &E, text: &str) {
        assert_eq!(error.to_string(), text);
    }
    let queue = Queue::bounded(1).unwrap();
    queue.put("first".to_owned()).unwrap();
    let refused = queue.try_put("second".to_owned()).unwrap_err();
    is(&refused, "the queue is full");
    assert_eq!(refused.into_inner(), "second");

    let (receiver, sender) = pipe().unwrap();
    drop(receiver);
    let refused = sender.send("third".to_owned()).unwrap_err();
    is(&refused, "nobody is at the other end of the pipe");
    assert_eq!(refused.into_inner(), "third");

    let (ours, theirs) = duplex::<String, ()>().unwrap();
    drop(theirs);
    assert_eq!(ours.try_send("fourth".to_owned()).unwrap_err().into_inner(), "fourth");
}
