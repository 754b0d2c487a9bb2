use std::cell::Cell;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{PoisonCause, RLock, Shared, TryLockError};

use crate::child::Child;
use crate::{Place, in_both_places};

in_both_places! {
    multiproc::RLock::new(std::cell::Cell::new(0u64));
    excludes,
    is_free_when_the_last_guard_is_dropped,
    keeps_others_out,
    reports_a_panic,
    shows_itself,
}

fn excludes(lock: impl Place<RLock<Cell<u64>>>) {
    let rounds = 10_000;
    let add = || {
        for _ in 0..rounds {
            let outer = lock.lock().unwrap();
            let inner = lock.lock().unwrap();
            inner.set(inner.get() + 1);
            drop(inner);
            outer.set(outer.get() + 1);
        }
    };
    thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
        add();
    });
    assert_eq!(lock.lock().unwrap().get(), 6 * rounds);
}

fn is_free_when_the_last_guard_is_dropped(lock: impl Place<RLock<Cell<u64>>>) {
    let first = lock.lock().unwrap();
    let second = lock.try_lock().unwrap();
    let third = lock.lock_for(Duration::ZERO).unwrap();
    let fourth = lock.lock_until(Instant::now()).unwrap();
    for guard in [first, third, fourth] {
        drop(guard);
        assert!(lock.is_locked());
    }
    second.set(4);
    drop(second);
    assert!(!lock.is_locked());
    assert_eq!(lock.lock().unwrap().get(), 4);
}

fn keeps_others_out(lock: impl Place<RLock<Cell<u64>>>) {
    let _first = lock.lock().unwrap();
    drop(lock.lock().unwrap());
    let tried = thread::scope(|scope| {
        let other = scope.spawn(|| {
            let tried = lock.try_lock().map(drop).map_err(|error| error.to_string());
            let past = lock.lock_for(Duration::from_millis(5));
            assert!(matches!(past, Err(TryLockError::WouldBlock)));
            let past = lock.lock_until(Instant::now());
            assert!(matches!(past, Err(TryLockError::WouldBlock)));
            tried
        });
        other.join().unwrap()
    });
    assert_eq!(tried, Err("the lock is held by another".to_owned()));
}

fn reports_a_panic(lock: impl Place<RLock<Cell<u64>>>) {
    let inside = lock.clone();
    let panicked = thread::spawn(move || {
        let _outer = inside.lock().unwrap();
        let _inner = inside.lock().unwrap();
        panic!("expected: inside the lock");
    });
    panicked.join().unwrap_err();
    assert_eq!(lock.lock().unwrap_err().cause(), PoisonCause::Panicked);
    assert!(matches!(lock.try_lock(), Err(TryLockError::Poisoned(_))), "until it is cleared");
    lock.clear_poison();
    let guard = lock.lock().unwrap();
    assert!(!lock.is_poisoned() && lock.lock().is_ok());
    drop(guard);
    assert!(!lock.is_locked());
}

fn shows_itself(lock: impl Place<RLock<Cell<u64>>>) {
    let guard = lock.lock().unwrap();
    assert_eq!(format!("{guard:?}"), "Cell { value: 0 }");
    assert_eq!(format!("{:?}", *lock), "RLock { data: Cell { value: 0 }, poisoned: false }");
    let seen = thread::scope(|scope| scope.spawn(|| format!("{:?}", *lock)).join().unwrap());
    assert_eq!(seen, "RLock { data: <locked>, poisoned: false }");
}

/// However often it had locked: the next owner's first guard is its last.
#[test]
fn the_death_of_the_owner_is_reported() {
    let lock = Shared::new(RLock::new(Cell::new(0u32))).unwrap();
    drop(Child::run(|| {
        (0..3).for_each(|_| mem::forget(lock.lock().unwrap()));
        lock.lock().unwrap().set(3);
    }));
    let poisoned = lock.lock().unwrap_err();
    assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
    assert_eq!(poisoned.get_ref().get(), 3);
    drop(poisoned);
    assert!(!lock.is_locked());
    lock.clear_poison();
    assert!(lock.lock().is_ok());
}

/// A fork's child has copies of the guards, but not the lock, nor its count.
#[test]
fn a_forked_child_gives_nothing_back() {
    let lock = Shared::new(RLock::new(Cell::new(0u32))).unwrap();
    let mut guards = vec![lock.lock().unwrap(), lock.lock().unwrap()];
    drop(Child::run(|| guards.clear()).ended());
    assert!(lock.is_locked());
    drop(guards.pop());
    assert!(lock.is_locked(), "one is left");
    drop(guards);
    assert!(!lock.is_locked());
}

#[test]
fn a_value_comes_back_out() {
    let mut lock = RLock::new(String::from("private memory takes any type"));
    lock.get_mut().push('!');
    assert_eq!(lock.into_inner().unwrap(), "private memory takes any type!");
}
