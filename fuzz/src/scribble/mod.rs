//! A peer that writes anything anywhere between the steps of whoever uses a queue, an array and each
//! of the primitives: each call comes back, with something or an error.

mod memory;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{ArrayGuard, Lock, Queue, Shared, SharedArray, TryLockError, fuzz_support};

use self::memory::{Memory, Scribble};
use self::words::{Held, Words};

const NOW: Duration = Duration::ZERO;

/// What points when it is decoded.
type Message = (String, Vec<u8>, Option<BTreeMap<u8, Box<str>>>);

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Place {
    Queue,
    Array,
    Words,
}

#[derive(Arbitrary, Debug)]
enum Turn {
    Scribble(Place, Scribble),
    Restore(Place),
    Put {
        length: u16,
        more: bool,
    },
    Get,
    TaskDone,
    Join,
    Look,
    Element(u8, u16),
    Elements(u8, Vec<u16>),
    LockArray,
    Words(words::Turn),
    /// Another that comes to the same memory.
    Attach(Place),
}

#[derive(Arbitrary, Debug)]
struct Play {
    messages: u8,
    bytes: u16,
    elements: u8,
    turns: Vec<Turn>,
}

pub(super) fn play(bytes: &[u8]) {
    let Some(play) = super::said::<Play>(bytes) else { return };
    let (messages, bytes) = (usize::from(play.messages % 9) + 1, usize::from(play.bytes) + 1);
    let queue = Queue::<Message>::with_bytes(messages, bytes % 3000 + 1).unwrap();
    let array = SharedArray::<u16>::zeroed(usize::from(play.elements) + 1).unwrap();
    let words = Shared::new(Words::new()).unwrap();
    let spared = Shared::new(Lock::new(0)).unwrap();
    let memories = [Memory::of(&queue), Memory::of(&array), Memory::of(&words)];
    let mut held = Held::default();
    let mut array_guard: Option<ArrayGuard> = None;
    for turn in play.turns {
        match turn {
            Turn::Scribble(place, scribble) => memories[place as usize].scribble(&scribble),
            Turn::Restore(place) => memories[place as usize].restore(),
            Turn::Put { .. } | Turn::Get | Turn::TaskDone | Turn::Join | Turn::Look => {
                use_queue(&queue, &turn);
            }
            Turn::Element(..) | Turn::Elements(..) => use_array(&array, &turn),
            Turn::LockArray => {
                array_guard = match array_guard {
                    Some(_) => None,
                    None => whatever(array.lock_for(NOW)),
                };
            }
            Turn::Words(turn) => words.play(&turn, &mut held, &memories[2], &spared),
            Turn::Attach(place) => {
                let fd = memories[place as usize].descriptor();
                match place {
                    Place::Queue => {
                        let other = fuzz_support::attached(fd);
                        drop(other.map(|queue| use_queue(&queue, &Turn::Get)));
                    }
                    Place::Array => {
                        let other = fuzz_support::attached(fd);
                        drop(other.map(|array| use_array(&array, &Turn::Element(0, 0))));
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

/// A poisoned lock is as good as any here.
fn whatever<G>(locked: Result<G, TryLockError<G>>) -> Option<G> {
    match locked {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn use_queue(queue: &Queue<Message>, turn: &Turn) {
    match *turn {
        Turn::Put { length, more } => {
            let text = "some text ".repeat(usize::from(length % 300) / 10);
            let more = more.then(|| [(1, "more".into()), (2, "b".into())].into());
            let _ = queue.put_for((text, vec![7; usize::from(length % 2500)], more), NOW);
        }
        Turn::Get => {
            if let Ok((text, bytes, more)) = queue.get_for(NOW) {
                assert!(text.len() + bytes.len() <= queue.byte_capacity());
                drop(format!("{} {bytes:?} {more:?}", text.to_uppercase()));
            }
        }
        Turn::TaskDone => drop(queue.task_done()),
        Turn::Join => assert!(queue.join_for(NOW) || queue.unfinished() > 0),
        _ => {
            assert!(queue.len() <= queue.capacity());
            drop(format!("{queue:?}"));
        }
    }
}

fn use_array(array: &SharedArray<u16>, turn: &Turn) {
    let (at, value) = match turn {
        Turn::Element(at, value) => (usize::from(*at), *value),
        Turn::Elements(at, values) => {
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
