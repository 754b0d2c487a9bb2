//! What the two engines see, and what they do not take for a failure.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use multiproc::model::{check, spawn};
use multiproc::{Condition, Error, Event, Lock, NameProblem, Semaphore, Shared, Value};
use multiproc_checker::thread::let_sleep;
use multiproc_checker::{Loads, Search, Weak, mutants};

use crate::mutants::id_of;
use crate::stage::{Data, explore, stop_exploring};

const WEAK_GET: &str = "get: T::load(atom, Acquire) → Relaxed for Acquire";

#[test]
fn a_models_memory_gets_no_name() {
    let refused = Shared::create("model", 1u64).unwrap_err();
    assert!(matches!(refused, Error::Name { problem: NameProblem::Os { .. }, .. }), "{refused}");
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
/// it, or who spawned it, of a newer one.
#[test]
fn who_comes_on_can_see_what_was_old_already() {
    // Who hears of the newer value, and who looks for it: the program's thread, or another.
    for [hears, looks] in [[true, true], [true, false], [false, true]] {
        let program = move || {
            let values = Arc::new([(); 2].map(|()| Value::new(0u32)));
            let [ours, others] = [(); 2].map(|()| values.clone());
            let writer = spawn(move || others.iter().for_each(|value| value.set(1)));
            let told = move || ours[1].get() == 1;
            if if hears { spawn(told).join() } else { told() } {
                let look = move || assert_eq!(values[0].get(), 1);
                if looks { spawn(look).join() } else { look() }
            }
            writer.join();
        };
        let stale = move || Weak::with(Loads::Stale).run(program).failure;
        assert!(stale().is_none(), "an Acquire tells in order");
        let id = id_of(WEAK_GET, program);
        assert!(mutants::with(&id, stale).is_some(), "{hears} {looks}");
    }
}

#[test]
fn who_is_spawned_once_others_sleep_can_see_what_was_old_already() {
    let program = || {
        stop_exploring();
        let shared = Arc::new((Value::new(0u32), Event::new()));
        let [ours, others] = [(); 2].map(|()| shared.clone());
        let writer = spawn(move || {
            others.0.set(1);
            others.1.wait();
        });
        let_sleep(1);
        explore();
        spawn(move || assert_eq!(ours.0.get(), 1)).join();
        shared.1.set();
        writer.join();
    };
    assert!(Weak::with(Loads::Stale).run(program).failure.is_some());
}

#[test]
fn who_was_spawned_before_others_can_come_in_can_see_what_was_old_already() {
    let program = || {
        stop_exploring();
        let value = Arc::new(Value::new(0u32));
        let ours = value.clone();
        let reader = spawn(move || ours.get());
        value.set(1);
        explore();
        assert_ne!(reader.join(), 0);
    };
    assert!(Weak::with(Loads::Stale).run(program).failure.is_some());
}

/// Of two stores that are in no order either can be the latest.
#[test]
fn who_comes_on_can_see_either_of_two_stores() {
    for swaps in [true, false] {
        let program = move || {
            let values = Arc::new([(); 2].map(|()| Value::new(0u32)));
            let [one, two] = [(); 2].map(|()| values.clone());
            let first = spawn(move || one.iter().for_each(|value| value.set(1)));
            let second = spawn(move || {
                if two[1].get() == 1 {
                    two[0].set(2);
                }
            });
            let third = spawn(move || {
                let seen = if swaps { values[0].swap(3) } else { values[0].get() };
                assert_ne!(seen, 2);
            });
            [first, second, third].into_iter().for_each(|one| one.join());
        };
        for loads in [Loads::Stale, Loads::Latest] {
            let id = id_of(WEAK_GET, program);
            let failure = mutants::with(&id, || Weak::with(loads).run(program).failure);
            assert!(failure.is_some(), "it swaps: {swaps}, {loads} loads");
        }
    }
}

/// Whatever value it is by which a load of the latest is told from a store.
#[test]
fn no_value_is_read_without_its_order() {
    check(|| {
        let shared = Arc::new((Value::new(0u8), Data::default()));
        let others = shared.clone();
        let reader = spawn(move || {
            if others.0.get() == u8::MAX {
                assert_eq!(others.1.read(), 7);
            }
        });
        shared.1.write(7);
        shared.0.set(u8::MAX);
        reader.join();
    });
}

#[test]
fn any_of_those_who_sleep_may_be_woken() {
    let program = || {
        stop_exploring();
        let seats = Arc::new(Semaphore::new(0));
        let last = Arc::new(Value::new(0u32));
        let sitters = [1, 2].map(|n| {
            let (seats, last) = (seats.clone(), last.clone());
            spawn(move || {
                seats.acquire().forget();
                last.set(n);
            })
        });
        let_sleep(2);
        explore();
        seats.release(1).unwrap();
        assert_ne!(last.get(), 2);
        seats.release(1).unwrap();
        sitters.into_iter().for_each(|sitter| sitter.join());
    };
    assert!(Search::default().run(program).failure.is_some());
}

/// One that has not come to its first step yet can spawn others, and the program goes on to its end.
#[test]
fn who_is_spawned_can_spawn_before_anything_else() {
    let program = || {
        let value = Arc::new(Value::new(0u32));
        let ours = value.clone();
        let one = spawn(move || {
            let other = ours.clone();
            drop(spawn(move || other.set(1)));
            ours.get()
        });
        let seen = value.get();
        assert_ne!([seen, one.join()], [0, 1]);
    };
    for plain in [true, false] {
        assert!(Search { plain, ..Search::default() }.run(program).failure.is_some());
    }
}

/// Who unwinds takes no steps, and still wakes everybody.
#[test]
fn who_unwinds_wakes_once_for_each() {
    let searched = Search::default().run(|| {
        stop_exploring();
        let seats = Arc::new(Semaphore::new(2));
        let permits = [(); 2].map(|()| seats.acquire());
        let sitters = [(); 2].map(|()| {
            let seats = seats.clone();
            spawn(move || seats.acquire().forget())
        });
        let_sleep(2);
        explore();
        let unwinds = panic::catch_unwind(AssertUnwindSafe(move || {
            let _permits = permits;
            panic!("on purpose");
        }));
        assert!(unwinds.is_err());
        sitters.into_iter().for_each(|sitter| sitter.join());
    });
    assert!(searched.failure.is_none(), "{:?}", searched.failure);
}

/// Time is the model's: whatever the span, a wait is woken or late, and who is woken can be late, too.
#[test]
fn a_wait_is_late_at_any_time() {
    for span in [Duration::from_secs(1_000), Duration::from_nanos(1)] {
        // After two it is woken, or late, or both; after three it was woken twice.
        for (calls, last) in [(2, 0), (2, 1), (2, 2), (3, 2)] {
            let program = move || {
                let meeting = Arc::new((Lock::new(0u32), Condition::new()));
                let other = meeting.clone();
                let changer = spawn(move || {
                    for n in 1..=2 {
                        *other.0.lock().unwrap() = n;
                        other.1.notify_one();
                    }
                });
                let mut looks = (0, 0);
                let guard = meeting.0.lock().unwrap();
                let look = |n: &mut u32| {
                    looks = (looks.0 + 1, *n);
                    *n < 2
                };
                drop(meeting.1.wait_while_for(guard, span, look));
                changer.join();
                assert_ne!(looks, (calls, last));
            };
            let failure = Search::default().run(program).failure;
            assert!(failure.is_some(), "{span:?}: never {calls} looks, the last at {last}");
        }
    }
}
