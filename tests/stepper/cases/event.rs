//! Kills at an event.

use multiproc::{Event, Shared};

use crate::trial::{Failure, Trial, check, check_eq};

fn fixture() -> Shared<Event> {
    Shared::new(Event::new()).unwrap()
}

fn wait(event: &Event) -> u8 {
    event.wait();
    0
}

fn still_works(trial: &Trial, event: &Event) -> Result<(), Failure> {
    event.clear();
    check(!event.is_set(), || "a cleared event is set".into())?;
    let waiter = trial.waiter(|| wait(event))?;
    event.set();
    check_eq("a later waiter's result", waiter.join()?, 0)?;
    check(event.is_set(), || "a set event is not set".into())
}

/// All waiters go on, or the event was not set.
pub(crate) fn set(trial: &Trial) -> Result<(), Failure> {
    let event = fixture();
    let mut tracee = trial.tracee(|| (), |()| event.set())?;
    let waiters = [trial.waiter(|| wait(&event))?, trial.waiter(|| wait(&event))?];
    tracee.finish()?;
    tracee.kill();
    if !event.is_set() {
        event.set();
    }
    for waiter in &waiters {
        check_eq("a waiter's result", waiter.join()?, 0)?;
    }
    still_works(trial, &event)
}

/// A waiter goes on after a set and a clear, wherever the tracee was killed.
pub(crate) fn set_and_clear(trial: &Trial) -> Result<(), Failure> {
    let event = fixture();
    let pulse = |()| {
        event.set();
        event.clear();
    };
    let mut tracee = trial.tracee(|| (), pulse)?;
    let waiter = trial.waiter(|| wait(&event))?;
    tracee.finish()?;
    tracee.kill();
    // In this order: a waiter that sleeps after the event was seen not to be set was not woken.
    if !event.is_set() && waiter.sleeps()? {
        event.set();
    }
    check_eq("the waiter's result", waiter.join()?, 0)?;
    still_works(trial, &event)
}

/// A killed waiter does not affect the others.
pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    let event = fixture();
    let mut tracee = trial.tracee(|| (), |()| event.wait())?;
    tracee.step()?;
    let waiter = trial.waiter(|| wait(&event))?;
    event.set();
    tracee.finish()?;
    tracee.kill();
    check_eq("the waiter's result", waiter.join()?, 0)?;
    still_works(trial, &event)
}
