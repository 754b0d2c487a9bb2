use std::thread;
use std::time::{Duration, Instant};

use multiproc::{BoundedSemaphore, Overflow};

use crate::{Place, in_both_places, until};

in_both_places! {
    multiproc::BoundedSemaphore::new(2);
    never_has_more_than_at_first,
    times_out,
    wakes_who_sleeps,
    lets_one_of_two_give_the_last_back,
}

fn never_has_more_than_at_first(seats: impl Place<BoundedSemaphore>) {
    let full = Overflow { released: 1, value: 2, max: 2 };
    assert_eq!(seats.release(1), Err(full));
    seats.acquire().forget();
    assert_eq!(seats.release(2), Err(Overflow { released: 2, value: 1, max: 2 }));
    assert_eq!(seats.value(), 1, "nothing was given");
    seats.release(1).unwrap();
    let permit = seats.try_acquire().unwrap();
    seats.release(1).unwrap();
    drop(permit);
    assert_eq!((seats.value(), seats.limit()), (2, 2), "someone had released in its stead");
}

fn times_out(seats: impl Place<BoundedSemaphore>) {
    let _permits = [seats.acquire(), seats.acquire_for(Duration::MAX).unwrap()];
    assert!(seats.try_acquire().is_none());
    assert!(seats.acquire_for(Duration::from_millis(5)).is_none());
    assert!(seats.acquire_until(Instant::now()).is_none());
}

fn wakes_who_sleeps(seats: impl Place<BoundedSemaphore>) {
    let permits = [seats.acquire(), seats.acquire()];
    thread::scope(|scope| {
        let sleepers = [(); 4].map(|()| scope.spawn(|| drop(seats.acquire())));
        drop(permits);
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
    until("all permits to be back", || seats.value() == 2);
}

fn lets_one_of_two_give_the_last_back(seats: impl Place<BoundedSemaphore>) {
    for _ in 0..500 {
        seats.acquire().forget();
        let given = thread::scope(|scope| {
            let givers = [(); 2].map(|()| scope.spawn(|| seats.release(1).is_ok()));
            givers.into_iter().map(|giver| giver.join().unwrap()).filter(|&given| given).count()
        });
        assert_eq!((given, seats.value()), (1, 2));
    }
}
