//! Kills at a barrier: the survivors pass together, or all are told that it is broken.

use std::time::Instant;

use multiproc::{Barrier, BrokenBarrier, Shared, Value};

use crate::survivor::Survivor;
use crate::trial::{Failure, Trial, check, check_eq};

type Fixture = Shared<(Barrier, Value<u32>)>;

fn fixture() -> Fixture {
    Shared::new((Barrier::new(3), Value::new(0))).unwrap()
}

/// Registers the process at the barrier, as its first wait would.
fn register(fixture: &Fixture) {
    assert_eq!(fixture.0.wait_until(Instant::now()), Err(BrokenBarrier::TimedOut));
    fixture.0.reset();
}

/// The result of a wait as an exit code.
fn code(waited: Result<usize, BrokenBarrier>) -> u8 {
    match waited {
        Ok(_) => 0,
        Err(BrokenBarrier::PartyDied) => 1,
        Err(BrokenBarrier::TimedOut) => 2,
        Err(BrokenBarrier::Reset) => 3,
        Err(_) => 4,
    }
}

fn wait(fixture: &Fixture) -> u8 {
    code(fixture.0.wait())
}

/// Checks that both end with the same result, which is one of `allowed`.
fn same_result(parties: &[Survivor<'_>; 2], allowed: &[u8]) -> Result<u8, Failure> {
    let [a, b] = [parties[0].join()?, parties[1].join()?];
    check_eq("the other party's result", a, b)?;
    check(allowed.contains(&a), || format!("both results are {a}, not one of {allowed:?}"))?;
    Ok(a)
}

/// Three other processes pass it.
fn still_works(trial: &Trial, fixture: &Fixture) -> Result<(), Failure> {
    fixture.0.reset();
    let parties = [trial.waiter(|| wait(fixture))?, trial.waiter(|| wait(fixture))?];
    check(fixture.0.wait_for(trial.timeout).is_ok(), || "three processes do not pass".into())?;
    same_result(&parties, &[0])?;
    check_eq("the number of waiters", fixture.0.waiting(), 0)
}

pub(crate) fn last(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let mut tracee = trial.tracee(|| register(&fixture), |()| _ = code(fixture.0.wait()))?;
    let parties = [trial.waiter(|| wait(&fixture))?, trial.waiter(|| wait(&fixture))?];
    tracee.finish()?;
    tracee.kill();
    same_result(&parties, &[0, 1])?;
    still_works(trial, &fixture)
}

/// If they pass, the action was run.
pub(crate) fn action(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let action = |()| _ = code(fixture.0.wait_then(|| fixture.1.set(7)));
    let mut tracee = trial.tracee(|| register(&fixture), action)?;
    let parties = [trial.waiter(|| wait(&fixture))?, trial.waiter(|| wait(&fixture))?];
    tracee.finish()?;
    tracee.kill();
    let passed = same_result(&parties, &[0, 1])? == 0;
    check(!passed || fixture.1.get() == 7, || "they passed before the action".into())?;
    still_works(trial, &fixture)
}

/// The tracee arrives before the others, or is killed and does not; the others arrive in any case.
pub(crate) fn woken(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let mut tracee = trial.tracee(|| register(&fixture), |()| _ = code(fixture.0.wait()))?;
    tracee.step()?;
    let first = trial.waiter(|| wait(&fixture))?;
    let second = trial.survivor(|| wait(&fixture))?;
    tracee.finish()?;
    tracee.kill();
    same_result(&[first, second], &[0, 1])?;
    still_works(trial, &fixture)
}

pub(crate) fn time_out(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let fixture_ref = &fixture;
    let time_out = move |()| _ = code(fixture_ref.0.wait_until(Instant::now()));
    let mut tracee = trial.tracee(|| register(&fixture), time_out)?;
    let first = trial.waiter(|| wait(&fixture))?;
    tracee.finish()?;
    tracee.kill();
    // One party too few if the tracee has not arrived: then its death is detected, or its timeout.
    let second = trial.survivor(|| wait(&fixture))?;
    let results = [first.join()?, second.join()?];
    check(results.iter().all(|result| [0, 1, 2].contains(result)), || format!("{results:?}"))?;
    still_works(trial, &fixture)
}

pub(crate) fn reset(trial: &Trial) -> Result<(), Failure> {
    let fixture = fixture();
    let mut tracee = trial.tracee(|| register(&fixture), |()| fixture.0.reset())?;
    let parties = [trial.waiter(|| wait(&fixture))?, trial.waiter(|| wait(&fixture))?];
    tracee.finish()?;
    tracee.kill();
    same_result(&parties, &[1, 3])?;
    still_works(trial, &fixture)
}
