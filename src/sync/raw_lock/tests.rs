//! A finder that is too late. The question whether the owner is gone is where it is stopped; who the
//! others are, the words are told.

use super::*;

/// Numbers of threads that there need not be.
const OWNER_GONE: u32 = 100;
const OTHER: u32 = 200;

/// One that has found the owner gone tries to take the lock over, after `meanwhile`. In a model there is no
/// lock without an engine; `reused` has this there.
fn taken_over_after(meanwhile: impl FnOnce(&RawLock, u32)) -> Option<bool> {
    if MODELLED {
        return None;
    }
    let lock = RawLock::new();
    assert!(lock.take(OWNER_GONE, 0).is_ok());
    let seen = lock.announce(OWNER_GONE).unwrap();
    let me = Me::current();
    let taken = lock.rob(me, me.tid(), seen, || {
        meanwhile(&lock, seen);
        // The word does not tell.
        assert_eq!(word(&lock), seen);
        true
    });
    me.end();
    let owner = word(&lock) & OWNER;
    assert_eq!(owner, if taken { me.tid() } else { OWNER_GONE });
    Some(taken)
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
fn who_finds_the_owner_gone_takes_the_lock_over() {
    assert_ne!(taken_over_after(|_, _| ()), Some(false));
}

#[test]
fn not_when_another_took_it_over_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        assert!(lock.rob(Me::current(), OTHER, seen, || true));
        lock.unlock_slow(OTHER, OTHER | WAITERS);
        lock_again(lock);
    });
    assert_ne!(taken, Some(true));
}

#[test]
fn not_when_the_owner_gave_it_back_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        lock.unlock_slow(OWNER_GONE, seen);
        lock_again(lock);
    });
    assert_ne!(taken, Some(true));
}

#[test]
fn not_when_the_kernel_marked_it_and_the_number_has_it_again() {
    let taken = taken_over_after(|lock, seen| {
        let marked = WAITERS | OWNER_DIED;
        change(lock, seen, marked);
        assert!(lock.take(OWNER_GONE, marked).is_ok());
    });
    assert_ne!(taken, Some(true));
}
