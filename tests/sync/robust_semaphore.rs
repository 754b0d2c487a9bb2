use std::mem::forget;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Lock, Overflow, RobustPermit, RobustSemaphore, Shared};
use proptest::prelude::*;

use crate::child::Child;
use crate::{Place, in_both_places};

/// With room for two more than the three it has at first.
type Five = RobustSemaphore<5>;

in_both_places! {
    multiproc::RobustSemaphore::<5>::new(3);
    lets_so_many_in,
    refuses_when_none_is_left,
    a_permit_given_back_wakes_who_sleeps,
    a_release_wakes_who_sleeps,
    who_was_woken_wakes_the_next,
    refuses_to_count_too_far,
    who_releases_what_it_forgot_finds_room,
    a_permit_is_given_back_by_another_thread,
    agrees_with_a_number,
}

fn lets_so_many_in(semaphore: impl Place<Five>) {
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

fn refuses_when_none_is_left(semaphore: impl Place<Five>) {
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

/// Three sleepers, or who will sleep: nobody can say when.
fn with_sleepers(semaphore: &Five, wake: impl FnOnce()) {
    thread::scope(|scope| {
        let sleepers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| forget(semaphore.acquire()))).collect();
        wake();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
    assert_eq!(semaphore.value(), 0);
}

fn a_permit_given_back_wakes_who_sleeps(semaphore: impl Place<Five>) {
    let permits = [(); 3].map(|()| semaphore.acquire());
    with_sleepers(&semaphore, || drop(permits));
}

fn a_release_wakes_who_sleeps(semaphore: impl Place<Five>) {
    (0..3).for_each(|_| semaphore.acquire().forget());
    with_sleepers(&semaphore, || semaphore.release(3).unwrap());
}

fn who_was_woken_wakes_the_next(semaphore: impl Place<Five>) {
    let mut permits = [(); 3].map(|()| Some(semaphore.acquire()));
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..8).map(|_| scope.spawn(|| drop(semaphore.acquire()))).collect();
        permits[1] = None;
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
    assert_eq!(semaphore.value(), 1);
}

fn refuses_to_count_too_far(semaphore: impl Place<Five>) {
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

fn who_releases_what_it_forgot_finds_room(semaphore: impl Place<Five>) {
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

fn a_permit_is_given_back_by_another_thread(semaphore: impl Place<Five>) {
    let permit = semaphore.acquire();
    thread::scope(|scope| scope.spawn(|| drop(permit)).join().unwrap());
    assert_eq!(semaphore.value(), 3);
}

fn agrees_with_a_number(semaphore: impl Place<Five>) {
    proptest!(|(turns in prop::collection::vec((0..6u8, 0..4u32), 0..60))| {
        let mut free = semaphore.value();
        // Those that were forgotten, and the two that were not there.
        let mut owed = 5 - free;
        let mut held: Vec<RobustPermit<'_>> = Vec::new();
        for (turn, n) in turns {
            match turn {
                0 => {
                    let fits = n <= owed;
                    prop_assert_eq!(semaphore.release(n).is_ok(), fits);
                    if fits { (free, owed) = (free + n, owed - n); }
                }
                1 | 2 => {
                    let permit = match turn {
                        1 => semaphore.try_acquire(),
                        _ => semaphore.acquire_for(Duration::ZERO),
                    };
                    prop_assert_eq!(permit.is_some(), free > 0);
                    free = free.saturating_sub(1);
                    held.extend(permit);
                }
                3 => if let Some(permit) = held.pop() { permit.forget(); owed += 1; },
                4 => if !held.is_empty() { drop(held.remove(0)); free += 1; },
                _ => prop_assert_eq!(semaphore.value(), free),
            }
            prop_assert_eq!(free + owed + held.len() as u32, 5);
        }
    });
}

/// A child made by a fork has copies of the permits, which are the parent's.
#[test]
fn a_copy_that_a_fork_made_gives_nothing_back() {
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
    assert!(semaphore.try_acquire().is_none(), "nobody has looked for the dead");
    assert!(semaphore.acquire_for(Duration::ZERO).is_some());
}

#[test]
fn a_zombie_holds_nothing() {
    let semaphore = Shared::new(RobustSemaphore::<1>::new(1)).unwrap();
    let zombie = Child::run(|| forget(semaphore.acquire())).ended();
    drop(semaphore.acquire());
    drop(zombie);
}

/// What a peer can write: any bits. None make it panic or wait past a deadline.
#[test]
fn any_bits_are_a_state() {
    const BYTES: usize = size_of::<RobustSemaphore<3>>();
    proptest!(|(bits in any::<[[u8; 8]; BYTES / 8]>(), few in 0..4u8)| {
        let mut bits = bits;
        // Not only numbers that are nobody's.
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
