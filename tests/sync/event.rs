use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Event, Lock};

use crate::{Place, in_both_places};

in_both_places! {
    multiproc::Event::new();
    begins_unset,
    releases_all_who_wait,
    gives_up_at_the_deadline,
    a_pulse_releases_who_waits,
}

fn begins_unset(event: impl Place<Event>) {
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    event.wait();
    event.set();
    event.clear();
    assert!(!event.is_set());
    event.clear();
}

fn releases_all_who_wait(event: impl Place<Event>) {
    static PASSWORD: Lock<u32> = Lock::new(0);
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let event = event.clone();
            thread::spawn(move || {
                event.wait();
                *PASSWORD.lock().unwrap()
            })
        })
        .collect();
    *PASSWORD.lock().unwrap() = 1234;
    event.set();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), 1234);
    }
}

fn gives_up_at_the_deadline(event: impl Place<Event>) {
    assert!(!event.wait_for(Duration::ZERO));
    assert!(!event.wait_for(Duration::from_millis(5)));
    assert!(!event.wait_until(Instant::now() - Duration::from_secs(1)));
    event.set();
    assert!(event.wait_for(Duration::ZERO));
    assert!(event.wait_until(Instant::now() - Duration::from_secs(1)));
    assert!(event.wait_for(Duration::MAX));
}

/// However late a waiter looks, it was released: a pulse is not lost on who waited before it.
fn a_pulse_releases_who_waits(event: impl Place<Event>) {
    for _ in 0..200 {
        let (begin, begins) = mpsc::channel();
        let waiter = event.clone();
        let waiter = thread::spawn(move || {
            begin.send(()).unwrap();
            waiter.wait();
        });
        begins.recv().unwrap();
        while !waiter.is_finished() {
            event.set();
            event.clear();
        }
        waiter.join().unwrap();
    }
}
