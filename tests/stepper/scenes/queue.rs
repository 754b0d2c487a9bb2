//! Deaths around a queue: a value is put or not, taken or not, and the others go on.

use multiproc::{GetError, PutError, Queue};

use crate::companion::Companion;
use crate::cut::{Cut, Harm, same, sure};

/// The victim's value is longer than a granule, and where it lies wraps around.
type Value = [u64; 3];

const VICTIMS: Value = [u64::MAX, 1 << 60, u64::MAX];

/// A companion's answer when the queue was closed.
const CLOSED: u8 = 1;
/// When it got what nobody put.
const WRONG: u8 = 2;
/// When it got the victim's value.
const GOT_VICTIMS: u8 = 3;
/// Answers from here on are values: [`value`] of the number above it.
const GOT: u8 = 10;

fn value(number: u8) -> Value {
    [number.into(); 3]
}

/// A queue for two, in which `values` are, and whose memory has been gone around once.
fn scene(values: &[u8]) -> Queue<Value> {
    let queue = Queue::with_bytes(2, 80).unwrap();
    for _ in 0..2 {
        queue.try_put(VICTIMS).unwrap();
        queue.try_get().unwrap();
    }
    for &number in values {
        queue.try_put(value(number)).unwrap();
    }
    queue
}

fn get(queue: &Queue<Value>) -> u8 {
    match queue.get() {
        Ok(VICTIMS) => GOT_VICTIMS,
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

/// Takes what must be there, by a process that would not wait but for the dead one's lock.
fn take(cut: &Cut, queue: &Queue<Value>) -> Result<Value, Harm> {
    queue.get_for(cut.patience).map_err(|error| Harm::Hang(format!("a get: {error}")))
}

fn give(cut: &Cut, queue: &Queue<Value>, number: u8) -> Result<(), Harm> {
    let given = queue.put_for(value(number), cut.patience);
    given.map_err(|error| Harm::Hang(format!("a put: {error}")))
}

/// Empty, and passes on what is put, up to its capacity, in order.
fn works(cut: &Cut, queue: &Queue<Value>) -> Result<(), Harm> {
    same("the length at the end", queue.len(), 0)?;
    for round in 0..3 {
        give(cut, queue, 50 + round)?;
        give(cut, queue, 60 + round)?;
        sure(queue.is_full() && queue.try_put(VICTIMS).is_err(), || "it is not full".into())?;
        same("the first", take(cut, queue)?, value(50 + round))?;
        same("the second", take(cut, queue)?, value(60 + round))?;
        sure(queue.try_get().is_err(), || "it is not empty".into())?;
    }
    Ok(())
}

/// The victim's value is there wholly or not at all; all else is as it was.
fn put_onto(cut: &Cut, before: &[u8]) -> Result<(), Harm> {
    let queue = scene(before);
    let mut victim = cut.victim(|| (), |()| queue.put(VICTIMS).unwrap())?;
    victim.finish()?;
    let was_put = victim.has_ended();
    victim.kill();
    let there = queue.len() - before.len();
    sure(there == 1 || there == 0 && !was_put, || format!("{there} were put"))?;
    if there == 0 {
        give(cut, &queue, 9)?;
    }
    for &number in before {
        same("what was there before", take(cut, &queue)?, value(number))?;
    }
    let expected = if there == 0 { value(9) } else { VICTIMS };
    same("what was put last", take(cut, &queue)?, expected)?;
    works(cut, &queue)
}

pub(crate) fn put_empty(cut: &Cut) -> Result<(), Harm> {
    put_onto(cut, &[])
}

pub(crate) fn put_last_place(cut: &Cut) -> Result<(), Harm> {
    put_onto(cut, &[1])
}

/// The first value is gone with the victim, or still the first.
pub(crate) fn get_full(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[1, 2]);
    let mut victim = cut.victim(|| (), |()| assert_eq!(queue.get().unwrap(), value(1)))?;
    victim.finish()?;
    let was_taken = victim.has_ended();
    victim.kill();
    let left = queue.len();
    sure(left == 1 || left == 2 && !was_taken, || format!("{left} are left"))?;
    if left == 2 {
        same("the first", take(cut, &queue)?, value(1))?;
    }
    same("the second", take(cut, &queue)?, value(2))?;
    works(cut, &queue)
}

/// The consumer that sleeps gets the victim's value, or was not given it.
pub(crate) fn put_consumer_asleep(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[]);
    let mut victim = cut.victim(|| (), |()| queue.put(VICTIMS).unwrap())?;
    let consumer = cut.sleeper(|| get(&queue))?;
    victim.finish()?;
    victim.kill();
    let helped = help_consumer(cut, &queue, &consumer)?;
    let expected = if helped { GOT + 9 } else { GOT_VICTIMS };
    same("the consumer's answer", consumer.ends()?, expected)?;
    works(cut, &queue)
}

/// Puts a value if there is none and the consumer sleeps for it.
fn help_consumer(cut: &Cut, queue: &Queue<Value>, consumer: &Companion<'_>) -> Result<bool, Harm> {
    // In this order: who sleeps though there was nothing a moment ago was not given anything.
    let help = queue.is_empty() && consumer.rests()?;
    if help {
        give(cut, queue, 9)?;
    }
    Ok(help)
}

