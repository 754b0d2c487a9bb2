//! Kills at a lock.

use std::hint::black_box;
use std::mem;
use std::time::Duration;

use multiproc::{Lock, LockGuard, Shared, TryLockError};

use crate::trial::{Failure, Trial, check, check_eq};

/// Two numbers that are equal while nobody holds the lock.
type Pair = Lock<(u64, u64)>;

/// The result of a survivor that saw unequal numbers without having been told of a death.
const TORN: u8 = 1;

fn fixture() -> Shared<Pair> {
    Shared::new(Lock::new((0, 0))).unwrap()
}

/// Increments both, one after the other.
fn increment(pair: &mut (u64, u64)) {
    pair.0 += 1;
    black_box(&mut *pair);
    pair.1 += 1;
}

/// Locks and increments; repairs what a killed process left.
fn add(lock: &Pair) -> u8 {
    match lock.lock() {
        Ok(mut pair) if pair.0 == pair.1 => increment(&mut pair),
        Ok(_) => return TORN,
        Err(poisoned) => {
            let mut pair = poisoned.into_inner();
            repair(lock, &mut pair);
            increment(&mut pair);
        }
    }
    0
}

fn repair(lock: &Pair, pair: &mut (u64, u64)) {
    pair.1 = pair.0;
    lock.clear_poison();
}

/// Checks at the end that the lock is free, that its value is whole or reported not to be, and that
/// it was incremented by each survivor, and perhaps by the tracee.
fn check_end(trial: &Trial, lock: &Pair, survivors: u64) -> Result<(), Failure> {
    let guard = match lock.lock_for(trial.timeout) {
        Ok(pair) => {
            check_eq("a pair that is not reported", pair.0, pair.1)?;
            pair
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            let mut pair = poisoned.into_inner();
            repair(lock, &mut pair);
            pair
        }
        Err(TryLockError::WouldBlock) => return Err(Failure::Hang("the lock stays locked".into())),
    };
    let counted = guard.0;
    check(counted == survivors || counted == survivors + 1, || {
        format!("{survivors} survived, and {counted} were counted")
    })?;
    drop(guard);
    check(!lock.is_locked(), || "the lock is locked without an owner".into())?;
    check(matches!(lock.try_lock(), Ok(pair) if pair.0 == pair.1), || "it was not repaired".into())
}

/// Takes the lock, if it is free, before the waiter that is woken does.
fn overtake(lock: &Pair) -> Option<LockGuard<'_, (u64, u64)>> {
    let mut pair = match lock.try_lock() {
        Ok(pair) => pair,
        Err(TryLockError::Poisoned(poisoned)) => {
            let mut pair = poisoned.into_inner();
            repair(lock, &mut pair);
            pair
        }
        Err(TryLockError::WouldBlock) => return None,
    };
    increment(&mut pair);
    Some(pair)
}

pub(crate) fn uncontended(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let mut tracee = trial.tracee(|| (), |()| increment(&mut lock.lock().unwrap()))?;
    tracee.finish()?;
    let next = trial.survivor(|| add(&lock))?;
    tracee.kill();
    check_eq("the next owner's result", next.join()?, 0)?;
    check_end(trial, &lock, 1)
}

pub(crate) fn unlock(trial: &Trial) -> Result<(), Failure> {
    unlock_with(trial, false)
}

pub(crate) fn unlock_and_overtake(trial: &Trial) -> Result<(), Failure> {
    unlock_with(trial, true)
}

fn unlock_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let lock = fixture();
    let mut tracee = trial.tracee(
        || lock.lock().unwrap(),
        |mut pair| {
            increment(&mut pair);
            drop(pair);
        },
    )?;
    let waiter = trial.waiter(|| add(&lock))?;
    tracee.finish()?;
    let overtaker = overtaking.then(|| overtake(&lock)).flatten();
    let survivors = 1 + u64::from(overtaker.is_some());
    tracee.kill();
    drop(overtaker);
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &lock, survivors)
}

pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, false)
}

pub(crate) fn woken_and_overtake(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, true)
}

fn woken_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let lock = fixture();
    let mut tracee = trial.tracee(|| (), |()| increment(&mut lock.lock().unwrap()))?;
    let guard = lock.lock().unwrap();
    tracee.step()?;
    // It waits behind the tracee: the kernel wakes in order of arrival.
    let waiter = trial.waiter(|| add(&lock))?;
    drop(guard);
    tracee.finish()?;
    let overtaker = overtaking.then(|| overtake(&lock)).flatten();
    let survivors = 1 + u64::from(overtaker.is_some());
    tracee.kill();
    drop(overtaker);
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &lock, survivors)
}

/// The tracee locks a lock whose owner died in the middle of its change.
pub(crate) fn take_over(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let die = || {
        let mut pair = lock.lock().unwrap();
        pair.0 += 1;
        mem::forget(pair);
        0
    };
    check_eq("the first owner's result", trial.survivor(die)?.join()?, 0)?;
    let mut tracee = trial.tracee(|| (), |()| assert_eq!(add(&lock), 0))?;
    tracee.finish()?;
    let next = trial.survivor(|| add(&lock))?;
    tracee.kill();
    check_eq("the next owner's result", next.join()?, 0)?;
    // The first owner incremented too.
    check_end(trial, &lock, 2)
}

/// One process holds three locks, and unlocks them in an order that is neither first-in nor last-in.
pub(crate) fn three(trial: &Trial) -> Result<(), Failure> {
    let locks = [fixture(), fixture(), fixture()];
    let [a, b, c] = &locks;
    let change = |()| {
        let [mut x, mut y, mut z] = [a, b, c].map(|lock| lock.lock().unwrap());
        for pair in [&mut x, &mut y, &mut z] {
            increment(pair);
        }
        drop(y);
        drop(z);
        drop(x);
    };
    let mut tracee = trial.tracee(|| (), change)?;
    tracee.finish()?;
    let survivors =
        [trial.survivor(|| add(a))?, trial.survivor(|| add(b))?, trial.survivor(|| add(c))?];
    tracee.kill();
    for (other, lock) in survivors.iter().zip(&locks) {
        check_eq("another process's result", other.join()?, 0)?;
        check_end(trial, lock, 1)?;
    }
    Ok(())
}

/// The tracee holds as many locks as its record has room for, and locks one more.
pub(crate) fn many(trial: &Trial) -> Result<(), Failure> {
    let locks = Shared::new([const { Pair::new((0, 0)) }; 32]).unwrap();
    let (last, survivors) = locks.split_last().unwrap();
    let mut tracee = trial.tracee(
        || survivors.iter().for_each(|lock| mem::forget(lock.lock().unwrap())),
        |()| increment(&mut last.lock().unwrap()),
    )?;
    tracee.finish()?;
    let next = trial.survivor(|| add(last))?;
    tracee.kill();
    for other in survivors {
        let reported = matches!(other.lock_for(trial.timeout), Err(TryLockError::Poisoned(_)));
        check(reported, || "a lock that was held is not reported".into())?;
    }
    check_eq("the next owner's result", next.join()?, 0)?;
    check_end(trial, last, 1)
}

/// The tracee's wait for a lock times out.
pub(crate) fn time_out(trial: &Trial) -> Result<(), Failure> {
    let lock = fixture();
    let time_out = |()| assert!(lock.lock_for(Duration::from_nanos(1)).is_err());
    let mut tracee = trial.tracee(|| (), time_out)?;
    let guard = lock.lock().unwrap();
    let waiter = trial.waiter(|| add(&lock))?;
    tracee.finish()?;
    drop(guard);
    tracee.kill();
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &lock, 1)?;
    Ok(())
}
