//! Deaths around a semaphore. No permit comes from nowhere, and none is lost but with its holder.

use multiproc::{Permit, Semaphore, Shared};

use crate::companion::Companion;
use crate::cut::{Cut, Harm, same, sure};

fn scene(permits: u32) -> Shared<Semaphore> {
    Shared::new(Semaphore::new(permits)).unwrap()
}

fn take(semaphore: &Semaphore) -> u8 {
    semaphore.acquire().forget();
    0
}

/// Waits for the sleeper, who gets what was given; when nothing was, gives it what it waits for.
fn sleeper_gets_one(semaphore: &Semaphore, sleeper: &Companion<'_>) -> Result<(), Harm> {
    // In this order: who sleeps though no permit was left a moment ago was not given any.
    if semaphore.value() == 0 && sleeper.rests()? {
        semaphore.release(1).unwrap();
    }
    same("the sleeper's answer", sleeper.ends()?, 0)
}

/// Still counts, and blocks nobody.
fn works(cut: &Cut, semaphore: &Semaphore, permits: u32) -> Result<(), Harm> {
    same("the number of permits", semaphore.value(), permits)?;
    semaphore.release(1).unwrap();
    for _ in 0..=permits {
        let permit = semaphore.acquire_for(cut.patience);
        permit.ok_or_else(|| Harm::Hang("a permit is there and not given".into()))?.forget();
    }
    sure(semaphore.try_acquire().is_none(), || "there is a permit too many".into())
}

pub(crate) fn uncontended(cut: &Cut) -> Result<(), Harm> {
    let semaphore = scene(1);
    let mut victim = cut.victim(|| (), |()| drop(semaphore.acquire()))?;
    victim.finish()?;
    let other = cut.companion(|| take(&semaphore))?;
    victim.kill();
    sleeper_gets_one(&semaphore, &other)?;
    works(cut, &semaphore, 0)
}

pub(crate) fn release(cut: &Cut) -> Result<(), Harm> {
    release_with(cut, false)
}

pub(crate) fn release_and_barge(cut: &Cut) -> Result<(), Harm> {
    release_with(cut, true)
}

fn release_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let semaphore = scene(0);
    let mut victim = cut.victim(|| (), |()| semaphore.release(1).unwrap())?;
    let sleeper = cut.sleeper(|| take(&semaphore))?;
    victim.finish()?;
    let barger = barging.then(|| semaphore.try_acquire()).flatten();
    victim.kill();
    drop(barger);
    sleeper_gets_one(&semaphore, &sleeper)?;
    works(cut, &semaphore, 0)
}

/// Two permits for two who sleep: killed after the first, only one goes on.
pub(crate) fn release_two(cut: &Cut) -> Result<(), Harm> {
    let semaphore = scene(0);
    let mut victim = cut.victim(|| (), |()| semaphore.release(2).unwrap())?;
    let sleepers = [cut.sleeper(|| take(&semaphore))?, cut.sleeper(|| take(&semaphore))?];
    victim.finish()?;
    victim.kill();
    for sleeper in &sleepers {
        sleeper_gets_one(&semaphore, sleeper)?;
    }
    works(cut, &semaphore, 0)
}

pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, false)
}

pub(crate) fn woken_and_barge(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, true)
}

fn woken_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let semaphore = scene(0);
    let mut victim = cut.victim(|| (), |()| semaphore.acquire().forget())?;
    victim.step()?;
    // Behind the victim, in the order in which the kernel wakes.
    let sleeper = cut.sleeper(|| take(&semaphore))?;
    let give = || same("room for a permit", semaphore.release(1), Ok(()));
    give()?;
    let gave_two = victim.finish_before(&sleeper, give)?;
    let was_taken = victim.has_ended();
    let barger = barging.then(|| semaphore.try_acquire()).flatten();
    victim.kill();
    drop(barger);
    sleeper_gets_one(&semaphore, &sleeper)?;
    // What the victim did not come to take.
    if gave_two && !was_taken {
        semaphore.try_acquire().into_iter().for_each(Permit::forget);
    }
    works(cut, &semaphore, 0)
}
