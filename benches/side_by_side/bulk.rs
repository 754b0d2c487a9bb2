//! Large messages from one producer to one consumer, which keeps what it gets until the next.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Process, Queue};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Implementation, Workload};

/// Bytes of a message.
const SIZE: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Frame {
    number: u64,
    source: Option<String>,
    pixels: Vec<u8>,
}

/// Ours between processes; a socket costs the same between threads.
pub(crate) fn one_to_one() -> Workload {
    let stream = |name| Implementation::timed(name, unix_stream);
    Workload {
        name: "queue, 1 MiB, 1 to 1",
        implementations: vec![
            Implementation::timed("multiproc, Vec<u8>", between_processes::<Vec<u8>>),
            Implementation::timed("multiproc, Vec<f32>", between_processes::<Vec<f32>>),
            Implementation::timed("multiproc, struct with a Vec<u8>", between_processes::<Frame>),
            stream("Unix stream, bytes").goal(0.5),
        ],
    }
}

trait Message: Serialize + DeserializeOwned + Send + 'static {
    fn large() -> Self;
}

impl Message for Vec<u8> {
    fn large() -> Self {
        vec![7; SIZE]
    }
}

impl Message for Vec<f32> {
    fn large() -> Self {
        vec![0.5; SIZE / size_of::<f32>()]
    }
}

impl Message for Frame {
    fn large() -> Self {
        Frame { number: 7, source: Some("camera".into()), pixels: Message::large() }
    }
}

fn produce<T: Message>((queue, times): (Queue<T>, u64)) {
    let message = T::large();
    for _ in 0..=times {
        queue.put_ref(&message).expect("the consumer lives and does not close");
    }
}

fn between_processes<T: Message>(times: u64) -> Duration {
    let queue = Queue::<T>::with_bytes(4, 4 * SIZE).expect("memory for a queue");
    let producer = Process::spawn(produce::<T>, (queue.clone(), times)).expect("a child");
    let took = consume(times, || queue.get().expect("a message"));
    producer.join().expect("it has put all");
    took
}

fn unix_stream(times: u64) -> Duration {
    let (mut from, mut to) = UnixStream::pair().expect("two descriptors");
    thread::scope(|scope| {
        scope.spawn(move || {
            let message = vec![7; SIZE];
            (0..=times).for_each(|_| to.write_all(&message).expect("a receiver"));
        });
        let mut message = vec![0; SIZE];
        consume(times, || from.read_exact(&mut message).expect("a message"))
    })
}

/// Times `get`, from the second message on: with the first, the producer is there.
fn consume<T>(times: u64, mut get: impl FnMut() -> T) -> Duration {
    let mut last = get();
    let start = Instant::now();
    for _ in 0..times {
        last = std::hint::black_box(get());
    }
    let took = start.elapsed();
    drop(last);
    took
}
