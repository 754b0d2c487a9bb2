//! A condition over a lock that its owner may lock again: as Python's has by default.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Condition, Event, PoisonCause, RLock, RLockGuard, Shared, TryLockError};

use crate::child::Child;
use crate::{Place, asleep, in_both_places, sleeps, until};

type Meeting = (RLock<Cell<u32>>, Condition);

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

in_both_places! {
    (multiproc::RLock::new(std::cell::Cell::new(0u32)), multiproc::Condition::new());
    gives_up_all_levels_and_has_them_again,
    hands_over_all_that_was_put,
    times_out_with_all_levels,
    reports_a_panic_of_who_would_have_notified,
}

/// Whether another thread is kept out.
fn is_held(lock: &RLock<Cell<u32>>) -> bool {
    let tried = || matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
    thread::scope(|scope| scope.spawn(tried).join().unwrap())
}

/// Drops one after the other: the last unlocks.
fn give_back(lock: &RLock<Cell<u32>>, guards: Vec<RLockGuard<'_, Cell<u32>>>) {
    for guard in guards {
        assert!(is_held(lock), "it was free too early");
        drop(guard);
    }
    assert!(!is_held(lock));
}

fn gives_up_all_levels_and_has_them_again(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    thread::scope(|scope| {
        let (tid, its_tid) = mpsc::channel();
        scope.spawn(move || {
            let (first, second) = (lock.lock().unwrap(), lock.lock().unwrap());
            let third = lock.lock().unwrap();
            tid.send(rustix::thread::gettid()).unwrap();
            let third = changed.wait(third).unwrap();
            assert_eq!((first.get(), second.get(), third.get()), (7, 7, 7));
            give_back(lock, vec![first, third, second]);
        });
        let tid = its_tid.recv().unwrap();
        until("it to wait", || asleep(tid));
        lock.lock_for(LONG).expect("all levels were given up").set(7);
        changed.notify_one();
    });
}

fn hands_over_all_that_was_put(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    let (rounds, taken) = (1_000, multiproc::Value::new(0u32));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let outer = lock.lock().unwrap();
                    let inner = changed.wait_while(lock.lock().unwrap(), |there| there.get() == 0);
                    inner.unwrap().update(|there| there - 1);
                    taken.fetch_add(1);
                    drop(outer);
                }
            });
        }
        for _ in 0..2 * rounds {
            lock.lock().unwrap().update(|there| there + 1);
            changed.notify_one();
        }
    });
    assert_eq!((taken.get(), lock.lock().unwrap().get()), (2 * rounds, 0));
}

fn times_out_with_all_levels(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    let outer = lock.lock().unwrap();
    let inner = lock.lock().unwrap();
    let (inner, notified) = changed.wait_for(inner, SHORT).unwrap();
    assert!(!notified);
    let (inner, notified) = changed.wait_until(inner, Instant::now()).unwrap();
    assert!(!notified);
    let (inner, in_time) = changed.wait_while_for(inner, SHORT, |there| there.get() == 0).unwrap();
    assert!(!in_time);
    let (inner, in_time) =
        changed.wait_while_until(inner, Instant::now(), |there| there.get() == 1).unwrap();
    assert!(in_time);
    give_back(lock, vec![outer, inner]);
}

fn reports_a_panic_of_who_would_have_notified(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    thread::scope(|scope| {
        let (tid, its_tid) = mpsc::channel();
        let waiter = scope.spawn(move || {
            let outer = lock.lock().unwrap();
            tid.send(rustix::thread::gettid()).unwrap();
            let poisoned = changed.wait(lock.lock().unwrap()).unwrap_err();
            let cause = poisoned.cause();
            give_back_poisoned(lock, vec![outer, poisoned.into_inner()]);
            cause
        });
        let tid = its_tid.recv().unwrap();
        until("it to wait", || asleep(tid));
        let panics = || {
            let _guards = (lock.lock().unwrap(), lock.lock().unwrap());
            panic!("expected: inside the lock");
        };
        scope.spawn(panics).join().unwrap_err();
        assert_eq!(waiter.join().unwrap(), PoisonCause::Panicked);
    });
}

