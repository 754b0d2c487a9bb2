//! Deaths around an event.

use multiproc::{Event, Shared};

use crate::cut::{Cut, Harm, same, sure};

fn scene() -> Shared<Event> {
    Shared::new(Event::new()).unwrap()
}

fn wait(event: &Event) -> u8 {
    event.wait();
    0
}

fn works(cut: &Cut, event: &Event) -> Result<(), Harm> {
    event.clear();
    sure(!event.is_set(), || "a cleared event is set".into())?;
    let waiter = cut.sleeper(|| wait(event))?;
    event.set();
    same("a later waiter's answer", waiter.ends()?, 0)?;
    sure(event.is_set(), || "a set event is not set".into())
}

/// All who sleep go on, or it was not set.
pub(crate) fn set(cut: &Cut) -> Result<(), Harm> {
    let event = scene();
    let mut victim = cut.victim(|| (), |()| event.set())?;
    let sleepers = [cut.sleeper(|| wait(&event))?, cut.sleeper(|| wait(&event))?];
    victim.finish()?;
    victim.kill();
    if !event.is_set() {
        event.set();
    }
    for sleeper in &sleepers {
        same("a sleeper's answer", sleeper.ends()?, 0)?;
    }
    works(cut, &event)
}

/// Who slept through a set and a clear goes on, wherever the second died.
pub(crate) fn set_and_clear(cut: &Cut) -> Result<(), Harm> {
    let event = scene();
    let pulse = |()| {
        event.set();
        event.clear();
    };
    let mut victim = cut.victim(|| (), pulse)?;
    let sleeper = cut.sleeper(|| wait(&event))?;
    victim.finish()?;
    victim.kill();
    // In this order: who sleeps though the event was not set a moment ago was not woken.
    if !event.is_set() && sleeper.rests()? {
        event.set();
    }
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    works(cut, &event)
}

/// A dead waiter is nobody's concern.
pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    let event = scene();
    let mut victim = cut.victim(|| (), |()| event.wait())?;
    victim.step()?;
    let sleeper = cut.sleeper(|| wait(&event))?;
    event.set();
    victim.finish()?;
    victim.kill();
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    works(cut, &event)
}
