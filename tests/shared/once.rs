//! What comes to a process twice is one: who holds its lock is known at whichever of its places.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use multiproc::{Event, Lock, Process, Queue, RLock, Shared, SharedArray};

use crate::alone::alone;
use crate::{LONG, Named};

type Counter = Shared<RLock<Cell<u64>>>;

fn counter() -> RLock<Cell<u64>> {
    RLock::new(Cell::new(1))
}

fn place<T: multiproc::ProcessSafe + Send + Sync>(shared: &Shared<T>) -> usize {
    (&raw const **shared).addr()
}

/// How often each file of this crate's is mapped here.
fn mapped() -> Vec<usize> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut times = HashMap::new();
    for line in maps.lines().filter(|line| line.contains("multiproc") && line.contains(" rw-s ")) {
        *times.entry(line.split_whitespace().nth(4).unwrap().to_owned()).or_insert(0) += 1;
    }
    times.into_values().collect()
}

/// Whether this thread is let in again through `b` where it is through `a`.
fn enters_again(a: &Counter, b: &Counter) -> bool {
    let _held = a.lock().unwrap();
    b.lock_for(Duration::from_millis(500)).is_ok()
}

#[test]
fn an_argument_that_comes_twice_is_one_value() {
    let both = |(a, b): (Counter, Counter)| enters_again(&a, &b) && enters_again(&b, &a);
    let value = Shared::new(counter()).unwrap();
    assert!(both((value.clone(), value.clone())));
    assert!(Process::spawn(both, (value.clone(), value)).unwrap().join().unwrap());
}

/// As a lock does where its thread has it already, instead of a wait without end.
#[test]
fn a_lock_that_comes_twice_panics_when_it_is_taken_twice() {
    type Twice = ((Shared<Lock<u8>>, Shared<Lock<u8>>), (SharedArray<u8>, SharedArray<u8>));
    let twice = |((a, b), (c, d)): Twice| {
        let _held = (a.lock().unwrap(), c.lock().unwrap());
        let panics = |take: &dyn Fn()| catch_unwind(AssertUnwindSafe(take)).is_err();
        (panics(&|| drop(b.lock())), panics(&|| drop(d.lock())))
    };
    let (lock, array) = (Shared::new(Lock::new(0)).unwrap(), SharedArray::zeroed(1).unwrap());
    let arguments = ((lock.clone(), lock), (array.clone(), array));
    assert_eq!(Process::spawn(twice, arguments).unwrap().join().unwrap(), (true, true));
}

#[test]
fn every_kind_of_memory_is_mapped_once_and_until_the_last_has_gone() {
    type Kinds = (Shared<u64>, SharedArray<u64>, Queue<u64>);
    let kinds: Kinds = (
        Shared::new(1).unwrap(),
        SharedArray::zeroed(1).unwrap(),
        Queue::with_bytes(1, 64).unwrap(),
    );
    let count = |(first, second): (Kinds, Kinds)| {
        let all = mapped();
        drop(first);
        assert_eq!(mapped(), all, "the second is still there");
        second.2.put(*second.0).unwrap();
        second.1.set(0, second.2.get().unwrap()).unwrap();
        drop(second);
        (all, mapped())
    };
    let child = Process::spawn(count, (kinds.clone(), kinds.clone())).unwrap();
    assert_eq!(child.join().unwrap(), (vec![1; 3], vec![]));
    assert_eq!(kinds.1.get(0), Ok(1));
}

#[test]
fn one_that_is_opened_by_its_name_is_the_one_that_is_here() {
    let name = Named::new("here");
    let made = Counter::create(&name.0, counter()).unwrap();
    let opened = Counter::open(&name.0).unwrap();
    assert!(enters_again(&made, &opened));
    let both = |(name, given): (String, Counter)| {
        let (a, b) = (Counter::open(&name).unwrap(), Counter::open(&name).unwrap());
        enters_again(&a, &b) && enters_again(&given, &a)
    };
    assert!(Process::spawn(both, (name.0.clone(), made)).unwrap().join().unwrap());
    assert!(enters_again(&opened, &Counter::open(&name.0).unwrap()));
}

