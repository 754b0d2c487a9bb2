//! Deaths around a robust semaphore. Whoever waits for a permit gets one, whoever held it, and
//! without anybody's help: whatever a dead process holds comes back.

use std::mem::forget;

use multiproc::{RobustSemaphore, Shared};

use crate::cut::{Cut, Harm, same, sure};

const PLACES: u32 = 2;

type Places = RobustSemaphore<{ PLACES as usize }>;

fn scene(permits: u32) -> Shared<Places> {
    Shared::new(Places::new(permits)).unwrap()
}

/// Takes a permit, and dies with it.
fn take(places: &Places) -> u8 {
    forget(places.acquire());
    0
}

/// Finds out who it is, which is done once.
fn prepare() {
    drop(Places::new(1).acquire());
}

/// Every permit can be had, once.
fn works(cut: &Cut, places: &Places, permits: u32) -> Result<(), Harm> {
    let mut held = Vec::new();
    for _ in 0..permits {
        let permit = places.acquire_for(cut.patience);
        held.push(permit.ok_or_else(|| Harm::Hang("a permit did not come back".into()))?);
    }
    sure(places.try_acquire().is_none(), || "there is a permit too many".into())?;
    drop(held);
    same("the number of permits", places.value(), permits)?;
    same("room for more", places.release(PLACES - permits), Ok(()))?;
    same("the number of permits", places.value(), PLACES)
}

pub(crate) fn uncontended(cut: &Cut) -> Result<(), Harm> {
    let places = scene(1);
    let mut victim = cut.victim(prepare, |()| drop(places.acquire()))?;
    victim.finish()?;
    let other = cut.companion(|| take(&places))?;
    victim.kill();
    same("the other's answer", other.ends()?, 0)?;
    works(cut, &places, 1)
}

pub(crate) fn give(cut: &Cut) -> Result<(), Harm> {
    give_with(cut, false)
}

pub(crate) fn give_and_barge(cut: &Cut) -> Result<(), Harm> {
    give_with(cut, true)
}

fn give_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let places = scene(1);
    let mut victim = cut.victim(|| places.acquire(), drop)?;
    let sleeper = cut.sleeper(|| take(&places))?;
    victim.finish()?;
    let barger = barging.then(|| places.try_acquire()).flatten();
    victim.kill();
    drop(barger);
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    works(cut, &places, 1)
}

/// Two permits that are made for two who sleep. What the victim did not come to is made by another.
pub(crate) fn release_two(cut: &Cut) -> Result<(), Harm> {
    let places = scene(0);
    let mut victim = cut.victim(prepare, |()| places.release(2).unwrap())?;
    let sleepers = [cut.sleeper(|| take(&places))?, cut.sleeper(|| take(&places))?];
    victim.finish()?;
    victim.kill();
    while places.release(1).is_ok() {}
    for sleeper in &sleepers {
        same("the sleeper's answer", sleeper.ends()?, 0)?;
    }
    works(cut, &places, 2)
}

/// A permit that is no longer anyone's in particular is lost with nobody, or is the victim's still.
pub(crate) fn forget_one(cut: &Cut) -> Result<(), Harm> {
    let places = scene(1);
    let mut victim = cut.victim(|| places.acquire(), |permit| permit.forget())?;
    let sleeper = cut.sleeper(|| take(&places))?;
    victim.finish()?;
    victim.kill();
    while places.release(1).is_ok() {}
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    works(cut, &places, PLACES)
}

pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, false)
}

pub(crate) fn woken_and_barge(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, true)
}

fn woken_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let places = scene(1);
    let permit = places.acquire();
    let mut victim = cut.victim(prepare, |()| forget(places.acquire()))?;
    victim.step()?;
    // At once: a sleep that lasts ends by itself, and the victim looks who is dead.
    drop(permit);
    victim.finish()?;
    let barger = barging.then(|| places.try_acquire()).flatten();
    let other = cut.companion(|| take(&places))?;
    victim.kill();
    drop(barger);
    same("the other's answer", other.ends()?, 0)?;
    works(cut, &places, 1)
}

/// The victim finds that another is dead, and brings back what that held, for itself and one more.
pub(crate) fn find_dead(cut: &Cut) -> Result<(), Harm> {
    let places = scene(2);
    let dead = cut.companion(|| take(&places) + take(&places))?;
    same("the answer of the one who is to be found", dead.ends()?, 0)?;
    let mut victim = cut.victim(prepare, |()| drop(places.acquire()))?;
    victim.finish()?;
    let others = [cut.companion(|| take(&places))?, cut.companion(|| take(&places))?];
    victim.kill();
    for other in &others {
        same("the other's answer", other.ends()?, 0)?;
    }
    works(cut, &places, 2)
}
