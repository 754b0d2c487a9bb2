//! What is measured.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::Pool;
use serde_bytes::ByteBuf;

use crate::Row;

pub(crate) const ALL: &[Row] = &[
    Row { name: "apply, back to back", unit: "µs", goal: 1.5, processors: 0, measure: apply },
    Row { name: "apply, on one processor", unit: "µs", goal: 6.0, processors: 1, measure: apply },
    Row { name: "apply, one a millisecond", unit: "µs", goal: 60.0, processors: 0, measure: rare },
    Row {
        name: "64 in flight, one thread",
        unit: "ns a task",
        goal: 300.0,
        processors: 0,
        measure: in_flight,
    },
    Row {
        name: "64 in flight, four threads",
        unit: "ns a task",
        goal: 300.0,
        processors: 0,
        measure: in_flight_of_four,
    },
    Row { name: "map of 100,000", unit: "ns an item", goal: 10.0, processors: 0, measure: map },
    Row { name: "10 KiB there and back", unit: "µs", goal: 6.0, processors: 0, measure: ten_kib },
    Row {
        name: "200 tasks of 1 ms on 2 workers",
        unit: "times ideal",
        goal: 1.01,
        processors: 0,
        measure: even,
    },
    Row {
        name: "256 MiB there and back",
        unit: "times two copies",
        goal: 2.5,
        processors: 0,
        measure: much,
    },
    Row {
        name: "memory after 1,000,000 tasks",
        unit: "MiB more",
        goal: 1.0,
        processors: 0,
        measure: memory,
    },
];

fn square(n: u64) -> u64 {
    n.wrapping_mul(n)
}

fn pool() -> Pool {
    let pool = Pool::new(2).expect("two workers");
    // Until both are there.
    let warm = |()| thread::sleep(Duration::from_millis(20));
    let warm: Vec<_> = (0..4).map(|_| pool.apply_async(warm, ()).expect("it is open")).collect();
    warm.iter().for_each(|task| task.get().expect("it is done"));
    pool
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn nanos(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

fn apply() -> f64 {
    let pool = pool();
    let once = || (0..1000).for_each(|n| _ = black_box(pool.apply(square, n).expect("a square")));
    once();
    let round = |_| {
        let start = Instant::now();
        once();
        nanos(start) / 1000.0 / 1e3
    };
    median((0..31).map(round).collect())
}

fn rare() -> f64 {
    let pool = pool();
    let round = |n| {
        thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        black_box(pool.apply(square, n).expect("a square"));
        nanos(start) / 1e3
    };
    median((0..1000).map(round).collect())
}

/// So many tasks of which 64 are under way.
fn fly(pool: &Pool, tasks: u64) {
    let give = |n| pool.apply_async(square, n).expect("it is open");
    let mut flying: std::collections::VecDeque<_> = (0..64).map(give).collect();
    for n in 64..tasks {
        let first = flying.pop_front().expect("64 are under way");
        black_box(first.get().expect("a square"));
        flying.push_back(give(n));
    }
    flying.iter().for_each(|task| _ = black_box(task.get().expect("a square")));
}

fn in_flight() -> f64 {
    let pool = pool();
    let round = |_| {
        let start = Instant::now();
        fly(&pool, 20_000);
        nanos(start) / 20_000.0
    };
    median((0..21).map(round).collect())
}

fn in_flight_of_four() -> f64 {
    let pool = Arc::new(pool());
    let round = |_| {
        let start = Instant::now();
        thread::scope(|scope| {
            (0..4).for_each(|_| _ = scope.spawn(|| fly(&pool, 10_000)));
        });
        nanos(start) / 40_000.0
    };
    median((0..21).map(round).collect())
}

fn map() -> f64 {
    let pool = pool();
    let round = |_| {
        let start = Instant::now();
        assert_eq!(black_box(pool.map(square, 0..100_000)).expect("squares").len(), 100_000);
        nanos(start) / 100_000.0
    };
    median((0..51).map(round).collect())
}

fn echo(bytes: ByteBuf) -> ByteBuf {
    bytes
}

fn ten_kib() -> f64 {
    let pool = pool();
    let argument = ByteBuf::from(vec![7; 10 << 10]);
    let round = |_| {
        let start = Instant::now();
        for _ in 0..500 {
            black_box(pool.apply(echo, argument.clone()).expect("the same"));
        }
        nanos(start) / 500.0 / 1e3
    };
    median((0..31).map(round).collect())
}

fn even() -> f64 {
    let pool = pool();
    let busy = |()| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
    };
    let round = |_| {
        let start = Instant::now();
        let tasks: Vec<_> = (0..200).map(|_| pool.apply_async(busy, ()).expect("open")).collect();
        tasks.iter().for_each(|task| task.get().expect("done"));
        nanos(start) / 100e6
    };
    median((0..11).map(round).collect())
}

fn much() -> f64 {
    const LEN: usize = 256 << 20;
    let pool = pool();
    let round = |_| {
        let argument = ByteBuf::from(vec![7; LEN]);
        let start = Instant::now();
        let copies = [argument.clone(), argument.clone()];
        let two_copies = nanos(start);
        drop(black_box(copies));
        let start = Instant::now();
        let result = pool.apply(echo, argument).expect("the same");
        let took = nanos(start);
        assert_eq!(result.len(), LEN);
        took / two_copies
    };
    median((0..5).map(round).collect())
}

fn memory() -> f64 {
    fn resident() -> f64 {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc is there");
        let pages: f64 = statm.split(' ').nth(1).expect("it has it").parse().expect("a number");
        pages * 4096.0 / f64::from(1 << 20)
    }
    let pool = pool();
    fly(&pool, 100_000);
    let before = resident();
    fly(&pool, 1_000_000);
    resident() - before
}
