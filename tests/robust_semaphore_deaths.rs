//! The robust semaphore between processes that are killed, case by case; `storm` kills at random.
#![cfg(not(modelled))]

use std::fs;
use std::mem::forget;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::{Event, Process, RobustSemaphore, Semaphore, Shared};
use rustix::process::{Pid, Signal, kill_process};

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(120);

/// Longer than several slices of a wait: who looks for the dead has looked.
const SLICES: Duration = Duration::from_millis(700);

/// The semaphore; one that counts who is ready; and an event that nobody sets before they may go on.
type Scene = Shared<(RobustSemaphore<8>, Semaphore, Event)>;

fn scene(permits: u32) -> Scene {
    Shared::new((RobustSemaphore::new(permits), Semaphore::new(0), Event::new())).unwrap()
}

/// Holds so many permits until it is told to go on.
fn hold((scene, count): (Scene, usize)) {
    let permits: Vec<_> = (0..count).map(|_| scene.0.acquire()).collect();
    scene.1.release(1).unwrap();
    scene.2.wait();
    drop(permits);
}

fn holder(scene: &Scene, count: usize) -> Process<()> {
    let holder = Process::spawn(hold, (scene.clone(), count)).unwrap();
    scene.1.acquire().forget();
    holder
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > EVER {
            panic!("never: {what}");
        }
        yield_now();
    }
}

fn signal(process: &Process<()>, signal: Signal) {
    kill_process(Pid::from_raw(process.pid() as i32).unwrap(), signal).unwrap();
}

#[test]
fn all_permits_of_the_killed_come_back() {
    for _ in 0..5 {
        let scene = scene(8);
        let holders = [3, 4, 1].map(|count| holder(&scene, count));
        assert_eq!(scene.0.value(), 0);
        // One after the other, and none of them waited for: they are zombies meanwhile.
        for (holder, count) in holders.iter().zip([3, 4, 1]) {
            holder.kill().unwrap();
            for _ in 0..count {
                forget(scene.0.acquire_for(EVER).expect("a permit of the dead"));
            }
            assert!(scene.0.acquire_for(SLICES / 10).is_none(), "a permit of the living");
        }
        assert!(holders.iter().all(|holder| holder.join().is_err()));
    }
}

#[test]
fn they_reach_those_who_sleep_already() {
    let scene = scene(4);
    let doomed = holder(&scene, 4);
    let heirs = [(); 4].map(|()| {
        Process::spawn(
            |scene: Scene| {
                scene.1.release(1).unwrap();
                scene.0.acquire().forget();
            },
            scene.clone(),
        )
        .unwrap()
    });
    heirs.iter().for_each(|_| scene.1.acquire().forget());
    doomed.kill().unwrap();
    heirs.iter().for_each(|heir| heir.join().unwrap());
    assert_eq!(scene.0.value(), 0);
    scene.0.release(4).unwrap();
    assert_eq!(scene.0.value(), 4);
}

#[test]
fn what_ends_by_itself_leaves_its_permits_too() {
    let scene = scene(1);
    let leaves = |scene: Scene| forget(scene.0.acquire());
    Process::spawn(leaves, scene.clone()).unwrap().join().unwrap();
    assert!(scene.0.acquire_for(EVER).is_some());
}

#[test]
fn who_forgot_a_permit_does_not_hold_it() {
    let scene = scene(1);
    let forgets = |scene: Scene| scene.0.acquire().forget();
    Process::spawn(forgets, scene.clone()).unwrap().join().unwrap();
    assert!(scene.0.acquire_for(SLICES).is_none());
    scene.0.release(1).unwrap();
    assert_eq!(scene.0.value(), 1);
}

#[test]
fn one_that_is_stopped_is_never_robbed() {
    let scene = scene(1);
    let holder = holder(&scene, 1);
    signal(&holder, Signal::STOP);
    let stat = format!("/proc/{}/stat", holder.pid());
    until("it is stopped", || fs::read_to_string(&stat).unwrap().contains(") T "));
    assert!(scene.0.acquire_for(SLICES).is_none(), "it was robbed");
    signal(&holder, Signal::CONT);
    scene.2.set();
    assert!(scene.0.acquire_for(EVER).is_some());
    holder.join().unwrap();
    assert_eq!(scene.0.value(), 1);
}

#[test]
fn one_that_goes_on_as_another_program_is_never_robbed() {
    let scene = scene(1);
    let becomes = |scene: Scene| -> () {
        forget(scene.0.acquire());
        panic!("{}", Command::new("sleep").arg("1000").exec());
    };
    let other = Process::spawn(becomes, scene.clone()).unwrap();
    let comm = format!("/proc/{}/comm", other.pid());
    until("it is another program", || fs::read_to_string(&comm).unwrap() == "sleep\n");
    assert_eq!(scene.0.value(), 0);
    assert!(scene.0.acquire_for(SLICES).is_none(), "it was robbed");
    other.kill().unwrap();
    assert!(scene.0.acquire_for(EVER).is_some());
}

/// Its copy is worth nothing, neither when its parent lives nor when that is dead.
#[test]
fn a_child_that_has_a_copy_of_a_permit_holds_none() {
    let scene = scene(2);
    let parent = |scene: Scene| {
        let permits = (scene.0.acquire(), scene.0.acquire());
        let child = Process::fork(|| {
            // SAFETY: the child's copy of the permit, which it alone has.
            drop(unsafe { std::ptr::read(&permits.0) });
            scene.1.release(1).unwrap();
            scene.2.wait();
        });
        child.unwrap().join().unwrap();
    };
    let parent = Process::spawn(parent, scene.clone()).unwrap();
    scene.1.acquire().forget();
    assert_eq!(scene.0.value(), 0, "the copy gave something back");
    parent.kill().unwrap();
    let permits = [(); 2].map(|()| scene.0.acquire_for(EVER).expect("the child keeps none"));
    scene.2.set();
    drop(permits);
    assert_eq!(scene.0.value(), 2);
}

#[test]
fn a_killed_waiter_keeps_no_permit() {
    let scene = scene(0);
    let take = |scene: Scene| {
        scene.1.release(1).unwrap();
        scene.0.acquire().forget();
    };
    for _ in 0..20 {
        let doomed = Process::spawn(take, scene.clone()).unwrap();
        scene.1.acquire().forget();
        let heir = Process::spawn(take, scene.clone()).unwrap();
        doomed.kill().unwrap();
        scene.0.release(1).unwrap();
        if doomed.join().is_ok() {
            // It was faster than the signal: then one more is owed.
            scene.0.release(1).unwrap();
        }
        heir.join().unwrap();
        scene.1.acquire().forget();
        assert_eq!(scene.0.value(), 0);
    }
}
