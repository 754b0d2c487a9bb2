use std::mem::forget;
use std::thread;
use std::time::Duration;

use multiproc::{Overflow, RobustSemaphore, Shared};
use proptest::prelude::*;

use crate::child::Child;
use crate::semaphore::common_tests;
use crate::{Place, in_both_places};

/// With room for two more permits than the three that it has at first.
type Five = RobustSemaphore<5>;

in_both_places! {
    multiproc::RobustSemaphore::<5>::new(3);
    admits_as_many_as_it_has_permits,
    refuses_when_no_permit_is_left,
    a_dropped_permit_wakes_the_waiters,
    a_release_wakes_the_waiters,
    one_permit_wakes_the_waiters_in_turn,
    refuses_more_permits_than_its_maximum,
    a_release_has_room_for_forgotten_permits,
    another_thread_may_drop_a_permit,
}

common_tests! { Five }

fn a_dropped_permit_wakes_the_waiters(semaphore: impl Place<Five>) {
    let permits = [(); 3].map(|()| semaphore.acquire());
    thread::scope(|scope| {
        let waiters = [(); 3].map(|()| scope.spawn(|| forget(semaphore.acquire())));
        drop(permits);
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
    assert_eq!(semaphore.value(), 0);
}

/// A waiter that was woken drops its permit, and so wakes the next.
fn one_permit_wakes_the_waiters_in_turn(semaphore: impl Place<Five>) {
    let mut permits = [(); 3].map(|()| Some(semaphore.acquire()));
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| drop(semaphore.acquire()))).collect();
        permits[1] = None;
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
    assert_eq!(semaphore.value(), 1);
}

fn refuses_more_permits_than_its_maximum(semaphore: impl Place<Five>) {
    let error = semaphore.release(3).unwrap_err();
    assert_eq!(error, Overflow { released: 3, value: 3, max: 5 }, "{error}");
    // A permit that is held counts too.
    let held = semaphore.acquire();
    assert!(semaphore.release(3).is_err());
    assert!(semaphore.release(u32::MAX).is_err());
    assert_eq!(semaphore.value(), 2);
    semaphore.release(2).unwrap();
    assert!(semaphore.release(1).is_err());
    semaphore.release(0).unwrap();
    drop(held);
    assert_eq!(semaphore.value(), 5);
}

fn a_release_has_room_for_forgotten_permits(semaphore: impl Place<Five>) {
    semaphore.release(2).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    semaphore.acquire().forget();
                    semaphore.release(1).unwrap();
                }
            });
        }
    });
    assert_eq!(semaphore.value(), 5);
}

fn another_thread_may_drop_a_permit(semaphore: impl Place<Five>) {
    let permit = semaphore.acquire();
    thread::scope(|scope| scope.spawn(|| drop(permit)).join().unwrap());
    assert_eq!(semaphore.value(), 3);
}

/// A child made by a fork has copies of the permits, which are the parent's.
#[test]
fn a_forked_copy_of_a_permit_releases_nothing() {
    let semaphore = Shared::new(RobustSemaphore::<2>::new(2)).unwrap();
    let permits = [semaphore.acquire(), semaphore.acquire()];
    drop(Child::run(|| {
        let [one, other] = permits.each_ref().map(|permit| {
            // SAFETY: the child's copy of the permit, which it alone has.
            unsafe { std::ptr::read(permit) }
        });
        drop(one);
        other.forget();
    }));
    assert_eq!(semaphore.value(), 0);
    drop(permits);
    assert_eq!(semaphore.value(), 2);
}

#[test]
fn a_child_acquires_for_itself() {
    let semaphore = Shared::new(RobustSemaphore::<1>::new(1)).unwrap();
    let permit = semaphore.acquire();
    let child = Child::run(|| forget(semaphore.acquire()));
    drop(permit);
    drop(child.ended());
    assert!(semaphore.try_acquire().is_none(), "no wait has looked for dead holders");
    assert!(semaphore.acquire_for(Duration::ZERO).is_some());
}

#[test]
fn a_zombie_holds_no_permit() {
    let semaphore = Shared::new(RobustSemaphore::<1>::new(1)).unwrap();
    let zombie = Child::run(|| forget(semaphore.acquire())).ended();
    drop(semaphore.acquire());
    drop(zombie);
}

/// A peer can write any bits. None make it panic, or wait past its deadline.
#[test]
fn any_bits_are_a_state() {
    const BYTES: usize = size_of::<RobustSemaphore<3>>();
    proptest!(|(bits in any::<[[u8; 8]; BYTES / 8]>(), few in 0..4u8)| {
        let mut bits = bits;
        // Not only ids of processes that do not exist.
        for (at, entry) in bits.iter_mut().take(usize::from(few)).enumerate() {
            *entry = [0, 1 << 63, u64::MAX, (1 << 63) - 1][(at + usize::from(few)) % 4].to_ne_bytes();
        }
        // SAFETY: any bits are a robust semaphore, which is what is tried.
        let semaphore: RobustSemaphore<3> = unsafe { std::mem::transmute(bits) };
        let permits = [(); 3].map(|()| semaphore.acquire_for(Duration::ZERO));
        let _ = semaphore.release(1);
        let _ = semaphore.release(3);
        permits.into_iter().flatten().for_each(drop);
        prop_assert!(semaphore.value() <= 3);
    });
}

#[test]
#[should_panic(expected = "more permits than the robust semaphore can have")]
fn more_permits_than_it_can_have() {
    let _ = RobustSemaphore::<3>::new(4);
}

#[test]
fn its_limits() {
    static LARGEST: RobustSemaphore<256> = RobustSemaphore::new(256);
    let permits: Vec<_> = (0..256).map(|_| LARGEST.try_acquire().unwrap()).collect();
    assert!(LARGEST.acquire_for(Duration::ZERO).is_none());
    drop(permits);
    assert_eq!(LARGEST.value(), 256);
    assert_eq!(size_of::<RobustSemaphore<1>>(), 16);
}
