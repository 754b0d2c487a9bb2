//! A process that scribbles over all that another works on, while that works on it.

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

/// How long the honest wait for anything.
const SHORT: Duration = Duration::from_micros(100);

/// Scribbles over one and the same memory.
const ROUND: u64 = 500;

/// How often the peer looks whether the honest got on, before it goes on itself.
const PATIENCE: u32 = 200;

/// What points when it is decoded.
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

/// All of it is scribbled over.
type Scene = (Queue<Message>, SharedArray<u32>, Shared<Words>);

/// How the two keep step: that it is over, and how much the honest have done. It is spared.
type Step = Shared<(Event, Semaphore)>;

/// How often something went how.
type Tally = BTreeMap<String, u64>;

fn scene() -> Scene {
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

/// Scribbles `count` times, a few at a time, and lets the honest work in between.
fn scribble((scene, step, seed, count): (Scene, Step, u64, u64)) {
    let mut rng = StdRng::seed_from_u64(seed);
    let memories = Memory::all_but(&*step);
    assert_eq!(memories.len(), 3, "a queue, an array and the rest");
    let (mut left, mut seen) = (count, 0);
    while left > 0 {
        let burst = rng.random_range(1..=8).min(left);
        let memory = memories.choose(&mut rng).unwrap();
        (0..burst).for_each(|_| memory.scribble(&mut rng));
        left -= burst;
        for _ in 0..PATIENCE {
            if step.1.value() != seen {
                break;
            }
            thread::yield_now();
        }
        seen = step.1.value();
        // What is broken for good would not be used any more.
        if rng.random_bool(0.2) {
            memories.choose(&mut rng).unwrap().restore();
        }
    }
    memories.iter().for_each(Memory::restore);
    step.0.set();
    drop(scene);
}

/// Works on the scene with two threads until it is over; says how each piece of work went.
fn work((scene, step, seed): (Scene, Step, u64)) -> Tally {
    thread::scope(|scope| {
        let (scene, step) = (&scene, &step);
        let workers = [0, 1].map(|n| {
            let mut rng = StdRng::seed_from_u64(seed + n);
            scope.spawn(move || {
                let mut tally = Tally::new();
                while !step.0.is_set() {
                    let (what, how) = one(scene, &mut rng);
                    *tally.entry(format!("{what}: {how}")).or_default() += 1;
                    step.1.release(1).unwrap();
                }
                tally
            })
        });
        let mut all = Tally::new();
        workers.into_iter().for_each(|worker| merge(&mut all, worker.join().unwrap()));
        all
    })
}

fn merge(into: &mut Tally, from: Tally) {
    from.into_iter().for_each(|(what, times)| *into.entry(what).or_default() += times);
}

/// One piece of work, and how it went.
fn one((queue, array, words): &Scene, rng: &mut StdRng) -> (&'static str, String) {
    let index = rng.random_range(0..64);
    match rng.random_range(0..16) {
        0..3 => ("queue.put", how(&queue.put_for(message(rng), SHORT))),
        3..6 => ("queue.get", how(&queue.get_for(SHORT).map(|message| touch(&message)))),
        6 => {
            assert!(queue.len() <= queue.capacity());
            std::hint::black_box((queue.unfinished(), queue.is_closed()));
            ("queue.join", done(queue.task_done().is_ok() | queue.join_for(SHORT)))
        }
        7 => {
            let all = (array.get(index), array.swap(index, 1), array.set(index, 2));
            assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
            ("array.fetch_add", how(&array.fetch_add(index, 3)))
        }
        8 => {
            assert_eq!(array.to_vec().len(), 64);
            let exchanged = array.compare_exchange(index, 2, 9).map(|outcome| outcome.is_ok());
            ("array.exchange", how(&exchanged))
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
            // Not more than would be used up again.
            let full = words.semaphore.value() > 3;
            ("semaphore.release", if full { done(false) } else { how(&words.semaphore.release(1)) })
        }
    }
}

/// Reads all that was decoded.
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

/// `ok`, or the error's name.
fn how<T, E: std::fmt::Debug>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{error:?}").split(['(', ' ']).next().unwrap_or_default().into(),
    }
}

/// `MULTIPROC_SEED` replays one (as far as two processes side by side can be), and
/// `MULTIPROC_SCRIBBLES` says how many.
#[test]
fn whatever_a_peer_writes_the_honest_neither_crash_nor_hang() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    println!("MULTIPROC_SEED={seed} replays this storm");
    let mut rng = StdRng::seed_from_u64(seed);
    let scribbles = number("MULTIPROC_SCRIBBLES").unwrap_or(5_000);
    let (mut left, mut rounds, mut tally) = (scribbles, 0, Tally::new());
    while left > 0 {
        let count = left.min(ROUND);
        let (scene, step) = (scene(), Shared::new((Event::new(), Semaphore::new(0))).unwrap());
        let plan = (scene.clone(), step.clone(), rng.next_u64(), count);
        let peer = start(scribble, plan);
        let honest = start(work, (scene, step, u64::from(rng.next_u32())));
        ended(&peer).unwrap();
        match ended(&honest) {
            Ok(more) => merge(&mut tally, more),
            // It came when the memory was scribbled over already, and saw that.
            Err(ProcessError::Argument(_)) => {
                *tally.entry("attach: refused".into()).or_default() += 1
            }
            Err(error) => panic!("round {rounds}: {error}"),
        }
        (left, rounds) = (left - count, rounds + 1);
    }
    println!(
        "{scribbles} scribbles in {rounds} rounds; of {} pieces of work:",
        tally.values().sum::<u64>()
    );
    tally.iter().for_each(|(what, times)| println!("{times:>9} {what}"));
    assert!(tally.iter().any(|(what, &times)| what.ends_with(": ok") && times > 0));
}
