//! Many futures, of one word and of a thousand.
#![allow(clippy::disallowed_types, reason = "the test's own counter, not a primitive")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use multiproc::{Event, Queue, Semaphore, pipe};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};

use crate::Nothing;
use crate::alone::alone;

const FUTURES: usize = 1000;

/// How many threads of this process are named so.
fn threads(name: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("comm")));
    names.filter(|thread| thread.as_ref().is_ok_and(|thread| thread.trim_end() == name)).count()
}

#[test]
fn a_thousand_futures_of_one_queue_need_one_watcher() {
    alone(|()| {
        let queue = Queue::bounded(16).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let get = |queue: Queue<usize>| async move { queue.get_async().await.unwrap() };
        let tasks: Vec<_> = (0..FUTURES).map(|_| runtime.spawn(get(queue.clone()))).collect();
        let putting = thread::spawn({
            let queue = queue.clone();
            move || (0..FUTURES).for_each(|n| queue.put(n).unwrap())
        });
        let mut got: Vec<_> =
            tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
        putting.join().unwrap();
        got.sort_unstable();
        assert!(got.into_iter().eq(0..FUTURES));
        assert!(threads("multiproc-words") <= 1);
    });
}

/// A runtime of this thread, with a task for each event, which waits for it.
fn all_wait(events: impl Iterator<Item = Arc<Event>>) -> (Runtime, Vec<JoinHandle<()>>) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let waiting = Arc::new(AtomicU32::new(0));
    let wait = |event: Arc<Event>| {
        let waiting = waiting.clone();
        async move {
            waiting.fetch_add(1, SeqCst);
            event.wait_async().await;
        }
    };
    let tasks: Vec<_> = events.map(|event| runtime.spawn(wait(event))).collect();
    runtime.block_on(async {
        while waiting.load(SeqCst) < tasks.len() as u32 {
            yield_now().await;
        }
    });
    (runtime, tasks)
}

/// More than one call of the kernel's takes: several threads sleep.
#[test]
fn a_thousand_futures_of_as_many_events_are_each_released() {
    alone(|()| {
        let events: Vec<_> = (0..FUTURES).map(|_| Arc::new(Event::new())).collect();
        let (runtime, tasks) = all_wait(events.iter().cloned());
        let watchers = threads("multiproc-words");
        assert!((1..=FUTURES / 100).contains(&watchers), "{watchers} watchers");
        let setting = thread::spawn(move || events.iter().rev().for_each(|event| event.set()));
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        setting.join().unwrap();
    });
}

/// A set that is cleared at once releases all that waited.
#[test]
fn one_set_releases_a_thousand_futures() {
    let event = Arc::new(Event::new());
    let (runtime, tasks) = all_wait(std::iter::repeat_n(event.clone(), FUTURES));
    event.set();
    event.clear();
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
}

#[test]
fn one_release_of_many_permits_comes_to_as_many_futures() {
    let semaphore = Arc::new(Semaphore::new(0));
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let acquire =
        |semaphore: Arc<Semaphore>| async move { semaphore.acquire_async().await.forget() };
    let tasks: Vec<_> = (0..FUTURES).map(|_| runtime.spawn(acquire(semaphore.clone()))).collect();
    semaphore.release(FUTURES as u32).unwrap();
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    assert_eq!(semaphore.value(), 0);
}

/// Values of different sizes: who has too little room does not keep the others from theirs.
#[test]
fn puts_of_all_sizes_come_through_a_small_queue() -> Nothing {
    let queue = Queue::<Vec<u8>>::with_bytes(8, 256)?;
    let runtime = Builder::new_multi_thread().worker_threads(2).build()?;
    let put =
        |queue: Queue<Vec<u8>>, len: usize| async move { queue.put_async(vec![1; len]).await };
    let tasks: Vec<_> = (0..300).map(|n| runtime.spawn(put(queue.clone(), n * 37 % 250))).collect();
    let mut lengths: Vec<_> =
        (0..300).map(|_| queue.get().map(|value| value.len())).collect::<Result<_, _>>()?;
    for task in tasks {
        runtime.block_on(task)??;
    }
    lengths.sort_unstable();
    let mut all: Vec<_> = (0..300).map(|n| n * 37 % 250).collect();
    all.sort_unstable();
    assert_eq!(lengths, all);
    Ok(())
}

/// Both directions of one descriptor, many at a time.
#[test]
fn many_send_and_receive_at_one_end() -> Nothing {
    let (receiver, sender) = pipe::<u32>()?;
    let runtime = Builder::new_multi_thread().worker_threads(2).build()?;
    let receivers: Vec<_> = (0..10)
        .map(|_| {
            let receiver = receiver.clone();
            runtime.spawn(async move {
                let mut sum = 0_u64;
                while let Ok(n) = receiver.recv_async().await {
                    sum += u64::from(n);
                }
                sum
            })
        })
        .collect();
    let senders: Vec<_> = (0..10)
        .map(|_| {
            let sender = sender.clone();
            runtime.spawn(async move {
                for n in 1..=500 {
                    sender.send_async(n).await.unwrap();
                }
            })
        })
        .collect();
    drop((receiver, sender));
    senders.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    let sums: Vec<_> =
        receivers.into_iter().map(|task| runtime.block_on(task)).collect::<Result<_, _>>()?;
    assert_eq!(sums.into_iter().sum::<u64>(), 10 * 500 * 501 / 2);
    Ok(())
}
