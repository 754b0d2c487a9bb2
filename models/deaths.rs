//! What is left when one is killed, at any step, those of its robust list among them: the search has it
//! die at each, does what the kernel then does, and goes on with the others.

use std::time::Duration;

use multiproc::{
    Condition, Event, Lock, LockGuard, PoisonCause, Queue, RLock, RobustSemaphore, Semaphore,
    TryLockError,
};
use multiproc_checker::{Search, Slices, mutants};

use crate::harness::{Model, models};
use crate::stage::{
    Data, end_of_round, explore_once_asleep, reached, share, spawn_mortal, spawn_with,
    stop_exploring,
};

models! {
    lock_twice (one_dies, explored_only): Model {
        shows: "two threads, two rounds: whoever dies, the other comes through, and hears of it",
        min_explored: 10_000,
        must_reach: &["lived", "died", "poisoned"],
        run: || lock(2, 2),
    };

    lock_of_three (one_dies, explored_only): Model {
        shows: "three threads, one round: whoever dies, the others come through",
        min_explored: 60_000,
        must_reach: &["lived", "died", "poisoned"],
        run: || lock(3, 1),
    };

    two_locks (one_dies, explored_only): Model {
        shows: "the owner of two locks dies: the next owner of one hears before the other is marked",
        min_explored: 3_800,
        must_reach: &["lived", "died", "between"],
        run: || {
            let locks = share([(); 2].map(|()| Lock::new(<[Data; 2]>::default())));
            let owner = spawn_mortal(&locks, |locks| {
                let (_, outer) = locked(&locks[0]);
                add(&locks[1]);
                outer.iter().for_each(|number| number.add(1));
            });
            let (poisoned, outer) = locked(&locks[0]);
            looked_at(&outer, poisoned);
            // The inner one is the pending entry, as what was taken last, and that comes last.
            if poisoned && locks[1].is_locked() {
                reached("between");
            }
            drop(outer);
            add(&locks[1]);
            reached(if owner.ended().is_some() { "lived" } else { "died" });
        },
    };

    lock_unmarked (one_vanishes, explored_only): Model {
        shows: "an owner goes, and the kernel does not find its lock: the others do, and hear of it",
        min_explored: 9_400,
        must_reach: &["lived", "died", "RawLock::take_over: taken"],
        run: || {
            let numbers = share(Lock::new(<[Data; 2]>::default()));
            let owner = spawn_mortal(&numbers, |numbers| add(numbers));
            let other = spawn_with(&numbers, |numbers| drop(numbers.lock()));
            let (poisoned, numbers) = locked(&numbers);
            looked_at(&numbers, poisoned);
            drop(numbers);
            reached(if owner.ended().is_some() { "lived" } else { "died" });
            other.join();
        },
    };

    lock_in_time (one_vanishes, explored_only): Model {
        shows: "as lock_unmarked, of those who wait only for a time: they have it, or it is over",
        min_explored: 19_000,
        must_reach: &["lived", "died", "RawLock::take_over: taken", "late"],
        run: || {
            let numbers = share(Lock::new(<[Data; 2]>::default()));
            let owner = spawn_mortal(&numbers, |numbers| add(numbers));
            let has_time = |lock: &Lock<_>| match lock.lock_for(Duration::from_secs(1)) {
                Err(TryLockError::WouldBlock) => reached("late"),
                Err(TryLockError::Poisoned(poisoned)) => drop(looked_at(&poisoned.into_inner(), true)),
                Ok(guard) => drop(looked_at(&guard, false)),
            };
            let other = spawn_with(&numbers, move |numbers| has_time(numbers));
            has_time(&numbers);
            reached(if owner.ended().is_some() { "lived" } else { "died" });
            other.join();
        },
    };

    lock_of_the_living (one_vanishes, two_look, explored_only): Model {
        shows: "who waits for one that waits for a dead owner does not take that one for dead",
        min_explored: 48_000,
        must_reach: &["lived", "died"],
        run: || {
            let locks = share([(); 2].map(|()| Lock::new(Data::default())));
            let first = spawn_mortal(&locks, |locks| drop(locks[0].lock()));
            let second = spawn_mortal(&locks, |locks| {
                let (_, outer) = locked(&locks[1]);
                let (_, inner) = locked(&locks[0]);
                inner.add(1);
                outer.add(1);
            });
            let (_, outer) = locked(&locks[1]);
            outer.add(1);
            drop(outer);
            for other in [first, second] {
                reached(if other.ended().is_some() { "lived" } else { "died" });
            }
        },
    };

    robust_semaphore (one_dies, slices_end, explored_only): Model {
        shows: "two on one permit: whoever dies, the permit comes back",
        min_explored: 1_150,
        must_reach: &["lived", "died"],
        run: || {
            let seats = share(RobustSemaphore::<1>::new(1));
            let others = [(); 2].map(|()| {
                spawn_mortal(&seats, |seats| {
                    drop(seats.acquire());
                })
            });
            for other in others {
                reached(if other.ended().is_some() { "lived" } else { "died" });
            }
            drop(seats.acquire());
            assert_eq!(seats.value(), 1);
        },
    };

    ring_put (one_dies, explored_only): Model {
        shows: "a producer that dies leaves a queue on which the others put and get",
        min_explored: 2_900,
        must_reach: &["lived", "died", "put", "not put"],
        run: || {
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            let producer = spawn_mortal(&queue, |queue| {
                let _ = queue.put(1);
            });
            let other = spawn_mortal(&queue, |queue| queue.put(2).is_ok());
            let lived = producer.ended().is_some();
            reached(if lived { "lived" } else { "died" });
            let other = other.ended();
            let mut got = Vec::new();
            while let Ok(n) = queue.try_get() {
                got.push(n);
            }
            reached(if got.contains(&1) { "put" } else { "not put" });
            assert!(!lived || got.contains(&1));
            assert!(other != Some(true) || got.contains(&2));
            assert!(got.iter().all(|n| [1, 2].contains(n)) && got.len() <= 2);
        },
    };

    ring_get (one_dies, explored_only): Model {
        shows: "a consumer that dies takes at most the message in its hand with it",
        min_explored: 4_400,
        must_reach: &["lived", "died", "lost", "left"],
        run: || {
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            (1..=2).for_each(|n| queue.put(n).unwrap());
            let consumers = [(); 2].map(|()| spawn_mortal(&queue, |queue| queue.get().unwrap()));
            let got: Vec<_> = consumers.into_iter().filter_map(|one| one.ended()).collect();
            let deaths = 2 - got.len();
            reached(if deaths == 0 { "lived" } else { "died" });
            let mut left = 0;
            while queue.try_get().is_ok() {
                left += 1;
            }
            assert!(got.len() + left <= 2 && got.len() + left + deaths >= 2);
            if deaths == 1 {
                reached(if left == 0 { "lost" } else { "left" });
            }
            queue.put(3).unwrap();
            assert_eq!(queue.get(), Ok(3));
        },
    };

    ring_both (one_dies, explored_only): Model {
        shows: "one puts and one gets, and either dies: what is left is whole, and in its order",
        min_explored: 65_000,
        must_reach: &["lived", "died", "lost", "left"],
        run: || {
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            let producer =
                spawn_mortal(&queue, |queue| (1..=2).for_each(|n| queue.put(n).unwrap()));
            let consumer = spawn_mortal(&queue, |queue| queue.get().unwrap());
            let puts = producer.ended().is_some();
            if !puts {
                // The other may wait for a message that does not come.
                queue.put(3).unwrap();
            }
            let got = consumer.ended();
            let left: Vec<_> = std::iter::from_fn(|| queue.try_get().ok()).collect();
            reached(if puts && got.is_some() { "lived" } else { "died" });
            let all: Vec<_> = got.into_iter().chain(left.iter().copied()).collect();
            assert!(all.is_sorted_by(|one, next| one < next), "{all:?}");
            if puts {
                // Of the two that were put at most the one in the dead consumer's hand is gone.
                assert!(all == [1, 2] || got.is_none() && all == [2], "{all:?}");
                reached(if all.len() == 2 { "left" } else { "lost" });
            } else {
                assert!(all.ends_with(&[3]) && got.is_some(), "{all:?}");
            }
        },
    };

    ring_sleeper (one_dies, explored_only): Model {
        shows: "of two who wait for a message one is killed, asleep or woken: the other gets one",
        min_explored: 5_200,
        must_reach: &["lived", "died"],
        run: || {
            stop_exploring();
            let queue = Queue::<u32>::with_bytes(2, 16).unwrap();
            let consumers = [(); 2].map(|()| spawn_mortal(&queue, |queue| queue.get().unwrap()));
            explore_once_asleep(2);
            (1..=2).for_each(|n| queue.put(n).unwrap());
            let got: Vec<_> = consumers.into_iter().filter_map(|one| one.ended()).collect();
            reached(if got.len() == 2 { "lived" } else { "died" });
            assert!(!got.is_empty());
        },
    };

    semaphore_sleeper (one_dies, explored_only): Model {
        shows: "one who sleeps for a permit is killed, or woken and then killed: the other gets his",
        min_explored: 1_100,
        must_reach: &["lived", "died"],
        run: || {
            let seats = share(Semaphore::new(0));
            let sitters = [(); 2].map(|()| spawn_mortal(&seats, |seats| seats.acquire().forget()));
            seats.release(2).unwrap();
            let sat = sitters.into_iter().filter_map(|one| one.ended()).count();
            reached(if sat == 2 { "lived" } else { "died" });
            // The dead has taken its permit with it, or not come to it.
            assert!(seats.value() <= 2 - sat as u32);
        },
    };

    event (one_dies, explored_only): Model {
        shows: "one who waits is killed, the other goes on; a setter is killed, and the next one sets",
        min_explored: 2_000,
        must_reach: &["lived", "died"],
        run: || {
            let event = share(Event::new());
            let waiters = [(); 2].map(|()| spawn_mortal(&event, |event| event.wait()));
            let setter = spawn_mortal(&event, |event| event.set());
            reached(if setter.ended().is_some() { "lived" } else { "died" });
            event.set();
            let went_on = waiters.into_iter().filter_map(|one| one.ended()).count();
            assert!(went_on >= 1);
        },
    };

    condition (one_dies, explored_only): Model {
        shows: "who changes something is killed before it notifies, or with the lock: the waiter hears",
        min_explored: 5_100,
        must_reach: &["lived", "died", "poisoned", "changed", "unchanged"],
        run: || {
            let meeting = share((Lock::new(0u32), Condition::new()));
            let changer = spawn_mortal(&meeting, |meeting| {
                let (lock, changed) = &**meeting;
                if let Ok(mut value) = lock.lock() {
                    *value = 1;
                    drop(value);
                    changed.notify_one();
                }
            });
            let waiter = spawn_mortal(&meeting, |meeting| {
                let (lock, changed) = &**meeting;
                let Ok(guard) = lock.lock() else { return };
                let same = |value: &mut u32| *value == 0;
                if changed.wait_while_for(guard, Duration::from_secs(1), same).is_err() {
                    reached("poisoned");
                }
            });
            reached(if changer.ended().is_some() { "lived" } else { "died" });
            waiter.ended();
            let value = *meeting.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            reached(if value == 1 { "changed" } else { "unchanged" });
        },
    };

    rlock (one_dies, explored_only): Model {
        shows: "one that has locked twice dies: the other comes through, and hears of it",
        min_explored: 14_000,
        must_reach: &["lived", "died", "poisoned"],
        run: || {
            let lock = share(RLock::new(Data::default()));
            let owners = [(); 2].map(|()| {
                spawn_mortal(&lock, |lock| {
                    let Ok(outer) = lock.lock() else { return reached("poisoned") };
                    let Ok(inner) = lock.lock() else { return };
                    inner.add(1);
                    drop(inner);
                    outer.add(1);
                })
            });
            for owner in owners {
                reached(if owner.ended().is_some() { "lived" } else { "died" });
            }
            drop(lock.lock());
        },
    };
}

