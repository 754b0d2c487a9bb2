//! The queue: what it holds, gives back and refuses; between threads. (In any order: properties.)
#![cfg(not(modelled))]

use std::error::Error as _;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{CodecError, Error, GetError, Process, PutError, Queue, TooManyDone};
use serde::{Deserialize, Serialize};

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(1);

fn said<T>(result: Result<T, impl std::error::Error>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_come_in_the_order_in_which_they_were_put() {
    let queue = Queue::bounded(4).unwrap();
    for value in [(10, "a".to_owned()), (20, "bc".to_owned())] {
        queue.put(value).unwrap();
    }
    assert_eq!(queue.len(), 2);
    assert_eq!(queue.get(), Ok((10, "a".to_owned())));
    assert_eq!(queue.get_for(EVER), Ok((20, "bc".to_owned())));
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_refuses_and_gives_the_value_back() {
    let queue = Queue::bounded(2).unwrap();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert!(queue.is_full());
    let error = queue.try_put(3).unwrap_err();
    assert_eq!(error.to_string(), "the queue is full");
    assert_eq!(error.into_value(), 3);
    assert_eq!(said(queue.put_for(4, SOON)), "the queue had no room in time");
    assert!(matches!(queue.put_until(5, Instant::now()), Err(PutError::TimedOut(5))));
    assert_eq!(queue.get(), Ok(1));
    queue.try_put(6).unwrap();
    assert_eq!([queue.get(), queue.get()], [Ok(2), Ok(6)]);
}

#[test]
fn an_empty_queue_says_so() {
    let queue = Queue::<u8>::bounded(2).unwrap();
    assert_eq!(said(queue.try_get()), "the queue is empty");
    assert_eq!(said(queue.get_for(SOON)), "the queue had nothing in time");
    assert_eq!(queue.get_until(Instant::now()), Err(GetError::TimedOut));
}

#[test]
fn a_queue_is_full_by_bytes_too() {
    // Two bytes of length and text, in steps of eight.
    let queue = Queue::with_bytes(100, 64).unwrap();
    assert_eq!((queue.capacity(), queue.byte_capacity()), (100, 64));
    queue.put("x".repeat(30)).unwrap();
    queue.put("y".repeat(20)).unwrap();
    assert!(matches!(queue.try_put("z".repeat(8)), Err(PutError::Full(_))));
    queue.put("z".repeat(7)).unwrap();
    assert!(!queue.is_full());
    assert_eq!(queue.get().unwrap().len(), 30);
    queue.put("w".repeat(31)).unwrap();
    let lengths: Vec<_> = (0..3).map(|_| queue.get().unwrap().len()).collect();
    assert_eq!(lengths, [20, 7, 31]);
}

#[test]
fn a_message_larger_than_the_queue_names_both_sizes() {
    let queue = Queue::with_bytes(4, 60).unwrap();
    assert_eq!(queue.byte_capacity(), 64);
    queue.put(vec![0u8; 63]).unwrap();
    let error = queue.put(vec![0u8; 64]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a message of 65 bytes can never be put into a queue of 64 bytes: make the queue with \
         Queue::with_bytes"
    );
    assert!(matches!(error, PutError::TooLarge { size: 65, max: 64, .. }));
    assert_eq!(error.into_value().len(), 64);
}

#[test]
fn capacities_that_cannot_be_are_refused() {
    assert_eq!(
        said(Queue::<u8>::bounded(0)),
        "a queue capacity in messages of 0 cannot be made: it must be from 1 to 268435456"
    );
    assert!(matches!(
        Queue::<u8>::bounded(usize::MAX),
        Err(Error::Capacity { asked: usize::MAX, .. })
    ));
    assert_eq!(
        said(Queue::<u8>::with_bytes(1, 0)),
        "a queue capacity in bytes of 0 cannot be made: it must be from 1 to 4294967288"
    );
    assert!(matches!(Queue::<u8>::with_bytes(1, 1 << 32), Err(Error::Capacity { .. })));
}

#[test]
fn a_closed_queue_refuses_and_is_drained() {
    let queue = Queue::bounded(4).unwrap();
    queue.put(1).unwrap();
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    let error = queue.put(2).unwrap_err();
    assert_eq!(error.to_string(), "the queue is closed: nothing can be put any more");
    assert!(matches!(error, PutError::Closed(2)));
    assert!(matches!(queue.put_ref(&2), Err(PutError::Closed(()))));
    assert_eq!(queue.get(), Ok(1));
    assert_eq!(said(queue.get()), "the queue is closed and empty");
    assert_eq!(queue.try_get(), Err(GetError::Closed));
}

#[test]
fn closing_wakes_all_who_wait() {
    let (empty, full) = (Queue::<u8>::bounded(1).unwrap(), Queue::bounded(1).unwrap());
    full.put(0).unwrap();
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..3)
            .flat_map(|_| {
                [
                    scope.spawn(|| matches!(empty.get_for(EVER), Err(GetError::Closed))),
                    scope.spawn(|| matches!(full.put_for(9, EVER), Err(PutError::Closed(9)))),
                ]
            })
            .collect();
        empty.close();
        full.close();
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    });
    assert_eq!(full.get(), Ok(0));
}

