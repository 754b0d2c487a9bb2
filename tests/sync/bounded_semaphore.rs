use std::thread;
use std::time::{Duration, Instant};

use multiproc::{BoundedSemaphore, Overflow};

use crate::{Place, in_both_places, until};

in_both_places! {
    multiproc::BoundedSemaphore::new(2);
    never_has_more_permits_than_at_first,
    times_out,
    wakes_the_waiters,
    admits_one_of_two_releases_of_the_last_permit,
}

fn never_has_more_permits_than_at_first(semaphore: impl Place<BoundedSemaphore>) {
    let full = Overflow { released: 1, value: 2, max: 2 };
    assert_eq!(semaphore.release(1), Err(full));
    semaphore.acquire().forget();
    assert_eq!(semaphore.release(2), Err(Overflow { released: 2, value: 1, max: 2 }));
    assert_eq!(semaphore.value(), 1, "nothing was released");
    semaphore.release(1).unwrap();
    let permit = semaphore.try_acquire().unwrap();
    semaphore.release(1).unwrap();
    drop(permit);
    assert_eq!(
        (semaphore.value(), semaphore.limit()),
        (2, 2),
        "its permit had been released already"
    );
}

fn times_out(semaphore: impl Place<BoundedSemaphore>) {
    let _permits = [semaphore.acquire(), semaphore.acquire_for(Duration::MAX).unwrap()];
    assert!(semaphore.try_acquire().is_none());
    assert!(semaphore.acquire_for(Duration::from_millis(5)).is_none());
    assert!(semaphore.acquire_until(Instant::now()).is_none());
}

fn wakes_the_waiters(semaphore: impl Place<BoundedSemaphore>) {
    let permits = [semaphore.acquire(), semaphore.acquire()];
    thread::scope(|scope| {
        let waiters = [(); 4].map(|()| scope.spawn(|| drop(semaphore.acquire())));
        drop(permits);
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
    until("all permits to be free", || semaphore.value() == 2);
}

fn admits_one_of_two_releases_of_the_last_permit(semaphore: impl Place<BoundedSemaphore>) {
    for _ in 0..500 {
        semaphore.acquire().forget();
        let released = thread::scope(|scope| {
            let releases = [(); 2].map(|()| scope.spawn(|| semaphore.release(1).is_ok()));
            releases
                .into_iter()
                .map(|release| release.join().unwrap())
                .filter(|&released| released)
                .count()
        });
        assert_eq!((released, semaphore.value()), (1, 2));
    }
}
