//! A failure explains itself: to users as to us.

use std::sync::Arc;

use multiproc::model::{check, spawn};
use multiproc::model_support::{Loads, Search, Weak, mutate};
use multiproc::{Event, Lock, Value};

use crate::stage::{Data, explore, stop_exploring};

/// The example in the documentation of `multiproc::model`.
mod lost_update {
    include!("../src/model/lost_update.rs");

    #[test]
    fn is_found() {
        let failure = lost_update();
        assert!(failure.message.contains("one is lost"), "{failure}");
        // Both have read before either has written: no fewer steps come to it.
        let steps: Vec<_> = failure.table.lines().filter(|line| line.contains("w")).collect();
        let order = ["load", "load", "store", "store", "load"];
        let mut rest = steps.iter();
        for step in order {
            assert!(rest.any(|line| line.contains(step)), "{failure}");
        }
        assert!(failure.table.contains("src/ipc/element.rs"), "{failure}");
    }
}

#[test]
fn two_locks_in_two_orders_are_a_deadlock() {
    let program = || {
        let locks = Arc::new([Lock::new(0u32), Lock::new(0u32)]);
        let other = locks.clone();
        let other = spawn(move || {
            let _first = other[1].lock().unwrap();
            let _second = other[0].lock().unwrap();
        });
        let first = locks[0].lock().unwrap();
        let second = locks[1].lock().unwrap();
        drop((first, second));
        other.join();
    };
    let search = Search::default();
    let failure = search.clone().explain(program).expect("it can stand still");
    assert!(failure.message.starts_with("deadlock: thread 0 sleeps on"), "{}", failure.message);
    // The schedule plays exactly that again.
    let replay = Search { replay: Some(failure.schedule.clone()), ..search };
    let replayed = replay.run(program).failure.expect("as before");
    assert_eq!((replayed.message, replayed.table), (failure.message, failure.table));
}

/// What only a weak ordering does, loom explains with the fewest changes of thread, and plays again.
#[test]
fn a_race_is_explained_and_played_again() {
    let program = || {
        let shared = Arc::new((Event::new(), Data::default()));
        let other = shared.clone();
        let other = spawn(move || {
            other.0.set();
            other.1.write(1);
        });
        shared.0.wait();
        shared.1.read();
        other.join();
    };
    let failure = Weak::with(Loads::Stale).explain(program).expect("they race");
    assert!(failure.message.contains("Concurrent"), "{}", failure.message);
    assert!(failure.schedule.starts_with("stale:0:"), "{}", failure.schedule);
    assert!(failure.table.contains("src/sync/event.rs"), "{}", failure.table);
    let again = Weak::read(&failure.schedule).expect("it is one of loom's");
    let replayed = again.run(program).failure.expect("as before");
    assert_eq!((replayed.message, replayed.table), (failure.message, failure.table));
}

#[test]
fn what_holds_is_not_found_fault_with() {
    check(|| {
        let total = Arc::new(Lock::new(0u32));
        let other = total.clone();
        let other = spawn(move || *other.lock().unwrap() += 1);
        *total.lock().unwrap() += 1;
        other.join();
        assert_eq!(*total.lock().unwrap(), 2);
    });
}

#[test]
fn who_joins_sees_what_was_done() {
    check(|| {
        let data = Arc::new(Data::default());
        let other = data.clone();
        let writer = spawn(move || other.write(1));
        // Nobody joins it, and it ends all the same.
        spawn(|| {});
        writer.join();
        assert_eq!(data.read(), 1);
    });
}

#[test]
fn who_has_not_joined_yet_sees_nothing() {
    for before in [true, false] {
        let program = move || {
            let shared = Arc::new((Data::default(), Event::new()));
            let other = shared.clone();
            let writer = spawn(move || {
                if before {
                    other.0.write(1);
                }
                other.1.is_set();
                if !before {
                    other.0.write(1);
                }
            });
            shared.1.is_set();
            shared.0.write(2);
            writer.join();
        };
        for loads in [Loads::Stale, Loads::Latest] {
            let failure = Weak::with(loads).run(program).failure.expect("they race");
            assert!(failure.message.contains("Causality violation"), "{}", failure.message);
        }
    }
}

#[test]
fn what_a_thread_gives_is_part_of_the_state() {
    let program = || {
        let data = Arc::new(Data::default());
        let other = data.clone();
        let reader = spawn(move || other.read());
        data.write(1);
        data.write(0);
        assert_ne!(reader.join(), 1);
    };
    for plain in [true, false] {
        let searched = Search { plain, ..Search::default() }.run(program);
        assert!(searched.failure.is_some(), "it can have read in between");
    }
}

/// Between a thread's coming on and its first access others begin, who can be faster.
#[test]
fn who_is_spawned_by_one_that_comes_on_can_come_first() {
    for straight in [true, false] {
        let program = move || {
            if straight {
                stop_exploring();
            }
            let value = Arc::new(Value::new(0u32));
            let set = |to: u32| {
                let value = value.clone();
                spawn(move || value.set(to))
            };
            let other = straight.then(|| set(1));
            spawn(|| {}).join();
            if straight {
                explore();
            }
            let other = other.unwrap_or_else(|| set(1));
            assert_ne!(value.get(), 1);
            other.join();
        };
        for loads in [Loads::Stale, Loads::Latest] {
            let failure = Weak::with(loads).run(program).failure;
            assert!(failure.is_some(), "straight: {straight}, {loads} loads");
        }
    }
}

/// A first load may be of a value that was old already when the thread came on, where nothing in order told
/// who woke or spawned it of a newer one.
#[test]
fn who_comes_on_can_see_what_was_old_already() {
    for joins in [true, false] {
        let program = move || {
            let values = Arc::new([(); 2].map(|()| Value::new(0u32)));
            let [ours, others] = [(); 2].map(|()| values.clone());
            let writer = spawn(move || others.iter().for_each(|value| value.set(1)));
            let told = move || ours[1].get() == 1;
            let told = if joins { spawn(told).join() } else { told() };
            if told && joins {
                assert_eq!(values[0].get(), 1);
            } else if told {
                spawn(move || assert_eq!(values[0].get(), 1)).join();
            }
            writer.join();
        };
        let stale = move || Weak::with(Loads::Stale).run(program).failure;
        assert!(stale().is_none(), "an Acquire tells in order");
        assert!(mutate("array.get", stale).is_some(), "it joins: {joins}");
    }
}
