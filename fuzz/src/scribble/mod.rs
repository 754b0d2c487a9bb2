//! A peer that writes anything anywhere in shared memory between the operations of a user of a queue, an
//! array and each of the primitives: each operation returns, a value or an error.

mod memory;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{ArrayGuard, Lock, Queue, Shared, SharedArray, TryLockError, fuzz_support};

use self::memory::{Memory, Scribble};
use self::words::{Held, Words};

const NOW: Duration = Duration::ZERO;

/// A message whose decoding makes pointers.
type Message = (String, Vec<u8>, Option<BTreeMap<u8, Box<str>>>);

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Place {
    Queue,
    Array,
    Words,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Scribble(Place, Scribble),
    Restore(Place),
    Put {
        length: u16,
        more: bool,
    },
    Get,
    TaskDone,
    Join,
    Observe,
    Element(u8, u16),
    Elements(u8, Vec<u16>),
    LockArray,
    Words(words::Op),
    /// Attaches the memory once more.
    Attach(Place),
}

#[derive(Arbitrary, Debug)]
struct Input {
    messages: u8,
    bytes: u16,
    elements: u8,
    operations: Vec<Op>,
}

pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::decode::<Input>(bytes) else { return };
    let (messages, bytes) = (usize::from(input.messages % 9) + 1, usize::from(input.bytes) + 1);
    let queue = Queue::<Message>::with_bytes(messages, bytes % 3000 + 1).unwrap();
    let array = SharedArray::<u16>::zeroed(usize::from(input.elements) + 1).unwrap();
    let words = Shared::new(Words::new()).unwrap();
    let spared = Shared::new(Lock::new(0)).unwrap();
    let memories = [Memory::of(&queue), Memory::of(&array), Memory::of(&words)];
    let mut held = Held::default();
    let mut array_guard: Option<ArrayGuard> = None;
    for op in input.operations {
        match op {
            Op::Scribble(place, scribble) => memories[place as usize].scribble(&scribble),
            Op::Restore(place) => memories[place as usize].restore(),
            Op::Put { .. } | Op::Get | Op::TaskDone | Op::Join | Op::Observe => {
                use_queue(&queue, &op);
            }
            Op::Element(..) | Op::Elements(..) => use_array(&array, &op),
            Op::LockArray => {
                array_guard = match array_guard {
                    Some(_) => None,
                    None => any_guard(array.lock_for(NOW)),
                };
            }
            Op::Words(op) => words.perform(&op, &mut held, &memories[2], &spared),
            Op::Attach(place) => {
                let fd = memories[place as usize].descriptor();
                match place {
                    Place::Queue => {
                        let other = fuzz_support::attached(fd);
                        drop(other.map(|queue| use_queue(&queue, &Op::Get)));
                    }
                    Place::Array => {
                        let other = fuzz_support::attached(fd);
                        drop(other.map(|array| use_array(&array, &Op::Element(0, 0))));
                    }
                    Place::Words => {
                        let other = fuzz_support::attached::<Shared<Words>>(fd);
                        drop(other.map(|words| words.event.set()));
                    }
                }
            }
        }
    }
    memories.iter().for_each(Memory::restore);
    words.free(held);
}

/// The guard, poisoned or not.
fn any_guard<G>(locked: Result<G, TryLockError<G>>) -> Option<G> {
    match locked {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn use_queue(queue: &Queue<Message>, op: &Op) {
    match *op {
        Op::Put { length, more } => {
            let text = "some text ".repeat(usize::from(length % 300) / 10);
            let more = more.then(|| [(1, "more".into()), (2, "b".into())].into());
            let _ = queue.put_for((text, vec![7; usize::from(length % 2500)], more), NOW);
        }
        Op::Get => {
            if let Ok((text, bytes, more)) = queue.get_for(NOW) {
                assert!(text.len() + bytes.len() <= queue.byte_capacity());
                drop(format!("{} {bytes:?} {more:?}", text.to_uppercase()));
            }
        }
        Op::TaskDone => drop(queue.task_done()),
        Op::Join => assert!(queue.join_for(NOW) || queue.unfinished() > 0),
        _ => {
            assert!(queue.len() <= queue.capacity());
            drop(format!("{queue:?}"));
        }
    }
}

fn use_array(array: &SharedArray<u16>, op: &Op) {
    let (at, value) = match op {
        Op::Element(at, value) => (usize::from(*at), *value),
        Op::Elements(at, values) => {
            let start = usize::from(*at);
            let fits = start + values.len() <= array.len();
            assert_eq!(array.write_slice(start, values).is_ok(), fits);
            assert_eq!(array.to_vec().len(), array.len());
            return;
        }
        _ => return,
    };
    let is_there = at < array.len();
    assert_eq!(array.set(at, value).is_ok(), is_there);
    assert_eq!(array.get(at).ok(), is_there.then_some(value));
    assert_eq!(array.fetch_add(at, 1).is_ok(), is_there);
    assert_eq!(array.compare_exchange(at, value, 0).is_ok(), is_there);
}
