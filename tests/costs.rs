//! What things cost: bytes, descriptors, mappings, and allocations, which are counted.
#![cfg(not(modelled))]

#[path = "support/alone.rs"]
mod alone;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;

use alone::alone;
use multiproc::{
    Event, Lock, Process, Queue, RobustSemaphore, Semaphore, Shared, SharedArray, duplex, pipe,
    release_buffers,
};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The system's allocator, counting what each thread asks for.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `work` allocates, the first time apart: a thread's first lock makes its record, and
/// the first time that it holds many, room for them.
fn allocations(mut work: impl FnMut()) -> usize {
    work();
    let before = ASKED.get();
    (0..100).for_each(|_| work());
    ASKED.get() - before
}

/// Descriptors, and mappings of shared memory with their bytes.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Holdings {
    descriptors: usize,
    mappings: usize,
    bytes: usize,
}

fn holdings() -> Holdings {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let sizes = maps.lines().filter(|line| line.contains("memfd:multiproc")).map(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let end = rest.split_once(' ').unwrap().0;
        let hex = |text| usize::from_str_radix(text, 16).unwrap();
        hex(end) - hex(start)
    });
    let sizes: Vec<_> = sizes.collect();
    Holdings {
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        mappings: sizes.len(),
        bytes: sizes.iter().sum(),
    }
}

/// What there is more of while `made` is there, checked to be gone with it.
fn held_by<T>(make: impl FnOnce() -> T) -> Holdings {
    let before = holdings();
    let made = make();
    let during = holdings();
    drop(made);
    assert_eq!(holdings(), before, "something was left behind");
    Holdings {
        descriptors: during.descriptors - before.descriptors,
        mappings: during.mappings - before.mappings,
        bytes: during.bytes - before.bytes,
    }
}

const PAGE: usize = 4096;

#[test]
fn a_primitive_is_at_most_64_bytes() {
    assert_eq!(size_of::<Lock<()>>(), 40);
    assert_eq!(size_of::<Event>(), 4);
    assert_eq!(size_of::<Semaphore>(), 4);
    assert_eq!(size_of::<RobustSemaphore<7>>(), 8 * 7 + 8, "which remembers who holds each");
}

#[test]
fn a_shared_value_is_one_descriptor_and_one_mapping() {
    alone(|()| {
        let one = Holdings { descriptors: 1, mappings: 1, bytes: PAGE };
        assert_eq!(held_by(|| Shared::new(Lock::new(0u64)).unwrap()), one);
        let clones = || {
            let first = Shared::new(Event::new()).unwrap();
            (first.clone(), first.clone(), first)
        };
        assert_eq!(held_by(clones), one);
        let large = held_by(|| SharedArray::<u8>::zeroed(100 * PAGE).unwrap());
        assert_eq!(large, Holdings { bytes: 101 * PAGE, ..one });
    });
}

/// Its messages' bytes, 8 for each message it may hold, and a page; in whole pages.
#[test]
fn a_queue_is_its_capacity_and_a_page() {
    alone(|()| {
        for (messages, bytes) in [(1, 1), (10, 1000), (1024, 1 << 16), (4096, 1 << 20)] {
            let queue = || Queue::<u64>::with_bytes(messages, bytes).unwrap();
            let capacity = queue().byte_capacity() + 8 * queue().capacity();
            let held = held_by(queue);
            assert_eq!((held.descriptors, held.mappings), (1, 1));
            let most = capacity.next_multiple_of(PAGE) + PAGE;
            assert!(held.bytes <= most, "{messages} messages, {bytes} bytes: {held:?} > {most}");
        }
    });
}

#[test]
fn a_pipe_is_two_descriptors() {
    alone(|()| {
        let two = Holdings { descriptors: 2, mappings: 0, bytes: 0 };
        assert_eq!(held_by(|| pipe::<u64>().unwrap()), two);
        assert_eq!(held_by(|| duplex::<u64, u64>().unwrap()), two);
    });
}

/// A child that was joined leaves one descriptor, its handle's, and nothing after that.
#[test]
fn a_child_leaves_nothing() {
    alone(|()| {
        // Joined: one that still ran would be counted before, and be reaped in between.
        Process::spawn(|n: u64| n, 0).unwrap().join().unwrap();
        let child = || {
            let child = Process::spawn(|n: u64| n, 7).unwrap();
            assert_eq!(child.join().unwrap(), 7);
            child
        };
        let held = held_by(child);
        assert!(held.descriptors <= 1 && held.mappings == 0, "{held:?}");
        let children = fs::read_to_string("/proc/thread-self/children").unwrap();
        let living = children.split_whitespace().count();
        assert!(living <= 1, "only the first, which is reaped by the next: {children}");
    });
}

#[test]
fn no_operation_allocates() {
    let lock = Shared::new(Lock::new(0u64)).unwrap();
    assert_eq!(allocations(|| *lock.lock().unwrap() += 1), 0);
    assert_eq!(allocations(|| *lock.try_lock().unwrap() += 1), 0);
    let locks = Shared::new([const { Lock::new(0u64) }; 100]).unwrap();
    let many = || drop(locks.each_ref().map(|lock| lock.lock().unwrap()));
    assert_eq!(allocations(many), 0);
    let event = Event::new();
    assert_eq!(allocations(|| (event.set(), event.wait(), event.clear()).0), 0);
    let semaphore = Semaphore::new(1);
    assert_eq!(allocations(|| drop(semaphore.acquire())), 0);
    let robust = RobustSemaphore::<1>::new(1);
    assert_eq!(allocations(|| drop(robust.acquire())), 0);
    let array = SharedArray::new(&[0u64; 8]).unwrap();
    assert_eq!(allocations(|| drop((array.lock().unwrap(), array.fetch_add(1, 1).unwrap()))), 0);
    let queue = Queue::bounded(8).unwrap();
    let message = || {
        queue.put([7u64; 8]).unwrap();
        queue.get().unwrap();
    };
    assert_eq!(allocations(message), 0);
}

/// What a large message takes: an allocation for the value that comes out, and no page that the kernel has to
/// clear, once there is memory for a few.
#[test]
fn a_large_message_is_copied_into_memory_that_is_there() {
    fn of<T: Serialize + DeserializeOwned>(value: T, size: usize) {
        let queue = Queue::with_bytes(4, 2 * size).unwrap();
        let mut value = Some(value);
        let mut message = || {
            queue.put(value.take().unwrap()).map_err(|error| error.to_string()).unwrap();
            value = Some(queue.get().unwrap());
        };
        (0..10).for_each(|_| message());
        let before = (ASKED.get(), faults());
        (0..100).for_each(|_| message());
        let after = (ASKED.get(), faults());
        assert_eq!(after.0 - before.0, 100, "allocations for 100 messages");
        assert!(after.1 - before.1 < 100, "{} page faults for 100 messages", after.1 - before.1);
    }
    alone(|()| {
        let size = 1 << 20;
        of(vec![7u8; size], size);
        of(vec![0.5f32; size / 4], size);
        of("7".repeat(size), size);
        of(Some((1, vec![0.5f64; size / 8].into_boxed_slice())), size);
        assert!((1 << 20..=64 << 20).contains(&release_buffers()));
        assert_eq!(release_buffers(), 0);
    });
}

/// Pages that the kernel had to find for this process.
fn faults() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults()
}
