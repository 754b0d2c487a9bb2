//! Any descriptor is attached as a queue, an array or a value: it is refused, or it can be used as one.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{Event, Lock, Queue, Semaphore, Shared, SharedArray, fuzz_support};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files::Descriptor;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Queue,
    Array,
    Value,
}

#[derive(Arbitrary, Debug)]
struct Input {
    /// What it was made as, and what it is attached as.
    made: Kind,
    attached: Kind,
    size: u8,
    /// Words that are overwritten, by index.
    changes: Vec<(u8, u64)>,
    cut: Option<u16>,
    descriptor: Descriptor,
}

type Value = (Lock<u64>, Event, Semaphore);

pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::decode::<Input>(bytes) else { return };
    let size = usize::from(input.size) + 1;
    let mut bytes = match input.made {
        Kind::Queue => bytes_of(&Queue::<String>::with_bytes(size, size).unwrap()),
        Kind::Array => bytes_of(&SharedArray::<u16>::zeroed(size).unwrap()),
        Kind::Value => {
            let value: Value = (Lock::new(1), Event::new(), Semaphore::new(2));
            bytes_of(&Shared::new(value).unwrap())
        }
    };
    for (at, value) in input.changes {
        if let Some(place) = bytes.get_mut(usize::from(at) * 8..).and_then(<[u8]>::first_chunk_mut)
        {
            *place = value.to_ne_bytes();
        }
    }
    if let Some(cut) = input.cut {
        bytes.truncate(usize::from(cut));
    }
    let fd = input.descriptor.open(&bytes);
    match input.attached {
        Kind::Queue => drop(fuzz_support::attached(fd).map(use_queue)),
        Kind::Array => drop(fuzz_support::attached(fd).map(use_array)),
        Kind::Value => drop(fuzz_support::attached(fd).map(use_value)),
    }
}

/// The contents of the memory of `value`.
fn bytes_of(value: &(impl Serialize + DeserializeOwned)) -> Vec<u8> {
    let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(value)).unwrap();
    let file = File::from(fd);
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn use_queue(queue: Queue<String>) {
    assert!(queue.len() <= queue.capacity());
    for text in ["a", "some text", ""] {
        let _ = queue.put_for(text.to_owned(), Duration::ZERO);
        let _ = queue.get_for(Duration::ZERO).map(|text| text.chars().count());
    }
    let _ = (queue.task_done(), queue.join_for(Duration::ZERO), queue.is_closed());
    drop(format!("{queue:?}"));
}

fn use_array(array: SharedArray<u16>) {
    let last = array.len() - 1;
    assert!(array.set(last, 7).is_ok() && array.get(last) == Ok(7));
    assert_eq!(array.to_vec().len(), array.len());
    drop(array.lock_for(Duration::ZERO));
}

fn use_value(value: Shared<Value>) {
    let (lock, event, semaphore) = &*value;
    for _ in 0..2 {
        drop(lock.lock_for(Duration::ZERO).map(|mut number| *number = number.wrapping_add(1)));
        event.wait_for(Duration::ZERO);
        event.set();
        event.clear();
        let _ = semaphore.acquire_for(Duration::ZERO).map(|permit| permit.forget());
        let _ = semaphore.release(1);
    }
}