#[test]
fn a_type_that_refuses_is_reported_with_its_reason() {
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never"))
        }
    }
    impl<'de> Deserialize<'de> for Stubborn {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Stubborn)
        }
    }
    let queue = Queue::bounded(1).unwrap();
    let error = queue.put(Stubborn).unwrap_err();
    assert_eq!(error.to_string(), "the value cannot be encoded");
    assert_eq!(error.source().unwrap().to_string(), "never");
    assert!(queue.is_empty());
}

/// Can be put whatever it is, but got only if it is even.
#[derive(Debug, PartialEq)]
struct Even(u8);
impl Serialize for Even {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}
impl<'de> Deserialize<'de> for Even {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = u8::deserialize(from)?;
        if value % 2 == 0 { Ok(Even(value)) } else { Err(serde::de::Error::custom("odd")) }
    }
}

#[test]
fn a_message_that_does_not_decode_is_an_error_and_is_gone() {
    let queue = Queue::bounded(4).unwrap();
    queue.put(Even(1)).unwrap();
    queue.put(Even(2)).unwrap();
    let error = queue.get().unwrap_err();
    assert_eq!(error, GetError::Decode(CodecError::Custom("odd".to_owned())));
    assert_eq!(queue.get(), Ok(Even(2)));
}

#[test]
fn a_loop_over_a_queue_gets_all_and_hears_of_what_does_not_decode() {
    let queue = Queue::bounded(4).unwrap();
    let odd = || Err(GetError::Decode(CodecError::Custom("odd".to_owned())));
    thread::scope(|scope| {
        let getter = scope.spawn(|| (&queue).into_iter().collect::<Vec<_>>());
        (0..5).for_each(|n| queue.put(Even(n)).unwrap());
        queue.close();
        let got = getter.join().unwrap();
        assert_eq!(got, [Ok(Even(0)), odd(), Ok(Even(2)), odd(), Ok(Even(4))]);
    });
    assert_eq!(queue.iter().next(), None);
}

#[test]
fn a_queue_that_is_given_to_a_loop_can_be_the_last() {
    let (queue, left) = (Queue::bounded(4).unwrap(), Queue::bounded(4).unwrap());
    left.put(7).unwrap();
    left.close();
    queue.put(left.try_iter().next().unwrap().unwrap()).unwrap();
    queue.close();
    for value in queue {
        assert_eq!(value, Ok(7));
    }
}

#[test]
fn what_is_there_is_taken_without_waiting_for_more() {
    let queue = Queue::bounded(4).unwrap();
    let mut values = queue.try_iter();
    assert_eq!(values.next(), None);
    (1..=3).for_each(|n| queue.put(n).unwrap());
    assert_eq!(values.next(), Some(Ok(1)), "it was not closed");
    assert_eq!(values.by_ref().collect::<Vec<_>>(), [Ok(2), Ok(3)]);
    queue.close();
    assert_eq!(values.next(), None);
}

#[test]
fn a_value_may_use_a_queue_while_it_is_encoded() {
    struct Echo(Queue<u32>);
    impl Serialize for Echo {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            self.0.put(7).map_err(serde::ser::Error::custom)?;
            self.0.get().map_err(serde::ser::Error::custom)?.serialize(to)
        }
    }
    impl<'de> Deserialize<'de> for Echo {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            assert_eq!(u32::deserialize(from)?, 7);
            Queue::bounded(1).map(Echo).map_err(serde::de::Error::custom)
        }
    }
    let queue = Queue::bounded(1).unwrap();
    queue.put(Echo(Queue::bounded(1).unwrap())).unwrap();
    assert!(queue.get().is_ok());
}

#[test]
fn values_without_bytes_are_counted() {
    let queue = Queue::bounded(3).unwrap();
    for _ in 0..10 {
        (0..3).for_each(|_| queue.put(()).unwrap());
        assert!(queue.try_put(()).is_err());
        (0..3).for_each(|_| queue.get().unwrap());
        assert_eq!(queue.try_get(), Err(GetError::Empty));
    }
}

