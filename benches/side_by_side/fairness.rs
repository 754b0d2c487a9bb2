//! How evenly many workers are served, and the longest wait: `cargo bench -- fairness`.
//!
//! Two measurements, with 64 threads and with 64 processes:
//!
//! * *Contended*: each worker acquires again at once, for two seconds. How often does each acquire, and
//!   what is its longest wait: in the median, and at most? (A worker holds what it acquired for some
//!   microseconds. From the queue, they get what one producer puts as fast as it can; the condition is
//!   notified in the same way. Of the event, the wait is the time from a `set` until a worker goes on.)
//! * *Queued*: the workers arrive one after another, each asleep before the next; then they are released
//!   one by one (by the event, all at once). Which part of all pairs goes on in the order of arrival?
//!   The wait is far shorter than the 100 ms after which a waiter's slice times out and it queues again.

use std::fs;
use std::hint::spin_loop;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};
use multiproc::{Condition, Event, Lock, Queue, RobustSemaphore, Semaphore, Shared, SharedArray};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::workers::{Kind, Workers};
use crate::{TIMEOUT, start};

const WORKERS: usize = 64;
const SPAN: Duration = Duration::from_secs(2);
/// The number of queued measurements.
const REPETITIONS: usize = 5;

/// The primitive that is measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Primitive {
    Lock,
    Semaphore,
    Robust,
    Queue,
    Event,
    Condition,
    /// Only between threads, to compare with.
    Std,
    ParkingLot,
}

static STD: std::sync::Mutex<()> = std::sync::Mutex::new(());
static PARKING_LOT: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

/// Indices of the counts; the id of each worker's thread follows.
const ARRIVED: usize = 0;
const GONE: usize = 1;
const OVER: usize = 2;
/// When the event was last set.
const SET: usize = 3;
const THREADS: usize = 4;

/// What all workers share.
#[derive(Clone, Serialize, Deserialize)]
struct Fixture {
    what: Primitive,
    /// Guards the number of workers that may go on by the condition.
    lock: Shared<Lock<u64>>,
    condition: Shared<Condition>,
    semaphore: Shared<Semaphore>,
    robust: Shared<RobustSemaphore<1>>,
    queue: Queue<u64>,
    /// For alternating rounds, so that no worker goes on twice.
    events: Shared<[Event; 2]>,
    starts: Shared<[Event; WORKERS]>,
    counts: SharedArray<u64>,
}

/// How often a worker acquired, and its longest wait in nanoseconds.
type Service = (u64, u64);

pub(crate) fn run() {
    let mut table = Table::new();
    table.set_header([
        "fairness",
        "among 64",
        "acquired: fewest",
        "median",
        "most",
        "longest wait, ms: median",
        "at most",
        "pairs in order",
    ]);
    (2..8).for_each(|i| {
        table.column_mut(i).expect("set above").set_cell_alignment(CellAlignment::Right);
    });
    let ours = [
        Primitive::Lock,
        Primitive::Semaphore,
        Primitive::Robust,
        Primitive::Queue,
        Primitive::Event,
        Primitive::Condition,
    ];
    let kinds = [Kind::Threads, Kind::Processes];
    let of_ours = ours.iter().flat_map(|&what| kinds.map(|kind| (what, kind)));
    let of_others = [Primitive::Std, Primitive::ParkingLot].map(|what| (what, Kind::Threads));
    for (what, kind) in of_ours.chain(of_others) {
        eprintln!("fairness, {what:?}, {kind} …");
        let service = Fixture::new(what).contended(kind);
        let (mut acquired, mut waits): (Vec<_>, Vec<_>) = service.into_iter().unzip();
        acquired.sort_unstable();
        waits.sort_unstable();
        let acquired = [0, WORKERS / 2, WORKERS - 1].map(|at| acquired[at].to_string());
        let waits = [WORKERS / 2, WORKERS - 1].map(|at| format!("{:.2}", waits[at] as f64 / 1e6));
        let order = (0..REPETITIONS).map(|_| Fixture::new(what).queued(kind)).sum::<f64>()
            / REPETITIONS as f64;
        let names = [format!("{what:?}"), kind.to_string()];
        let order = format!("{:.1} %", order * 100.0);
        table.add_row(names.into_iter().chain(acquired).chain(waits).chain([order]));
    }
    println!("{table}");
}

