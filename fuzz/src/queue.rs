//! Every operation of a queue, against a `VecDeque`: messages of all lengths, in a ring so small
//! that it wraps all the time, by handles that were cloned and that were handed over.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{GetError, PutError, Queue, fuzz_support};

use super::Way;

#[derive(Arbitrary, Debug)]
enum Turn {
    Put {
        length: u16,
        filler: u8,
        way: Way,
    },
    Get(Way),
    TaskDone,
    Join(Way),
    Close,
    /// Goes on with a clone, or with what a child would be given.
    Clone,
    HandOver,
    Look,
}

#[derive(Arbitrary, Debug)]
struct Play {
    messages: u8,
    bytes: u16,
    turns: Vec<Turn>,
}

/// What the queue should be.
#[derive(Default)]
struct Model {
    values: VecDeque<Vec<u8>>,
    unfinished: usize,
    closed: bool,
}

/// Bytes of a value's encoding, and those that it takes in the ring.
fn encoded(value: &[u8]) -> usize {
    value.len()
        + if value.len() < 1 << 7 {
            1
        } else if value.len() < 1 << 14 {
            2
        } else {
            3
        }
}

fn taken(value: &[u8]) -> usize {
    encoded(value).next_multiple_of(8)
}

pub(super) fn play(bytes: &[u8]) {
    let Some(Play { messages, bytes, turns }) = super::said(bytes) else { return };
    let (messages, bytes) = (usize::from(messages % 9), usize::from(bytes % 4000));
    let mut queue = match Queue::<Vec<u8>>::with_bytes(messages, bytes) {
        Ok(queue) => queue,
        Err(_) => return assert!(messages == 0 || bytes == 0),
    };
    assert!(messages > 0 && bytes > 0);
    assert_eq!(queue.capacity(), messages);
    assert_eq!(queue.byte_capacity(), bytes.next_multiple_of(8));
    let mut model = Model::default();
    for turn in turns {
        match turn {
            Turn::Put { length, filler, way } => {
                put(&queue, &mut model, vec![filler; usize::from(length % 4100)], way);
            }
            Turn::Get(way) => get(&queue, &mut model, way),
            Turn::TaskDone => {
                assert_eq!(queue.task_done().is_ok(), model.unfinished > 0);
                model.unfinished = model.unfinished.saturating_sub(1);
            }
            Turn::Join(way) => {
                let done = match way {
                    Way::Plain if model.unfinished == 0 => {
                        queue.join();
                        true
                    }
                    Way::Until => queue.join_until(Instant::now()),
                    _ => queue.join_for(Duration::ZERO),
                };
                assert_eq!(done, model.unfinished == 0);
            }
            Turn::Close => {
                queue.close();
                model.closed = true;
            }
            Turn::Clone => queue = queue.clone(),
            Turn::HandOver => {
                let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&queue)).unwrap();
                queue = fuzz_support::attached(fd).unwrap();
            }
            Turn::Look => {
                assert_eq!(queue.len(), model.values.len());
                assert_eq!(queue.is_empty(), model.values.is_empty());
                assert_eq!(queue.is_full(), model.values.len() == messages);
                assert_eq!(queue.is_closed(), model.closed);
                assert_eq!(queue.unfinished(), model.unfinished);
            }
        }
    }
    while !model.values.is_empty() {
        get(&queue, &mut model, Way::Plain);
    }
}

fn put(queue: &Queue<Vec<u8>>, model: &mut Model, value: Vec<u8>, way: Way) {
    let used: usize = model.values.iter().map(|value| taken(value)).sum();
    let has_room =
        model.values.len() < queue.capacity() && used + taken(&value) <= queue.byte_capacity();
    let fits = encoded(&value) <= queue.byte_capacity();
    let outcome = match way {
        Way::Plain if has_room || model.closed || !fits => queue.put(value.clone()),
        Way::Plain | Way::Try => queue.try_put(value.clone()),
        Way::For => queue.put_for(value.clone(), Duration::ZERO),
        Way::Until => queue.put_until(value.clone(), Instant::now()),
    };
    match outcome {
        Ok(()) => {
            assert!(has_room && !model.closed);
            model.values.push_back(value);
            model.unfinished += 1;
        }
        Err(PutError::TooLarge { value: back, size, max }) => {
            assert!(!fits && back == value);
            assert_eq!((size, max), (encoded(&value), queue.byte_capacity()));
        }
        Err(PutError::Closed(back)) => assert!(model.closed && fits && back == value),
        Err(PutError::Full(back)) => {
            assert!(!has_room && fits && matches!(way, Way::Plain | Way::Try) && back == value);
        }
        Err(PutError::TimedOut(back)) => {
            assert!(!has_room && fits && matches!(way, Way::For | Way::Until) && back == value);
        }
        Err(other) => panic!("{other}"),
    }
}

fn get(queue: &Queue<Vec<u8>>, model: &mut Model, way: Way) {
    let got = match way {
        Way::Plain if !model.values.is_empty() || model.closed => queue.get(),
        Way::Plain | Way::Try => queue.try_get(),
        Way::For => queue.get_for(Duration::ZERO),
        Way::Until => queue.get_until(Instant::now()),
    };
    match got {
        Ok(value) => assert_eq!(Some(value), model.values.pop_front()),
        Err(GetError::Closed) => assert!(model.closed && model.values.is_empty()),
        Err(GetError::Empty) => {
            assert!(!model.closed && model.values.is_empty());
            assert!(matches!(way, Way::Plain | Way::Try));
        }
        Err(GetError::TimedOut) => {
            assert!(!model.closed && model.values.is_empty());
            assert!(matches!(way, Way::For | Way::Until));
        }
        Err(other) => panic!("{other}"),
    }
}
