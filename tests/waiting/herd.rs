//! A thousand waiters at the same time.

use std::thread;

use multiproc::{Barrier, Event, Process, Semaphore, Shared, SharedArray};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::gettid;

use crate::alone::alone;
use crate::asleep::sleeps;
use crate::say;
use crate::until::until;

const WAITERS: usize = 1000;

/// How many may be inside at once.
const PERMITS: u32 = 3;

/// Sets the event, and clears it at once: the waiters must be released by this set.
fn set_once(event: &Event) {
    event.set();
    event.clear();
}

#[test]
fn one_set_releases_a_thousand_threads() {
    let event = Event::new();
    let tasks = SharedArray::<u32>::zeroed(WAITERS).unwrap();
    thread::scope(|scope| {
        for index in 0..WAITERS {
            let (event, tasks) = (&event, &tasks);
            let wait = move || {
                tasks.set(index, gettid().as_raw_nonzero().get() as u32).unwrap();
                event.wait();
            };
            thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, wait).unwrap();
        }
        for index in 0..WAITERS {
            // 0 as long as the thread has not run.
            let task = || tasks.get(index).unwrap();
            until("a thread to sleep", || sleeps(&format!("self/task/{}", task())));
        }
        set_once(&event);
    });
}

/// What the processes share.
type Fixture = Shared<(Event, Semaphore, Barrier)>;

/// All sleep on one event; one set releases them; they acquire one semaphore, and wait at a barrier.
#[test]
fn a_thousand_processes_are_released_by_one_set_share_a_semaphore_and_pass_a_barrier() {
    alone(|()| {
        let waiters = limited_by_descriptors(WAITERS);
        let barrier = Barrier::new(waiters as u32);
        let fixture: Fixture =
            Shared::new((Event::new(), Semaphore::new(PERMITS), barrier)).unwrap();
        let inside = SharedArray::<i32>::zeroed(1).unwrap();
        let work = || {
            let (event, semaphore, barrier) = &*fixture;
            event.wait();
            let permit = semaphore.acquire();
            let most = inside.fetch_add(0, 1).unwrap() + 1;
            thread::yield_now();
            inside.fetch_add(0, -1).unwrap();
            drop(permit);
            (most, barrier.wait().unwrap())
        };
        let children: Vec<_> = (0..waiters).map(|_| Process::fork(work).unwrap()).collect();
        for child in &children {
            until("a process to sleep", || sleeps(&child.pid().to_string()));
        }
        set_once(&fixture.0);
        let ends = children.iter().map(|child| child.join().unwrap());
        let (most, mut positions): (Vec<_>, Vec<_>) = ends.unzip();
        let most = most.into_iter().max().unwrap();
        say(&format!("\n{waiters} processes, {PERMITS} permits: {most} inside at once\n"));
        assert!((1..=PERMITS as i32).contains(&most), "{most} were inside at once");
        assert_eq!(fixture.1.value(), PERMITS);
        positions.sort_unstable();
        assert!(positions.into_iter().eq(0..waiters), "each has its own position");
    });
}

/// So many children, or as many as this process may have descriptors for: two each.
fn limited_by_descriptors(children: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit })
        .unwrap();
    let most = limit.maximum.map_or(usize::MAX, |most| most as usize).saturating_sub(100) / 2;
    if most < children {
        say(&format!("\nSKIPPED: only {most} processes: more descriptors are not allowed here\n"));
    }
    most.min(children)
}
