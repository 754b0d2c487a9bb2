//! Who of many gets it, and how long the unluckiest waits: `cargo bench -- fairness`.
//!
//! Two questions, of 64 threads and of 64 processes:
//!
//! * *In a crowd*, each comes back at once for more, for two seconds. How often does each get it,
//!   and what is the longest that each has to wait: the one in the middle, and the unluckiest?
//!   (Whoever gets it keeps it for some microseconds. Of the queue, they get what one puts as fast
//!   as it can, and so it is with the condition, whose lock then has one more. Of the event, it is
//!   the time from a `set` until each goes on.)
//! * *In a row*, they come one after another, each asleep before the next; then as many are let go,
//!   one by one (by the event, all at once). How many pairs of them are in the order in which they
//!   came? The wait is far shorter than the 100 ms after which a sleeper looks up, and lines up again.

use std::fs;
use std::hint::spin_loop;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};
use multiproc::{Condition, Event, Lock, Queue, RobustSemaphore, Semaphore, Shared, SharedArray};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::crew::{Crew, Kind};

const MEMBERS: usize = 64;
const SPAN: Duration = Duration::from_secs(2);
const ROWS: usize = 5;

/// What they wait for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum For {
    Lock,
    Semaphore,
    Robust,
    Queue,
    Event,
    Condition,
    /// Those of threads alone, to compare with.
    Std,
    ParkingLot,
}

static STD: std::sync::Mutex<()> = std::sync::Mutex::new(());
static PARKING_LOT: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

/// What stands in the counts; then comes each member's thread.
const ARRIVED: usize = 0;
const GONE: usize = 1;
const OVER: usize = 2;
/// When the event was set last.
const SET: usize = 3;
const THREADS: usize = 4;

/// What all of them have.
#[derive(Clone, Serialize, Deserialize)]
struct Place {
    what: For,
    /// Around what the condition is about: how many may go.
    lock: Shared<Lock<u64>>,
    condition: Shared<Condition>,
    semaphore: Shared<Semaphore>,
    robust: Shared<RobustSemaphore<1>>,
    queue: Queue<u64>,
    /// For the rounds in turn, so that nobody goes twice.
    events: Shared<[Event; 2]>,
    starts: Shared<[Event; MEMBERS]>,
    counts: SharedArray<u64>,
}

/// How often one got it, and the longest that it waited, in nanoseconds.
type Luck = (u64, u64);

pub(crate) fn play() {
    let mut table = Table::new();
    table.set_header([
        "fairness",
        "among 64",
        "turns: fewest",
        "middle",
        "most",
        "longest wait, ms: middle",
        "unluckiest",
        "pairs in order",
    ]);
    (2..8).for_each(|i| {
        table.column_mut(i).expect("set above").set_cell_alignment(CellAlignment::Right);
    });
    let ours = [For::Lock, For::Semaphore, For::Robust, For::Queue, For::Event, For::Condition];
    let kinds = [Kind::Threads, Kind::Processes];
    let of_ours = ours.iter().flat_map(|&what| kinds.map(|kind| (what, kind)));
    let of_others = [For::Std, For::ParkingLot].map(|what| (what, Kind::Threads));
    for (what, kind) in of_ours.chain(of_others) {
        eprintln!("fairness, {what:?}, {kind} …");
        let luck = Place::new(what).crowd(kind);
        let (mut turns, mut waits): (Vec<_>, Vec<_>) = luck.into_iter().unzip();
        turns.sort_unstable();
        waits.sort_unstable();
        let turns = [0, MEMBERS / 2, MEMBERS - 1].map(|at| turns[at].to_string());
        let waits = [MEMBERS / 2, MEMBERS - 1].map(|at| format!("{:.2}", waits[at] as f64 / 1e6));
        let order = (0..ROWS).map(|_| Place::new(what).row(kind)).sum::<f64>() / ROWS as f64;
        let names = [format!("{what:?}"), kind.to_string()];
        let order = format!("{:.1} %", order * 100.0);
        table.add_row(names.into_iter().chain(turns).chain(waits).chain([order]));
    }
    println!("{table}");
}