impl Fixture {
    fn new(what: Primitive) -> Self {
        let memory = "a page of shared memory";
        Fixture {
            what,
            lock: Shared::new(Lock::new(0)).expect(memory),
            condition: Shared::new(Condition::new()).expect(memory),
            semaphore: Shared::new(Semaphore::new(0)).expect(memory),
            robust: Shared::new(RobustSemaphore::new(0)).expect(memory),
            queue: Queue::bounded(WORKERS).expect(memory),
            events: Shared::new(std::array::from_fn::<_, 2, _>(|_| Event::new())).expect(memory),
            starts: Shared::new(std::array::from_fn::<_, WORKERS, _>(|_| Event::new()))
                .expect(memory),
            counts: SharedArray::zeroed(THREADS + WORKERS).expect(memory),
        }
    }

    fn start<R>(&self, kind: Kind, body: fn((Fixture, usize)) -> R) -> Workers<R>
    where
        R: Serialize + serde::de::DeserializeOwned + Send + 'static,
    {
        start(kind, body, (0..WORKERS).map(|worker| (self.clone(), worker)))
    }

    fn add(&self, index: usize, more: u64) -> u64 {
        self.counts.fetch_add(index, more).expect("it is there")
    }

    fn get(&self, index: usize) -> u64 {
        self.counts.get(index).expect("it is there")
    }

    fn set(&self, index: usize, value: u64) {
        self.counts.set(index, value).expect("it is there");
    }

    fn until(&self, index: usize, count: usize) {
        while self.get(index) < count as u64 {
            yield_now();
        }
    }

    fn contended(&self, kind: Kind) -> Vec<Service> {
        let workers = self.start(kind, |(fixture, _)| fixture.acquire_repeatedly());
        self.until(ARRIVED, WORKERS);
        self.starts[0].set();
        let end = Instant::now() + SPAN;
        match self.what {
            Primitive::Lock | Primitive::Std | Primitive::ParkingLot => sleep(SPAN),
            Primitive::Semaphore => {
                self.semaphore.release(1).expect("far from full");
                sleep(SPAN);
            }
            Primitive::Robust => {
                self.robust.release(1).expect("there is room");
                sleep(SPAN);
            }
            Primitive::Queue => {
                (0..).take_while(|_| Instant::now() < end).for_each(|value| {
                    self.queue.put(value).expect("it is not closed yet");
                });
                self.queue.close();
            }
            Primitive::Condition => {
                while Instant::now() < end {
                    self.release_one();
                }
                self.set(OVER, 1);
                *self.lock.lock().expect("no owner dies here") = WORKERS as u64;
                self.condition.notify_all();
            }
            Primitive::Event => {
                for round in 0.. {
                    self.until(ARRIVED, WORKERS * (round + 2));
                    // The last workers are about to sleep.
                    sleep(Duration::from_millis(1));
                    self.set(OVER, (Instant::now() >= end).into());
                    let event = &self.events[round % 2];
                    self.set(SET, now());
                    event.set();
                    self.until(GONE, WORKERS * (round + 1));
                    event.clear();
                    if self.get(OVER) > 0 {
                        break;
                    }
                }
            }
        }
        self.set(OVER, 1);
        workers.join(TIMEOUT)
    }

