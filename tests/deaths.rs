//! The primitives between processes that are killed, case by case; `storm` kills at random.
#![cfg(not(modelled))]

use std::time::Duration;

use multiproc::{Event, Lock, PoisonCause, Process, Semaphore, Shared};

type Pair = (u64, u64);

/// A lock, and events that it is held and that a process is about to wait for it.
type Fixture = Shared<(Lock<Pair>, Event, Event)>;

const LONG: Duration = Duration::from_secs(60);

fn fixture() -> Fixture {
    Shared::new((Lock::new((0, 0)), Event::new(), Event::new())).unwrap()
}

/// Holds the lock until it is killed.
fn hold(fixture: Fixture) {
    let mut pair = fixture.0.lock().unwrap();
    pair.0 = 1;
    fixture.1.set();
    Event::new().wait();
    pair.1 = 1;
}

fn wait_for_the_lock(fixture: Fixture) -> Option<PoisonCause> {
    fixture.2.set();
    fixture.0.lock().err().map(|poisoned| poisoned.cause())
}

#[test]
fn a_killed_owner_is_reported_to_the_next() {
    for _ in 0..20 {
        let fixture = fixture();
        let owner = Process::spawn(hold, fixture.clone()).unwrap();
        fixture.1.wait();
        owner.kill().unwrap();
        let poisoned = fixture.0.lock().unwrap_err();
        assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
        assert_eq!(*poisoned.into_inner(), (1, 0), "what it had written by then");
        fixture.0.clear_poison();
        assert!(fixture.0.lock().is_ok());
    }
}

#[test]
fn a_killed_owner_is_reported_to_all_waiters_in_turn() {
    let fixture = fixture();
    let owner = Process::spawn(hold, fixture.clone()).unwrap();
    fixture.1.wait();
    let waiters = [(); 3].map(|()| Process::spawn(wait_for_the_lock, fixture.clone()).unwrap());
    fixture.2.wait();
    owner.kill().unwrap();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), Some(PoisonCause::OwnerDied));
    }
}

#[test]
fn a_killed_waiter_does_not_affect_the_others() {
    let fixture = fixture();
    let guard = fixture.0.lock().unwrap();
    let killed = Process::spawn(wait_for_the_lock, fixture.clone()).unwrap();
    let other = Process::spawn(wait_for_the_lock, fixture.clone()).unwrap();
    fixture.2.wait();
    killed.kill().unwrap();
    killed.join().unwrap_err();
    drop(guard);
    assert_eq!(other.join().unwrap(), None);
    assert!(fixture.0.lock_for(LONG).is_ok());
}

#[test]
fn an_owner_that_ends_by_itself_is_reported_too() {
    let fixture = fixture();
    let leaves = |fixture: Fixture| std::mem::forget(fixture.0.lock().unwrap());
    Process::spawn(leaves, fixture.clone()).unwrap().join().unwrap();
    assert_eq!(fixture.0.lock().unwrap_err().cause(), PoisonCause::OwnerDied);
}

/// A set wakes the other waiters, although some were killed.
#[test]
fn a_killed_waiter_does_not_delay_a_set() {
    let event = Shared::new((Event::new(), Semaphore::new(0))).unwrap();
    let wait = |event: Shared<(Event, Semaphore)>| {
        event.1.release(1).unwrap();
        event.0.wait();
    };
    let waiters: Vec<_> = (0..4).map(|_| Process::spawn(wait, event.clone()).unwrap()).collect();
    (0..4).for_each(|_| event.1.acquire().forget());
    for killed in &waiters[..2] {
        killed.kill().unwrap();
    }
    event.0.set();
    assert!(waiters[2..].iter().all(|waiter| waiter.join().is_ok()));
}

/// A released permit reaches a living waiter, although the first in the queue was killed.
#[test]
fn a_killed_waiter_does_not_keep_a_permit() {
    let fixture = Shared::new((Semaphore::new(0), Event::new())).unwrap();
    let take = |fixture: Shared<(Semaphore, Event)>| {
        fixture.1.set();
        fixture.0.acquire().forget();
    };
    for _ in 0..20 {
        fixture.1.clear();
        let killed = Process::spawn(take, fixture.clone()).unwrap();
        fixture.1.wait();
        let waiter = Process::spawn(take, fixture.clone()).unwrap();
        killed.kill().unwrap();
        fixture.0.release(1).unwrap();
        if killed.join().is_ok() {
            // It had the permit before it was killed: then another is needed.
            fixture.0.release(1).unwrap();
        }
        waiter.join().unwrap();
        assert_eq!(fixture.0.value(), 0);
    }
}
