//! Kills at a queue: a value is put or not, taken or not, and the survivors go on.

use multiproc::{GetError, PutError, Queue};

use crate::survivor::Survivor;
use crate::trial::{Failure, Trial, check, check_eq};

/// The tracee's value is longer than a granule, and wraps around the end of the ring.
type Value = [u64; 3];

const TRACEE_VALUE: Value = [u64::MAX, 1 << 60, u64::MAX];

/// A survivor's result when the queue was closed.
const CLOSED: u8 = 1;
/// When it got a value that nobody put.
const WRONG: u8 = 2;
/// When it got the tracee's value.
const GOT_TRACEE_VALUE: u8 = 3;
/// Results from here on are values: [`value`] of the difference.
const GOT: u8 = 10;

fn value(number: u8) -> Value {
    [number.into(); 3]
}

/// A queue for two values that holds `values`, and whose ring has wrapped around once.
fn fixture(values: &[u8]) -> Queue<Value> {
    let queue = Queue::with_bytes(2, 80).unwrap();
    for _ in 0..2 {
        queue.try_put(TRACEE_VALUE).unwrap();
        queue.try_get().unwrap();
    }
    for &number in values {
        queue.try_put(value(number)).unwrap();
    }
    queue
}

fn get(queue: &Queue<Value>) -> u8 {
    match queue.get() {
        Ok(TRACEE_VALUE) => GOT_TRACEE_VALUE,
        Ok([number, ..]) if number < 100 => GOT + number as u8,
        Ok(_) => WRONG,
        Err(GetError::Closed) => CLOSED,
        Err(error) => panic!("{error}"),
    }
}

fn put(queue: &Queue<Value>, number: u8) -> u8 {
    match queue.put(value(number)) {
        Ok(()) => 0,
        Err(PutError::Closed(_)) => CLOSED,
        Err(error) => panic!("{error}"),
    }
}

/// Takes a value that must be there: it may wait only for a lock of the killed process.
fn take(trial: &Trial, queue: &Queue<Value>) -> Result<Value, Failure> {
    queue.get_for(trial.timeout).map_err(|error| Failure::Hang(format!("a get: {error}")))
}

fn give(trial: &Trial, queue: &Queue<Value>, number: u8) -> Result<(), Failure> {
    let given = queue.put_for(value(number), trial.timeout);
    given.map_err(|error| Failure::Hang(format!("a put: {error}")))
}

/// The queue is empty, and delivers what is put, up to its capacity, in order.
fn still_works(trial: &Trial, queue: &Queue<Value>) -> Result<(), Failure> {
    check_eq("the length at the end", queue.len(), 0)?;
    for round in 0..3 {
        give(trial, queue, 50 + round)?;
        give(trial, queue, 60 + round)?;
        check(queue.is_full() && queue.try_put(TRACEE_VALUE).is_err(), || "it is not full".into())?;
        check_eq("the first", take(trial, queue)?, value(50 + round))?;
        check_eq("the second", take(trial, queue)?, value(60 + round))?;
        check(queue.try_get().is_err(), || "it is not empty".into())?;
    }
    Ok(())
}

/// The tracee's value is there wholly or not at all; the others are unchanged.
fn put_onto(trial: &Trial, before: &[u8]) -> Result<(), Failure> {
    let queue = fixture(before);
    let mut tracee = trial.tracee(|| (), |()| queue.put(TRACEE_VALUE).unwrap())?;
    tracee.finish()?;
    let was_put = tracee.has_ended();
    tracee.kill();
    let there = queue.len() - before.len();
    check(there == 1 || there == 0 && !was_put, || format!("{there} were put"))?;
    if there == 0 {
        give(trial, &queue, 9)?;
    }
    for &number in before {
        check_eq("what was there before", take(trial, &queue)?, value(number))?;
    }
    let expected = if there == 0 { value(9) } else { TRACEE_VALUE };
    check_eq("what was put last", take(trial, &queue)?, expected)?;
    still_works(trial, &queue)
}

