//! Numbered messages through a queue: half of the workers put, the others get.

use multiproc::{GetError, PutError, Queue, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::SHORT;

/// More messages than a round puts.
const IDS: usize = 1 << 22;

/// A message: its number, and bytes that follow from it.
type Message = (u32, Vec<u8>);

const NEXT: usize = 0;
const REFUSED: usize = 1;

pub(crate) struct Messages {
    queue: Queue<Message>,
    /// How often each number was got.
    got: SharedArray<u8>,
    /// The next number, and how many were not put.
    counts: SharedArray<u32>,
}

fn message(id: u32) -> Message {
    let bytes = id.wrapping_mul(2_654_435_761).to_le_bytes();
    (id, bytes.iter().copied().cycle().take(id as usize % 50).collect())
}

impl Messages {
    pub(crate) fn new(round: u64) -> Self {
        // Short of messages, short of bytes, and short of neither.
        const SIZES: [(usize, usize); 4] = [(1, 64), (8, 96), (64, 4096), (256, 1 << 14)];
        let (messages, bytes) = SIZES[round as usize % SIZES.len()];
        Messages {
            queue: Queue::with_bytes(messages, bytes).unwrap(),
            got: SharedArray::zeroed(IDS).unwrap(),
            counts: SharedArray::zeroed(2).unwrap(),
        }
    }

    fn put(&self, rng: &mut StdRng) -> bool {
        let id = self.counts.fetch_add(NEXT, 1).unwrap();
        assert!((id as usize) < IDS, "the round is longer than its numbers");
        let put = match rng.random_range(0..8) {
            0 => self.queue.try_put(message(id)),
            1 => self.queue.put_for(message(id), SHORT),
            _ => self.queue.put(message(id)),
        };
        match put {
            Ok(()) => true,
            Err(PutError::Closed(back) | PutError::Full(back) | PutError::TimedOut(back)) => {
                assert_eq!(back, message(id));
                self.counts.fetch_add(REFUSED, 1).unwrap();
                false
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn get(&self, rng: &mut StdRng) -> bool {
        let got = match rng.random_range(0..8) {
            0 => self.queue.try_get(),
            1 => self.queue.get_for(SHORT),
            _ => self.queue.get(),
        };
        match got {
            Ok(got) => {
                assert_eq!(got, message(got.0), "torn");
                self.got.fetch_add(got.0 as usize, 1).unwrap();
                self.queue.task_done().unwrap();
                true
            }
            Err(GetError::Closed | GetError::Empty | GetError::TimedOut) => false,
            Err(other) => panic!("{other}"),
        }
    }
}

impl Station for Messages {
    fn name(&self) -> &'static str {
        "Queue"
    }

    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool {
        if worker.is_multiple_of(2) { self.put(rng) } else { self.get(rng) }
    }

    fn close(&self) {
        self.queue.close();
    }

    fn balance(&self, _: u64, deaths: u64) -> Balance {
        while let Ok(got) = self.queue.get() {
            assert_eq!(got, message(got.0), "torn");
            self.got.fetch_add(got.0 as usize, 1).unwrap();
            self.queue.task_done().unwrap();
        }
        assert!(self.queue.is_empty());
        assert!(self.queue.unfinished() as u64 <= deaths);
        assert!(self.got.iter().all(|times| times <= 1), "a message was got twice");
        let [next, refused] = [NEXT, REFUSED].map(|count| self.counts.get(count).unwrap());
        let missing = self.got.iter().take(next as usize).filter(|&times| times == 0).count();
        // Killed at a put: its number was never there, or its message is; at a get: one message.
        let lost = missing as u64 - u64::from(refused);
        assert!(lost <= deaths, "{lost} messages are lost by {deaths} deaths");
        Balance { reported: 0, lost }
    }
}
