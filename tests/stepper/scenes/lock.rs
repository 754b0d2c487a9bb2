//! Deaths around a lock.

use std::hint::black_box;
use std::mem;
use std::time::Duration;

use multiproc::{Lock, LockGuard, Shared, TryLockError};

use crate::cut::{Cut, Harm, same, sure};

/// Two numbers that are equal, but while someone holds the lock.
type Pair = Lock<(u64, u64)>;

/// A companion that saw the numbers apart without having been told so.
const TORN: u8 = 1;

fn scene() -> Shared<Pair> {
    Shared::new(Lock::new((0, 0))).unwrap()
}

/// Counts both up, in two steps.
fn count(pair: &mut (u64, u64)) {
    pair.0 += 1;
    black_box(&mut *pair);
    pair.1 += 1;
}

/// Locks and counts, mending what a dead one left.
fn add(lock: &Pair) -> u8 {
    match lock.lock() {
        Ok(mut pair) if pair.0 == pair.1 => count(&mut pair),
        Ok(_) => return TORN,
        Err(poisoned) => {
            let mut pair = poisoned.into_inner();
            mend(lock, &mut pair);
            count(&mut pair);
        }
    }
    0
}

fn mend(lock: &Pair, pair: &mut (u64, u64)) {
    pair.1 = pair.0;
    lock.clear_poison();
}

/// After all: the lock is free, its value whole, or reported not to be, and counted up by each who
/// lived, and perhaps by the victim.
fn whole(cut: &Cut, lock: &Pair, others: u64) -> Result<(), Harm> {
    let guard = match lock.lock_for(cut.patience) {
        Ok(pair) => {
            same("an unreported pair", pair.0, pair.1)?;
            pair
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            let mut pair = poisoned.into_inner();
            mend(lock, &mut pair);
            pair
        }
        Err(TryLockError::WouldBlock) => return Err(Harm::Hang("the lock stays locked".into())),
    };
    let counted = guard.0;
    sure(counted == others || counted == others + 1, || {
        format!("{others} lived, and {counted} were counted")
    })?;
    drop(guard);
    sure(!lock.is_locked(), || "the lock is held by nobody".into())?;
    sure(matches!(lock.try_lock(), Ok(pair) if pair.0 == pair.1), || "it was not mended".into())
}

/// What a third party gets that does not wait.
fn barge(lock: &Pair) -> Option<LockGuard<'_, (u64, u64)>> {
    let mut pair = match lock.try_lock() {
        Ok(pair) => pair,
        Err(TryLockError::Poisoned(poisoned)) => {
            let mut pair = poisoned.into_inner();
            mend(lock, &mut pair);
            pair
        }
        Err(TryLockError::WouldBlock) => return None,
    };
    count(&mut pair);
    Some(pair)
}

pub(crate) fn uncontended(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let mut victim = cut.victim(|| (), |()| count(&mut lock.lock().unwrap()))?;
    victim.finish()?;
    let next = cut.companion(|| add(&lock))?;
    victim.kill();
    same("the next one's answer", next.ends()?, 0)?;
    whole(cut, &lock, 1)
}

pub(crate) fn unlock(cut: &Cut) -> Result<(), Harm> {
    unlock_with(cut, false)
}

pub(crate) fn unlock_and_barge(cut: &Cut) -> Result<(), Harm> {
    unlock_with(cut, true)
}

fn unlock_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let lock = scene();
    let mut victim = cut.victim(
        || lock.lock().unwrap(),
        |mut pair| {
            count(&mut pair);
            drop(pair);
        },
    )?;
    let sleeper = cut.sleeper(|| add(&lock))?;
    victim.finish()?;
    let barger = barging.then(|| barge(&lock)).flatten();
    let others = 1 + u64::from(barger.is_some());
    victim.kill();
    drop(barger);
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &lock, others)
}

pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, false)
}

pub(crate) fn woken_and_barge(cut: &Cut) -> Result<(), Harm> {
    woken_with(cut, true)
}

fn woken_with(cut: &Cut, barging: bool) -> Result<(), Harm> {
    let lock = scene();
    let mut victim = cut.victim(|| (), |()| count(&mut lock.lock().unwrap()))?;
    let guard = lock.lock().unwrap();
    victim.step()?;
    // Behind the victim, in the order in which the kernel wakes.
    let sleeper = cut.sleeper(|| add(&lock))?;
    drop(guard);
    victim.finish()?;
    let barger = barging.then(|| barge(&lock)).flatten();
    let others = 1 + u64::from(barger.is_some());
    victim.kill();
    drop(barger);
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &lock, others)
}

/// The victim comes upon a lock whose owner died in the middle of its change.
pub(crate) fn take_over(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let die = || {
        let mut pair = lock.lock().unwrap();
        pair.0 += 1;
        mem::forget(pair);
        0
    };
    same("the first owner's answer", cut.companion(die)?.ends()?, 0)?;
    let mut victim = cut.victim(|| (), |()| assert_eq!(add(&lock), 0))?;
    victim.finish()?;
    let next = cut.companion(|| add(&lock))?;
    victim.kill();
    same("the next one's answer", next.ends()?, 0)?;
    // The first owner counted as well.
    whole(cut, &lock, 2)
}

/// Three locks held by one, unlocked neither in their order nor against it.
pub(crate) fn three(cut: &Cut) -> Result<(), Harm> {
    let locks = [scene(), scene(), scene()];
    let [a, b, c] = &locks;
    let change = |()| {
        let [mut x, mut y, mut z] = [a, b, c].map(|lock| lock.lock().unwrap());
        for pair in [&mut x, &mut y, &mut z] {
            count(pair);
        }
        drop(y);
        drop(z);
        drop(x);
    };
    let mut victim = cut.victim(|| (), change)?;
    victim.finish()?;
    let others = [cut.companion(|| add(a))?, cut.companion(|| add(b))?, cut.companion(|| add(c))?];
    victim.kill();
    for (other, lock) in others.iter().zip(&locks) {
        same("another's answer", other.ends()?, 0)?;
        whole(cut, lock, 1)?;
    }
    Ok(())
}

/// The victim holds as many as its record has room for, and takes one more.
pub(crate) fn many(cut: &Cut) -> Result<(), Harm> {
    let locks = Shared::new([const { Pair::new((0, 0)) }; 32]).unwrap();
    let (last, others) = locks.split_last().unwrap();
    let mut victim = cut.victim(
        || others.iter().for_each(|lock| mem::forget(lock.lock().unwrap())),
        |()| count(&mut last.lock().unwrap()),
    )?;
    victim.finish()?;
    let next = cut.companion(|| add(last))?;
    victim.kill();
    for other in others {
        let reported = matches!(other.lock_for(cut.patience), Err(TryLockError::Poisoned(_)));
        sure(reported, || "a lock that was held is not reported".into())?;
    }
    same("the next one's answer", next.ends()?, 0)?;
    whole(cut, last, 1)
}

/// The victim waits for a lock only for a moment, and does not get it.
pub(crate) fn give_up(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let give_up = |()| assert!(lock.lock_for(Duration::from_nanos(1)).is_err());
    let mut victim = cut.victim(|| (), give_up)?;
    let guard = lock.lock().unwrap();
    let sleeper = cut.sleeper(|| add(&lock))?;
    victim.finish()?;
    drop(guard);
    victim.kill();
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &lock, 1)?;
    Ok(())
}
