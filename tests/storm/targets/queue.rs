//! Numbered messages in a queue: half of the workers put, the others get.

use multiproc::{GetError, PutError, Queue, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::SHORT;

/// More messages than a round puts.
const IDS: usize = 1 << 22;

/// A message: its number, and bytes that follow from it.
type Message = (u32, Vec<u8>);

const NEXT: usize = 0;
const REFUSED: usize = 1;

pub(crate) struct QueueTarget {
    queue: Queue<Message>,
    /// How often each number was received.
    got: SharedArray<u8>,
    /// The next number, and how many were refused.
    counts: SharedArray<u32>,
}

fn message(id: u32) -> Message {
    let bytes = id.wrapping_mul(2_654_435_761).to_le_bytes();
    (id, bytes.iter().copied().cycle().take(id as usize % 50).collect())
}

impl QueueTarget {
    pub(crate) fn new(round: u64) -> Self {
        // Limited by messages, by bytes, and by neither.
        const SIZES: [(usize, usize); 4] = [(1, 64), (8, 96), (64, 4096), (256, 1 << 14)];
        let (messages, bytes) = SIZES[round as usize % SIZES.len()];
        QueueTarget {
            queue: Queue::with_bytes(messages, bytes).unwrap(),
            got: SharedArray::zeroed(IDS).unwrap(),
            counts: SharedArray::zeroed(2).unwrap(),
        }
    }

    fn put(&self, rng: &mut StdRng) -> bool {
        let id = self.counts.fetch_add(NEXT, 1).unwrap();
        assert!((id as usize) < IDS, "a round puts more messages than there are numbers");
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

impl Target for QueueTarget {
    fn name(&self) -> &'static str {
        "Queue"
    }

    fn use_once(&self, worker: usize, rng: &mut StdRng) -> bool {
        if worker.is_multiple_of(2) { self.put(rng) } else { self.get(rng) }
    }

    fn close(&self) {
        self.queue.close();
    }

    fn check(&self, _: u64, deaths: u64) -> Damage {
        while let Ok(got) = self.queue.get() {
            assert_eq!(got, message(got.0), "torn");
            self.got.fetch_add(got.0 as usize, 1).unwrap();
            self.queue.task_done().unwrap();
        }
        assert!(self.queue.is_empty());
        assert!(self.queue.unfinished() as u64 <= deaths);
        assert!(self.got.iter().all(|times| times <= 1), "a message was received twice");
        let [next, refused] = [NEXT, REFUSED].map(|count| self.counts.get(count).unwrap());
        let missing = self.got.iter().take(next as usize).filter(|&times| times == 0).count();
        // A worker killed in a put has put its message or not; one killed in a get has lost one message.
        let lost = missing as u64 - u64::from(refused);
        assert!(lost <= deaths, "{lost} messages are lost by {deaths} deaths");
        Damage { reported: 0, lost }
    }
}
