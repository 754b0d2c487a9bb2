//! From the death of an owner to the next: a distribution, since its end is what someone waits.

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};
use multiproc::{Event, Lock, Process, RobustSemaphore, Shared};

/// The name by which `cargo bench` is asked for it.
pub(crate) const NAME: &str = "owner killed";

/// Owners that are killed, of each kind.
const KILLS: usize = 200;

/// From SIGKILL to when another has what the dead one had, of one owner.
type Recovery = fn() -> Duration;

const RECOVERIES: &[(&str, Recovery)] = &[
    ("Lock", of_a_lock),
    ("RobustSemaphore, one who comes", || of_a_permit(false)),
    ("RobustSemaphore, one who sleeps", || of_a_permit(true)),
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
        let micros = |place: usize| format!("{:.0}", times[place].as_nanos() as f64 / 1000.0);
        let figures = [KILLS / 2, KILLS * 99 / 100 - 1, KILLS - 1].map(micros);
        table.add_row([(*name).to_owned(), KILLS.to_string()].into_iter().chain(figures));
    }
    table
}

type Scene = Shared<(Lock<()>, Event)>;

fn hold(scene: Scene) {
    let _guard = scene.0.lock().expect("fresh");
    scene.1.set();
    Event::new().wait();
}

/// To the lock, which says that its owner died.
fn of_a_lock() -> Duration {
    let scene = Shared::new((Lock::new(()), Event::new())).expect("a page of shared memory");
    let owner = Process::spawn(hold, scene.clone()).expect("a child");
    scene.1.wait();
    let start = Instant::now();
    owner.kill().expect("it lives");
    let next = scene.0.lock();
    let took = start.elapsed();
    drop(next.expect_err("its owner died"));
    took
}

type Place = Shared<(RobustSemaphore<1>, Event)>;

fn keep(place: Place) {
    let _permit = place.0.acquire();
    place.1.set();
    Event::new().wait();
}

/// To the permit, for one who sleeps for it already, or one who comes only then.
fn of_a_permit(asleep: bool) -> Duration {
    let place = Shared::new((RobustSemaphore::new(1), Event::new())).expect("shared memory");
    let holder = Process::spawn(keep, place.clone()).expect("a child");
    place.1.wait();
    std::thread::scope(|scope| {
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
    })
}
