//! Kills at a lock that its owner locks twice.

use std::cell::Cell;
use std::hint::black_box;

use multiproc::{RLock, RLockGuard, Shared, TryLockError};

use crate::trial::{Failure, Trial, check, check_eq};

/// Two numbers that are equal while nobody holds the lock.
type Pair = RLock<(Cell<u64>, Cell<u64>)>;

fn fixture() -> Shared<Pair> {
    Shared::new(RLock::new((Cell::new(0), Cell::new(0)))).unwrap()
}

/// Increments one number under one guard, and the other under a second.
fn increment(lock: &Pair, outer: &RLockGuard<'_, (Cell<u64>, Cell<u64>)>) {
    outer.0.set(outer.0.get() + 1);
    black_box(lock);
    let inner = lock.lock().unwrap();
    inner.1.set(inner.1.get() + 1);
}

/// Locks and increments; repairs what a killed process left.
fn add(lock: &Pair) -> u8 {
    let pair = lock.lock().unwrap_or_else(|poisoned| {
        let pair = poisoned.into_inner();
        pair.1.set(pair.0.get());
        lock.clear_poison();
        pair
    });
    if pair.0 != pair.1 {
        return 1;
    }
    increment(lock, &pair);
    0
}

/// Checks that the lock is free, and that it was incremented by the survivor, and perhaps by the tracee.
fn check_end(trial: &Trial, lock: &Pair) -> Result<(), Failure> {
    let pair = match lock.lock_for(trial.timeout) {
        Ok(pair) => pair,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(Failure::Hang("the lock stays locked".into())),
    };
    let (a, b) = (pair.0.get(), pair.1.get());
    check(lock.is_poisoned() || a == b, || format!("a pair that is not reported is {a}, {b}"))?;
    check(a == 1 || a == 2, || format!("one survived, and {a} were counted"))?;
    drop(pair);
    check(!lock.is_locked(), || "the lock is locked without an owner".into())
}

pub(crate) fn uncontended(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let mut tracee = trial.tracee(|| (), |()| increment(&lock, &lock.lock().unwrap()))?;
    tracee.finish()?;
    let next = trial.survivor(|| add(&lock))?;
    tracee.kill();
    check_eq("the next owner's result", next.join()?, 0)?;
    check_end(trial, &lock)
}

/// Two guards are dropped; the second drop unlocks.
pub(crate) fn unlock(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let prepare = || {
        let outer = lock.lock().unwrap();
        increment(&lock, &outer);
        [lock.lock().unwrap(), outer]
    };
    let mut tracee = trial.tracee(prepare, |guards| guards.into_iter().for_each(drop))?;
    let waiter = trial.waiter(|| add(&lock))?;
    tracee.finish()?;
    tracee.kill();
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &lock)
}

pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let mut tracee = trial.tracee(|| (), |()| increment(&lock, &lock.lock().unwrap()))?;
    let guard = lock.lock().unwrap();
    tracee.step()?;
    // It waits behind the tracee: the kernel wakes in order of arrival.
    let waiter = trial.waiter(|| add(&lock))?;
    drop(guard);
    tracee.finish()?;
    tracee.kill();
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &lock)
}
