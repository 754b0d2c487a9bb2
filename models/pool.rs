//! A pool's schedule: each task ends once, whoever dies; and nobody sleeps beside a task that is queued.
//!
//! What the pool's process knows in its own memory is played by `Place`, under a lock as there.

use std::sync::Arc;

use multiproc::Lock;
use multiproc::schedule::{Entries, Look, Next, Remains, Revoked, Schedule, Spin};
use multiproc_checker::Search;

use crate::explore::is_whole;
use crate::harness::{Model, models};
use crate::stage::{
    Data, Place as Shared, explore, let_sleep, reached, share, spawn_mortal, spawn_with,
    stop_exploring,
};

models! {
    hands_over (explored_only): Model {
        shows: "a worker sees the argument, and who waits sees the result",
        min_explored: 60_000,
        must_reach: &["done"],
        run: || {
            let pool = Pool::new(1, 1);
            let mut entries = Entries::default();
            pool.argument.write(7);
            pool.schedule.push(0, 1, &mut entries);
            let worker = spawn_with(&pool, |pool| pool.work(0, false));
            pool.await_outcome(0);
            pool.schedule.close();
            worker.join();
        },
    };

    spins (search_only, explored_only): Model {
        shows: "a worker that is about to claim, to look, to sleep or asleep finds the task that is given",
        min_explored: 150_000,
        must_reach: &["done"],
        run: || {
            let pool = Pool::new(1, 1);
            let mut entries = Entries::default();
            let worker = spawn_with(&pool, |pool| pool.work(0, true));
            pool.argument.write(7);
            pool.schedule.push(0, 1, &mut entries);
            pool.schedule.wake_one();
            pool.await_outcome(0);
            pool.schedule.close();
            worker.join();
        },
    };

    ends_once (one_dies, explored_only): Model {
        shows: "a worker is killed at any step: its task has its result, or fails if it had begun, and is not run twice",
        min_explored: 200_000,
        must_reach: &["lived", "not begun", "begun", "done by the dead", "done", "failed"],
        run: || end_once(&[]),
    };

    is_found_later (one_dies, explored_only): Model {
        shows: "a worker that looks for tasks is killed: what is given later wakes another",
        min_explored: 50_000,
        must_reach: &["lived", "died"],
        run: || find(true, &[]),
    };

    is_revoked (search_only, explored_only): Model {
        shows: "a task is taken from whoever has it, or was done: never both",
        min_explored: 100,
        must_reach: &["not claimed", "from its worker", "too late"],
        run: || {
            let pool = Pool::new(1, 1);
            let mut entries = Entries::default();
            pool.argument.write(7);
            pool.schedule.push(0, 1, &mut entries);
            let worker = spawn_with(&pool, |pool| {
                let Next::Task(claim) = pool.schedule.next(0, &Spin::new(false), || ()) else {
                    return None;
                };
                pool.schedule.begin(claim, 0, 0);
                Some(pool.schedule.finish(claim, 0))
            });
            let revoked = pool.schedule.revoke(0, 1);
            pool.schedule.close();
            let finished = worker.join();
            match revoked {
                Some(Revoked::NotClaimed) => {
                    reached("not claimed");
                    assert_eq!(finished, None);
                }
                Some(Revoked::From(owner)) => {
                    reached("from its worker");
                    assert_eq!((owner, finished), (0, Some(false)));
                }
                None => {
                    reached("too late");
                    assert_eq!(finished, Some(true));
                }
            }
        },
    };
}

/// A step that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Requeue,
    WakeOfDone,
    WakeOfAll,
    ClearedBits,
    Failure,
}

/// Each step that is taken after a death is needed.
#[test]
fn no_step_can_be_left_out() {
    use Without::*;
    if !is_whole() {
        return eprintln!("SKIPPED: pool: steps that are left out, in a quick run");
    }
    let fails = |program: fn(&[Without]), without: &'static [Without]| {
        let search = Search { deaths: 1, ..Search::default() };
        let searched = search.run(move || program(without));
        assert!(searched.failure.is_some(), "it holds without {without:?}");
    };
    fails(end_once, &[Requeue]);
    fails(end_once, &[WakeOfDone]);
    fails(end_once, &[Failure]);
    fails(|without| find(false, without), &[WakeOfAll]);
    fails(|without| find(true, without), &[ClearedBits]);
}

/// Where the task is: its ticket, or 0 when it has failed.
type Place = u32;

#[derive(Clone)]
struct Pool {
    schedule: Arc<Schedule>,
    place: Shared<Lock<Place>>,
    argument: Shared<Data>,
    result: Shared<Data>,
}

impl Pool {
    fn new(tasks: u32, workers: u32) -> Self {
        Pool {
            schedule: Arc::new(Schedule::new(tasks, workers, 0).expect("memory")),
            place: share(Lock::new(1)),
            argument: share(Data::default()),
            result: share(Data::default()),
        }
    }

