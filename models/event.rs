//! `Event`: who waits goes on once it is set, and sees what was written before.

use std::sync::Arc;
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::thread::{self, JoinHandle};
use multiproc::Event;
use multiproc::model_support::sleepers;

use crate::harness::{Model, models, witness};

models! {
    carries: Model {
        shows: "one waits for the password, asleep or not, and sees it",
        floor: 23,
        witnesses: &["event.wake.all", "event.set.release"],
        twins: &["event.set.release", "event.wait.acquire"],
        run: || {
            let shared = Shared::new();
            let waiter = shared.with(|shared| {
                shared.event.wait();
                shared.look();
            });
            shared.write();
            shared.event.set();
            waiter.join().unwrap();
        },
    };

    wakes: Model {
        shows: "two wait, and all who sleep are woken; who comes later sees as much",
        floor: 36_000,
        witnesses: &["event.wake.all"],
        twins: &["event.wake.all", "event.wake.release", "event.wait.acquire"],
        run: || {
            let shared = Shared::new();
            let waiters = [(); 2].map(|()| {
                shared.with(|shared| {
                    shared.event.wait();
                    shared.look();
                })
            });
            shared.write();
            shared.event.set();
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        },
    };

    is_seen: Model {
        shows: "who only asks whether it is set sees the password too",
        floor: 6,
        witnesses: &["set", "not set"],
        twins: &["event.set.release", "event.is_set.acquire"],
        run: || {
            let shared = Shared::new();
            let setter = shared.with(|shared| {
                shared.write();
                shared.event.set();
            });
            if shared.event.is_set() {
                shared.look();
                witness("set");
            } else {
                witness("not set");
            }
            setter.join().unwrap();
        },
    };

    releases_in_a_pulse: Model {
        shows: "a set that is followed at once by a clear releases whoever slept",
        floor: 51,
        witnesses: &["asleep", "awake"],
        twins: &["event.round"],
        run: || {
            let shared = Shared::new();
            let waiter = shared.with(|shared| {
                shared.event.wait();
                shared.look();
            });
            shared.write();
            // A step of its own: whether the waiter sleeps is known after it.
            shared.event.is_set();
            if sleepers() == 1 {
                witness("asleep");
                shared.event.set();
                shared.event.clear();
            } else {
                witness("awake");
                shared.event.set();
            }
            waiter.join().unwrap();
        },
    };

    is_handed_back: Model {
        shows: "who sees it cleared may write the password anew: it has been read",
        floor: 100,
        witnesses: &["cleared"],
        twins: &["event.clear.release", "event.is_set.acquire"],
        run: || {
            let shared = Shared::new();
            let reader = shared.with(|shared| {
                shared.event.wait();
                shared.look();
                shared.event.clear();
            });
            shared.write();
            shared.event.set();
            if !shared.event.is_set() {
                witness("cleared");
                shared.write();
            }
            reader.join().unwrap();
        },
    };

    times_out: Model {
        shows: "a wait that may end before the set: true is the password, false is not yet",
        floor: 95,
        witnesses: &["in time", "too late"],
        twins: &["event.set.release", "event.wait.acquire"],
        run: || {
            let shared = Shared::new();
            let waiter = shared.with(|shared| {
                if shared.event.wait_for(Duration::from_secs(1)) {
                    shared.look();
                    witness("in time");
                } else {
                    witness("too late");
                }
            });
            shared.write();
            shared.event.set();
            waiter.join().unwrap();
            assert!(shared.event.is_set());
        },
    };
}

/// The event, and the password that it announces.
struct Shared {
    event: Event,
    password: UnsafeCell<u32>,
}

// SAFETY: loom checks every access to the password.
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Shared { event: Event::new(), password: UnsafeCell::new(0) })
    }

    fn with(self: &Arc<Self>, run: impl FnOnce(&Self) + 'static) -> JoinHandle<()> {
        let shared = self.clone();
        thread::spawn(move || run(&shared))
    }

    fn write(&self) {
        // SAFETY: loom fails the model if another has access now.
        self.password.with_mut(|password| unsafe { *password = 42 });
    }

    fn look(&self) {
        // SAFETY: loom fails the model if another writes now.
        assert_eq!(self.password.with(|password| unsafe { *password }), 42);
    }
}
