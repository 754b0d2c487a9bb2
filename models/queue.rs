//! `Queue` and the ring under it: nothing is lost, doubled or seen before it is whole, nobody
//! sleeps while there is something for him, and what the putting one wrote the getting one sees.

use std::time::Duration;

use multiproc::{GetError, PutError, Queue};

use crate::harness::{Model, models};
use crate::stage::{Data, explore_once_asleep, reached, share, spawn_with, stop_exploring};

models! {
    carries: Model {
        shows: "a consumer that finds or awaits a message gets it whole",
        min_explored: 2_000,
        must_reach: &["Ring::put_locked: commit", "commit_slow: wake_op(Op::AddBit"],
        run: || {
            let queue = queue(2, 16);
            let producer = spawn_with(&queue, |queue| (1..=2).for_each(|n| queue.put(n).unwrap()));
            assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
            producer.join();
        },
    };

    reuses: Model {
        shows: "a producer writes over a message only when it was taken, and waits for that",
        min_explored: 110,
        must_reach: &["Ring::get_locked: commit"],
        run: || {
            let queue = queue(1, 8);
            queue.put(1).unwrap();
            let producer = spawn_with(&queue, |queue| queue.put(2).unwrap());
            assert_eq!(queue.get(), Ok(1));
            producer.join();
            assert_eq!(queue.get(), Ok(2));
        },
    };

    has_two_consumers: Model {
        shows: "of two that take at the same time, both get a message and none the same",
        min_explored: 45,
        must_reach: &["RawLock::take: "],
        run: || {
            let queue = queue(2, 16);
            (1..=2).for_each(|n| queue.put(n).unwrap());
            let other = spawn_with(&queue, |queue| queue.get().unwrap());
            assert_eq!(queue.get().unwrap() + other.join(), 3);
        },
    };

    has_two_producers: Model {
        shows: "what two put at the same time comes one after the other",
        min_explored: 50,
        must_reach: &["RawLock::take: "],
        run: || {
            let queue = queue(2, 16);
            let other = spawn_with(&queue, |queue| queue.put(1).unwrap());
            queue.put(2).unwrap();
            other.join();
            assert_eq!(queue.get().unwrap() + queue.get().unwrap(), 3);
        },
    };

    tells: Model {
        shows: "whoever is told that the queue is closed sees what was done before",
        min_explored: 150,
        must_reach: &["closed at once", "closed while it slept"],
        run: || {
            let both = (queue(1, 8), share(Data::default()));
            let closer = spawn_with(&both, |(queue, cell)| {
                cell.write(7);
                queue.close();
            });

            let (queue, cell) = &both;
            if queue.is_closed() {
                reached("closed at once");
                assert_eq!(cell.read(), 7);
            } else {
                reached("closed while it slept");
                assert_eq!(queue.get(), Err(GetError::Closed));
                assert_eq!(cell.read(), 7);
            }
            closer.join();
        },
    };

    closing_wakes: Model {
        shows: "once two wait for a message, closing wakes both",
        min_explored: 570,
        must_reach: &["Ring::close: wake_op(Op::OrBit(CLOSED_BIT), ALL, Release)"],
        run: || {
            stop_exploring();
            let queue = queue(1, 8);
            let waiting = [(); 2].map(|()| {
                spawn_with(&queue, |queue| assert_eq!(queue.get(), Err(GetError::Closed)))
            });
            explore_once_asleep(2);
            queue.close();
            waiting.into_iter().for_each(|consumer| consumer.join());
        },
    };

    closing_frees: Model {
        shows: "closing wakes who waits for room, and nothing is put after it",
        min_explored: 200,
        must_reach: &["Ring::close: wake_op(Op::OrBit(CLOSED_BIT), ALL, Relaxed)"],
        run: || {
            let queue = queue(1, 8);
            queue.put(1).unwrap();
            let waiting =
                spawn_with(&queue, |queue| matches!(queue.put(2), Err(PutError::Closed(2))));
            queue.close();
            assert!(waiting.join());
            assert_eq!((queue.get(), queue.get()), (Ok(1), Err(GetError::Closed)));
        },
    };

    hands_on: Model {
        shows: "once two wait, room too small for the one who is woken is offered to the other",
        min_explored: 1_400,
        must_reach: &["Ring::put_look: wake(1)"],
        run: || {
            stop_exploring();
            let queue = Queue::<Vec<u8>>::with_bytes(4, 24).unwrap();
            (0..3).for_each(|_| queue.put(vec![0]).unwrap());
            let large = spawn_with(&queue, |queue| queue.put(vec![1; 15]).unwrap());
            explore_once_asleep(1);
            stop_exploring();
            let small = spawn_with(&queue, |queue| queue.put(vec![2]).unwrap());
            explore_once_asleep(2);
            // Room for the small one only: that must suffice for it.
            queue.get().unwrap();
            small.join();
            (0..2).for_each(|_| drop(queue.get().unwrap()));
            large.join();
        },
    };

    joins: Model {
        shows: "whoever joins sees what was done with each message",
        min_explored: 3_600,
        must_reach: &["Unfinished::task_done: wake(ALL)"],
        run: || {
            let both = (queue(2, 16), share(Data::default()));
            let (queue, cell) = &both;
            (1..=2).for_each(|n| queue.put(n).unwrap());
            let worker = spawn_with(&both, |(queue, cell)| {
                for _ in 0..2 {
                    cell.write(queue.get().unwrap());
                    queue.task_done().unwrap();
                }
            });

            queue.join();
            assert_eq!(cell.read(), 2);
            worker.join();
            queue.task_done().unwrap_err();
        },
    };

    joins_all: Model {
        shows: "once two join, the last report wakes both",
        min_explored: 7,
        must_reach: &["Unfinished::task_done: wake(ALL)"],
        run: || {
            stop_exploring();
            let queue = queue(1, 8);
            queue.put(1).unwrap();
            let joining = [(); 2].map(|()| spawn_with(&queue, |queue| queue.join()));
            explore_once_asleep(2);
            queue.get().unwrap();
            queue.task_done().unwrap();
            joining.into_iter().for_each(|joiner| joiner.join());
        },
    };

    closing_frees_all: Model {
        shows: "once two wait for room, closing wakes both",
        min_explored: 81,
        must_reach: &["Ring::close: wake_op(Op::OrBit(CLOSED_BIT), ALL, Relaxed)"],
        run: || {
            stop_exploring();
            let queue = queue(1, 8);
            queue.put(1).unwrap();
            let waiting = [(); 2].map(|()| {
                spawn_with(&queue, |queue| matches!(queue.put(2), Err(PutError::Closed(2))))
            });
            explore_once_asleep(2);
            queue.close();
            assert_eq!(waiting.map(|producer| producer.join()), [true, true]);
        },
    };

    is_full_of_messages: Model {
        shows: "with bytes to spare, no more messages are there than it may hold",
        min_explored: 110,
        must_reach: &["Ring::put_locked: self.fits(tail, place, head, begin)"],
        run: || {
            let queue = queue(1, 16);
            queue.put(1).unwrap();
            let producer = spawn_with(&queue, |queue| queue.put(2).unwrap());
            assert_eq!(queue.get(), Ok(1));
            producer.join();
            assert_eq!(queue.get(), Ok(2));
        },
    };

    is_full_of_bytes: Model {
        shows: "with messages to spare, none is written over the bytes of another",
        min_explored: 110,
        must_reach: &["Ring::put_locked: self.fits(tail, place, head, begin)"],
        run: || {
            let queue = queue(2, 8);
            queue.put(1).unwrap();
            let producer = spawn_with(&queue, |queue| queue.put(2).unwrap());
            assert_eq!(queue.get(), Ok(1));
            producer.join();
            assert_eq!(queue.get(), Ok(2));
        },
    };

    is_counted: Model {
        shows: "no more are counted than were there, and who counts one sees what was done before",
        min_explored: 19,
        must_reach: &["none", "one"],
        run: || {
            let both = (queue(2, 16), share(Data::default()));
            let counter = spawn_with(&both, |(queue, cell)| match queue.len() {
                0 => reached("none"),
                1 => {
                    reached("one");
                    assert_eq!(cell.read(), 7);
                }
                more => panic!("one was put, {more} are counted"),
            });

            let (queue, cell) = &both;
            cell.write(7);
            queue.put(1).unwrap();
            queue.get().unwrap();
            counter.join();
        },
    };

    counts_unfinished: Model {
        shows: "no more are counted as unfinished than were put",
        min_explored: 19,
        must_reach: &["none", "one"],
        run: || {
            let queue = queue(2, 16);
            let counter = spawn_with(&queue, |queue| match queue.unfinished() {
                0 => reached("none"),
                1 => reached("one"),
                more => panic!("one was put, {more} are counted"),
            });
            queue.put(1).unwrap();
            queue.task_done().unwrap();
            counter.join();
        },
    };

    counts_each: Model {
        shows: "each that is done is one less, and none is done twice",
        min_explored: 2,
        must_reach: &[],
        run: || {
            let queue = queue(4, 32);
            (0..4).for_each(|n| queue.put(n).unwrap());
            for left in (0..4).rev() {
                queue.task_done().unwrap();
                assert_eq!(queue.unfinished(), left);
            }
            let last = spawn_with(&queue, |queue| queue.task_done().is_err());
            assert!(last.join(), "four were put");
        },
    };

    goes_round: Model {
        shows: "long messages that reach over the end come whole, and none is put where another is",
        min_explored: 2,
        must_reach: &[],
        run: || {
            // Five granules: messages of two, of which two have room, each time at another place.
            let queue = Queue::<[u8; 12]>::with_bytes(3, 5 * 8).unwrap();
            let long = |n: u8| [n; 12];
            queue.put(long(0)).unwrap();
            for n in 1..8 {
                queue.put(long(n)).unwrap();
                assert!(queue.try_put(long(99)).is_err(), "there is room for two");
                assert_eq!(queue.get(), Ok(long(n - 1)));
            }
            let last = spawn_with(&queue, |queue| queue.get().unwrap());
            assert_eq!(last.join(), long(7));
        },
    };

    reports: Model {
        shows: "of two who report the one message, one is refused",
        min_explored: 53,
        must_reach: &["refused", "the other was refused"],
        run: || {
            let queue = queue(2, 16);
            let other = spawn_with(&queue, |queue| queue.task_done().is_ok());
            queue.put(1).unwrap();
            let mine = queue.task_done().is_ok();
            let its = other.join();
            assert!(mine != its, "one message, {} reports", 2 * u32::from(mine));
            reached(if mine { "the other was refused" } else { "refused" });
        },
    };

    reports_beside_another: Model {
        shows: "who reports while another does counts none that was not put",
        min_explored: 1_000,
        must_reach: &["refused", "the other was refused"],
        run: || {
            let queue = queue(2, 16);
            let other = spawn_with(&queue, |queue| queue.task_done().is_ok());
            let report = |n| {
                queue.put(n).unwrap();
                queue.task_done().is_ok()
            };
            let mine = [1, 2].map(report);
            let its = other.join();
            let reports = u32::from(mine[0]) + u32::from(mine[1]) + u32::from(its);
            assert_eq!(reports, 2, "two were put");
            reached(if its { "refused" } else { "the other was refused" });
        },
    };

    times_out: Model {
        shows: "who gives up waiting for a message leaves it to the next, and for room has its own back",
        min_explored: 120_000,
        must_reach: &["got it", "too late", "put it", "still full"],
        run: || {
            let queue = queue(1, 8);
            let producer = spawn_with(&queue, |queue| {
                queue.put(1).unwrap();
                match queue.put_for(2, Duration::from_secs(1)) {
                    Ok(()) => reached("put it"),
                    Err(PutError::TimedOut(2)) => reached("still full"),
                    Err(error) => panic!("{error}"),
                }
            });
            match queue.get_for(Duration::from_secs(1)) {
                Ok(n) => {
                    assert_eq!(n, 1);
                    reached("got it");
                }
                Err(GetError::TimedOut) => reached("too late"),
                Err(error) => panic!("{error}"),
            }
            producer.join();
            assert!(queue.len() <= 1);
        },
    };
}

fn queue(messages: usize, bytes: usize) -> Queue<u32> {
    Queue::with_bytes(messages, bytes).unwrap()
}