    fn acquire_repeatedly(&self) -> Service {
        let mut service = (0, 0);
        self.add(ARRIVED, 1);
        self.starts[0].wait();
        loop {
            let since = now();
            match self.what {
                Primitive::Lock => {
                    let guard = self.lock.lock().expect("no owner dies here");
                    count(&mut service, since);
                    work();
                    drop(guard);
                }
                Primitive::Std => {
                    let guard = STD.lock().expect("nobody panics here");
                    count(&mut service, since);
                    work();
                    drop(guard);
                }
                Primitive::ParkingLot => {
                    let guard = PARKING_LOT.lock();
                    count(&mut service, since);
                    work();
                    drop(guard);
                }
                Primitive::Semaphore => {
                    let permit = self.semaphore.acquire();
                    count(&mut service, since);
                    work();
                    drop(permit);
                }
                Primitive::Robust => {
                    let permit = self.robust.acquire();
                    count(&mut service, since);
                    work();
                    drop(permit);
                }
                Primitive::Queue => {
                    let got = self.queue.get();
                    count(&mut service, since);
                    if got.is_err() {
                        // It waited for a message, but got none.
                        return (service.0 - 1, service.1);
                    }
                    work();
                }
                Primitive::Condition => {
                    self.wait_for_release();
                    count(&mut service, since);
                    work();
                }
                Primitive::Event => {
                    self.add(ARRIVED, 1);
                    self.events[(service.0 % 2) as usize].wait();
                    count(&mut service, self.get(SET));
                    self.add(GONE, 1);
                }
            }
            if self.get(OVER) > 0 {
                return service;
            }
        }
    }

    /// The part of all pairs that went on in the order of arrival.
    fn queued(&self, kind: Kind) -> f64 {
        let workers = self.start(kind, |(fixture, worker)| fixture.wait_in_queue(worker));
        let ours = match self.what {
            // The workers must sleep on the condition, not on the lock.
            Primitive::Condition => None,
            _ => Some(self.lock.lock().expect("no owner dies here")),
        };
        let guards = (ours, STD.lock(), PARKING_LOT.lock());
        for worker in 0..WORKERS {
            self.starts[worker].set();
            self.until(ARRIVED, worker + 1);
            let thread = self.get(THREADS + worker);
            while !is_asleep(thread) {
                yield_now();
            }
        }
        drop(guards);
        self.events[0].set();
        for worker in 0..WORKERS {
            match self.what {
                Primitive::Semaphore => self.semaphore.release(1).expect("far from full"),
                Primitive::Robust => self.robust.release(1).expect("there is room"),
                Primitive::Queue => self.queue.put(0).expect("it is not closed"),
                Primitive::Condition => self.release_one(),
                _ => {}
            }
            self.until(GONE, worker + 1);
        }
        let positions = workers.join(TIMEOUT);
        let pairs = (0..WORKERS).flat_map(|i| (i + 1..WORKERS).map(move |j| (i, j)));
        let in_order = pairs.clone().filter(|&(i, j)| positions[i] < positions[j]).count();
        in_order as f64 / pairs.count() as f64
    }

    /// Returns the position in which this worker went on.
    fn wait_in_queue(&self, worker: usize) -> u64 {
        self.set(THREADS + worker, gettid().as_raw_nonzero().get() as u64);
        self.starts[worker].wait();
        self.add(ARRIVED, 1);
        let gone = || self.add(GONE, 1);
        match self.what {
            Primitive::Lock => {
                let _guard = self.lock.lock().expect("no owner dies here");
                return gone();
            }
            Primitive::Std => {
                let _guard = STD.lock().expect("nobody panics here");
                return gone();
            }
            Primitive::ParkingLot => {
                let _guard = PARKING_LOT.lock();
                return gone();
            }
            Primitive::Semaphore => self.semaphore.acquire().forget(),
            Primitive::Robust => self.robust.acquire().forget(),
            Primitive::Queue => drop(self.queue.get().expect("it is not closed")),
            Primitive::Event => self.events[0].wait(),
            Primitive::Condition => self.wait_for_release(),
        }
        gone()
    }

    fn release_one(&self) {
        *self.lock.lock().expect("no owner dies here") += 1;
        self.condition.notify_one();
    }

    fn wait_for_release(&self) {
        let guard = self.lock.lock().expect("no owner dies here");
        let guard = self.condition.wait_while(guard, |many| *many == 0);
        *guard.expect("no owner dies here") -= 1;
    }
}

/// Counts an acquisition, which was waited for since then.
fn count(service: &mut Service, since: u64) {
    *service = (service.0 + 1, service.1.max(now() - since));
}

/// The time in nanoseconds, by a clock that all processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Takes some microseconds.
fn work() {
    (0..100).for_each(|_| spin_loop());
}

/// Whether the thread with that id sleeps in a futex call.
fn is_asleep(thread: u64) -> bool {
    let call = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    call.split(' ').next().is_some_and(|number| number == libc::SYS_futex.to_string())
}
