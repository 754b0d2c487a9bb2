//! Deaths around a barrier: the others pass together, or all hear that it is broken.

use std::time::Instant;

use multiproc::{Barrier, BrokenBarrier, Shared, Value};

use crate::companion::Companion;
use crate::cut::{Cut, Harm, same, sure};

type Place = Shared<(Barrier, Value<u32>)>;

fn scene() -> Place {
    Shared::new((Barrier::new(3), Value::new(0))).unwrap()
}

/// Makes the barrier know the process, as a first wait would.
fn be_known(place: &Place) {
    assert_eq!(place.0.wait_until(Instant::now()), Err(BrokenBarrier::TimedOut));
    place.0.reset();
}

/// How it ended, as an answer.
fn answer(waited: Result<usize, BrokenBarrier>) -> u8 {
    match waited {
        Ok(_) => 0,
        Err(BrokenBarrier::PartyDied) => 1,
        Err(BrokenBarrier::TimedOut) => 2,
        Err(BrokenBarrier::Reset) => 3,
        Err(_) => 4,
    }
}

fn wait(place: &Place) -> u8 {
    answer(place.0.wait())
}

/// Both end, and so do they in the same way, which is one of these.
fn end_alike(parties: &[Companion<'_>; 2], allowed: &[u8]) -> Result<u8, Harm> {
    let [a, b] = [parties[0].ends()?, parties[1].ends()?];
    same("the other party's answer", a, b)?;
    sure(allowed.contains(&a), || format!("both answer {a}, not one of {allowed:?}"))?;
    Ok(a)
}

/// Three others meet.
fn works(cut: &Cut, place: &Place) -> Result<(), Harm> {
    place.0.reset();
    let parties = [cut.sleeper(|| wait(place))?, cut.sleeper(|| wait(place))?];
    sure(place.0.wait_for(cut.patience).is_ok(), || "three do not meet".into())?;
    end_alike(&parties, &[0])?;
    same("who waits still", place.0.waiting(), 0)
}

pub(crate) fn last(cut: &Cut) -> Result<(), Harm> {
    let place = scene();
    let mut victim = cut.victim(|| be_known(&place), |()| _ = answer(place.0.wait()))?;
    let parties = [cut.sleeper(|| wait(&place))?, cut.sleeper(|| wait(&place))?];
    victim.finish()?;
    victim.kill();
    end_alike(&parties, &[0, 1])?;
    works(cut, &place)
}

/// If they pass, the action was done.
pub(crate) fn act(cut: &Cut) -> Result<(), Harm> {
    let place = scene();
    let act = |()| _ = answer(place.0.wait_then(|| place.1.set(7)));
    let mut victim = cut.victim(|| be_known(&place), act)?;
    let parties = [cut.sleeper(|| wait(&place))?, cut.sleeper(|| wait(&place))?];
    victim.finish()?;
    victim.kill();
    let passed = end_alike(&parties, &[0, 1])? == 0;
    sure(!passed || place.1.get() == 7, || "they passed before the action".into())?;
    works(cut, &place)
}

/// The victim comes before the others, or dies and does not; the others come in any case.
pub(crate) fn woken(cut: &Cut) -> Result<(), Harm> {
    let place = scene();
    let mut victim = cut.victim(|| be_known(&place), |()| _ = answer(place.0.wait()))?;
    victim.step()?;
    let first = cut.sleeper(|| wait(&place))?;
    let second = cut.companion(|| wait(&place))?;
    victim.finish()?;
    victim.kill();
    end_alike(&[first, second], &[0, 1])?;
    works(cut, &place)
}

pub(crate) fn give_up(cut: &Cut) -> Result<(), Harm> {
    let place = scene();
    let place_ref = &place;
    let give_up = move |()| _ = answer(place_ref.0.wait_until(Instant::now()));
    let mut victim = cut.victim(|| be_known(&place), give_up)?;
    let first = cut.sleeper(|| wait(&place))?;
    victim.finish()?;
    victim.kill();
    // One too few if the victim has not come: then its death is noticed, or its giving up.
    let second = cut.companion(|| wait(&place))?;
    let answers = [first.ends()?, second.ends()?];
    sure(answers.iter().all(|answer| [0, 1, 2].contains(answer)), || format!("{answers:?}"))?;
    works(cut, &place)
}

pub(crate) fn reset(cut: &Cut) -> Result<(), Harm> {
    let place = scene();
    let mut victim = cut.victim(|| be_known(&place), |()| place.0.reset())?;
    let parties = [cut.sleeper(|| wait(&place))?, cut.sleeper(|| wait(&place))?];
    victim.finish()?;
    victim.kill();
    end_alike(&parties, &[1, 3])?;
    works(cut, &place)
}