impl Place {
    fn new(what: For) -> Self {
        let memory = "a page of shared memory";
        Place {
            what,
            lock: Shared::new(Lock::new(0)).expect(memory),
            condition: Shared::new(Condition::new()).expect(memory),
            semaphore: Shared::new(Semaphore::new(0)).expect(memory),
            robust: Shared::new(RobustSemaphore::new(0)).expect(memory),
            queue: Queue::bounded(MEMBERS).expect(memory),
            events: Shared::new(std::array::from_fn::<_, 2, _>(|_| Event::new())).expect(memory),
            starts: Shared::new(std::array::from_fn::<_, MEMBERS, _>(|_| Event::new()))
                .expect(memory),
            counts: SharedArray::zeroed(THREADS + MEMBERS).expect(memory),
        }
    }

    fn start<R>(&self, kind: Kind, body: fn((Place, usize)) -> R) -> Crew<R>
    where
        R: Serialize + serde::de::DeserializeOwned + Send + 'static,
    {
        Crew::start(kind, body, (0..MEMBERS).map(|member| (self.clone(), member)))
    }

    fn add(&self, place: usize, more: u64) -> u64 {
        self.counts.fetch_add(place, more).expect("it is there")
    }

    fn get(&self, place: usize) -> u64 {
        self.counts.get(place).expect("it is there")
    }

    fn set(&self, place: usize, value: u64) {
        self.counts.set(place, value).expect("it is there");
    }

    fn until(&self, place: usize, count: usize) {
        while self.get(place) < count as u64 {
            yield_now();
        }
    }

    fn crowd(&self, kind: Kind) -> Vec<Luck> {
        let crew = self.start(kind, |(place, _)| place.in_the_crowd());
        self.until(ARRIVED, MEMBERS);
        self.starts[0].set();
        let end = Instant::now() + SPAN;
        match self.what {
            For::Lock | For::Std | For::ParkingLot => sleep(SPAN),
            For::Semaphore => {
                self.semaphore.release(1).expect("far from full");
                sleep(SPAN);
            }
            For::Robust => {
                self.robust.release(1).expect("there is room");
                sleep(SPAN);
            }
            For::Queue => {
                (0..).take_while(|_| Instant::now() < end).for_each(|value| {
                    self.queue.put(value).expect("it is not closed yet");
                });
                self.queue.close();
            }
            For::Condition => {
                while Instant::now() < end {
                    self.let_one_go();
                }
                self.set(OVER, 1);
                *self.lock.lock().expect("nobody dies here") = MEMBERS as u64;
                self.condition.notify_all();
            }
            For::Event => {
                for round in 0.. {
                    self.until(ARRIVED, MEMBERS * (round + 2));
                    // The last of them are on their way to sleep.
                    sleep(Duration::from_millis(1));
                    self.set(OVER, (Instant::now() >= end).into());
                    let event = &self.events[round % 2];
                    self.set(SET, now());
                    event.set();
                    self.until(GONE, MEMBERS * (round + 1));
                    event.clear();
                    if self.get(OVER) > 0 {
                        break;
                    }
                }
            }
        }
        self.set(OVER, 1);
        crew.join()
    }

