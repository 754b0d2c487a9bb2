//! Kills at a robust semaphore. A waiter gets a permit although its holder was killed: the permits of a
//! dead process are returned without help.

use std::mem::forget;

use multiproc::{RobustSemaphore, Shared};

use crate::trial::{Failure, Trial, check, check_eq};

const LIMIT: u32 = 2;

type Target = RobustSemaphore<{ LIMIT as usize }>;

fn fixture(permits: u32) -> Shared<Target> {
    Shared::new(Target::new(permits)).unwrap()
}

/// Takes a permit, and ends with it.
fn take(semaphore: &Target) -> u8 {
    forget(semaphore.acquire());
    0
}

/// Has the process look up its own identity, which is done once.
fn prepare() {
    drop(Target::new(1).acquire());
}

/// Every permit can be taken, once.
fn still_works(trial: &Trial, semaphore: &Target, permits: u32) -> Result<(), Failure> {
    let mut held = Vec::new();
    for _ in 0..permits {
        let permit = semaphore.acquire_for(trial.timeout);
        held.push(permit.ok_or_else(|| Failure::Hang("a permit was not returned".into()))?);
    }
    check(semaphore.try_acquire().is_none(), || "there is one permit too many".into())?;
    drop(held);
    check_eq("the number of permits", semaphore.value(), permits)?;
    check_eq("room for more", semaphore.release(LIMIT - permits), Ok(()))?;
    check_eq("the number of permits", semaphore.value(), LIMIT)
}

pub(crate) fn uncontended(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(1);
    let mut tracee = trial.tracee(prepare, |()| drop(semaphore.acquire()))?;
    tracee.finish()?;
    let other = trial.survivor(|| take(&semaphore))?;
    tracee.kill();
    check_eq("the other process's result", other.join()?, 0)?;
    still_works(trial, &semaphore, 1)
}

pub(crate) fn give(trial: &Trial) -> Result<(), Failure> {
    give_with(trial, false)
}

pub(crate) fn give_and_overtake(trial: &Trial) -> Result<(), Failure> {
    give_with(trial, true)
}

fn give_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let semaphore = fixture(1);
    let mut tracee = trial.tracee(|| semaphore.acquire(), drop)?;
    let waiter = trial.waiter(|| take(&semaphore))?;
    tracee.finish()?;
    let overtaker = overtaking.then(|| semaphore.try_acquire()).flatten();
    tracee.kill();
    drop(overtaker);
    check_eq("the waiter's result", waiter.join()?, 0)?;
    still_works(trial, &semaphore, 1)
}

/// Two permits are released for two waiters; what the tracee did not release is released here.
pub(crate) fn release_two(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(0);
    let mut tracee = trial.tracee(prepare, |()| semaphore.release(2).unwrap())?;
    let waiters = [trial.waiter(|| take(&semaphore))?, trial.waiter(|| take(&semaphore))?];
    tracee.finish()?;
    tracee.kill();
    while semaphore.release(1).is_ok() {}
    for waiter in &waiters {
        check_eq("the waiter's result", waiter.join()?, 0)?;
    }
    still_works(trial, &semaphore, 2)
}

/// A permit that was forgotten is not returned by a death; one that was not forgotten yet is.
pub(crate) fn forget_one(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(1);
    let mut tracee = trial.tracee(|| semaphore.acquire(), |permit| permit.forget())?;
    let waiter = trial.waiter(|| take(&semaphore))?;
    tracee.finish()?;
    tracee.kill();
    while semaphore.release(1).is_ok() {}
    check_eq("the waiter's result", waiter.join()?, 0)?;
    still_works(trial, &semaphore, LIMIT)
}

pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, false)
}

pub(crate) fn woken_and_overtake(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, true)
}

fn woken_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let semaphore = fixture(1);
    let permit = semaphore.acquire();
    let mut tracee = trial.tracee(prepare, |()| forget(semaphore.acquire()))?;
    tracee.step()?;
    // At once: when a slice of the wait times out, the tracee looks for dead holders.
    drop(permit);
    tracee.finish()?;
    let overtaker = overtaking.then(|| semaphore.try_acquire()).flatten();
    let other = trial.survivor(|| take(&semaphore))?;
    tracee.kill();
    drop(overtaker);
    check_eq("the other process's result", other.join()?, 0)?;
    still_works(trial, &semaphore, 1)
}

/// The tracee finds a dead holder, and returns its two permits: for itself and for another.
pub(crate) fn find_dead(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(2);
    let dead = trial.survivor(|| take(&semaphore) + take(&semaphore))?;
    check_eq("the dead holder's result", dead.join()?, 0)?;
    let mut tracee = trial.tracee(prepare, |()| drop(semaphore.acquire()))?;
    tracee.finish()?;
    let others = [trial.survivor(|| take(&semaphore))?, trial.survivor(|| take(&semaphore))?];
    tracee.kill();
    for other in &others {
        check_eq("the other process's result", other.join()?, 0)?;
    }
    still_works(trial, &semaphore, 2)
}
