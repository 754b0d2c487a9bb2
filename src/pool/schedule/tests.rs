//! One process that plays the pool and its workers.

use std::thread;

use super::*;

/// So many tasks and workers.
fn schedule(tasks: u32, workers: u32) -> Schedule {
    Schedule::new(tasks, workers, 2).expect("memory")
}

#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn tasks_are_claimed_in_their_order_and_once() {
    let schedule = schedule(4, 2);
    let mut entries = Entries::default();
    // More often than the ring has entries.
    for round in 1..50 {
        for index in 0..4 {
            assert!(schedule.has_room(&mut entries));
            schedule.push(index, round, &mut entries);
        }
        for index in 0..4 {
            let claim = schedule.claim(index % 2).expect("it is queued");
            assert_eq!((claim.index, claim.ticket), (index, round));
            assert!(!schedule.finish(claim, (index + 1) % 2), "it is another's");
            assert!(schedule.finish(claim, index % 2));
            assert!(schedule.is_done(index, round) && !schedule.is_done(index, round + 1));
        }
        assert_eq!(schedule.claim(0), None);
    }
}

#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn the_ring_has_no_room_for_more_than_its_entries() {
    let schedule = schedule(2, 1);
    let mut entries = Entries::default();
    for ticket in 1..5 {
        assert!(schedule.has_room(&mut entries));
        schedule.push(0, ticket, &mut entries);
    }
    assert!(!schedule.has_room(&mut entries));
    // The first three are stale, as of tasks that were taken back.
    assert_eq!(schedule.claim(0).map(|claim| claim.ticket), Some(4));
    assert!(schedule.has_room(&mut entries));
}

#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn what_a_dead_worker_leaves_is_seen() {
    let schedule = schedule(4, 2);
    let mut entries = Entries::default();
    (0..4).for_each(|index| schedule.push(index, 1, &mut entries));
    let claims: Vec<_> = (0..3).filter_map(|_| schedule.claim(1)).collect();
    schedule.begin(claims[1], 1, 0);
    schedule.begin(claims[2], 1, 0);
    assert!(schedule.finish(claims[2], 1));
    let remains = |worker| [0, 1, 2, 3].map(|index| schedule.remains(index, 1, worker));
    assert_eq!(remains(0), [Remains::Others; 4]);
    assert_eq!(remains(1), [Remains::NotBegun, Remains::Begun, Remains::Done, Remains::Others]);
    assert_eq!(schedule.remains(0, 2, 1), Remains::Corrupt);

    schedule.requeue(0, 2);
    schedule.enter(0, 2, &mut entries);
    schedule.abandon(1, 1);
    let next = [(); 3].map(|()| schedule.claim(0).map(|claim| (claim.index, claim.ticket)));
    assert_eq!(next, [Some((3, 1)), Some((0, 2)), None]);
}

#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn a_task_is_taken_from_the_queue_or_from_its_owner() {
    let schedule = schedule(2, 3);
    let mut entries = Entries::default();
    schedule.push(0, 1, &mut entries);
    schedule.push(1, 1, &mut entries);
    let claim = schedule.claim(2).expect("it is queued");
    assert_eq!(schedule.revoke(1, 1), Some(Revoked::NotClaimed));
    assert_eq!(schedule.revoke(0, 1), Some(Revoked::From(2)));
    assert!(!schedule.finish(claim, 2), "it was taken away");
    assert_eq!(schedule.claim(2), None);
    assert_eq!(schedule.revoke(0, 1), None);
}

#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn a_worker_sleeps_until_a_task_comes_or_the_end() {
    let schedule = schedule(2, 33);
    let mut entries = Entries::default();
    thread::scope(|scope| {
        // In two groups.
        for worker in [0, 32] {
            let schedule = &schedule;
            scope.spawn(move || {
                let spin = Spin::new(true);
                while let Next::Task(claim) = schedule.next(worker, &spin, || ()) {
                    schedule.begin(claim, worker, 0);
                    assert!(schedule.finish(claim, worker));
                }
            });
        }
        let spin = Spin::new(true);
        for ticket in 1..2_000 {
            for index in 0..2 {
                schedule.push(index, ticket, &mut entries);
                schedule.wake_one();
            }
            for index in 0..2 {
                assert_eq!(schedule.wait(index, ticket, &spin, None), Look::Done);
            }
        }
        schedule.close();
    });
    assert!(!schedule.wake_one(), "nobody is there");
}

/// Whatever a peer writes, nothing is reached that is not there, and nobody loops.
#[test]
#[cfg_attr(modelled, ignore = "the models of the pool have this")]
fn a_scribbled_schedule_gives_numbers_and_no_more() {
    let schedule = schedule(4, 2);
    let contents = schedule.mapping().contents().cast::<u64>();
    let words = schedule.mapping().len() / 8;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..20_000 {
        for _ in 0..4 {
            let place = random() as usize % words;
            let value = if random() % 2 == 0 { random() } else { random() % 8 };
            // SAFETY: within the mapping; nobody else is there in this test.
            unsafe { contents.add(place).write_volatile(value) };
        }
        let mut entries = Entries::default();
        let (index, ticket) = (round % 4, round as u16);
        _ = schedule.has_room(&mut entries);
        schedule.push(index, ticket, &mut entries);
        if let Some(claim) = schedule.claim(1) {
            assert!(claim.index < 4);
            schedule.begin(claim, 1, 0);
            _ = schedule.finish(claim, 1);
        }
        _ = (schedule.remains(index, ticket, 1), schedule.queued(), schedule.wants_more());
        _ = (schedule.runs_since(index, ticket), schedule.revoke(index, ticket));
        schedule.abandon(index, ticket);
        schedule.wake_all();
        _ = schedule.wake_one();
    }
}
