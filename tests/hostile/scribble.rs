//! A peer that writes anything into the memory of a user's primitives, while the user uses them.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use multiproc::{
    Event, Lock, ProcessError, ProcessSafe, Queue, Semaphore, Shared, SharedArray, TryLockError,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::memory::Memory;
use crate::{ended, start};

/// The timeout of the user's operations.
const SHORT: Duration = Duration::from_micros(100);

/// The peer's writes in one round.
const PER_ROUND: u64 = 500;

/// How often the peer checks whether the user got on, before it goes on itself.
const POLLS: u32 = 200;

/// A message whose decoding makes pointers.
type Message = (String, Vec<u8>, Option<Box<Message2>>);

#[derive(Debug, Serialize, Deserialize)]
struct Message2(BTreeMap<u8, String>, char, bool);

#[derive(ProcessSafe)]
#[repr(C)]
struct Words {
    lock: Lock<[u64; 8]>,
    event: Event,
    semaphore: Semaphore,
}

/// What the peer writes to.
type Fixture = (Queue<Message>, SharedArray<u32>, Shared<Words>);

/// How the two synchronise: that the round is over, and how many operations the user has performed.
/// The peer does not write to it.
type Progress = Shared<(Event, Semaphore)>;

/// How often each operation had each result.
type Counts = BTreeMap<String, u64>;

fn fixture() -> Fixture {
    let words =
        Words { lock: Lock::new([0; 8]), event: Event::new(), semaphore: Semaphore::new(2) };
    (
        Queue::with_bytes(4, 256).unwrap(),
        SharedArray::zeroed(64).unwrap(),
        Shared::new(words).unwrap(),
    )
}

fn message(rng: &mut StdRng) -> Message {
    let text = "some text, ".repeat(rng.random_range(0..6));
    let more = rng.random_bool(0.3).then(|| {
        Box::new(Message2([(1, text.clone()), (2, "b".into())].into(), 'ö', rng.random()))
    });
    (text, vec![7; rng.random_range(0..40)], more)
}

/// Writes `count` times, a few at a time, and lets the user get on in between.
fn scribble((fixture, progress, seed, count): (Fixture, Progress, u64, u64)) {
    let mut rng = StdRng::seed_from_u64(seed);
    let memories = Memory::all_but(&*progress);
    assert_eq!(memories.len(), 3, "a queue, an array and the other primitives");
    let (mut left, mut seen) = (count, 0);
    while left > 0 {
        let burst = rng.random_range(1..=8).min(left);
        let memory = memories.choose(&mut rng).unwrap();
        (0..burst).for_each(|_| memory.scribble(&mut rng));
        left -= burst;
        for _ in 0..POLLS {
            if progress.1.value() != seen {
                break;
            }
            thread::yield_now();
        }
        seen = progress.1.value();
        // Otherwise all would be broken soon, and no operation would succeed any more.
        if rng.random_bool(0.2) {
            memories.choose(&mut rng).unwrap().restore();
        }
    }
    memories.iter().for_each(Memory::restore);
    progress.0.set();
    drop(fixture);
}

/// Uses the fixture by two threads until the round is over; returns the counts of the results.
fn work((fixture, progress, seed): (Fixture, Progress, u64)) -> Counts {
    thread::scope(|scope| {
        let (fixture, progress) = (&fixture, &progress);
        let workers = [0, 1].map(|n| {
            let mut rng = StdRng::seed_from_u64(seed + n);
            scope.spawn(move || {
                let mut counts = Counts::new();
                while !progress.0.is_set() {
                    let (what, result) = perform(fixture, &mut rng);
                    *counts.entry(format!("{what}: {result}")).or_default() += 1;
                    progress.1.release(1).unwrap();
                }
                counts
            })
        });
        let mut all = Counts::new();
        workers.into_iter().for_each(|worker| merge(&mut all, worker.join().unwrap()));
        all
    })
}

fn merge(into: &mut Counts, from: Counts) {
    from.into_iter().for_each(|(what, times)| *into.entry(what).or_default() += times);
}

