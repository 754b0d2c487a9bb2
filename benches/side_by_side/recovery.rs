//! From the death of a lock's owner to the next lock.

use std::time::{Duration, Instant};

use multiproc::{Event, Lock, Process, Shared};

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
