use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Barrier, BrokenBarrier, Event, Process, Shared, Value};

use crate::child::Child;
use crate::{Place, in_both_places, until};

const LONG: Duration = Duration::from_secs(60);

in_both_places! {
    multiproc::Barrier::new(3);
    lets_all_pass_together,
    gives_each_its_place,
    is_broken_by_who_waits_too_long,
    is_aborted,
    is_reset,
    runs_an_action_before_anyone_goes_on,
    is_broken_by_an_action_that_panics,
    is_broken_by_who_waits_too_long_with_an_action,
    runs_an_action_in_time,
    keeps_out_who_is_too_many,
}

fn lets_all_pass_together(barrier: impl Place<Barrier>) {
    let (rounds, come) = (300, Value::new(0u32));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=rounds {
                    come.fetch_add(1);
                    barrier.wait().unwrap();
                    assert!(come.get() >= 3 * round, "one went on before all had come");
                    barrier.wait().unwrap();
                    assert!(come.get() <= 3 * (round + 1));
                }
            });
        }
    });
    assert_eq!((barrier.waiting(), barrier.parties()), (0, 3));
}

/// Lets so many come, and waits until they have.
fn come<'s>(
    scope: &'s thread::Scope<'s, '_>,
    barrier: &'s Barrier,
    n: usize,
) -> Vec<thread::ScopedJoinHandle<'s, Result<usize, BrokenBarrier>>> {
    let before = barrier.waiting();
    let parties = (0..n).map(|_| scope.spawn(|| barrier.wait())).collect();
    until("all to have come", || barrier.waiting() == before + n);
    parties
}

fn outcomes<T>(parties: Vec<thread::ScopedJoinHandle<'_, T>>) -> Vec<T> {
    parties.into_iter().map(|party| party.join().unwrap()).collect()
}

fn gives_each_its_place(barrier: impl Place<Barrier>) {
    for _ in 0..50 {
        let places = thread::scope(|scope| {
            let first = come(scope, &barrier, 1);
            let second = come(scope, &barrier, 1);
            let last = barrier.wait_for(LONG);
            [outcomes(first), outcomes(second), vec![last]].concat()
        });
        assert_eq!(places, [Ok(0), Ok(1), Ok(2)]);
    }
}

fn is_broken_by_who_waits_too_long(barrier: impl Place<Barrier>) {
    let broken = Err(BrokenBarrier::TimedOut);
    thread::scope(|scope| {
        let patient = come(scope, &barrier, 1);
        assert_eq!(barrier.wait_for(Duration::from_millis(5)), broken);
        assert_eq!(outcomes(patient), [broken]);
    });
    assert!(barrier.is_broken());
    assert_eq!(barrier.waiting(), 0);
    assert_eq!(barrier.wait(), broken, "also for those who come");
    barrier.reset();
    assert_eq!(barrier.wait_until(Instant::now()), broken);
}

/// The action is not run: not all have come.
fn is_broken_by_who_waits_too_long_with_an_action(barrier: impl Place<Barrier>) {
    let (short, broken) = (Duration::from_millis(5), Err(BrokenBarrier::TimedOut));
    let too_early = || panic!("one is missing");
    thread::scope(|scope| {
        let patient = come(scope, &barrier, 1);
        assert_eq!(barrier.wait_then_for(short, too_early), broken);
        assert_eq!(outcomes(patient), [broken]);
    });
    barrier.reset();
    assert_eq!(barrier.wait_then_until(Instant::now() + short, too_early), broken);
}

/// And who is last runs it, however short its own time.
fn runs_an_action_in_time(barrier: impl Place<Barrier>) {
    for round in 0..20 {
        let ran = Value::new(0u32);
        let action = || _ = ran.fetch_add(1);
        thread::scope(|scope| {
            let parties = [(); 2].map(|()| scope.spawn(|| barrier.wait_then_for(LONG, action)));
            until("both to have come", || barrier.waiting() == 2);
            assert_eq!(
                match round % 2 {
                    0 => barrier.wait_then_for(Duration::ZERO, action),
                    _ => barrier.wait_then_until(Instant::now(), action),
                },
                Ok(2)
            );
            outcomes(parties.into()).into_iter().for_each(|party| assert!(party.is_ok()));
        });
        assert_eq!(ran.get(), 1);
    }
}

fn is_aborted(barrier: impl Place<Barrier>) {
    let broken = Err(BrokenBarrier::Aborted);
    thread::scope(|scope| {
        let parties = come(scope, &barrier, 2);
        barrier.abort();
        assert_eq!(outcomes(parties), [broken; 2]);
    });
    assert_eq!(barrier.wait(), broken);
    barrier.abort();
    assert!(barrier.is_broken());
    barrier.reset();
    assert!(!barrier.is_broken());
    gives_each_its_place(barrier);
}

fn is_reset(barrier: impl Place<Barrier>) {
    barrier.reset();
    for _ in 0..20 {
        thread::scope(|scope| {
            let parties = come(scope, &barrier, 2);
            barrier.reset();
            assert_eq!(outcomes(parties), [Err(BrokenBarrier::Reset); 2]);
        });
        assert!(!barrier.is_broken());
    }
    gives_each_its_place(barrier);
}