/// Performs one operation; returns its name and its result.
fn perform((queue, array, words): &Fixture, rng: &mut StdRng) -> (&'static str, String) {
    let index = rng.random_range(0..64);
    match rng.random_range(0..16) {
        0..3 => ("queue.put", result(&queue.put_for(message(rng), SHORT))),
        3..6 => ("queue.get", result(&queue.get_for(SHORT).map(|message| touch(&message)))),
        6 => {
            assert!(queue.len() <= queue.capacity());
            std::hint::black_box((queue.unfinished(), queue.is_closed()));
            ("queue.join", done(queue.task_done().is_ok() | queue.join_for(SHORT)))
        }
        7 => {
            let all = (array.get(index), array.swap(index, 1), array.set(index, 2));
            assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
            ("array.fetch_add", result(&array.fetch_add(index, 3)))
        }
        8 => {
            assert_eq!(array.to_vec().len(), 64);
            let exchanged = array.compare_exchange(index, 2, 9).map(|outcome| outcome.is_ok());
            ("array.exchange", result(&exchanged))
        }
        9 => ("array.lock", locked(array.lock_for(SHORT), |_| array.clear_poison())),
        10..12 => {
            let change = |data: &mut [u64; 8]| {
                data[index % 8] = data[index % 8].wrapping_add(1);
                words.lock.clear_poison();
            };
            ("lock", locked(words.lock.lock_for(SHORT), change))
        }
        12 => {
            words.event.set();
            ("event.set", done(words.event.is_set()))
        }
        13 => {
            words.event.clear();
            ("event.wait", done(words.event.wait_for(SHORT)))
        }
        14 => ("semaphore.acquire", done(words.semaphore.acquire_for(SHORT).is_some())),
        _ => {
            // Not more than are acquired again.
            let full = words.semaphore.value() > 3;
            (
                "semaphore.release",
                if full { done(false) } else { result(&words.semaphore.release(1)) },
            )
        }
    }
}

/// Reads all of a decoded message.
fn touch((text, bytes, more): &Message) -> usize {
    let more = more.as_ref().map_or(0, |more| more.0.values().map(String::len).sum());
    text.chars().count() + bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>() + more
}

fn locked<T: std::ops::DerefMut>(
    lock: Result<T, TryLockError<T>>,
    change: impl FnOnce(&mut T::Target),
) -> String {
    match lock {
        Ok(mut guard) => {
            change(&mut guard);
            done(true)
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            change(&mut poisoned.into_inner());
            "Poisoned".into()
        }
        Err(TryLockError::WouldBlock) => done(false),
    }
}

fn done(done: bool) -> String {
    if done { "ok" } else { "not in time" }.into()
}

/// `ok`, or the name of the error's variant.
fn result<T, E: std::fmt::Debug>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{error:?}").split(['(', ' ']).next().unwrap_or_default().into(),
    }
}

/// `MULTIPROC_SEED` repeats the writes and operations (not how they interleave), and
/// `MULTIPROC_SCRIBBLES` is the number of writes.
#[test]
fn a_user_neither_crashes_nor_hangs_whatever_a_peer_writes() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    println!("MULTIPROC_SEED={seed} repeats these writes and operations");
    let mut rng = StdRng::seed_from_u64(seed);
    let scribbles = number("MULTIPROC_SCRIBBLES").unwrap_or(5_000);
    let (mut left, mut rounds, mut counts) = (scribbles, 0, Counts::new());
    while left > 0 {
        let count = left.min(PER_ROUND);
        let (fixture, progress) =
            (fixture(), Shared::new((Event::new(), Semaphore::new(0))).unwrap());
        let plan = (fixture.clone(), progress.clone(), rng.next_u64(), count);
        let peer = start(scribble, plan);
        let user = start(work, (fixture, progress, u64::from(rng.next_u32())));
        ended(&peer).unwrap();
        match ended(&user) {
            Ok(more) => merge(&mut counts, more),
            // The memory was overwritten before it was attached, which was refused.
            Err(ProcessError::Argument(_)) => {
                *counts.entry("attach: refused".into()).or_default() += 1
            }
            Err(error) => panic!("round {rounds}: {error}"),
        }
        (left, rounds) = (left - count, rounds + 1);
    }
    println!(
        "{scribbles} writes in {rounds} rounds; the results of {} operations:",
        counts.values().sum::<u64>()
    );
    counts.iter().for_each(|(what, times)| println!("{times:>9} {what}"));
    assert!(counts.iter().any(|(what, &times)| what.ends_with(": ok") && times > 0));
}
