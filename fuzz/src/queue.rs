//! Every operation of a queue, compared with a `VecDeque`: messages of all lengths, in a ring so small
//! that it wraps all the time, by handles that were cloned and that were sent to another process.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{GetError, PutError, Queue, fuzz_support};

use super::model::wait::Wait;

#[derive(Arbitrary, Debug)]
enum Op {
    Put {
        length: u16,
        filler: u8,
        wait: Wait,
    },
    Get(Wait),
    TaskDone,
    Join(Wait),
    Close,
    /// Continues with a clone, or with a handle that was attached as in a child.
    Clone,
    Attach,
    Observe,
}

#[derive(Arbitrary, Debug)]
struct Input {
    messages: u8,
    bytes: u16,
    operations: Vec<Op>,
}

/// The state that the queue should have.
#[derive(Default)]
struct Model {
    values: VecDeque<Vec<u8>>,
    unfinished: usize,
    closed: bool,
}

/// The length of a value's encoding.
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

/// The bytes that it takes in the ring.
fn taken(value: &[u8]) -> usize {
    encoded(value).next_multiple_of(8)
}

pub(super) fn run(bytes: &[u8]) {
    let Some(Input { messages, bytes, operations }) = super::decode(bytes) else { return };
    let (messages, bytes) = (usize::from(messages % 9), usize::from(bytes % 4000));
    let mut queue = match Queue::<Vec<u8>>::with_bytes(messages, bytes) {
        Ok(queue) => queue,
        Err(_) => return assert!(messages == 0 || bytes == 0),
    };
    assert!(messages > 0 && bytes > 0);
    assert_eq!(queue.capacity(), messages);
    assert_eq!(queue.byte_capacity(), bytes.next_multiple_of(8));
    let mut model = Model::default();
    for op in operations {
        match op {
            Op::Put { length, filler, wait } => {
                put(&queue, &mut model, vec![filler; usize::from(length % 4100)], wait);
            }
            Op::Get(wait) => get(&queue, &mut model, wait),
            Op::TaskDone => {
                assert_eq!(queue.task_done().is_ok(), model.unfinished > 0);
                model.unfinished = model.unfinished.saturating_sub(1);
            }
            Op::Join(wait) => {
                let done = match wait {
                    Wait::Ever if model.unfinished == 0 => {
                        queue.join();
                        true
                    }
                    Wait::Until(_) => queue.join_until(Instant::now()),
                    _ => queue.join_for(Duration::ZERO),
                };
                assert_eq!(done, model.unfinished == 0);
            }
            Op::Close => {
                queue.close();
                model.closed = true;
            }
            Op::Clone => queue = queue.clone(),
            Op::Attach => {
                let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&queue)).unwrap();
                queue = fuzz_support::attached(fd).unwrap();
            }
            Op::Observe => {
                assert_eq!(queue.len(), model.values.len());
                assert_eq!(queue.is_empty(), model.values.is_empty());
                assert_eq!(queue.is_full(), model.values.len() == messages);
                assert_eq!(queue.is_closed(), model.closed);
                assert_eq!(queue.unfinished(), model.unfinished);
            }
        }
    }
    while !model.values.is_empty() {
        get(&queue, &mut model, Wait::Ever);
    }
}

fn put(queue: &Queue<Vec<u8>>, model: &mut Model, value: Vec<u8>, wait: Wait) {
    let used: usize = model.values.iter().map(|value| taken(value)).sum();
    let has_room =
        model.values.len() < queue.capacity() && used + taken(&value) <= queue.byte_capacity();
    let fits = encoded(&value) <= queue.byte_capacity();
    let outcome = match wait {
        Wait::Ever if has_room || model.closed || !fits => queue.put(value.clone()),
        Wait::Ever | Wait::Not => queue.try_put(value.clone()),
        Wait::For(_) => queue.put_for(value.clone(), Duration::ZERO),
        Wait::Until(_) => queue.put_until(value.clone(), Instant::now()),
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
            assert!(!has_room && fits && matches!(wait, Wait::Ever | Wait::Not) && back == value);
        }
        Err(PutError::TimedOut(back)) => {
            assert!(
                !has_room && fits && matches!(wait, Wait::For(_) | Wait::Until(_)) && back == value
            );
        }
        Err(other) => panic!("{other}"),
    }
}

fn get(queue: &Queue<Vec<u8>>, model: &mut Model, wait: Wait) {
    let got = match wait {
        Wait::Ever if !model.values.is_empty() || model.closed => queue.get(),
        Wait::Ever | Wait::Not => queue.try_get(),
        Wait::For(_) => queue.get_for(Duration::ZERO),
        Wait::Until(_) => queue.get_until(Instant::now()),
    };
    match got {
        Ok(value) => assert_eq!(Some(value), model.values.pop_front()),
        Err(GetError::Closed) => assert!(model.closed && model.values.is_empty()),
        Err(GetError::Empty) => {
            assert!(!model.closed && model.values.is_empty());
            assert!(matches!(wait, Wait::Ever | Wait::Not));
        }
        Err(GetError::TimedOut) => {
            assert!(!model.closed && model.values.is_empty());
            assert!(matches!(wait, Wait::For(_) | Wait::Until(_)));
        }
        Err(other) => panic!("{other}"),
    }
}
