//! Messages of 64 bytes from one producer to one consumer, in a queue of 1024.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Process, Queue};
use serde_bytes::ByteArray;

use crate::{Implementation, Workload};

type Message = ByteArray<64>;

const CAPACITY: usize = 1024;
const MESSAGE: Message = ByteArray::new([7; 64]);

/// Ours between processes; the others have to be in one.
pub(crate) fn one_to_one() -> Workload {
    Workload {
        name: "queue, 64 bytes, 1 to 1",
        implementations: vec![
            Implementation::timed("multiproc, processes", between_processes),
            Implementation::timed("multiproc, threads", between_threads),
            Implementation::timed("crossbeam-channel, threads", crossbeam).goal(2.0),
            Implementation::timed("std mpsc, threads", std_mpsc),
        ],
    }
}

fn produce((queue, times): (Queue<Message>, u64)) {
    for _ in 0..=times {
        queue.put(MESSAGE).expect("the consumer lives and does not close");
    }
}

/// Times `get`, from the second message on: with the first, the producer is there.
fn consume(times: u64, mut get: impl FnMut() -> Message) -> Duration {
    get();
    let start = Instant::now();
    for _ in 0..times {
        std::hint::black_box(get());
    }
    start.elapsed()
}

fn between_processes(times: u64) -> Duration {
    let queue = Queue::bounded(CAPACITY).expect("memory for a queue");
    let producer = Process::spawn(produce, (queue.clone(), times)).expect("a child");
    let took = consume(times, || queue.get().expect("a message"));
    producer.join().expect("it has put all");
    took
}

fn between_threads(times: u64) -> Duration {
    let queue = Queue::bounded(CAPACITY).expect("memory for a queue");
    thread::scope(|scope| {
        scope.spawn(|| produce((queue.clone(), times)));
        consume(times, || queue.get().expect("a message"))
    })
}

fn crossbeam(times: u64) -> Duration {
    let (sender, receiver) = crossbeam_channel::bounded(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || (0..=times).for_each(|_| sender.send(MESSAGE).expect("a receiver")));
        consume(times, || receiver.recv().expect("a message"))
    })
}

fn std_mpsc(times: u64) -> Duration {
    let (sender, receiver) = std::sync::mpsc::sync_channel(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || (0..=times).for_each(|_| sender.send(MESSAGE).expect("a receiver")));
        consume(times, || receiver.recv().expect("a message"))
    })
}
