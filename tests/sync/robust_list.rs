//! Any order of locking and unlocking, with glibc's mutexes on the same list or without: what a
//! thread holds when its process ends, and nothing else, is reported as its owner's death.
#![allow(clippy::disallowed_types, reason = "a peer writes with what it likes")]

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use multiproc::{Lock, LockGuard, PoisonCause, Shared};
use proptest::prelude::*;

use crate::child::Child;
use crate::glibc::RobustMutex;

/// More than a thread's record has room for (31, then 63), so that it grows twice.
const LOCKS: usize = 70;
const MUTEXES: usize = 4;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn locks_alone(turns in prop::collection::vec(0..LOCKS, 0..200)) {
        play(&turns);
    }

    #[test]
    fn locks_among_mutexes_of_glibc(
        turns in prop::collection::vec(
            prop_oneof![0..3usize, LOCKS..LOCKS + MUTEXES], 0..60)
    ) {
        play(&turns);
    }
}

#[test]
fn more_locks_than_the_record_has_room_for() {
    play(&Vec::from_iter(0..LOCKS));
    // The first that did not fit goes, then others, and it comes again.
    play(&Vec::from_iter((0..LOCKS).chain([32, 0, 30, 33, 32])));
    play(&Vec::from_iter((0..LOCKS).chain(LOCKS..LOCKS + 2).chain([0, LOCKS, 64, 69])));
}

/// The kernel looks at 2048 of them; the others are found by those who wait.
#[test]
fn more_locks_than_the_kernel_looks_at() {
    const MANY: usize = 2050;
    let locks = Shared::new([const { Lock::new(0u32) }; MANY]).unwrap();
    let hold = || locks.iter().for_each(|lock| mem::forget(lock.lock().unwrap()));
    let _zombie = Child::run(hold).ended();
    for lock in locks.iter() {
        assert_eq!(lock.lock().unwrap_err().cause(), PoisonCause::OwnerDied);
    }
}

/// Whoever maps a lock can write where the list goes on. Nothing is read from there, nor written to where
/// it points, whichever of glibc's mutexes are held beside it.
#[test]
fn what_a_peer_writes_into_the_list_is_not_followed() {
    let locks = Shared::new([const { Lock::new(0u32) }; 2]).unwrap();
    let mutexes = [RobustMutex::new(), RobustMutex::new()];
    let scribble = || {
        for lock in &*locks {
            let node = std::ptr::from_ref(lock).cast::<AtomicUsize>();
            // SAFETY: a lock has 40 bytes before what it guards, of which the last 16 are atomics.
            (3..5).for_each(|i| unsafe { (*node.add(i)).store(8, Relaxed) });
        }
    };
    // What is taken in which order, and then given back: 0 and 1 are locks, 2 and 3 are mutexes.
    let orders = [[0, 1, 2, 3], [2, 0, 3, 1], [2, 3, 0, 1], [0, 2, 1, 3]];
    let child = Child::run(|| {
        for taken in orders {
            for given in orders.iter().chain(&[[3, 2, 1, 0], [1, 3, 0, 2]]) {
                let mut guards = [None, None];
                for i in taken {
                    match i {
                        0 | 1 => guards[i] = Some(locks[i].lock().unwrap()),
                        _ => assert_eq!(mutexes[i - 2].try_lock(), 0),
                    }
                    scribble();
                }
                for &i in given {
                    match i {
                        0 | 1 => guards[i] = None,
                        _ => mutexes[i - 2].unlock(),
                    }
                    scribble();
                }
            }
        }
    });
    assert_eq!(child.ended().code(), Some(0));
    assert!(locks.iter().all(|lock| lock.lock().is_ok()));
}

#[test]
fn a_thread_knows_every_lock_that_it_holds() {
    let locks = Shared::new([const { Lock::new(0u32) }; 100]).unwrap();
    for again in [0, 30, 31, 62, 63, 99] {
        let waits_for_itself = || {
            let _guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
            let _ = locks[again].lock();
        };
        let panic = catch_unwind(AssertUnwindSafe(waits_for_itself)).unwrap_err();
        let message = panic.downcast_ref::<&str>().unwrap();
        assert!(message.contains("holds the lock already"), "{message}");
        locks.iter().for_each(Lock::clear_poison);
    }
    // All are free again, whichever went first.
    locks.iter().for_each(|lock| assert!(lock.try_lock().is_ok()));
}

/// Turns over each lock (or mutex, from `LOCKS` on) that is named: free to held, held to free.
fn play(turns: &[usize]) {
    let locks: Vec<_> = (0..LOCKS).map(|_| Shared::new(Lock::new(0u32)).unwrap()).collect();
    let mutexes: Vec<_> = (0..MUTEXES).map(|_| RobustMutex::new()).collect();
    let mut held = [false; LOCKS + MUTEXES];
    turns.iter().for_each(|&turn| held[turn] ^= true);
    // Not waited for before the end: a zombie is as dead as one that is gone.
    let _zombie = Child::run(|| {
        let mut guards: [Option<LockGuard<u32>>; LOCKS] = [const { None }; LOCKS];
        let mut held = [false; MUTEXES];
        for &turn in turns {
            match turn.checked_sub(LOCKS) {
                None if guards[turn].is_some() => guards[turn] = None,
                None => guards[turn] = Some(locks[turn].lock().unwrap()),
                Some(mutex) if held[mutex] => mutexes[mutex].unlock(),
                Some(mutex) => assert_eq!(mutexes[mutex].try_lock(), 0),
            }
            if let Some(mutex) = turn.checked_sub(LOCKS) {
                held[mutex] ^= true;
            }
        }
        mem::forget(guards);
    })
    .ended();
    for (lock, held) in locks.iter().zip(&held) {
        let cause = lock.lock().err().map(|poisoned| poisoned.cause());
        assert_eq!(cause, held.then_some(PoisonCause::OwnerDied));
    }
    for (mutex, held) in mutexes.iter().zip(&held[LOCKS..]) {
        assert_eq!(mutex.try_lock(), if *held { libc::EOWNERDEAD } else { 0 });
        mutex.unlock();
    }
}
