//! A thousand who wait at the same time.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Barrier, Event, Process, Semaphore, Shared, SharedArray};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::gettid;

use crate::alone::alone;
use crate::say;

const HERD: usize = 1000;

/// Those who may be inside at once.
const PERMITS: u32 = 3;

/// Waits until something is so. What takes longer than a minute never will.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::yield_now();
    }
}

/// Whether the thread of that number sleeps in a futex call.
fn is_asleep(task: &str) -> bool {
    let call = fs::read_to_string(format!("/proc/{task}/syscall")).unwrap_or_default();
    call.split(' ').next().is_some_and(|number| number == libc::SYS_futex.to_string())
}

/// The clear right behind it makes sure that it is this set that they have seen.
fn set_once(event: &Event) {
    event.set();
    event.clear();
}

#[test]
fn one_set_releases_a_thousand_threads() {
    let event = Event::new();
    let tasks = SharedArray::<u32>::zeroed(HERD).unwrap();
    thread::scope(|scope| {
        for place in 0..HERD {
            let (event, tasks) = (&event, &tasks);
            let wait = move || {
                tasks.set(place, gettid().as_raw_nonzero().get() as u32).unwrap();
                event.wait();
            };
            thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, wait).unwrap();
        }
        for task in (0..HERD).map(|place| tasks.get(place).unwrap()) {
            until("a thread sleeps", || is_asleep(&format!("self/task/{task}")));
        }
        set_once(&event);
    });
}

/// What the herd of processes has: what it waits for, what it then shares, and where it meets.
type Pasture = Shared<(Event, Semaphore, Barrier)>;

/// All sleep on one event; one set releases them, they pass one semaphore, and meet at a barrier.
#[test]
fn a_thousand_processes_are_released_by_one_set_share_a_semaphore_and_meet() {
    alone(|()| {
        let herd = room_for(HERD);
        let barrier = Barrier::new(herd as u32);
        let pasture: Pasture =
            Shared::new((Event::new(), Semaphore::new(PERMITS), barrier)).unwrap();
        let inside = SharedArray::<i32>::zeroed(1).unwrap();
        let graze = || {
            let (event, semaphore, barrier) = &*pasture;
            event.wait();
            let permit = semaphore.acquire();
            let most = inside.fetch_add(0, 1).unwrap() + 1;
            thread::yield_now();
            inside.fetch_add(0, -1).unwrap();
            drop(permit);
            (most, barrier.wait().unwrap())
        };
        let children: Vec<_> = (0..herd).map(|_| Process::fork(graze).unwrap()).collect();
        for child in &children {
            until("a process sleeps", || is_asleep(&child.pid().to_string()));
        }
        set_once(&pasture.0);
        let ends = children.iter().map(|child| child.join().unwrap());
        let (most, mut places): (Vec<_>, Vec<_>) = ends.unzip();
        let most = most.into_iter().max().unwrap();
        say(&format!("\n{herd} processes, {PERMITS} permits: {most} inside at once\n"));
        assert!((1..=PERMITS as i32).contains(&most), "{most} were inside at once");
        assert_eq!(pasture.1.value(), PERMITS);
        places.sort_unstable();
        assert!(places.into_iter().eq(0..herd), "each has come in a place of its own");
    });
}

/// So many children, or as many as this process may have descriptors for: two each.
fn room_for(children: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit })
        .unwrap();
    let most = limit.maximum.map_or(usize::MAX, |most| most as usize).saturating_sub(100) / 2;
    if most < children {
        say(&format!("\nONLY {most} PROCESSES: more descriptors are not allowed here\n"));
    }
    most.min(children)
}
