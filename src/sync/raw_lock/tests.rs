//! A finder that is too late. The question whether the owner is gone is where it is stopped; who the
//! others are, the words are told.

use super::*;

/// Numbers of threads that there need not be.
const OWNER_GONE: u32 = 100;
const OTHER: u32 = 200;

#[test]
#[cfg_attr(modelled, ignore = "a model's words have other sizes")]
fn a_lock_has_forty_bytes() {
    assert_eq!((size_of::<RawLock>(), offset_of!(RawLock, lender)), (40, 16));
}

/// One that has found the owner gone tries to take the lock over, after `meanwhile`.
fn taken_over_after(meanwhile: impl FnOnce(&RawLock, u32)) -> bool {
    let lock = RawLock::new();
    assert!(lock.take(OWNER_GONE, 0).is_ok());
    let seen = lock.announce(OWNER_GONE).unwrap();
    let me = CurrentThread::current();
    let taken = lock.take_over(me.tid(), seen, || {
        meanwhile(&lock, seen);
        // The word does not tell.
        assert_eq!(word(&lock), seen);
        true
    });
    me.end();
    let owner = word(&lock) & OWNER;
    assert_eq!(owner, if taken { me.tid() } else { OWNER_GONE });
    taken
}

fn word(lock: &RawLock) -> u32 {
    // Relaxed: here and below, one thread does it all.
    lock.word.load(Relaxed)
}

/// A step without a version: the kernel's, or that of one who locks a free lock.
fn change(lock: &RawLock, from: u32, to: u32) {
    // Relaxed: as above.
    assert_eq!(lock.word.compare_exchange(from, to, Relaxed, Relaxed), Ok(from));
}

/// A new thread with the number of the one that is gone locks, at first with nobody who waits.
fn lock_again(lock: &RawLock) {
    change(lock, 0, OWNER_GONE);
    assert!(lock.announce(OWNER_GONE).is_ok());
}

#[test]
#[cfg_attr(modelled, ignore = "the model `reused` has this")]
fn who_finds_the_owner_gone_takes_the_lock_over() {
    assert!(taken_over_after(|_, _| ()));
}

#[test]
#[cfg_attr(modelled, ignore = "the model `reused` has this")]
fn not_when_another_took_it_over_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        assert!(lock.take_over(OTHER, seen, || true));
        lock.unlock_slow(OTHER, OTHER | WAITERS);
        lock_again(lock);
    });
    assert!(!taken);
}

#[test]
#[cfg_attr(modelled, ignore = "the model `reused` has this")]
fn not_when_the_owner_gave_it_back_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        lock.unlock_slow(OWNER_GONE, seen);
        lock_again(lock);
    });
    assert!(!taken);
}

#[test]
#[cfg_attr(modelled, ignore = "the model `reused` has this")]
fn not_when_the_kernel_marked_it_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        let marked = WAITERS | OWNER_DIED;
        change(lock, seen, marked);
        assert!(lock.take(OWNER_GONE, marked).is_ok());
    });
    assert!(!taken);
}
