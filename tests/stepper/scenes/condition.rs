//! Deaths around a condition. Whoever waits for something that is there goes on; so does one who was
//! notified, or for whom the one who was has died.

use std::time::Instant;

use multiproc::{Condition, Lock, LockGuard, Poisoned, Shared, TryLockError};

use crate::cut::{Cut, Harm, same, sure};

/// How much there is to be taken, and who waits for it.
type Basket = Shared<(Lock<u32>, Condition)>;

fn scene() -> Basket {
    Shared::new((Lock::new(0), Condition::new())).unwrap()
}

/// The guard in any case; what is guarded is one number, which is always whole.
fn whole<'a>(
    lock: &'a Lock<u32>,
    guard: Result<LockGuard<'a, u32>, Poisoned<LockGuard<'a, u32>>>,
) -> LockGuard<'a, u32> {
    guard.unwrap_or_else(|poisoned| {
        let guard = poisoned.into_inner();
        lock.clear_poison();
        guard
    })
}

/// Waits until there is something, and takes one.
fn take((lock, changed): &(Lock<u32>, Condition)) -> u8 {
    let mut count = whole(lock, lock.lock());
    while *count == 0 {
        count = whole(lock, changed.wait_while(count, |count| *count == 0));
    }
    *count -= 1;
    0
}

/// Waits for one notification, whatever it is about; 1 when it is told of a death instead.
fn wait((lock, changed): &(Lock<u32>, Condition)) -> u8 {
    u8::from(lock.lock().and_then(|count| changed.wait(count)).is_err())
}

fn put((lock, changed): &(Lock<u32>, Condition), n: u32) {
    *whole(lock, lock.lock()) += n;
    changed.notify(n);
}

/// What is there is taken by those who wait for it; what they lack is given to them. At the end there
/// is only what the victim put beyond that.
fn takers_end(
    cut: &Cut,
    basket: &Basket,
    put_by_victim: u32,
    notify: fn(&Condition, u32),
) -> Result<(), Harm> {
    let mut victim = cut.victim(
        || (),
        |()| {
            *basket.0.lock().unwrap() += put_by_victim;
            notify(&basket.1, put_by_victim);
        },
    )?;
    let takers = [cut.sleeper(|| take(basket))?, cut.sleeper(|| take(basket))?];
    victim.finish()?;
    victim.kill();
    let start = Instant::now();
    while *whole(&basket.0, basket.0.lock()) > 0 {
        if start.elapsed() > cut.patience {
            return Err(Harm::Hang("something is there, and nobody takes it".into()));
        }
        std::thread::yield_now();
    }
    put(basket, 2);
    for taker in &takers {
        same("a taker's answer", taker.ends()?, 0)?;
    }
    let left = *whole(&basket.0, basket.0.lock());
    sure(left == 0 || left == put_by_victim, || format!("{left} are left"))?;
    works(cut, basket)
}

/// A later waiter hears of a later notification.
fn works(cut: &Cut, basket: &Basket) -> Result<(), Harm> {
    let waiter = cut.sleeper(|| wait(basket))?;
    basket.1.notify_all();
    same("a later waiter's answer", waiter.ends()?, 0)
}

pub(crate) fn notify_one(cut: &Cut) -> Result<(), Harm> {
    takers_end(cut, &scene(), 1, |changed, _| changed.notify_one())
}

pub(crate) fn notify_two(cut: &Cut) -> Result<(), Harm> {
    takers_end(cut, &scene(), 2, |changed, n| changed.notify(n))
}

pub(crate) fn notify_all(cut: &Cut) -> Result<(), Harm> {
    takers_end(cut, &scene(), 2, |changed, _| changed.notify_all())
}

/// The victim is notified, and dies before or after it has acted on it.
pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    let basket = scene();
    let (lock, changed) = &*basket;
    let mut victim =
        cut.victim(|| lock.lock().unwrap(), |count| *changed.wait(count).unwrap() += 1)?;
    victim.step()?;
    // It does not sleep if the victim died with the lock.
    let other = cut.companion(|| wait(&basket))?;
    changed.notify_one();
    victim.finish_before(&other, || {
        changed.notify_one();
        Ok(())
    })?;
    victim.kill();
    let acted = match lock.lock_for(cut.patience) {
        Ok(count) => *count == 1,
        // The other is told as well.
        Err(TryLockError::Poisoned(_)) => false,
        Err(TryLockError::WouldBlock) => return Err(Harm::Hang("the lock stays locked".into())),
    };
    if acted {
        changed.notify_one();
    }
    let told = other.ends()? == 1;
    sure(!told || lock.is_poisoned(), || "the other is told of no death".into())?;
    lock.clear_poison();
    works(cut, &basket)
}

/// A victim that waits no longer takes no notification with it.
pub(crate) fn give_up(cut: &Cut) -> Result<(), Harm> {
    let basket = scene();
    let (lock, changed) = &*basket;
    let mut victim = cut
        .victim(|| lock.lock().unwrap(), |count| drop(changed.wait_until(count, Instant::now())))?;
    victim.finish()?;
    victim.kill();
    let taker = cut.companion(|| take(&basket))?;
    put(&basket, 1);
    same("the taker's answer", taker.ends()?, 0)?;
    works(cut, &basket)
}
