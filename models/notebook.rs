//! What the notebook's scenarios claim, in the memory that its processes share: small, with loom's
//! weakly ordered loads, and at the notebook's own sizes.

use multiproc::{Barrier, Event, Lock, Queue, Semaphore, Shared, Value, pipe};

use crate::harness::{Model, models};
use crate::stage::{Data, end_of_round, reached, spawn_alike, spawn_with};

models! {
    lock: Model {
        shows: "one adds to a and b under the lock, the other looks: never a difference",
        min_explored: 34_000,
        must_reach: &["looked between", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || lock(2),
    };

    lock_ten_times (search_only): Model {
        shows: "ten rounds of adding, ten of looking",
        min_explored: 34_000,
        must_reach: &["looked between", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || lock(10),
    };

    lock_of_three: Model {
        shows: "three threads add under the lock, none is lost",
        min_explored: 1_100_000,
        must_reach: &["RawLock::unlock_slow: wake_op(Op::SetBit", "wake_and_clear: wake_op(Op::ClearBit", "RawLock::take: "],
        run: || lock_of(3),
    };

    lock_of_five (search_only): Model {
        shows: "five threads add under the lock, none is lost",
        min_explored: 120_000,
        must_reach: &["wake_and_clear: wake_op(Op::ClearBit"],
        run: || lock_of(5),
    };

    semaphore: Model {
        shows: "two workers on one permit: never two inside, and the permit comes back",
        min_explored: 1_600,
        must_reach: &["Semaphore::wake", "full"],
        run: || semaphore(2, 1),
    };

    semaphore_of_five (search_only): Model {
        shows: "five workers on three permits: never more inside, and the final value is 3",
        min_explored: 76_000,
        must_reach: &["Semaphore::wake", "full"],
        run: || semaphore(5, 3),
    };

    event: Model {
        shows: "who waited always sees the password",
        min_explored: 25,
        must_reach: &["Event::set: wake_op", "Event::set: seen | SET"],
        run: || event(1),
    };

    event_of_five (search_only): Model {
        shows: "five wait, and all see the password",
        min_explored: 14_000,
        must_reach: &["Event::set: wake_op"],
        run: || event(5),
    };

    queue: Model {
        shows: "a producer puts five pairs, a consumer takes three, and two stay behind",
        min_explored: 960_000,
        must_reach: &["Ring::put_locked: commit"],
        run: || {
            let queue = Queue::with_bytes(5, 40).unwrap();
            let producer = spawn_with(&queue, |queue| {
                for n in 0..5 {
                    queue.put((10, 2)).unwrap();
                    end_of_round(n);
                }
            });
            for n in 0..3 {
                let (a, b): (u32, u32) = queue.get().unwrap();
                assert_eq!(a + b, 12);
                end_of_round(n);
            }
            producer.join();
            assert_eq!(queue.len(), 2);
        },
    };

    pipe_of_five (search_only): Model {
        shows: "five send into one end: five equal lists arrive, none torn",
        min_explored: 7_000,
        must_reach: &[],
        run: || {
            let list = [1u8, 2, 3, 4, 5];
            let (receiver, sender) = pipe::<[u8; 5]>().unwrap();
            let senders = spawn_alike(5, &sender, move |sender| sender.send(list).unwrap());
            drop(sender);
            for n in 0..5 {
                assert_eq!(receiver.recv().unwrap(), list);
                end_of_round(n);
            }
            senders.into_iter().for_each(|sender| sender.join());
            receiver.recv().unwrap_err();
        },
    };

    barrier: Model {
        shows: "two meet, and neither goes on alone",
        min_explored: 48_000,
        must_reach: &["Barrier::wake_all"],
        run: || barrier(2),
    };

    barrier_of_four (search_only): Model {
        shows: "four meet, and nobody goes on before the last has come",
        min_explored: 10_000,
        must_reach: &["Barrier::wake_all"],
        run: || barrier(4),
    };
}

fn add(numbers: &Lock<[Data; 2]>) {
    let [a, b] = &*numbers.lock().unwrap();
    let before = a.read();
    assert_eq!(before, b.read());
    a.write(before + 1);
    b.write(before + 1);
}

pub(crate) fn lock(rounds: u32) {
    let numbers = Shared::new(Lock::new(<[Data; 2]>::default())).unwrap();
    let adder = spawn_with(&numbers, move |numbers| {
        for n in 0..rounds {
            add(numbers);
            end_of_round(n);
        }
    });
    for n in 0..rounds {
        {
            let [a, b] = &*numbers.lock().unwrap();
            let seen = a.read();
            assert_eq!(seen, b.read());
            if seen == 1 {
                reached("looked between");
            }
        }
        end_of_round(n);
    }
    adder.join();
}

fn lock_of(threads: usize) {
    let numbers = Shared::new(Lock::new(<[Data; 2]>::default())).unwrap();
    let adders = spawn_alike(threads, &numbers, |numbers| {
        add(numbers);
        end_of_round(0);
    });
    adders.into_iter().for_each(|adder| adder.join());
    assert_eq!(numbers.lock().unwrap()[0].read(), threads as u32);
}

pub(crate) fn semaphore(workers: usize, permits: u32) {
    let room = Shared::new((Semaphore::new(permits), Value::new(0u32))).unwrap();
    let workers = spawn_alike(workers, &room, move |room| {
        let (seats, inside) = &**room;
        seats.acquire().forget();
        end_of_round(1);
        let others = inside.fetch_add(1);
        assert!(others < permits);
        if others + 1 == permits {
            reached("full");
        }
        end_of_round(2);
        inside.fetch_add(u32::MAX);
        end_of_round(3);
        seats.release(1).unwrap();
    });
    workers.into_iter().for_each(|worker| worker.join());
    assert_eq!(room.0.value(), permits);
}

pub(crate) fn event(waiters: usize) {
    let notice = Shared::new((Event::new(), Data::default())).unwrap();
    let waiters = spawn_alike(waiters, &notice, |notice| {
        let (event, password) = &**notice;
        event.wait();
        end_of_round(1);
        assert_eq!(password.read(), 42);
    });
    let (event, password) = &*notice;
    password.write(42);
    event.set();
    waiters.into_iter().for_each(|waiter| waiter.join());
}

pub(crate) fn barrier(parties: u32) {
    let place = Shared::new((Barrier::new(parties), Value::new(0u32))).unwrap();
    let others = spawn_alike(parties as usize - 1, &place, move |place| meet(place, parties));
    meet(&place, parties);
    others.into_iter().for_each(|party| party.join());
}

fn meet((barrier, come): &(Barrier, Value<u32>), parties: u32) {
    come.fetch_add(1);
    end_of_round(1);
    barrier.wait().unwrap();
    end_of_round(2);
    assert_eq!(come.get(), parties);
}