/// The producer that sleeps gets the place, or none was made.
pub(crate) fn get_producer_asleep(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[1, 2]);
    let mut victim = cut.victim(|| (), |()| assert_eq!(queue.get().unwrap(), value(1)))?;
    let producer = cut.sleeper(|| put(&queue, 3))?;
    victim.finish()?;
    victim.kill();
    // In this order: who sleeps though it was full a moment ago was not given a place.
    if queue.is_full() && producer.rests()? {
        same("the first", take(cut, &queue)?, value(1))?;
    }
    same("the producer's answer", producer.ends()?, 0)?;
    same("the second", take(cut, &queue)?, value(2))?;
    same("the third", take(cut, &queue)?, value(3))?;
    works(cut, &queue)
}

/// The victim sleeps for a value and is woken; another sleeps behind it.
pub(crate) fn get_woken(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[]);
    let expected = [value(5), value(6)];
    let mut victim = cut.victim(|| (), |()| assert!(expected.contains(&queue.get().unwrap())))?;
    victim.step()?;
    let consumer = cut.sleeper(|| get(&queue))?;
    give(cut, &queue, 5)?;
    let gave_two = victim.finish_before(&consumer, || give(cut, &queue, 6))?;
    let was_taken = victim.has_ended();
    victim.kill();
    if gave_two {
        same("the consumer's answer", consumer.ends()?, GOT + 5)?;
        if !was_taken && !queue.is_empty() {
            same("what the victim left", take(cut, &queue)?, value(6))?;
        }
        return works(cut, &queue);
    }
    let helped = help_consumer(cut, &queue, &consumer)?;
    sure(helped || !was_taken, || "one value was taken twice".into())?;
    let expected = if helped { GOT + 9 } else { GOT + 5 };
    same("the consumer's answer", consumer.ends()?, expected)?;
    works(cut, &queue)
}

/// The victim sleeps for a place and is woken; another sleeps behind it.
pub(crate) fn put_woken(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[1, 2]);
    let mut victim = cut.victim(|| (), |()| queue.put(VICTIMS).unwrap())?;
    victim.step()?;
    let producer = cut.sleeper(|| put(&queue, 3))?;
    let make_place = |number| same("the first", take(cut, &queue)?, value(number));
    make_place(1)?;
    let made_two = victim.finish_before(&producer, || make_place(2))?;
    let was_put = victim.has_ended();
    victim.kill();
    if made_two {
        same("the producer's answer", producer.ends()?, 0)?;
        same("the third", take(cut, &queue)?, value(3))?;
        if was_put || !queue.is_empty() {
            same("the victim's", take(cut, &queue)?, VICTIMS)?;
        }
        return works(cut, &queue);
    }
    let help = queue.is_full() && producer.rests()?;
    same("the second", help.then(|| take(cut, &queue)).transpose()?, help.then(|| value(2)))?;
    same("the producer's answer", producer.ends()?, 0)?;
    let expected = [(!help).then(|| value(2)), help.then_some(VICTIMS), Some(value(3))];
    sure(help || !was_put, || "one place was used twice".into())?;
    for expected in expected.into_iter().flatten() {
        same("the next", take(cut, &queue)?, expected)?;
    }
    works(cut, &queue)
}

/// All who sleep for a value are told, or it was not closed.
pub(crate) fn close_consumers_asleep(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[]);
    let mut victim = cut.victim(|| (), |()| queue.close())?;
    let sleepers = [cut.sleeper(|| get(&queue))?, cut.sleeper(|| get(&queue))?];
    victim.finish()?;
    close_after(victim, &queue, &sleepers)?;
    same("a closed and empty queue's answer", queue.try_get().err(), Some(GetError::Closed))
}

/// The same for those who sleep for a place; what was put is still there.
pub(crate) fn close_producers_asleep(cut: &Cut) -> Result<(), Harm> {
    let queue = scene(&[1, 2]);
    let mut victim = cut.victim(|| (), |()| queue.close())?;
    let sleepers = [cut.sleeper(|| put(&queue, 3))?, cut.sleeper(|| put(&queue, 4))?];
    victim.finish()?;
    close_after(victim, &queue, &sleepers)?;
    same("the first", take(cut, &queue)?, value(1))?;
    same("the second", take(cut, &queue)?, value(2))?;
    same("a closed and empty queue's answer", queue.try_get().err(), Some(GetError::Closed))
}

fn close_after(
    victim: crate::victim::Victim<'_>,
    queue: &Queue<Value>,
    sleepers: &[Companion<'_>],
) -> Result<(), Harm> {
    let was_closed = victim.has_ended();
    victim.kill();
    sure(queue.is_closed() || !was_closed, || "it was closed, and is not".into())?;
    if !queue.is_closed() {
        queue.close();
    }
    for sleeper in sleepers {
        same("a sleeper's answer", sleeper.ends()?, CLOSED)?;
    }
    sure(queue.try_put(VICTIMS).is_err(), || "a closed queue takes values".into())
}

/// What is done is counted once, and whoever waits for all of it goes on.
pub(crate) fn task_done(cut: &Cut) -> Result<(), Harm> {
    let queue = Queue::bounded(2).unwrap();
    queue.put(1).unwrap();
    queue.get().unwrap();
    let mut victim = cut.victim(|| (), |()| queue.task_done().unwrap())?;
    let joiner = cut.sleeper(|| {
        queue.join();
        0
    })?;
    victim.finish()?;
    victim.kill();
    if queue.unfinished() == 1 {
        queue.task_done().unwrap();
    }
    same("the joiner's answer", joiner.ends()?, 0)?;
    same("the number of unfinished", queue.unfinished(), 0)
}
