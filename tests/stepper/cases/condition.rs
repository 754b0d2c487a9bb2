//! Kills at a condition. A process whose predicate holds goes on; so does one that was notified, or
//! whose place among the notified was taken by one that is dead.

use std::time::Instant;

use multiproc::{Condition, Lock, LockGuard, Poisoned, Shared, TryLockError};

use crate::trial::{Failure, Trial, check, check_eq};

/// The number of items, and the condition that it has changed.
type Fixture = Shared<(Lock<u32>, Condition)>;

fn fixture() -> Fixture {
    Shared::new((Lock::new(0), Condition::new())).unwrap()
}

/// The guard, poisoned or not: the guarded number is never half written.
fn ignore_poison<'a>(
    lock: &'a Lock<u32>,
    guard: Result<LockGuard<'a, u32>, Poisoned<LockGuard<'a, u32>>>,
) -> LockGuard<'a, u32> {
    guard.unwrap_or_else(|poisoned| {
        let guard = poisoned.into_inner();
        lock.clear_poison();
        guard
    })
}

/// Waits until there is an item, and takes it.
fn take((lock, changed): &(Lock<u32>, Condition)) -> u8 {
    let mut count = ignore_poison(lock, lock.lock());
    while *count == 0 {
        count = ignore_poison(lock, changed.wait_while(count, |count| *count == 0));
    }
    *count -= 1;
    0
}

/// Waits for one notification; 1 when it is told of an owner's death instead.
fn wait((lock, changed): &(Lock<u32>, Condition)) -> u8 {
    u8::from(lock.lock().and_then(|count| changed.wait(count)).is_err())
}

fn put((lock, changed): &(Lock<u32>, Condition), n: u32) {
    *ignore_poison(lock, lock.lock()) += n;
    changed.notify(n);
}

/// The waiters take the items that the tracee put; then two more are put for those that got none. In
/// the end only what the tracee put beyond that is left.
fn waiters_end(
    trial: &Trial,
    fixture: &Fixture,
    put_by_tracee: u32,
    notify: fn(&Condition, u32),
) -> Result<(), Failure> {
    let mut tracee = trial.tracee(
        || (),
        |()| {
            *fixture.0.lock().unwrap() += put_by_tracee;
            notify(&fixture.1, put_by_tracee);
        },
    )?;
    let waiters = [trial.waiter(|| take(fixture))?, trial.waiter(|| take(fixture))?];
    tracee.finish()?;
    tracee.kill();
    let start = Instant::now();
    while *ignore_poison(&fixture.0, fixture.0.lock()) > 0 {
        if start.elapsed() > trial.timeout {
            return Err(Failure::Hang("there is an item, and no waiter takes it".into()));
        }
        std::thread::yield_now();
    }
    put(fixture, 2);
    for waiter in &waiters {
        check_eq("a waiter's result", waiter.join()?, 0)?;
    }
    let left = *ignore_poison(&fixture.0, fixture.0.lock());
    check(left == 0 || left == put_by_tracee, || format!("{left} are left"))?;
    still_works(trial, fixture)
}

/// A later waiter gets a later notification.
fn still_works(trial: &Trial, fixture: &Fixture) -> Result<(), Failure> {
    let waiter = trial.waiter(|| wait(fixture))?;
    fixture.1.notify_all();
    check_eq("a later waiter's result", waiter.join()?, 0)
}

pub(crate) fn notify_one(trial: &Trial) -> Result<(), Failure> {
    waiters_end(trial, &fixture(), 1, |changed, _| changed.notify_one())
}

pub(crate) fn notify_two(trial: &Trial) -> Result<(), Failure> {
    waiters_end(trial, &fixture(), 2, |changed, n| changed.notify(n))
}

pub(crate) fn notify_all(trial: &Trial) -> Result<(), Failure> {
    waiters_end(trial, &fixture(), 2, |changed, _| changed.notify_all())
}

/// The tracee is notified, and killed before or after it has acted on that.
pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let (lock, changed) = &*fixture;
    let mut tracee =
        trial.tracee(|| lock.lock().unwrap(), |count| *changed.wait(count).unwrap() += 1)?;
    tracee.step()?;
    // It does not sleep if the tracee was killed with the lock.
    let other = trial.survivor(|| wait(&fixture))?;
    changed.notify_one();
    tracee.finish_before(&other, || {
        changed.notify_one();
        Ok(())
    })?;
    tracee.kill();
    let acted = match lock.lock_for(trial.timeout) {
        Ok(count) => *count == 1,
        // The other process is told too.
        Err(TryLockError::Poisoned(_)) => false,
        Err(TryLockError::WouldBlock) => return Err(Failure::Hang("the lock stays locked".into())),
    };
    if acted {
        changed.notify_one();
    }
    let told = other.join()? == 1;
    check(!told || lock.is_poisoned(), || "the other process is told of no death".into())?;
    lock.clear_poison();
    still_works(trial, &fixture)
}

/// A tracee whose wait has timed out consumes no notification.
pub(crate) fn time_out(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let (lock, changed) = &*fixture;
    let mut tracee = trial
        .tracee(|| lock.lock().unwrap(), |count| drop(changed.wait_until(count, Instant::now())))?;
    tracee.finish()?;
    tracee.kill();
    let waiter = trial.survivor(|| take(&fixture))?;
    put(&fixture, 1);
    check_eq("the waiter's result", waiter.join()?, 0)?;
    still_works(trial, &fixture)
}
