//! The primitives between processes that are killed, case by case; `storm` kills at random.
#![cfg(not(modelled))]

use std::time::Duration;

use multiproc::{Event, Lock, PoisonCause, Process, Semaphore, Shared};

type Pair = (u64, u64);

/// A lock, and events by which its users tell that they are there.
type Scene = Shared<(Lock<Pair>, Event, Event)>;

const LONG: Duration = Duration::from_secs(60);

fn scene() -> Scene {
    Shared::new((Lock::new((0, 0)), Event::new(), Event::new())).unwrap()
}

/// Holds the lock until it is killed.
fn hold(scene: Scene) {
    let mut pair = scene.0.lock().unwrap();
    pair.0 = 1;
    scene.1.set();
    Event::new().wait();
    pair.1 = 1;
}

fn wait_for_the_lock(scene: Scene) -> Option<PoisonCause> {
    scene.2.set();
    scene.0.lock().err().map(|poisoned| poisoned.cause())
}

#[test]
fn a_killed_holder_is_reported_to_the_next() {
    for _ in 0..20 {
        let scene = scene();
        let holder = Process::spawn(hold, scene.clone()).unwrap();
        scene.1.wait();
        holder.kill().unwrap();
        let poisoned = scene.0.lock().unwrap_err();
        assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
        assert_eq!(*poisoned.into_inner(), (1, 0), "what it had done by then");
        scene.0.clear_poison();
        assert!(scene.0.lock().is_ok());
    }
}

#[test]
fn a_killed_holder_is_reported_to_all_who_wait_in_turn() {
    let scene = scene();
    let holder = Process::spawn(hold, scene.clone()).unwrap();
    scene.1.wait();
    let waiters = [(); 3].map(|()| Process::spawn(wait_for_the_lock, scene.clone()).unwrap());
    scene.2.wait();
    holder.kill().unwrap();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), Some(PoisonCause::OwnerDied));
    }
}

#[test]
fn a_killed_waiter_is_nobodys_concern() {
    let scene = scene();
    let guard = scene.0.lock().unwrap();
    let doomed = Process::spawn(wait_for_the_lock, scene.clone()).unwrap();
    let other = Process::spawn(wait_for_the_lock, scene.clone()).unwrap();
    scene.2.wait();
    doomed.kill().unwrap();
    doomed.join().unwrap_err();
    drop(guard);
    assert_eq!(other.join().unwrap(), None);
    assert!(scene.0.lock_for(LONG).is_ok());
}

#[test]
fn a_process_that_ends_inside_is_reported_too() {
    let scene = scene();
    let leaves = |scene: Scene| std::mem::forget(scene.0.lock().unwrap());
    Process::spawn(leaves, scene.clone()).unwrap().join().unwrap();
    assert_eq!(scene.0.lock().unwrap_err().cause(), PoisonCause::OwnerDied);
}

/// The event is set for all others, though some who waited for it are dead.
#[test]
fn a_killed_waiter_does_not_hold_up_a_set() {
    let event = Shared::new((Event::new(), Semaphore::new(0))).unwrap();
    let wait = |event: Shared<(Event, Semaphore)>| {
        event.1.release(1).unwrap();
        event.0.wait();
    };
    let waiters: Vec<_> = (0..4).map(|_| Process::spawn(wait, event.clone()).unwrap()).collect();
    (0..4).for_each(|_| event.1.acquire().forget());
    for doomed in &waiters[..2] {
        doomed.kill().unwrap();
    }
    event.0.set();
    assert!(waiters[2..].iter().all(|waiter| waiter.join().is_ok()));
}

/// A permit that is given back reaches a living waiter, though the first in the queue was killed.
#[test]
fn a_killed_waiter_does_not_keep_a_permit() {
    let scene = Shared::new((Semaphore::new(0), Event::new())).unwrap();
    let take = |scene: Shared<(Semaphore, Event)>| {
        scene.1.set();
        scene.0.acquire().forget();
    };
    for _ in 0..20 {
        scene.1.clear();
        let doomed = Process::spawn(take, scene.clone()).unwrap();
        scene.1.wait();
        let heir = Process::spawn(take, scene.clone()).unwrap();
        doomed.kill().unwrap();
        scene.0.release(1).unwrap();
        if doomed.join().is_ok() {
            // It was faster than the signal: then one more is owed.
            scene.0.release(1).unwrap();
        }
        heir.join().unwrap();
        assert_eq!(scene.0.value(), 0);
    }
}