pub(crate) fn put_empty(trial: &Trial) -> Result<(), Failure> {
    put_onto(trial, &[])
}

pub(crate) fn put_last_slot(trial: &Trial) -> Result<(), Failure> {
    put_onto(trial, &[1])
}

/// The first value was taken by the tracee, or is still the first.
pub(crate) fn get_full(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[1, 2]);
    let mut tracee = trial.tracee(|| (), |()| assert_eq!(queue.get().unwrap(), value(1)))?;
    tracee.finish()?;
    let was_taken = tracee.has_ended();
    tracee.kill();
    let left = queue.len();
    check(left == 1 || left == 2 && !was_taken, || format!("{left} are left"))?;
    if left == 2 {
        check_eq("the first", take(trial, &queue)?, value(1))?;
    }
    check_eq("the second", take(trial, &queue)?, value(2))?;
    still_works(trial, &queue)
}

/// The waiting consumer gets the tracee's value, or it was not put.
pub(crate) fn put_consumer_asleep(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[]);
    let mut tracee = trial.tracee(|| (), |()| queue.put(TRACEE_VALUE).unwrap())?;
    let consumer = trial.waiter(|| get(&queue))?;
    tracee.finish()?;
    tracee.kill();
    let helped = help_consumer(trial, &queue, &consumer)?;
    let expected = if helped { GOT + 9 } else { GOT_TRACEE_VALUE };
    check_eq("the consumer's result", consumer.join()?, expected)?;
    still_works(trial, &queue)
}

/// Puts a value if there is none and the consumer waits for one.
fn help_consumer(
    trial: &Trial,
    queue: &Queue<Value>,
    consumer: &Survivor<'_>,
) -> Result<bool, Failure> {
    // In this order: a consumer that sleeps after the queue was seen empty was given nothing.
    let help = queue.is_empty() && consumer.sleeps()?;
    if help {
        give(trial, queue, 9)?;
    }
    Ok(help)
}

/// The waiting producer gets the free slot, or none was freed.
pub(crate) fn get_producer_asleep(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[1, 2]);
    let mut tracee = trial.tracee(|| (), |()| assert_eq!(queue.get().unwrap(), value(1)))?;
    let producer = trial.waiter(|| put(&queue, 3))?;
    tracee.finish()?;
    tracee.kill();
    // In this order: a producer that sleeps after the queue was seen full was given no slot.
    if queue.is_full() && producer.sleeps()? {
        check_eq("the first", take(trial, &queue)?, value(1))?;
    }
    check_eq("the producer's result", producer.join()?, 0)?;
    check_eq("the second", take(trial, &queue)?, value(2))?;
    check_eq("the third", take(trial, &queue)?, value(3))?;
    still_works(trial, &queue)
}

/// The tracee waits for a value and is woken; another consumer waits behind it.
pub(crate) fn get_woken(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[]);
    let expected = [value(5), value(6)];
    let mut tracee = trial.tracee(|| (), |()| assert!(expected.contains(&queue.get().unwrap())))?;
    tracee.step()?;
    let consumer = trial.waiter(|| get(&queue))?;
    give(trial, &queue, 5)?;
    let gave_two = tracee.finish_before(&consumer, || give(trial, &queue, 6))?;
    let was_taken = tracee.has_ended();
    tracee.kill();
    if gave_two {
        check_eq("the consumer's result", consumer.join()?, GOT + 5)?;
        if !was_taken && !queue.is_empty() {
            check_eq("what the tracee left", take(trial, &queue)?, value(6))?;
        }
        return still_works(trial, &queue);
    }
    let helped = help_consumer(trial, &queue, &consumer)?;
    check(helped || !was_taken, || "one value was taken twice".into())?;
    let expected = if helped { GOT + 9 } else { GOT + 5 };
    check_eq("the consumer's result", consumer.join()?, expected)?;
    still_works(trial, &queue)
}

