use multiproc::{Overflow, Semaphore};

use crate::{Place, in_both_places};

in_both_places! {
    multiproc::Semaphore::new(3);
    admits_as_many_as_it_has_permits,
    refuses_when_no_permit_is_left,
    a_release_wakes_the_waiters,
    refuses_more_permits_than_its_maximum,
}

/// The tests that all semaphores have in common, on one with three permits.
macro_rules! common_tests {
    ($semaphore:ty) => {
        fn admits_as_many_as_it_has_permits(semaphore: impl Place<$semaphore>) {
            let inside = multiproc::Lock::new((0u32, 0u32));
            std::thread::scope(|scope| {
                for _ in 0..5 {
                    scope.spawn(|| {
                        for _ in 0..2_000 {
                            let _permit = semaphore.acquire();
                            {
                                let mut inside = inside.lock().unwrap();
                                inside.0 += 1;
                                inside.1 = inside.1.max(inside.0);
                            }
                            std::thread::yield_now();
                            inside.lock().unwrap().0 -= 1;
                        }
                    });
                }
            });
            let most = inside.lock().unwrap().1;
            assert!((1..=3).contains(&most), "{most} were inside at once");
            assert_eq!(semaphore.value(), 3);
        }

        fn refuses_when_no_permit_is_left(semaphore: impl Place<$semaphore>) {
            use std::time::{Duration, Instant};

            let permits = [(); 3].map(|()| semaphore.try_acquire().unwrap());
            assert_eq!(semaphore.value(), 0);
            assert!(semaphore.try_acquire().is_none());
            assert!(semaphore.acquire_for(Duration::from_millis(20)).is_none());
            assert!(semaphore.acquire_until(Instant::now()).is_none());
            drop(permits);
            assert_eq!(semaphore.value(), 3);
            semaphore.acquire_for(Duration::MAX).unwrap().forget();
            assert_eq!(semaphore.value(), 2);
            semaphore.release(1).unwrap();
            assert_eq!(semaphore.value(), 3);
        }

        fn a_release_wakes_the_waiters(semaphore: impl Place<$semaphore>) {
            (0..3).for_each(|_| semaphore.acquire().forget());
            std::thread::scope(|scope| {
                let acquire = || std::mem::forget(semaphore.acquire());
                let waiters = [(); 3].map(|()| scope.spawn(acquire));
                semaphore.release(3).unwrap();
                waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
            });
            assert_eq!(semaphore.value(), 0);
        }
    };
}
pub(crate) use common_tests;

common_tests! { Semaphore }

fn refuses_more_permits_than_its_maximum(semaphore: impl Place<Semaphore>) {
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
