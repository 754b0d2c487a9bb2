//! The queue between processes that are killed.
#![cfg(not(loom))]

use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::{GetError, Process, PutError, Queue, SharedArray};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(120);

/// More messages than a storm puts.
const IDS: usize = 1 << 25;

/// A message: its number, and bytes that follow from it.
type Message = (u32, Vec<u8>);

/// The queue, how often each number was taken, and `next` and `torn`.
type Scene = (Queue<Message>, SharedArray<u8>, SharedArray<u32>);

const NEXT: usize = 0;
const TAKEN: usize = 1;
const TORN: usize = 2;

fn message(id: u32) -> Message {
    let bytes = id.wrapping_mul(2_654_435_761).to_le_bytes();
    (id, bytes.iter().copied().cycle().take(id as usize % 50).collect())
}

/// Puts one number after the other until the queue is closed, or it is killed.
fn produce((queue, _, counts): Scene) {
    loop {
        let id = counts.fetch_add(NEXT, 1).unwrap();
        assert!((id as usize) < IDS, "the storm is longer than its numbers");
        match queue.put(message(id)) {
            Ok(()) => {}
            Err(PutError::Closed(_)) => return,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Takes until the queue is closed and empty, or it is killed.
fn consume((queue, seen, counts): Scene) {
    loop {
        match queue.get() {
            Ok(taken) => {
                let id = taken.0;
                if (id as usize) < IDS && taken == message(id) {
                    seen.fetch_add(id as usize, 1).unwrap();
                } else {
                    counts.fetch_add(TORN, 1).unwrap();
                }
                counts.fetch_add(TAKEN, 1).unwrap();
            }
            Err(GetError::Closed) => return,
            Err(other) => panic!("{other}"),
        }
    }
}

fn start(scene: &Scene, worker: usize) -> Process<()> {
    let run = if worker.is_multiple_of(2) { produce } else { consume };
    Process::spawn(run, scene.clone()).unwrap()
}

/// Random kills among two producers and two consumers who never stop; `MULTIPROC_SEED` replays
/// one, `MULTIPROC_KILLS` says how many. Nothing is doubled or torn, nobody hangs, and each kill
/// costs at most the one message that the victim had in hand.
fn storm(rng: &mut StdRng, kills: u64, messages: usize, bytes: usize) {
    let scene: Scene = (
        Queue::with_bytes(messages, bytes).unwrap(),
        SharedArray::zeroed(IDS).unwrap(),
        SharedArray::zeroed(3).unwrap(),
    );
    let (queue, seen, counts) = &scene;
    let mut workers: Vec<_> = (0..4).map(|worker| start(&scene, worker)).collect();
    for kill in 0..kills {
        // Until some more were taken: whoever keeps the others from it is found here.
        let goal = counts.get(TAKEN).unwrap() + rng.random_range(0..60);
        let deadline = Instant::now() + EVER;
        while counts.get(TAKEN).unwrap() < goal {
            assert!(Instant::now() < deadline, "hung after {kill} kills: {queue:?}");
            yield_now();
        }
        let victim = rng.random_range(0..workers.len());
        workers[victim].kill().unwrap();
        workers[victim].join().unwrap_err();
        workers[victim] = start(&scene, victim);
    }
    queue.close();
    for worker in &workers {
        let ended = worker.join_for(EVER);
        ended.unwrap_or_else(|| panic!("hung at the end: {queue:?}")).unwrap();
    }
    assert!(queue.is_empty());
    assert_eq!(counts.get(TORN), Ok(0));
    assert!(seen.iter().all(|times| times <= 1), "a message was taken twice");
    // Two producers had a number in hand when the queue was closed.
    let lost = seen.iter().take(counts.get(NEXT).unwrap() as usize).filter(|&t| t == 0).count();
    println!("{kills} kills, {} messages, {lost} lost", counts.get(TAKEN).unwrap());
    assert!(lost as u64 <= kills + 2, "{lost} messages are lost");
}

#[test]
fn a_storm_of_kills_leaves_the_queue_whole() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    println!("MULTIPROC_SEED={seed} replays this storm");
    let mut rng = StdRng::seed_from_u64(seed);
    let kills = number("MULTIPROC_KILLS").unwrap_or(2_000);
    // Short of messages, short of bytes, and short of neither.
    for (share, messages, bytes) in [(45, 1, 64), (45, 8, 96), (10, 256, 1 << 14)] {
        storm(&mut rng, kills * share / 100, messages, bytes);
    }
}
