use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Lock, Overflow, Semaphore};

use crate::{Place, in_both_places};

in_both_places! {
    multiproc::Semaphore::new(3);
    lets_so_many_in,
    refuses_when_none_is_left,
    a_release_wakes_who_sleeps,
    refuses_to_count_too_far,
}

fn lets_so_many_in(semaphore: impl Place<Semaphore>) {
    let inside = Lock::new((0u32, 0u32));
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let _permit = semaphore.acquire();
                    {
                        let mut inside = inside.lock().unwrap();
                        inside.0 += 1;
                        inside.1 = inside.1.max(inside.0);
                    }
                    thread::yield_now();
                    inside.lock().unwrap().0 -= 1;
                }
            });
        }
    });
    let most = inside.lock().unwrap().1;
    assert!((1..=3).contains(&most), "{most} were inside at once");
    assert_eq!(semaphore.value(), 3);
}

fn refuses_when_none_is_left(semaphore: impl Place<Semaphore>) {
    let permits = [(); 3].map(|()| semaphore.try_acquire().unwrap());
    assert_eq!(semaphore.value(), 0);
    assert!(semaphore.try_acquire().is_none());
    assert!(semaphore.acquire_for(Duration::from_millis(5)).is_none());
    assert!(semaphore.acquire_until(Instant::now()).is_none());
    drop(permits);
    assert_eq!(semaphore.value(), 3);
    semaphore.acquire_for(Duration::MAX).unwrap().forget();
    assert_eq!(semaphore.value(), 2);
    semaphore.release(1).unwrap();
}

fn a_release_wakes_who_sleeps(semaphore: impl Place<Semaphore>) {
    let permits = [(); 3].map(|()| semaphore.acquire());
    thread::scope(|scope| {
        let sleepers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| semaphore.acquire().forget())).collect();
        permits.into_iter().for_each(|permit| permit.forget());
        semaphore.release(3).unwrap();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
    assert_eq!(semaphore.value(), 0);
}

fn refuses_to_count_too_far(semaphore: impl Place<Semaphore>) {
    let error = semaphore.release(Semaphore::MAX - 2).unwrap_err();
    assert_eq!(
        error,
        Overflow { released: Semaphore::MAX - 2, value: 3, max: Semaphore::MAX },
        "{error}"
    );
    assert_eq!(semaphore.value(), 3);
    semaphore.release(Semaphore::MAX - 3).unwrap();
    assert_eq!(semaphore.value(), Semaphore::MAX);
    assert!(semaphore.release(u32::MAX).is_err());
}

#[test]
#[should_panic(expected = "more permits than a semaphore can count")]
fn more_permits_than_it_can_count() {
    Semaphore::new(u32::MAX);
}
