//! What is left when one is killed, at any step, those of its robust list among them: the search has it
//! die at each, does what the kernel then does, and goes on with the others.

use multiproc::{Lock, PoisonCause, Queue, RobustSemaphore};

use crate::harness::{Model, models};
use crate::stage::{Data, end_of_round, share, spawn_mortal, witness};

models! {
    lock_twice (one_dies, explored_only): Model {
        shows: "two threads, two rounds: whoever dies, the other comes through, and hears of it",
        floor: 37_000,
        witnesses: &["lived", "died", "poisoned"],
        twins: &["lock.wake.one"],
        run: || lock(2, 2),
    };

    lock_of_three (one_dies, explored_only): Model {
        shows: "three threads, one round: whoever dies, the others come through",
        floor: 290_000,
        witnesses: &["lived", "died", "poisoned"],
        twins: &["lock.wake.one", "lock.slow.waiters", "lock.clear.all"],
        run: || lock(3, 1),
    };

    robust_semaphore (one_dies, explored_only): Model {
        shows: "two on one permit: whoever dies, the permit comes back",
        floor: 1_250,
        witnesses: &["lived", "died"],
        twins: &[],
        run: || {
            let seats = share(RobustSemaphore::<1>::new(1));
            let others = [(); 2].map(|()| {
                spawn_mortal(&seats, |seats| {
                    drop(seats.acquire());
                })
            });
            for other in others {
                witness(if other.ended().is_some() { "lived" } else { "died" });
            }
            drop(seats.acquire());
            assert_eq!(seats.value(), 1);
        },
    };

    ring_put (one_dies, explored_only): Model {
        shows: "a producer that dies leaves a queue on which the others put and get",
        floor: 4_000,
        witnesses: &["lived", "died", "put", "not put"],
        twins: &[],
        run: || {
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            let producer = spawn_mortal(&queue, |queue| {
                let _ = queue.put(1);
            });
            let other = spawn_mortal(&queue, |queue| queue.put(2).is_ok());
            let lived = producer.ended().is_some();
            witness(if lived { "lived" } else { "died" });
            let other = other.ended();
            let mut got = Vec::new();
            while let Ok(n) = queue.try_get() {
                got.push(n);
            }
            witness(if got.contains(&1) { "put" } else { "not put" });
            assert!(!lived || got.contains(&1));
            assert!(other != Some(true) || got.contains(&2));
            assert!(got.iter().all(|n| [1, 2].contains(n)) && got.len() <= 2);
        },
    };

    ring_get (one_dies, explored_only): Model {
        shows: "a consumer that dies takes at most the message in its hand with it",
        floor: 5_900,
        witnesses: &["lived", "died", "lost", "left"],
        twins: &[],
        run: || {
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            (1..=2).for_each(|n| queue.put(n).unwrap());
            let consumers = [(); 2].map(|()| spawn_mortal(&queue, |queue| queue.get().unwrap()));
            let got: Vec<_> = consumers.into_iter().filter_map(|one| one.ended()).collect();
            let deaths = 2 - got.len();
            witness(if deaths == 0 { "lived" } else { "died" });
            let mut left = 0;
            while queue.try_get().is_ok() {
                left += 1;
            }
            assert!(got.len() + left <= 2 && got.len() + left + deaths >= 2);
            if deaths == 1 {
                witness(if left == 0 { "lost" } else { "left" });
            }
            queue.put(3).unwrap();
            assert_eq!(queue.get(), Ok(3));
        },
    };
}

fn lock(threads: usize, rounds: u32) {
    let numbers = share(Lock::new(<[Data; 2]>::default()));
    let adders: Vec<_> = (0..threads)
        .map(|_| {
            spawn_mortal(&numbers, move |numbers| {
                for n in 0..rounds {
                    add(numbers);
                    end_of_round(n);
                }
            })
        })
        .collect();
    let mut lived = 0;
    for adder in adders {
        let ended = adder.ended().is_some();
        witness(if ended { "lived" } else { "died" });
        lived += u32::from(ended);
    }
    let numbers = numbers.lock().unwrap_or_else(|poisoned| {
        witness("poisoned");
        assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
        poisoned.into_inner()
    });
    let (a, b) = (numbers[0].read(), numbers[1].read());
    // Who lived did all rounds; who died, some, and none twice.
    assert!(a >= lived * rounds && a <= threads as u32 * rounds);
    assert!(b >= lived * rounds && b <= a);
}

/// One round, also where an owner has died: what it left half done, nobody makes up for.
fn add(numbers: &Lock<[Data; 2]>) {
    let numbers = numbers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    numbers[0].add(1);
    numbers[1].add(1);
}