fn runs_an_action_before_anyone_goes_on(barrier: impl Place<Barrier>) {
    let (ran, rounds) = (Value::new(0u32), 200);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=rounds {
                    barrier.wait_then(|| ran.set(round)).unwrap();
                    assert_eq!(ran.get(), round);
                    barrier.wait().unwrap();
                }
            });
        }
    });
}

fn is_broken_by_an_action_that_panics(barrier: impl Place<Barrier>) {
    let broken = Err(BrokenBarrier::ActionPanicked);
    thread::scope(|scope| {
        let parties = come(scope, &barrier, 2);
        let panics = AssertUnwindSafe(|| barrier.wait_then(|| panic!("expected: in the action")));
        catch_unwind(panics).unwrap_err();
        assert_eq!(outcomes(parties), [broken; 2]);
    });
    assert_eq!(barrier.wait(), broken);
}

/// While the last is at its action, who comes waits for the next round.
fn keeps_out_who_is_too_many(barrier: impl Place<Barrier>) {
    let acts = Event::new();
    thread::scope(|scope| {
        let parties = come(scope, &barrier, 2);
        let early = scope.spawn(|| {
            acts.wait();
            barrier.wait()
        });
        let action = || {
            acts.set();
            (0..100).for_each(|_| thread::yield_now());
            assert_eq!(barrier.waiting(), 3);
        };
        barrier.wait_then(action).unwrap();
        assert_eq!(outcomes(parties).len(), 2);
        until("the early one to have come", || barrier.waiting() == 1);
        let others = come(scope, &barrier, 1);
        assert_eq!(barrier.wait(), Ok(2));
        assert_eq!(outcomes(others), [Ok(1)]);
        assert_eq!(early.join().unwrap(), Ok(0));
    });
}

/// One that had come counts; one that is to come is not waited for in vain.
#[test]
fn a_party_that_was_killed_breaks_it() {
    let shared = Shared::new((Barrier::new(2), Event::new())).unwrap();
    let (barrier, passed) = &*shared;
    let party = Child::run(|| {
        barrier.wait().unwrap();
        passed.set();
        Event::new().wait();
    });
    barrier.wait().unwrap();
    passed.wait();
    party.kill();
    let _zombie = party.ended();
    assert_eq!(barrier.wait(), Err(BrokenBarrier::PartyDied));
    barrier.reset();
    // Another takes its place.
    let _other = Child::run(|| _ = barrier.wait().unwrap());
    assert!(barrier.wait().is_ok());
}

/// Whether one comes in its place, nobody knows: so it is waited for.
#[test]
fn a_party_that_has_ended_well_is_not_missed() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    for _ in 0..3 {
        let meets = |barrier: Shared<Barrier>| barrier.wait().is_ok();
        let party = Process::spawn(meets, barrier.clone()).unwrap();
        assert!(barrier.wait().is_ok());
        assert!(party.join().unwrap());
    }
    // As long as it takes to notice a death.
    assert_eq!(barrier.wait_for(Duration::from_secs(1)), Err(BrokenBarrier::TimedOut));
}

/// Though what unwinds drops its handle.
#[test]
fn a_party_that_panicked_breaks_it() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    let panics = |barrier: Shared<Barrier>| {
        barrier.wait().unwrap();
        panic!("expected: after the first round");
    };
    let party = Process::spawn::<_, ()>(panics, barrier.clone()).unwrap();
    assert!(barrier.wait().is_ok());
    assert!(party.join().is_err());
    assert_eq!(barrier.wait_for(LONG), Err(BrokenBarrier::PartyDied));
}

/// Of a program that is no child of this crate's.
#[test]
fn the_end_of_a_program_is_no_death() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    for (code, outcome) in [(0, BrokenBarrier::TimedOut), (3, BrokenBarrier::PartyDied)] {
        let party = Child::run(|| {
            barrier.wait().unwrap();
            // SAFETY: of the harness nothing is registered for the end.
            unsafe { libc::exit(code) }
        });
        barrier.wait().unwrap();
        let _zombie = party.ended();
        assert_eq!(barrier.wait_for(Duration::from_secs(2)), Err(outcome), "after {code}");
        barrier.reset();
    }
}

/// One that lives, but has let go of the barrier.
#[test]
fn a_party_that_has_dropped_it_is_not_missed() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    let let_go = Shared::new(Event::new()).unwrap();
    let party = Process::spawn(
        |(barrier, let_go): (Shared<Barrier>, Shared<Event>)| {
            barrier.wait().unwrap();
            drop(barrier);
            let_go.set();
            Event::new().wait();
        },
        (barrier.clone(), let_go.clone()),
    )
    .unwrap();
    barrier.wait().unwrap();
    let_go.wait();
    party.kill().unwrap();
    assert_eq!(barrier.wait_for(Duration::from_secs(1)), Err(BrokenBarrier::TimedOut));
    drop(party.join());
}

#[test]
fn a_party_that_has_come_and_was_killed_counts() {
    let barrier = Shared::new(Barrier::new(2)).unwrap();
    let party = Child::run(|| _ = barrier.wait());
    until("it to have come", || barrier.waiting() == 1);
    party.kill();
    drop(party);
    assert_eq!(barrier.wait(), Ok(1));
}

#[test]
#[should_panic(expected = "from 1 to 65,535 parties")]
fn nobody_cannot_meet() {
    Barrier::new(0);
}
