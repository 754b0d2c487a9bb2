//! A thread is killed, and its number goes to a new one, which locks: whoever found the dead one gone,
//! and only then takes the lock over, does not take it from the new one.

use multiproc::{Lock, Poisoned};

use crate::harness::{Model, models};
use crate::stage::{Data, JoinHandle, reached, share, spawn_mortal, spawn_with, spawn_with_number};

models! {
    unmarked (one_vanishes, slices_meet, explored_only): Model {
        shows: "two find an owner gone, one takes over and gives back, and the number locks again",
        min_explored: 65_000,
        must_reach: &["reused", "lived", "RawLock::take_over: taken"],
        run: || reuse(true),
    };

    marked (one_dies, one_looks, explored_only): Model {
        shows: "one looks as the owner dies, or gives back and dies, and comes late to take over",
        min_explored: 160_000,
        must_reach: &["reused", "lived", "RawLock::take_over: is_dead()"],
        run: || reuse(false),
    };
}

/// With `first`, the program's thread locks before the number is used again: else who gets it would be
/// taken for the owner.
fn reuse(first: bool) {
    let lock = share(Lock::new(Data::default()));
    let owner = spawn_mortal(&lock, |lock| visit(lock));
    let finder = spawn_with(&lock, |lock| visit(lock));
    let number = owner.freed();
    if first {
        visit(&lock);
    }
    reached(if number.is_some() { "reused" } else { "lived" });
    let next = number.map(|number| spawn_with_number(number, &lock, |lock| visit(lock)));
    visit(&lock);
    finder.join();
    next.map(JoinHandle::join);
}

/// Has the lock for a step.
fn visit(lock: &Lock<Data>) {
    lock.lock().unwrap_or_else(Poisoned::into_inner).read();
}
