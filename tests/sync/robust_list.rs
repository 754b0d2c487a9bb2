//! Any order of locking and unlocking, with glibc's mutexes on the same list or without: what a
//! thread holds when it ends, and nothing else, is reported as its owner's death.

use std::mem;
use std::thread;

use multiproc::{Lock, LockGuard, PoisonCause, Shared};
use proptest::prelude::*;

use crate::glibc::RobustMutex;

/// More than the list holds at once (31), so that the rest is found by asking.
const LOCKS: usize = 36;
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

/// Turns over each lock (or mutex, from `LOCKS` on) that is named: free to held, held to free.
fn play(turns: &[usize]) {
    let locks: Vec<_> = (0..LOCKS).map(|_| Shared::new(Lock::new(0u32)).unwrap()).collect();
    let mutexes: Vec<_> = (0..MUTEXES).map(|_| RobustMutex::new()).collect();
    let mut held = [false; LOCKS + MUTEXES];
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            let mut guards: [Option<LockGuard<u32>>; LOCKS] = [const { None }; LOCKS];
            for &turn in turns {
                match (turn.checked_sub(LOCKS), held[turn]) {
                    (None, false) => guards[turn] = Some(locks[turn].lock().unwrap()),
                    (None, true) => guards[turn] = None,
                    (Some(mutex), false) => assert_eq!(mutexes[mutex].try_lock(), 0),
                    (Some(mutex), true) => mutexes[mutex].unlock(),
                }
                held[turn] ^= true;
            }
            mem::forget(guards);
        });
        // The scope alone would wait for the closure, not for the thread's end.
        owner.join().unwrap();
    });
    for (lock, held) in locks.iter().zip(&held) {
        let cause = lock.lock().err().map(|poisoned| poisoned.cause());
        assert_eq!(cause, held.then_some(PoisonCause::OwnerDied));
    }
    for (mutex, held) in mutexes.iter().zip(&held[LOCKS..]) {
        assert_eq!(mutex.try_lock(), if *held { libc::EOWNERDEAD } else { 0 });
        mutex.unlock();
    }
}