/// Linux before 6.2 wakes nobody where `WAITERS` stands in a free lock that a dead one was about to take.
#[test]
fn an_older_kernel_costs_a_slice() {
    for (slices, holds) in [(Slices::Never, false), (Slices::Singly, true)] {
        let search = Search { deaths: 1, slices, ..Search::default() };
        let searched = mutants::with("kernel.wakes.next", || search.run(|| lock(3, 1)));
        assert_eq!(searched.failure.is_none(), holds, "{slices:?}");
    }
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
        reached(if ended { "lived" } else { "died" });
        lived += u32::from(ended);
    }
    let (poisoned, numbers) = locked(&numbers);
    if poisoned {
        reached("poisoned");
    }
    let (a, b) = looked_at(&numbers, poisoned);
    // Who lived did all rounds; who died, some, and none twice.
    assert!(a >= lived * rounds && a <= threads as u32 * rounds);
    assert!(b >= lived * rounds && b <= a);
}

/// One round, also where an owner has died: what it left half done, nobody makes up for.
fn add(numbers: &Lock<[Data; 2]>) {
    let (poisoned, numbers) = locked(numbers);
    let (a, b) = looked_at(&numbers, poisoned);
    numbers[0].write(a + 1);
    numbers[1].write(b + 1);
}

/// Both numbers: a difference is one that was told of.
fn looked_at([a, b]: &[Data; 2], poisoned: bool) -> (u32, u32) {
    let (a, b) = (a.read(), b.read());
    assert!(a == b || poisoned, "left half done, and nobody is told");
    (a, b)
}

/// The guard, and whether an owner has died.
fn locked<T>(lock: &Lock<T>) -> (bool, LockGuard<'_, T>) {
    match lock.lock() {
        Ok(guard) => (false, guard),
        Err(poisoned) => {
            assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
            (true, poisoned.into_inner())
        }
    }
}
