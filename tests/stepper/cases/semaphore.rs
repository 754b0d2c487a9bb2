//! Kills at a semaphore. No permit is created, and none is lost except with its killed holder.

use multiproc::{Permit, Semaphore, Shared};

use crate::survivor::Survivor;
use crate::trial::{Failure, Trial, check, check_eq};

fn fixture(permits: u32) -> Shared<Semaphore> {
    Shared::new(Semaphore::new(permits)).unwrap()
}

fn take(semaphore: &Semaphore) -> u8 {
    semaphore.acquire().forget();
    0
}

/// Waits for the waiter, which gets the released permit; if none was released, releases one for it.
fn waiter_gets_one(semaphore: &Semaphore, waiter: &Survivor<'_>) -> Result<(), Failure> {
    // In this order: a waiter that sleeps after no permit was seen was given none.
    if semaphore.value() == 0 && waiter.sleeps()? {
        semaphore.release(1).unwrap();
    }
    check_eq("the waiter's result", waiter.join()?, 0)
}

/// The semaphore still counts, and blocks nobody wrongly.
fn still_works(trial: &Trial, semaphore: &Semaphore, permits: u32) -> Result<(), Failure> {
    check_eq("the number of permits", semaphore.value(), permits)?;
    semaphore.release(1).unwrap();
    for _ in 0..=permits {
        let permit = semaphore.acquire_for(trial.timeout);
        permit.ok_or_else(|| Failure::Hang("a permit is free and not granted".into()))?.forget();
    }
    check(semaphore.try_acquire().is_none(), || "there is one permit too many".into())
}

pub(crate) fn uncontended(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(1);
    let mut tracee = trial.tracee(|| (), |()| drop(semaphore.acquire()))?;
    tracee.finish()?;
    let other = trial.survivor(|| take(&semaphore))?;
    tracee.kill();
    waiter_gets_one(&semaphore, &other)?;
    still_works(trial, &semaphore, 0)
}

pub(crate) fn release(trial: &Trial) -> Result<(), Failure> {
    release_with(trial, false)
}

pub(crate) fn release_and_overtake(trial: &Trial) -> Result<(), Failure> {
    release_with(trial, true)
}

fn release_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let semaphore = fixture(0);
    let mut tracee = trial.tracee(|| (), |()| semaphore.release(1).unwrap())?;
    let waiter = trial.waiter(|| take(&semaphore))?;
    tracee.finish()?;
    let overtaker = overtaking.then(|| semaphore.try_acquire()).flatten();
    tracee.kill();
    drop(overtaker);
    waiter_gets_one(&semaphore, &waiter)?;
    still_works(trial, &semaphore, 0)
}

/// Two permits for two waiters: killed after the first, only one goes on.
pub(crate) fn release_two(trial: &Trial) -> Result<(), Failure> {
    let semaphore = fixture(0);
    let mut tracee = trial.tracee(|| (), |()| semaphore.release(2).unwrap())?;
    let waiters = [trial.waiter(|| take(&semaphore))?, trial.waiter(|| take(&semaphore))?];
    tracee.finish()?;
    tracee.kill();
    for waiter in &waiters {
        waiter_gets_one(&semaphore, waiter)?;
    }
    still_works(trial, &semaphore, 0)
}

pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, false)
}

pub(crate) fn woken_and_overtake(trial: &Trial) -> Result<(), Failure> {
    woken_with(trial, true)
}

fn woken_with(trial: &Trial, overtaking: bool) -> Result<(), Failure> {
    let semaphore = fixture(0);
    let mut tracee = trial.tracee(|| (), |()| semaphore.acquire().forget())?;
    tracee.step()?;
    // It waits behind the tracee: the kernel wakes in order of arrival.
    let waiter = trial.waiter(|| take(&semaphore))?;
    let give = || check_eq("room for a permit", semaphore.release(1), Ok(()));
    give()?;
    let gave_two = tracee.finish_before(&waiter, give)?;
    let was_taken = tracee.has_ended();
    let overtaker = overtaking.then(|| semaphore.try_acquire()).flatten();
    tracee.kill();
    drop(overtaker);
    waiter_gets_one(&semaphore, &waiter)?;
    // The permit that the tracee did not take.
    if gave_two && !was_taken {
        semaphore.try_acquire().into_iter().for_each(Permit::forget);
    }
    still_works(trial, &semaphore, 0)
}
