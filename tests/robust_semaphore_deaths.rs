//! The robust semaphore between processes that are killed, case by case; `storm` kills at random.
#![cfg(not(modelled))]

#[path = "support/until.rs"]
mod until;

use std::fs;
use std::mem::forget;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use multiproc::{Event, Process, RobustSemaphore, Semaphore, Shared};
use rustix::process::{Pid, Signal, kill_process};
use until::until;

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Longer than several slices of a wait, after each of which dead holders are looked for.
const SLICES: Duration = Duration::from_millis(700);

/// The semaphore; one that counts the processes that are ready; and an event that lets them go on.
type Fixture = Shared<(RobustSemaphore<8>, Semaphore, Event)>;

fn fixture(permits: u32) -> Fixture {
    Shared::new((RobustSemaphore::new(permits), Semaphore::new(0), Event::new())).unwrap()
}

/// Holds so many permits until the event is set.
fn hold((fixture, count): (Fixture, usize)) {
    let permits: Vec<_> = (0..count).map(|_| fixture.0.acquire()).collect();
    fixture.1.release(1).unwrap();
    fixture.2.wait();
    drop(permits);
}

fn holder(fixture: &Fixture, count: usize) -> Process<()> {
    let holder = Process::spawn(hold, (fixture.clone(), count)).unwrap();
    fixture.1.acquire().forget();
    holder
}

fn signal(process: &Process<()>, signal: Signal) {
    kill_process(Pid::from_raw(process.pid() as i32).unwrap(), signal).unwrap();
}

#[test]
fn all_permits_of_killed_holders_are_returned() {
    for _ in 0..5 {
        let fixture = fixture(8);
        let holders = [3, 4, 1].map(|count| holder(&fixture, count));
        assert_eq!(fixture.0.value(), 0);
        // One after the other; none is waited for, so they stay zombies meanwhile.
        for (holder, count) in holders.iter().zip([3, 4, 1]) {
            holder.kill().unwrap();
            for _ in 0..count {
                forget(fixture.0.acquire_for(TIMEOUT).expect("a killed holder's permit"));
            }
            assert!(fixture.0.acquire_for(SLICES / 10).is_none(), "a living holder's permit");
        }
        assert!(holders.iter().all(|holder| holder.join().is_err()));
    }
}

#[test]
fn they_reach_waiters_that_sleep_already() {
    let fixture = fixture(4);
    let killed = holder(&fixture, 4);
    let waiters = [(); 4].map(|()| {
        Process::spawn(
            |fixture: Fixture| {
                fixture.1.release(1).unwrap();
                fixture.0.acquire().forget();
            },
            fixture.clone(),
        )
        .unwrap()
    });
    waiters.iter().for_each(|_| fixture.1.acquire().forget());
    killed.kill().unwrap();
    waiters.iter().for_each(|waiter| waiter.join().unwrap());
    assert_eq!(fixture.0.value(), 0);
    fixture.0.release(4).unwrap();
    assert_eq!(fixture.0.value(), 4);
}

#[test]
fn a_process_that_ends_by_itself_returns_its_permits_too() {
    let fixture = fixture(1);
    let leaves = |fixture: Fixture| forget(fixture.0.acquire());
    Process::spawn(leaves, fixture.clone()).unwrap().join().unwrap();
    assert!(fixture.0.acquire_for(TIMEOUT).is_some());
}

#[test]
fn a_forgotten_permit_has_no_holder() {
    let fixture = fixture(1);
    let forgets = |fixture: Fixture| fixture.0.acquire().forget();
    Process::spawn(forgets, fixture.clone()).unwrap().join().unwrap();
    assert!(fixture.0.acquire_for(SLICES).is_none());
    fixture.0.release(1).unwrap();
    assert_eq!(fixture.0.value(), 1);
}

#[test]
fn a_stopped_process_keeps_its_permit() {
    let fixture = fixture(1);
    let holder = holder(&fixture, 1);
    signal(&holder, Signal::STOP);
    let stat = format!("/proc/{}/stat", holder.pid());
    until("the holder to stop", || fs::read_to_string(&stat).unwrap().contains(") T "));
    assert!(fixture.0.acquire_for(SLICES).is_none(), "its permit was taken");
    signal(&holder, Signal::CONT);
    fixture.2.set();
    assert!(fixture.0.acquire_for(TIMEOUT).is_some());
    holder.join().unwrap();
    assert_eq!(fixture.0.value(), 1);
}

#[test]
fn a_process_that_executes_another_program_keeps_its_permit() {
    let fixture = fixture(1);
    let becomes = |fixture: Fixture| -> () {
        forget(fixture.0.acquire());
        panic!("{}", Command::new("sleep").arg("1000").exec());
    };
    let other = Process::spawn(becomes, fixture.clone()).unwrap();
    let comm = format!("/proc/{}/comm", other.pid());
    until("the other program", || fs::read_to_string(&comm).unwrap() == "sleep\n");
    assert_eq!(fixture.0.value(), 0);
    assert!(fixture.0.acquire_for(SLICES).is_none(), "its permit was taken");
    other.kill().unwrap();
    assert!(fixture.0.acquire_for(TIMEOUT).is_some());
}

/// Its copy has no effect, neither while its parent lives nor after that was killed.
#[test]
fn a_child_that_has_a_copy_of_a_permit_holds_none() {
    let fixture = fixture(2);
    let parent = |fixture: Fixture| {
        let permits = (fixture.0.acquire(), fixture.0.acquire());
        let child = Process::fork(|| {
            // SAFETY: the child's copy of the permit, which it alone has.
            drop(unsafe { std::ptr::read(&permits.0) });
            fixture.1.release(1).unwrap();
            fixture.2.wait();
        });
        child.unwrap().join().unwrap();
    };
    let parent = Process::spawn(parent, fixture.clone()).unwrap();
    fixture.1.acquire().forget();
    assert_eq!(fixture.0.value(), 0, "the copy released a permit");
    parent.kill().unwrap();
    let permits = [(); 2].map(|()| fixture.0.acquire_for(TIMEOUT).expect("the child keeps none"));
    fixture.2.set();
    drop(permits);
    assert_eq!(fixture.0.value(), 2);
}

#[test]
fn a_killed_waiter_keeps_no_permit() {
    let fixture = fixture(0);
    let take = |fixture: Fixture| {
        fixture.1.release(1).unwrap();
        fixture.0.acquire().forget();
    };
    for _ in 0..20 {
        let killed = Process::spawn(take, fixture.clone()).unwrap();
        fixture.1.acquire().forget();
        let waiter = Process::spawn(take, fixture.clone()).unwrap();
        killed.kill().unwrap();
        fixture.0.release(1).unwrap();
        if killed.join().is_ok() {
            // It had the permit before it was killed: then another is needed.
            fixture.0.release(1).unwrap();
        }
        waiter.join().unwrap();
        fixture.1.acquire().forget();
        assert_eq!(fixture.0.value(), 0);
    }
}