/// The tracee waits for a slot and is woken; another producer waits behind it.
pub(crate) fn put_woken(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[1, 2]);
    let mut tracee = trial.tracee(|| (), |()| queue.put(TRACEE_VALUE).unwrap())?;
    tracee.step()?;
    let producer = trial.waiter(|| put(&queue, 3))?;
    let free_slot = |number| check_eq("the first", take(trial, &queue)?, value(number));
    free_slot(1)?;
    let made_two = tracee.finish_before(&producer, || free_slot(2))?;
    let was_put = tracee.has_ended();
    tracee.kill();
    if made_two {
        check_eq("the producer's result", producer.join()?, 0)?;
        check_eq("the third", take(trial, &queue)?, value(3))?;
        if was_put || !queue.is_empty() {
            check_eq("the tracee's value", take(trial, &queue)?, TRACEE_VALUE)?;
        }
        return still_works(trial, &queue);
    }
    let help = queue.is_full() && producer.sleeps()?;
    check_eq("the second", help.then(|| take(trial, &queue)).transpose()?, help.then(|| value(2)))?;
    check_eq("the producer's result", producer.join()?, 0)?;
    let expected = [(!help).then(|| value(2)), help.then_some(TRACEE_VALUE), Some(value(3))];
    check(help || !was_put, || "one slot was used twice".into())?;
    for expected in expected.into_iter().flatten() {
        check_eq("the next", take(trial, &queue)?, expected)?;
    }
    still_works(trial, &queue)
}

/// All waiting consumers are told, or the queue was not closed.
pub(crate) fn close_consumers_asleep(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[]);
    let mut tracee = trial.tracee(|| (), |()| queue.close())?;
    let waiters = [trial.waiter(|| get(&queue))?, trial.waiter(|| get(&queue))?];
    tracee.finish()?;
    close_after(tracee, &queue, &waiters)?;
    check_eq("a closed and empty queue's result", queue.try_get().err(), Some(GetError::Closed))
}

/// The same for waiting producers; what was put is still there.
pub(crate) fn close_producers_asleep(trial: &Trial) -> Result<(), Failure> {
    let queue = fixture(&[1, 2]);
    let mut tracee = trial.tracee(|| (), |()| queue.close())?;
    let waiters = [trial.waiter(|| put(&queue, 3))?, trial.waiter(|| put(&queue, 4))?];
    tracee.finish()?;
    close_after(tracee, &queue, &waiters)?;
    check_eq("the first", take(trial, &queue)?, value(1))?;
    check_eq("the second", take(trial, &queue)?, value(2))?;
    check_eq("a closed and empty queue's result", queue.try_get().err(), Some(GetError::Closed))
}

fn close_after(
    tracee: crate::tracee::Tracee<'_>,
    queue: &Queue<Value>,
    waiters: &[Survivor<'_>],
) -> Result<(), Failure> {
    let was_closed = tracee.has_ended();
    tracee.kill();
    check(queue.is_closed() || !was_closed, || "it was closed, and is not".into())?;
    if !queue.is_closed() {
        queue.close();
    }
    for waiter in waiters {
        check_eq("a waiter's result", waiter.join()?, CLOSED)?;
    }
    check(queue.try_put(TRACEE_VALUE).is_err(), || "a closed queue takes values".into())
}

/// A finished task is counted once, and a process that waits for all of them goes on.
pub(crate) fn task_done(trial: &Trial) -> Result<(), Failure> {
    let queue = Queue::bounded(2).unwrap();
    queue.put(1).unwrap();
    queue.get().unwrap();
    let mut tracee = trial.tracee(|| (), |()| queue.task_done().unwrap())?;
    let joiner = trial.waiter(|| {
        queue.join();
        0
    })?;
    tracee.finish()?;
    tracee.kill();
    if queue.unfinished() == 1 {
        queue.task_done().unwrap();
    }
    check_eq("the joiner's result", joiner.join()?, 0)?;
    check_eq("the number of unfinished", queue.unfinished(), 0)
}
