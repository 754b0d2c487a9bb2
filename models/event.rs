//! `Event`: who waits goes on once it is set, and sees what was written before.

use std::time::Duration;

use multiproc::{Event, ProcessSafe};

use crate::harness::{Model, models};
use crate::stage::{Data, Place, reached, share, sleepers, spawn_with};

models! {
    carries: Model {
        shows: "one waits for the password, asleep or not, and sees it",
        min_explored: 23,
        must_reach: &["Event::set: wake_op", "Event::set: seen | SET"],
        run: || {
            let notice = Notice::new();
            let waiter = spawn_with(&notice, |notice| {
                notice.event.wait();
                notice.look();
            });
            notice.write();
            notice.event.set();
            waiter.join();
        },
    };

    wakes: Model {
        shows: "two wait, and all who sleep are woken; who comes later sees as much",
        min_explored: 3_400,
        must_reach: &["Event::set: wake_op"],
        run: || {
            let notice = Notice::new();
            let waiters = [(); 2].map(|()| {
                spawn_with(&notice, |notice| {
                    notice.event.wait();
                    notice.look();
                })
            });
            notice.write();
            notice.event.set();
            waiters.into_iter().for_each(|waiter| waiter.join());
        },
    };

    is_seen: Model {
        shows: "who only asks whether it is set sees the password too",
        min_explored: 6,
        must_reach: &["set", "not set"],
        run: || {
            let notice = Notice::new();
            let setter = spawn_with(&notice, |notice| {
                notice.write();
                notice.event.set();
            });
            notice.ask();
            setter.join();
        },
    };

    releases_in_a_pulse: Model {
        shows: "a set that is followed at once by a clear releases whoever slept",
        min_explored: 63,
        must_reach: &["asleep", "awake"],
        run: || {
            let notice = Notice::new();
            let waiter = spawn_with(&notice, |notice| {
                notice.event.wait();
                notice.look();
            });
            notice.write();
            // A step of its own: whether the waiter sleeps is known after it.
            notice.event.is_set();
            if sleepers() == 1 {
                reached("asleep");
                notice.event.set();
                notice.event.clear();
            } else {
                reached("awake");
                notice.event.set();
            }
            waiter.join();
        },
    };

    is_handed_back: Model {
        shows: "who sees it cleared may write the password anew: it has been read",
        min_explored: 100,
        must_reach: &["cleared"],
        run: || {
            let notice = Notice::new();
            let reader = spawn_with(&notice, |notice| {
                notice.event.wait();
                notice.look();
                notice.event.clear();
            });
            notice.write();
            notice.event.set();
            if !notice.event.is_set() {
                reached("cleared");
                notice.write();
            }
            reader.join();
        },
    };

    times_out: Model {
        shows: "a wait that may end before the set: true is the password, false is not yet",
        min_explored: 95,
        must_reach: &["in time", "too late"],
        run: || {
            let notice = Notice::new();
            let waiter = spawn_with(&notice, |notice| {
                if notice.event.wait_for(Duration::from_secs(1)) {
                    notice.look();
                    reached("in time");
                } else {
                    reached("too late");
                }
            });
            notice.write();
            notice.event.set();
            waiter.join();
            assert!(notice.event.is_set());
        },
    };

    is_cleared: Model {
        shows: "once it was cleared, and not set again, it is not set",
        min_explored: 24,
        must_reach: &["Event::wait_by: seen | WAIT"],
        run: || {
            let notice = Notice::new();
            let waiter = spawn_with(&notice, |notice| {
                notice.event.wait();
                notice.event.clear();
            });
            notice.event.set();
            waiter.join();
            assert!(!notice.event.is_set());
        },
    };

    is_asked: Model {
        shows: "that someone waits for it does not set it",
        min_explored: 200,
        must_reach: &["set", "not set"],
        run: || {
            let notice = Notice::new();
            let waiter = spawn_with(&notice, |notice| notice.event.wait());
            let setter = spawn_with(&notice, |notice| {
                notice.write();
                notice.event.set();
            });
            notice.ask();
            waiter.join();
            setter.join();
        },
    };
}

/// The event, and the password that it announces.
#[derive(ProcessSafe)]
struct Notice {
    event: Event,
    password: Data,
}

impl Notice {
    fn new() -> Place<Self> {
        share(Notice { event: Event::new(), password: Data::default() })
    }

    fn write(&self) {
        self.password.write(42);
    }

    fn look(&self) {
        assert_eq!(self.password.read(), 42);
    }

    /// Looks only if it is set.
    fn ask(&self) {
        if self.event.is_set() {
            self.look();
            reached("set");
        } else {
            reached("not set");
        }
    }
}