fn give_back_poisoned(lock: &RLock<Cell<u32>>, guards: Vec<RLockGuard<'_, Cell<u32>>>) {
    lock.clear_poison();
    give_back(lock, guards);
}

/// One who would have notified, and is killed with the lock in its hands, twice.
#[test]
fn the_death_of_the_owner_is_reported_to_who_waits() {
    let shared =
        Shared::new((RLock::new(Cell::new(0u32)), Condition::new(), Event::new())).unwrap();
    let (lock, changed, waits) = &*shared;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let outer = lock.lock().unwrap();
            let inner = lock.lock().unwrap();
            waits.set();
            let poisoned = changed.wait(inner).unwrap_err();
            let cause = poisoned.cause();
            give_back_poisoned(lock, vec![outer, poisoned.into_inner()]);
            cause
        });
        waits.wait();
        let twice = || std::mem::forget((lock.lock().unwrap(), lock.lock().unwrap()));
        drop(Child::run(twice).ended());
        assert_eq!(waiter.join().unwrap(), PoisonCause::OwnerDied);
    });
}

/// It holds nothing while it waits, and all levels once it has gone on.
#[test]
fn a_waiter_that_is_killed_leaves_what_it_held_then() {
    let shared = Shared::new((RLock::new(Cell::new(0u32)), Condition::new())).unwrap();
    let (lock, changed) = &*shared;
    let waits = || {
        let guards = (lock.lock().unwrap(), lock.lock().unwrap());
        guards.0.set(1);
        let inner = changed.wait(guards.1).unwrap();
        inner.set(2);
        Event::new().wait();
        drop((guards.0, inner));
    };
    let is_asleep = |child: &Child| sleeps(&child.pid().to_string());
    let waiter = || {
        let child = Child::run(waits);
        until("it to wait", || lock.lock().unwrap().get() == 1 && is_asleep(&child));
        lock.lock().unwrap().set(0);
        child
    };
    let child = waiter();
    child.kill();
    let _zombie = child.ended();
    drop(lock.lock().expect("it did not hold the lock"));

    let child = waiter();
    changed.notify_one();
    until("it to go on", || lock.is_locked() && is_asleep(&child));
    child.kill();
    let _zombie = child.ended();
    let poisoned = lock.lock().unwrap_err();
    assert_eq!((poisoned.cause(), poisoned.get_ref().get()), (PoisonCause::OwnerDied, 2));
}

/// Where a wait panics, the guards that are left still have their lock.
#[test]
fn a_panic_in_a_wait_leaves_the_other_guards_with_the_lock() {
    let shared = Shared::new((RLock::new(Cell::new(0u32)), Condition::new())).unwrap();
    let (lock, changed) = &*shared;
    let child = Child::run(|| {
        let outer = lock.lock().unwrap();
        let inner = lock.lock().unwrap();
        if !deny_sleep() {
            eprintln!("SKIPPED: no panic in a wait: the kernel has no filters");
            return outer.set(1);
        }
        let wait = AssertUnwindSafe(|| drop(changed.wait(inner)));
        assert!(catch_unwind(wait).is_err(), "nobody can sleep here");
        outer.set(u32::from(lock.is_locked()));
        drop(outer);
        assert!(!lock.is_locked(), "one guard was left");
    });
    until("it to end", || child.code().is_some());
    assert_eq!(child.code(), Some(0));
    assert_eq!(lock.lock().unwrap().get(), 1, "the guard that was left had no lock");
}

/// Has this crate's own waits fail, by the futex operations that are not private, which they answer with a
/// panic; false where the kernel has no filters.
fn deny_sleep() -> bool {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, SeccompCondition,
        SeccompFilter, SeccompRule, apply_filter,
    };
    let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET];
    let waits = waits.map(|wait| [wait, wait | libc::FUTEX_CLOCK_REALTIME]).concat();
    let rule = |operation: i32| {
        let is_it = SeccompCondition::new(1, Dword, Eq, u64::from(operation.cast_unsigned()));
        SeccompRule::new(vec![is_it.expect("it is right")]).expect("it is right")
    };
    let rules = [(libc::SYS_futex, waits.into_iter().map(rule).collect())].into_iter().collect();
    let refusal = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into().expect("it is known");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("it is right");
    apply_filter(&program).is_ok()
}