    /// A worker's life.
    fn work(&self, place: u32, looks: bool) {
        let spin = Spin::new(looks);
        while let Next::Task(claim) = self.schedule.next(place, &spin, || ()) {
            self.schedule.begin(claim, place, 0);
            let argument = self.argument.read();
            self.result.write(argument * 6);
            assert!(self.schedule.finish(claim, place), "nobody takes it away");
        }
    }

    /// Does one task, without what it does, or finds the end.
    fn work_once(&self, place: u32) {
        if let Next::Task(claim) = self.schedule.next(place, &Spin::new(false), || ()) {
            self.schedule.begin(claim, place, 0);
            assert!(self.schedule.finish(claim, place), "nobody takes it away");
        }
    }

    /// What the pool's process does when a worker is dead that had no task.
    fn reap_idle(&self, worker: u32, without: &[Without]) {
        if !without.contains(&Without::ClearedBits) {
            self.schedule.clear_idle(worker);
        }
        self.schedule.wake_all();
    }

    /// Waits until the task has ended.
    fn await_outcome(&self, index: u32) {
        let spin = Spin::new(false);
        loop {
            let ticket = *self.place.lock().expect("nobody dies with it");
            if ticket == 0 {
                return reached("failed");
            }
            if self.schedule.wait(index, ticket as u16, &spin, None) == Look::Done {
                assert_eq!(self.result.read(), 42);
                return reached("done");
            }
        }
    }
}

/// What the pool's process does when a worker is dead.
fn reap(pool: &Pool, worker: u32, entries: &mut Entries, without: &[Without]) -> Remains {
    let schedule = &pool.schedule;
    if !without.contains(&Without::ClearedBits) {
        schedule.clear_idle(worker);
    }
    let mut place = pool.place.lock().expect("nobody dies with it");
    let remains = schedule.remains(0, *place as u16, worker);
    match remains {
        Remains::Others => {}
        Remains::Done if without.contains(&Without::WakeOfDone) => {}
        Remains::Done => schedule.wake_waiters(0),
        Remains::NotBegun if without.contains(&Without::Requeue) => {}
        Remains::NotBegun => {
            *place += 1;
            schedule.requeue(0, *place as u16);
            schedule.enter(0, *place as u16, entries);
        }
        Remains::Begun if without.contains(&Without::Failure) => {}
        Remains::Begun => {
            let ticket = std::mem::replace(&mut *place, 0);
            schedule.abandon(0, ticket as u16);
        }
        Remains::Corrupt => panic!("nobody scribbles"),
    }
    drop(place);
    if !without.contains(&Without::WakeOfAll) {
        schedule.wake_all();
    }
    remains
}

/// One task, one that waits, and a worker that is killed at any step; then another comes.
fn end_once(without: &[Without]) {
    let pool = Pool::new(1, 2);
    let mut entries = Entries::default();
    pool.argument.write(7);
    pool.schedule.push(0, 1, &mut entries);
    pool.schedule.close();
    let first = spawn_mortal(&pool, |pool| pool.work(0, false));
    let waiter = spawn_with(&pool, |pool| pool.await_outcome(0));
    if first.ended().is_some() {
        reached("lived");
    } else {
        match reap(&pool, 0, &mut entries, without) {
            Remains::NotBegun => reached("not begun"),
            Remains::Begun => reached("begun"),
            Remains::Done => reached("done by the dead"),
            _ => {}
        }
    }
    let second = spawn_with(&pool, |pool| pool.work(1, false));
    waiter.join();
    second.join();
}

/// A worker that looks for a task and is killed at any step, and one that sleeps, which finds what is given:
/// while the first looks, or later.
fn find(later: bool, without: &[Without]) {
    stop_exploring();
    let pool = Pool::new(1, 2);
    let asleep = spawn_with(&pool, |pool| pool.work_once(1));
    let_sleep(1);
    explore();
    let mut entries = Entries::default();
    let looks = spawn_mortal(&pool, |pool| {
        if let Some(claim) = pool.schedule.look(0, &Spin::new(true)) {
            pool.schedule.begin(claim, 0, 0);
            assert!(pool.schedule.finish(claim, 0), "nobody takes it away");
        }
    });
    let mut give = || {
        pool.schedule.push(0, 1, &mut entries);
        pool.schedule.wake_one();
    };
    if !later {
        give();
    }
    reached(if looks.ended().is_some() { "lived" } else { "died" });
    if later {
        pool.reap_idle(0, without);
        give();
    } else {
        reap(&pool, 0, &mut entries, without);
    }
    // Unless it was begun by the one that was killed.
    let ticket = *pool.place.lock().expect("nobody dies with it");
    if ticket != 0 {
        let look = pool.schedule.wait(0, ticket as u16, &Spin::new(false), None);
        assert_eq!(look, Look::Done);
    }
    pool.schedule.close();
    asleep.join();
}
