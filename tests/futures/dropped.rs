//! Futures that are dropped half way.

use std::sync::Arc;
use std::thread;

use multiproc::{BoundedSemaphore, Process, Queue, RecvError, Semaphore, Sender, Shared, pipe};
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::Nothing;
use crate::block_on::block_on;
use crate::polled::poll_once;

const VALUES: u32 = 5_000;

/// Each get is given up after a few turns of the runtime: thousands are dropped before they have a value, and
/// some after they were woken for one.
#[test]
fn thousands_of_gets_are_given_up_and_no_value_is_lost() -> Nothing {
    let queue = Queue::bounded(16)?;
    let producer = Process::spawn(
        |queue: Queue<u32>| {
            (0..VALUES).for_each(|n| queue.put(n).expect("it is open"));
            queue.close();
        },
        queue.clone(),
    )?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let get_all = |queue: Queue<u32>| async move {
        let (mut values, mut given_up) = (Vec::new(), 0);
        loop {
            let turns = async {
                for _ in 0..given_up % 7 {
                    yield_now().await;
                }
            };
            tokio::select! {
                biased;
                got = queue.get_async() => match got {
                    Ok(value) => values.push(value),
                    Err(_) => break (values, given_up),
                },
                () = turns => given_up += 1,
            }
        }
    };
    let tasks: Vec<_> = (0..4).map(|_| runtime.spawn(get_all(queue.clone()))).collect();
    let (mut all, mut dropped) = (Vec::new(), 0);
    for task in tasks {
        let (values, given_up) = runtime.block_on(task)?;
        all.extend(values);
        dropped += given_up;
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..VALUES), "each value comes once");
    assert!(dropped > 1000, "only {dropped} were given up");
    producer.join()?;
    Ok(())
}

#[test]
fn thousands_of_acquires_are_given_up_and_no_permit_is_lost() -> Nothing {
    const PERMITS: u32 = 2;
    let semaphore = Arc::new(BoundedSemaphore::new(PERMITS));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let work = |semaphore: Arc<BoundedSemaphore>| async move {
        let mut given_up = 0_u32;
        for turn in 0..2000_u32 {
            tokio::select! {
                biased;
                _permit = semaphore.acquire_async() => yield_now().await,
                () = async { for _ in 0..turn % 3 { yield_now().await } } => given_up += 1,
            }
        }
        given_up
    };
    let tasks: Vec<_> = (0..8).map(|_| runtime.spawn(work(semaphore.clone()))).collect();
    let mut dropped = 0;
    for task in tasks {
        dropped += runtime.block_on(task)?;
    }
    assert!(dropped > 1000, "only {dropped} were given up");
    assert_eq!(semaphore.value(), PERMITS, "every permit came back, and none too many");
    Ok(())
}

#[test]
fn puts_that_are_given_up_put_nothing_and_those_that_are_ready_all() -> Nothing {
    let queue = Queue::bounded(4)?;
    let consumer = Process::spawn(
        |queue: Queue<(u32, String)>| {
            queue.iter().map(|got| got.expect("whole").0).collect::<Vec<_>>()
        },
        queue.clone(),
    )?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let put = runtime.block_on(async {
        let mut put = Vec::new();
        for n in 0..VALUES {
            let turns = async {
                for _ in 0..n % 5 {
                    yield_now().await;
                }
            };
            tokio::select! {
                biased;
                done = queue.put_async((n, "x".repeat(n as usize % 50))) => {
                    done.expect("it is open");
                    put.push(n);
                }
                () = turns => {}
            }
        }
        put
    });
    queue.close();
    assert_eq!(consumer.join()?, put, "what was put, and nothing else");
    assert!(put.len() < VALUES as usize, "none was given up");
    Ok(())
}

#[test]
fn sends_that_are_given_up_send_no_half_message() -> Nothing {
    // Longer than a packet: each comes as a descriptor, too.
    let message = |n: u32| vec![n; 20_000];
    let (receiver, sender) = pipe::<Vec<u32>>()?;
    let receiving =
        thread::spawn(move || receiver.iter().map(|got| got.expect("whole")).collect::<Vec<_>>());
    let runtime = Builder::new_current_thread().build()?;
    let sent = runtime.block_on(async {
        let mut sent = Vec::new();
        for n in 0..500 {
            tokio::select! {
                biased;
                done = sender.send_async(message(n)) => {
                    done.expect("there is a receiver");
                    sent.push(n);
                }
                () = yield_now() => {}
            }
        }
        sent
    });
    drop(sender);
    let received = receiving.join().unwrap();
    assert!(received.into_iter().eq(sent.into_iter().map(message)));
    Ok(())
}

/// Dropped in any state, in any order, also when it was never polled.
#[test]
fn a_future_that_waits_for_nothing_leaves_nothing() -> Nothing {
    let semaphore = Shared::new(Semaphore::new(1))?;
    drop(semaphore.acquire_async());
    assert_eq!(semaphore.value(), 1);
    let (receiver, sender) = pipe::<u8>()?;
    drop((receiver.recv_async(), sender.send_async(1)));
    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)), "nothing was sent");
    let mut waiting = Box::pin(receiver.recv_async());
    assert!(poll_once(&mut waiting).is_pending());
    drop(waiting);
    let close = |sender: Sender<u8>| drop(sender);
    close(sender);
    assert!(matches!(block_on(receiver.recv_async()), Err(RecvError::Closed)));
    Ok(())
}

/// A future that is leaked may outlive what it waits for. The thread that sleeps for it reads nothing there.
#[test]
fn a_leaked_future_is_harmless() -> Nothing {
    for round in 0..50 {
        let semaphore = Box::new(Semaphore::new(0));
        let mut future = Box::pin(semaphore.acquire_async());
        assert!(poll_once(&mut future).is_pending());
        std::mem::forget(future);
        drop(semaphore);
        let shared = Shared::new(Semaphore::new(0))?;
        let mut future = Box::pin(shared.acquire_async());
        assert!(poll_once(&mut future).is_pending());
        std::mem::forget(future);
        drop(shared);
        // Most likely at the address of the first.
        let next = Arc::new(Semaphore::new(0));
        let release = next.clone();
        let releasing = thread::spawn(move || release.release(1).expect("it is none too many"));
        drop(block_on(next.acquire_async()));
        releasing.join().unwrap_or_else(|_| panic!("round {round}"));
    }
    Ok(())
}
