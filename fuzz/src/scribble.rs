//! A peer that writes anything anywhere between the steps of whoever uses a queue, an array, a lock,
//! an event and a semaphore: each call comes back, with something or an error.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{
    ArrayGuard, Event, Lock, LockGuard, Queue, Semaphore, Shared, SharedArray, TryLockError,
    fuzz_support,
};
use serde::Serialize;

const NOW: Duration = Duration::ZERO;
const LOCKS: usize = 4;

/// What points when it is decoded.
type Message = (String, Vec<u8>, Option<BTreeMap<u8, Box<str>>>);
type Locks = [Lock<[u64; 2]>; LOCKS];

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Place {
    Queue,
    Array,
    Words,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Any(u64),
    Small(u8),
    Near(i8),
    Flipped(u8),
    /// What stands elsewhere.
    Copied(u16),
    /// A lock's word: this thread holds it, with marks.
    Ours(u8),
}

#[derive(Arbitrary, Debug)]
enum Turn {
    Scribble {
        place: Place,
        at: u16,
        bytes: u8,
        value: Value,
    },
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
    Lock(u8),
    Unlock(u8),
    Set,
    Clear,
    Wait,
    Acquire,
    Release(u8),
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

/// Memory as the peer sees it: as a file, with what was in it at first.
struct Memory {
    file: File,
    first: Vec<u8>,
}

impl Memory {
    fn of(value: &impl Serialize) -> Self {
        let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(value)).unwrap();
        let file = File::from(fd);
        let mut first = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut first, 0).unwrap();
        Memory { file, first }
    }

    /// Where `at` is, such that `bytes` fit behind it.
    fn offset(&self, at: u16, bytes: usize) -> u64 {
        (usize::from(at) % (self.first.len() - bytes + 1)) as u64
    }

    fn number(&self, offset: u64, bytes: usize) -> u64 {
        let mut number = [0; 8];
        self.file.read_exact_at(&mut number[..bytes], offset).unwrap();
        u64::from_ne_bytes(number)
    }

    fn scribble(&self, at: u16, bytes: u8, value: &Value) {
        let bytes = usize::from(bytes % 8) + 1;
        let mut offset = self.offset(at, bytes);
        // A whole number, where there is one.
        if bytes == 4 || bytes == 8 {
            offset -= offset % bytes as u64;
        }
        let value = match *value {
            Value::Any(value) => value,
            Value::Small(value) => value.into(),
            Value::Near(by) => self.number(offset, bytes).wrapping_add_signed(by.into()),
            Value::Flipped(bit) => self.number(offset, bytes) ^ 1 << (bit % 64),
            Value::Copied(from) => self.number(self.offset(from, bytes), bytes),
            Value::Ours(marks) => {
                let thread = rustix::thread::gettid().as_raw_nonzero().get();
                thread as u64 | u64::from(marks % 4) << 30
            }
        };
        self.file.write_all_at(&value.to_ne_bytes()[..bytes], offset).unwrap();
    }

    fn restore(&self) {
        self.file.write_all_at(&self.first, 0).unwrap();
    }
}

pub(super) fn play(bytes: &[u8]) {
    let Some(play) = super::said::<Play>(bytes) else { return };
    let (messages, bytes) = (usize::from(play.messages % 9) + 1, usize::from(play.bytes) + 1);
    let queue = Queue::<Message>::with_bytes(messages, bytes % 3000 + 1).unwrap();
    let array = SharedArray::<u16>::zeroed(usize::from(play.elements) + 1).unwrap();
    let locks = [const { Lock::new([0; 2]) }; LOCKS];
    let words: Shared<(Locks, Event, Semaphore)> =
        Shared::new((locks, Event::new(), Semaphore::new(1))).unwrap();
    let memories = [Memory::of(&queue), Memory::of(&array), Memory::of(&words)];
    let (locks, event, semaphore) = &*words;
    let mut guards: [Option<LockGuard<[u64; 2]>>; LOCKS] = [const { None }; LOCKS];
    let mut array_guard: Option<ArrayGuard> = None;
    for turn in play.turns {
        match turn {
            Turn::Scribble { place, at, bytes, value } => {
                memories[place as usize].scribble(at, bytes, &value);
            }
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
            Turn::Lock(at) => {
                let at = usize::from(at) % LOCKS;
                if guards[at].is_none() {
                    guards[at] = whatever(locks[at].lock_for(NOW));
                }
                if let Some(guard) = &mut guards[at] {
                    guard[0] = guard[0].wrapping_add(guard[1]);
                    locks[at].clear_poison();
                }
            }
            Turn::Unlock(at) => guards[usize::from(at) % LOCKS] = None,
            Turn::Set => event.set(),
            Turn::Clear => event.clear(),
            Turn::Wait => assert!(event.wait_for(NOW) || !event.is_set()),
            Turn::Acquire => drop(semaphore.acquire_for(NOW).map(|permit| permit.forget())),
            // Not too many: with somebody asleep, each is a call.
            Turn::Release(more) => drop(semaphore.release(more.into())),
            Turn::Attach(place) => {
                let fd = memories[place as usize].file.try_clone().unwrap().into();
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
                        let other = fuzz_support::attached::<Shared<(Locks, Event, Semaphore)>>(fd);
                        drop(other.map(|words| words.1.set()));
                    }
                }
            }
        }
    }
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
