//! A failure explains itself: to users as to us.

use std::sync::Arc;

use multiproc::model::{check, spawn};
use multiproc::{Event, Lock};
use multiproc_checker::{Loads, Search, Weak};

use crate::stage::Data;

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
