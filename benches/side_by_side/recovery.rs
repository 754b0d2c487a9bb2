//! From the death of one who holds something to the next who has it.

use std::time::{Duration, Instant};

use multiproc::{Event, Lock, Process, RobustSemaphore, Shared};

use crate::{Contender, Workload};

type Scene = Shared<(Lock<()>, Event)>;

/// From SIGKILL to the lock, which says that its owner died.
pub(crate) fn of_a_lock() -> Workload {
    Workload {
        name: "lock, owner killed",
        contenders: vec![Contender::timed("multiproc, processes", killed)],
    }
}

fn hold(scene: Scene) {
    let _guard = scene.0.lock().expect("fresh");
    scene.1.set();
    Event::new().wait();
}

fn killed(times: u64) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let scene = Shared::new((Lock::new(()), Event::new())).expect("a page of shared memory");
        let owner = Process::spawn(hold, scene.clone()).expect("a child");
        scene.1.wait();
        let start = Instant::now();
        owner.kill().expect("it lives");
        let next = scene.0.lock();
        took += start.elapsed();
        drop(next.expect_err("its owner died"));
    }
    took
}

/// From SIGKILL to the permit, for one who waits for it already, and for one who comes only then.
pub(crate) fn of_a_permit() -> Workload {
    Workload {
        name: "robust semaphore, holder killed",
        contenders: vec![
            Contender::timed("multiproc, processes, asleep", |times| {
                permit_of_the_dead(times, true)
            }),
            Contender::timed("multiproc, processes", |times| permit_of_the_dead(times, false)),
        ],
    }
}

type Place = Shared<(RobustSemaphore<1>, Event)>;

fn keep(place: Place) {
    let _permit = place.0.acquire();
    place.1.set();
    Event::new().wait();
}

fn permit_of_the_dead(times: u64, asleep: bool) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let place = Shared::new((RobustSemaphore::new(1), Event::new())).expect("shared memory");
        let holder = Process::spawn(keep, place.clone()).expect("a child");
        place.1.wait();
        took += std::thread::scope(|scope| {
            let heir = asleep.then(|| scope.spawn(|| drop(place.0.acquire())));
            if asleep {
                // Until its slices are as long as they become.
                std::thread::sleep(Duration::from_millis(200));
            }
            let start = Instant::now();
            holder.kill().expect("it lives");
            match heir {
                Some(heir) => heir.join().expect("it only waits"),
                None => drop(place.0.acquire()),
            }
            start.elapsed()
        });
    }
    took
}
