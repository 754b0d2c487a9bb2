//! Deaths around a lock that its owner locks twice.

use std::cell::Cell;
use std::hint::black_box;

use multiproc::{RLock, RLockGuard, Shared, TryLockError};

use crate::cut::{Cut, Harm, same, sure};

/// Two numbers that are equal, but while someone holds the lock.
type Pair = RLock<(Cell<u64>, Cell<u64>)>;

fn scene() -> Shared<Pair> {
    Shared::new(RLock::new((Cell::new(0), Cell::new(0)))).unwrap()
}

/// Counts one up under one guard, and the other under a second.
fn count(lock: &Pair, outer: &RLockGuard<'_, (Cell<u64>, Cell<u64>)>) {
    outer.0.set(outer.0.get() + 1);
    black_box(lock);
    let inner = lock.lock().unwrap();
    inner.1.set(inner.1.get() + 1);
}

/// Locks and counts, mending what a dead one left.
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
    count(lock, &pair);
    0
}

/// Free, and counted up by the one who lived, and perhaps by the victim.
fn whole(cut: &Cut, lock: &Pair) -> Result<(), Harm> {
    let pair = match lock.lock_for(cut.patience) {
        Ok(pair) => pair,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(Harm::Hang("the lock stays locked".into())),
    };
    let (a, b) = (pair.0.get(), pair.1.get());
    sure(lock.is_poisoned() || a == b, || format!("an unreported pair is {a}, {b}"))?;
    sure(a == 1 || a == 2, || format!("one lived, and {a} were counted"))?;
    drop(pair);
    sure(!lock.is_locked(), || "the lock is held by nobody".into())
}

pub(crate) fn uncontended(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let mut victim = cut.victim(|| (), |()| count(&lock, &lock.lock().unwrap()))?;
    victim.finish()?;
    let next = cut.companion(|| add(&lock))?;
    victim.kill();
    same("the next one's answer", next.ends()?, 0)?;
    whole(cut, &lock)
}

/// Two guards go, and the lock with the second.
pub(crate) fn unlock(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let prepare = || {
        let outer = lock.lock().unwrap();
        count(&lock, &outer);
        [lock.lock().unwrap(), outer]
    };
    let mut victim = cut.victim(prepare, |guards| guards.into_iter().for_each(drop))?;
    let sleeper = cut.sleeper(|| add(&lock))?;
    victim.finish()?;
    victim.kill();
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &lock)
}

pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    let lock = scene();
    let mut victim = cut.victim(|| (), |()| count(&lock, &lock.lock().unwrap()))?;
    let guard = lock.lock().unwrap();
    victim.step()?;
    // Behind the victim, in the order in which the kernel wakes.
    let sleeper = cut.sleeper(|| add(&lock))?;
    drop(guard);
    victim.finish()?;
    victim.kill();
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &lock)
}