    fn in_the_crowd(&self) -> Luck {
        let mut luck = (0, 0);
        self.add(ARRIVED, 1);
        self.starts[0].wait();
        loop {
            let since = now();
            match self.what {
                For::Lock => {
                    let guard = self.lock.lock().expect("nobody dies here");
                    note(&mut luck, since);
                    work();
                    drop(guard);
                }
                For::Std => {
                    let guard = STD.lock().expect("nobody panics here");
                    note(&mut luck, since);
                    work();
                    drop(guard);
                }
                For::ParkingLot => {
                    let guard = PARKING_LOT.lock();
                    note(&mut luck, since);
                    work();
                    drop(guard);
                }
                For::Semaphore => {
                    let permit = self.semaphore.acquire();
                    note(&mut luck, since);
                    work();
                    drop(permit);
                }
                For::Robust => {
                    let permit = self.robust.acquire();
                    note(&mut luck, since);
                    work();
                    drop(permit);
                }
                For::Queue => {
                    let got = self.queue.get();
                    note(&mut luck, since);
                    if got.is_err() {
                        // What it did not get, it waited for all the same.
                        return (luck.0 - 1, luck.1);
                    }
                    work();
                }
                For::Condition => {
                    self.be_let_go();
                    note(&mut luck, since);
                    work();
                }
                For::Event => {
                    self.add(ARRIVED, 1);
                    self.events[(luck.0 % 2) as usize].wait();
                    note(&mut luck, self.get(SET));
                    self.add(GONE, 1);
                }
            }
            if self.get(OVER) > 0 {
                return luck;
            }
        }
    }

    /// The part of all pairs that went in the order in which they came.
    fn row(&self, kind: Kind) -> f64 {
        let crew = self.start(kind, |(place, member)| place.in_the_row(member));
        let ours = match self.what {
            // They are to sleep on the condition.
            For::Condition => None,
            _ => Some(self.lock.lock().expect("nobody dies here")),
        };
        let guards = (ours, STD.lock(), PARKING_LOT.lock());
        for member in 0..MEMBERS {
            self.starts[member].set();
            self.until(ARRIVED, member + 1);
            let thread = self.get(THREADS + member);
            while !is_asleep(thread) {
                yield_now();
            }
        }
        drop(guards);
        self.events[0].set();
        for member in 0..MEMBERS {
            match self.what {
                For::Semaphore => self.semaphore.release(1).expect("far from full"),
                For::Robust => self.robust.release(1).expect("there is room"),
                For::Queue => self.queue.put(0).expect("it is not closed"),
                For::Condition => self.let_one_go(),
                _ => {}
            }
            self.until(GONE, member + 1);
        }
        let places = crew.join();
        let pairs = (0..MEMBERS).flat_map(|i| (i + 1..MEMBERS).map(move |j| (i, j)));
        let in_order = pairs.clone().filter(|&(i, j)| places[i] < places[j]).count();
        in_order as f64 / pairs.count() as f64
    }

    /// Gives the place in which this one went.
    fn in_the_row(&self, member: usize) -> u64 {
        self.set(THREADS + member, gettid().as_raw_nonzero().get() as u64);
        self.starts[member].wait();
        self.add(ARRIVED, 1);
        let gone = || self.add(GONE, 1);
        match self.what {
            For::Lock => {
                let _guard = self.lock.lock().expect("nobody dies here");
                return gone();
            }
            For::Std => {
                let _guard = STD.lock().expect("nobody panics here");
                return gone();
            }
            For::ParkingLot => {
                let _guard = PARKING_LOT.lock();
                return gone();
            }
            For::Semaphore => self.semaphore.acquire().forget(),
            For::Robust => self.robust.acquire().forget(),
            For::Queue => drop(self.queue.get().expect("it is not closed")),
            For::Event => self.events[0].wait(),
            For::Condition => self.be_let_go(),
        }
        gone()
    }

    fn let_one_go(&self) {
        *self.lock.lock().expect("nobody dies here") += 1;
        self.condition.notify_one();
    }

    fn be_let_go(&self) {
        let guard = self.lock.lock().expect("nobody dies here");
        let guard = self.condition.wait_while(guard, |many| *many == 0);
        *guard.expect("nobody dies here") -= 1;
    }
}

/// One more turn, which was waited for since then.
fn note(luck: &mut Luck, since: u64) {
    *luck = (luck.0 + 1, luck.1.max(now() - since));
}

/// In nanoseconds, by a clock that all have.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Some microseconds.
fn work() {
    (0..100).for_each(|_| spin_loop());
}

/// Whether the thread of that number sleeps in a futex call.
fn is_asleep(thread: u64) -> bool {
    let call = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    call.split(' ').next().is_some_and(|number| number == libc::SYS_futex.to_string())
}