#[test]
fn large_values_pass_through_a_queue_of_their_size() {
    let value: Vec<u32> = (0..300_000).collect();
    let queue = Queue::with_bytes(1, 2 << 20).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| (0..5).for_each(|_| queue.put_for(value.clone(), EVER).unwrap()));
        (0..5).for_each(|_| assert!(queue.get_for(EVER).unwrap() == value));
    });
}

#[test]
fn join_waits_for_every_task() {
    let queue = Queue::bounded(8).unwrap();
    assert!(queue.join_for(SOON), "nothing was put");
    assert_eq!(said(queue.task_done()), "task_done was called more often than values were put");
    (0..3).for_each(|task| queue.put(task).unwrap());
    assert_eq!(queue.unfinished(), 3);
    assert!(!queue.join_for(SOON));
    assert!(!queue.join_until(Instant::now()));
    thread::scope(|scope| {
        let joiners = [scope.spawn(|| queue.join_for(EVER)), scope.spawn(|| queue.join_for(EVER))];
        (0..3).for_each(|_| {
            queue.get().unwrap();
            queue.task_done().unwrap();
        });
        assert!(joiners.into_iter().all(|joiner| joiner.join().unwrap()));
    });
    assert_eq!(queue.task_done(), Err(TooManyDone));
    queue.join();
}

#[test]
fn nothing_is_lost_or_doubled_or_reordered_between_many_threads() {
    const EACH: usize = 5_000;
    for (producers, consumers, messages) in [(1, 1, 1), (3, 1, 2), (1, 3, 64), (3, 3, 5)] {
        // Few bytes, so that room is short in messages and in bytes by turns.
        let queue = Queue::with_bytes(messages, 96).unwrap();
        let got: Vec<Vec<(usize, usize)>> = thread::scope(|scope| {
            let queue = &queue;
            let putting: Vec<_> = (0..producers)
                .map(|producer| scope.spawn(move || put_numbers(queue, producer, EACH)))
                .collect();
            let getting: Vec<_> =
                (0..consumers).map(|_| scope.spawn(|| get_numbers(queue))).collect();
            putting.into_iter().for_each(|producer| producer.join().unwrap());
            queue.join();
            queue.close();
            getting.into_iter().map(|consumer| consumer.join().unwrap()).collect()
        });
        for producer in 0..producers {
            for one in &got {
                let of_one = one.iter().filter(|(from, _)| *from == producer);
                assert!(of_one.is_sorted(), "one consumer sees a producer's values in order");
            }
        }
        let mut all: Vec<_> = got.into_iter().flatten().collect();
        all.sort_unstable();
        let expected: Vec<_> =
            (0..producers).flat_map(|p| (0..EACH).map(move |n| (p, n))).collect();
        assert_eq!(all, expected);
    }
}

type Numbered = (usize, usize, String);

fn put_numbers(queue: &Queue<Numbered>, producer: usize, count: usize) {
    for n in 0..count {
        queue.put_for((producer, n, text(producer, n)), EVER).unwrap();
    }
}

fn get_numbers(queue: &Queue<Numbered>) -> Vec<(usize, usize)> {
    let mut got = Vec::new();
    loop {
        match queue.get_for(EVER) {
            Ok((producer, n, with)) => {
                assert_eq!(with, text(producer, n));
                got.push((producer, n));
                queue.task_done().unwrap();
            }
            Err(GetError::Closed) => return got,
            Err(other) => panic!("{other}"),
        }
    }
}

fn text(producer: usize, n: usize) -> String {
    char::from(b'a' + (n % 26) as u8).to_string().repeat((n * 7 + producer) % 60)
}

#[test]
fn a_queue_goes_to_a_child_as_an_argument() {
    let (tasks, results) = (Queue::bounded(2).unwrap(), Queue::bounded(2).unwrap());
    let worker = Process::spawn(
        |(tasks, results): (Queue<u32>, Queue<u64>)| {
            while let Ok(n) = tasks.get() {
                results.put(u64::from(n) * u64::from(n)).unwrap();
            }
        },
        (tasks.clone(), results.clone()),
    )
    .unwrap();
    for n in 1..=5 {
        tasks.put(n).unwrap();
        assert_eq!(results.get_for(EVER), Ok(u64::from(n * n)));
    }
    tasks.close();
    worker.join().unwrap();
}

#[test]
fn a_queue_does_not_go_through_a_queue() {
    let queue = Queue::<Queue<u8>>::bounded(2).unwrap();
    let error = queue.put(Queue::bounded(1).unwrap()).unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "what processes share goes to another as an argument of Process::spawn or by move into \
         Process::fork, not as bytes"
    );
}
