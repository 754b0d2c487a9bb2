//! Futures: what is looked at, announced and slept on without a thread of one's own.
//!
//! In a model the thread that polls sleeps itself, in the poll, on the word and the value that it would have
//! registered. So what is explored is that no future sleeps while there is something for it. (Whose turn it is in
//! one process is no matter of shared memory, and is tested on the machine.)

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use multiproc::{Event, GetError, Queue, RecvError, Semaphore, pipe};

use crate::harness::{Model, models};
use crate::stage::{Data, reached, share, sleepers, spawn, spawn_with};

/// What the future gives.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => reached("waited"),
        }
    }
}

models! {
    gets (explored_only): Model {
        shows: "a future that awaits a message gets it whole",
        min_explored: 110,
        must_reach: &["waited"],
        run: || {
            let queue = Queue::with_bytes(2, 16).unwrap();
            let producer = spawn_with(&queue, |queue| queue.put(1).unwrap());
            assert_eq!(block_on(queue.get_async()), Ok(1));
            producer.join();
        },
    };

    sees_the_end (explored_only): Model {
        shows: "a future that awaits a message sees that the queue is closed, asleep or not",
        min_explored: 170,
        must_reach: &["waited"],
        run: || {
            let queue = Queue::<u8>::with_bytes(2, 16).unwrap();
            let closing = spawn_with(&queue, Queue::close);
            assert_eq!(block_on(queue.get_async()), Err(GetError::Closed));
            closing.join();
        },
    };

    puts (explored_only): Model {
        shows: "a future that awaits room puts its message once, behind the one before it",
        min_explored: 70_000,
        must_reach: &["waited"],
        run: || {
            let queue = Queue::with_bytes(1, 8).unwrap();
            queue.put(1).unwrap();
            let producer = spawn_with(&queue, |queue| block_on(queue.put_async(2)).unwrap());
            assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
            producer.join();
        },
    };

    acquires (explored_only): Model {
        shows: "a future and a thread share one permit: one inside, and both come in",
        min_explored: 1_500,
        must_reach: &["waited"],
        run: || {
            let room = share((Semaphore::new(1), Data::default()));
            let worker = spawn_with(&room, |room| {
                let _permit = room.0.acquire();
                room.1.add(1);
            });
            let permit = block_on(room.0.acquire_async());
            room.1.add(1);
            drop(permit);
            worker.join();
            assert_eq!(room.0.value(), 1);
        },
    };

    sends_and_receives (explored_only): Model {
        shows: "one sends into a pipe with room for less, one receives: all comes, and then the end",
        min_explored: 1_700,
        must_reach: &["waited"],
        run: || {
            let (receiver, sender) = pipe().unwrap();
            let sending = spawn(move || {
                (1..=3).for_each(|n| block_on(sender.send_async(n)).unwrap());
            });
            (1..=3).for_each(|n| assert_eq!(block_on(receiver.recv_async()).unwrap(), n));
            assert!(matches!(block_on(receiver.recv_async()), Err(RecvError::Closed)));
            sending.join();
        },
    };

    waits (explored_only): Model {
        shows: "a set that is followed at once by a clear releases a future that waited",
        min_explored: 65,
        must_reach: &["asleep", "awake"],
        run: || {
            let notice = share((Event::new(), Data::default()));
            let waiter = spawn_with(&notice, |notice| {
                block_on(notice.0.wait_async());
                assert_eq!(notice.1.read(), 7, "it sees what was written before the set");
            });
            notice.1.write(7);
            // A step of its own: whether the waiter sleeps is known after it.
            notice.0.is_set();
            let asleep = sleepers() == 1;
            reached(if asleep { "asleep" } else { "awake" });
            notice.0.set();
            if asleep {
                notice.0.clear();
            }
            waiter.join();
        },
    };
}
