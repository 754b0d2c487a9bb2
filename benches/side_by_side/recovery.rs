//! The time from an owner's death to the next owner: a distribution, since its tail is what users see.

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};
use multiproc::{Event, Lock, Process, RobustSemaphore, Shared};

/// The name by which `cargo bench` selects it.
pub(crate) const NAME: &str = "owner killed";

/// The number of owners that are killed, of each kind.
const KILLS: usize = 200;

/// Kills one owner; returns the time from SIGKILL until another process owns what it owned.
type Recovery = fn() -> Duration;

const RECOVERIES: &[(&str, Recovery)] = &[
    ("Lock", of_a_lock),
    ("RobustSemaphore, acquired later", || of_a_permit(false)),
    ("RobustSemaphore, a waiter", || of_a_permit(true)),
];

pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.set_header([NAME, "kills", "median, µs", "99 %", "longest"]);
    for column in 1..5 {
        table.column_mut(column).expect("set above").set_cell_alignment(CellAlignment::Right);
    }
    for (name, recovery) in RECOVERIES {
        eprintln!("{NAME}: {name} …");
        let mut times: Vec<Duration> = (0..KILLS).map(|_| recovery()).collect();
        times.sort();
        let micros = |rank: usize| format!("{:.0}", times[rank].as_nanos() as f64 / 1000.0);
        let figures = [KILLS / 2, KILLS * 99 / 100 - 1, KILLS - 1].map(micros);
        table.add_row([(*name).to_owned(), KILLS.to_string()].into_iter().chain(figures));
    }
    table
}

type LockFixture = Shared<(Lock<()>, Event)>;

fn hold(fixture: LockFixture) {
    let _guard = fixture.0.lock().expect("fresh");
    fixture.1.set();
    Event::new().wait();
}

/// Until the lock reports that its owner died.
fn of_a_lock() -> Duration {
    let fixture = Shared::new((Lock::new(()), Event::new())).expect("a page of shared memory");
    let owner = Process::spawn(hold, fixture.clone()).expect("a child");
    fixture.1.wait();
    let start = Instant::now();
    owner.kill().expect("it lives");
    let next = fixture.0.lock();
    let took = start.elapsed();
    drop(next.expect_err("its owner died"));
    took
}

type PermitFixture = Shared<(RobustSemaphore<1>, Event)>;

fn keep(fixture: PermitFixture) {
    let _permit = fixture.0.acquire();
    fixture.1.set();
    Event::new().wait();
}

/// Until the permit is acquired, by a waiter that sleeps already, or by an acquire after the kill.
fn of_a_permit(asleep: bool) -> Duration {
    let fixture = Shared::new((RobustSemaphore::new(1), Event::new())).expect("shared memory");
    let holder = Process::spawn(keep, fixture.clone()).expect("a child");
    fixture.1.wait();
    std::thread::scope(|scope| {
        let waiter = asleep.then(|| scope.spawn(|| drop(fixture.0.acquire())));
        if asleep {
            // Until the slices of its wait have their full length.
            std::thread::sleep(Duration::from_millis(200));
        }
        let start = Instant::now();
        holder.kill().expect("it lives");
        match waiter {
            Some(waiter) => waiter.join().expect("it only waits"),
            None => drop(fixture.0.acquire()),
        }
        start.elapsed()
    })
}