/// Another process has it, so it can be opened when this one has let go of it.
fn held_by_another(name: &Named) -> Process<()> {
    let ready = Shared::new(Event::new()).unwrap();
    let hold = |(name, ready): (String, Shared<Event>)| {
        let _opened = Counter::open(&name).unwrap();
        ready.set();
        Event::new().wait();
    };
    let holder = Process::builder().daemon(true).spawn(hold, (name.0.clone(), ready.clone()));
    let holder = holder.unwrap();
    assert!(ready.wait_for(LONG));
    holder
}

/// It stays where it is, for the kernel to find the lock when the thread dies.
#[test]
fn memory_that_a_leaked_guard_keeps_is_found_again() {
    alone(|()| {
        let name = Named::new("leaked");
        let made = Counter::create(&name.0, counter()).unwrap();
        let holder = held_by_another(&name);
        let was_at = place(&made);
        std::mem::forget(made.lock().unwrap());
        drop(made);
        for _ in 0..2 {
            let opened = Counter::open(&name.0).unwrap();
            assert_eq!(place(&opened), was_at);
            assert!(opened.try_lock().is_ok(), "this thread is in already");
        }
        // Also handed on from there.
        let opened = Counter::open(&name.0).unwrap();
        let is_held = |value: Counter| value.try_lock().is_err();
        assert!(Process::spawn(is_held, opened).unwrap().join().unwrap());
        holder.kill().unwrap();
    });
}

#[test]
fn a_forked_child_has_it_where_its_parent_had() {
    alone(|()| {
        let name = Named::new("forked");
        let made = Counter::create(&name.0, counter()).unwrap();
        let child = {
            let (given, name) = (made.clone(), name.0.clone());
            let again = move || enters_again(&given, &Counter::open(&name).unwrap());
            Process::fork(again).unwrap()
        };
        assert!(child.join().unwrap());
        assert!(enters_again(&made, &Counter::open(&name.0).unwrap()));
    });
}

/// Nor does it find the list of mappings locked by a thread that it does not have.
#[test]
fn a_child_of_a_fork_that_nobody_was_asked_about_opens_what_is_here() {
    alone(|()| {
        let name = &Named::new("foreign");
        let made = &Counter::create(&name.0, counter()).unwrap();
        let over = &Event::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.is_set() {
                    drop((Shared::new(1u64).unwrap(), Counter::open(&name.0).unwrap()));
                }
            });
            let right = (0..50).all(|_| {
                // SAFETY: the child calls what needs no lock that the other thread may have but the
                // allocator's, which glibc sees to, and leaves; an alarm ends one that hangs.
                let child = match unsafe { libc::fork() } {
                    // SAFETY: as above.
                    0 => unsafe {
                        libc::alarm(LONG.as_secs() as u32);
                        let opened = Counter::open(&name.0);
                        let same = opened.is_ok_and(|opened| place(&opened) == place(made));
                        libc::_exit(i32::from(!same))
                    },
                    child => child,
                };
                let mut status = -1;
                // SAFETY: there is room for a status.
                unsafe { libc::waitpid(child, &mut status, 0) == child && status == 0 }
            });
            over.set();
            assert!(right);
        });
    });
}

/// The last lets go while another comes: it gets memory that stays.
#[test]
fn threads_that_let_go_and_open_at_once_all_have_the_same_memory() {
    const ROUNDS: u64 = 500;
    alone(|()| {
        let name = &Named::new("race");
        let made = Counter::create(&name.0, counter()).unwrap();
        let holder = held_by_another(name);
        drop(made);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let opened = Counter::open(&name.0).unwrap();
                        let held = opened.lock_for(LONG).unwrap();
                        held.set(held.get() + 1);
                    }
                });
            }
        });
        assert_eq!(mapped(), [0; 0]);
        assert_eq!(Counter::open(&name.0).unwrap().lock().unwrap().get(), 4 * ROUNDS + 1);
        holder.kill().unwrap();
    });
}
