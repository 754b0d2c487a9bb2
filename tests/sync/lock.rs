use std::cell::RefCell;
use std::hint;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Event, Lock, LockGuard, PoisonCause, Process, Shared, TryLockError};

use crate::child::Child;
use crate::{Place, alone, asleep, in_both_places, sleeps, until};

in_both_places! {
    multiproc::Lock::new((0u64, 0u64));
    excludes,
    refuses_while_held,
    gives_up_at_the_deadline,
    reports_a_panic,
    stays_locked_when_its_guard_was_leaked,
    refuses_to_wait_for_itself,
    shows_itself,
}

fn excludes(lock: impl Place<Lock<(u64, u64)>>) {
    let rounds = 20_000;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let mut pair = lock.lock().unwrap();
                    pair.0 += 1;
                    pair.1 += 1;
                }
            });
        }
        for _ in 0..rounds {
            let pair = lock.lock().unwrap();
            assert_eq!(pair.0, pair.1);
        }
    });
    assert_eq!(*lock.lock().unwrap(), (2 * rounds, 2 * rounds));
}

fn refuses_while_held(lock: impl Place<Lock<(u64, u64)>>) {
    let guard = lock.lock().unwrap();
    assert!(lock.is_locked());
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    drop(guard);
    assert!(!lock.is_locked());
    assert!(lock.try_lock().is_ok());
}

fn gives_up_at_the_deadline(lock: impl Place<Lock<(u64, u64)>>) {
    let guard = lock.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let span = Duration::from_millis(20);
            assert!(matches!(lock.lock_for(span), Err(TryLockError::WouldBlock)));
            let past = Instant::now();
            assert!(matches!(lock.lock_until(past), Err(TryLockError::WouldBlock)));
        });
    });
    // To itself as well: with a deadline, a thread may wait for itself.
    assert!(matches!(lock.lock_for(Duration::from_millis(1)), Err(TryLockError::WouldBlock)));
    drop(guard);
    assert!(lock.lock_for(Duration::MAX).is_ok());
    assert!(lock.lock_until(Instant::now()).is_ok(), "free, so no wait was needed");
}

fn reports_a_panic(lock: impl Place<Lock<(u64, u64)>>) {
    let inside = lock.clone();
    let panicked = thread::spawn(move || {
        let mut pair = inside.lock().unwrap();
        pair.0 = 7;
        panic!("expected: inside the lock");
    });
    panicked.join().unwrap_err();
    let poisoned = lock.lock().unwrap_err();
    assert_eq!(poisoned.cause(), PoisonCause::Panicked);
    assert_eq!(
        poisoned.to_string(),
        "the lock's last owner panicked while holding it: check the data, then call clear_poison"
    );
    assert_eq!(*poisoned.into_inner(), (7, 0));
    assert!(matches!(lock.try_lock(), Err(TryLockError::Poisoned(_))), "until it is cleared");
    lock.clear_poison();
    assert!(lock.lock().is_ok());
}

/// What a leaked guard gives access to can live on in another thread.
fn stays_locked_when_its_guard_was_leaked(lock: impl Place<Lock<(u64, u64)>>) {
    let leaked: &'static _ = Box::leak(Box::new(lock.clone()));
    let leak = || Box::leak(Box::new(Lock::lock(leaked).unwrap()));
    let pair: &'static mut (u64, u64) = thread::spawn(move || &mut **leak()).join().unwrap();
    // Longer than a waiter takes to find an owner dead.
    let waited = lock.lock_for(Duration::from_millis(250));
    assert!(matches!(waited, Err(TryLockError::WouldBlock)));
    *pair = (1, 2);
}

/// It has copies of its parent's guards, and drops them.
#[test]
fn a_child_of_a_bare_fork_owns_nothing() {
    let locks = Shared::new([const { Lock::new(0u32) }; 40]).unwrap();
    let waits = Shared::new([const { Event::new() }; 40]).unwrap();
    let guards: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
    let _zombie = Child::run(|| {
        // SAFETY: in the child's copy of the memory nobody else drops them.
        drop(unsafe { std::ptr::read(&guards) });
        for (lock, waits) in locks.iter().zip(waits.iter()) {
            if lock.lock_for(Duration::from_millis(1)).is_err() {
                waits.set();
            }
        }
    })
    .ended();
    assert!(waits.iter().all(Event::is_set), "the child got a lock of its parent's");
    assert!(locks.iter().all(Lock::is_locked));
    drop(guards);
    locks.iter().for_each(|lock| assert!(lock.try_lock().is_ok()));
}

/// What the first lock of a process begins, and the fork cuts off in the child, nobody there waits for.
#[test]
fn a_child_of_a_fork_amid_the_first_lock_locks() {
    fn program((): ()) {
        // Each a process in which nobody has locked yet, and its thread begins a bit later.
        for pauses in (0..50).cycle().take(200) {
            let process = Child::run(|| fork_amid_the_first_lock(pauses)).ended();
            assert_eq!(process.code(), Some(0), "its child hangs");
        }
    }
    alone(program);
}

fn fork_amid_the_first_lock(pauses: u32) {
    static LOCKS: [Lock<()>; 2] = [const { Lock::new(()) }; 2];
    let ready = Event::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            ready.set();
            (0..pauses).for_each(|_| hint::spin_loop());
            drop(LOCKS[0].lock().unwrap());
        });
        while !ready.is_set() {
            hint::spin_loop();
        }
        let child = Child::run(|| drop(LOCKS[1].lock().unwrap()));
        until("the child to lock and end", || child.code() == Some(0));
    });
}

#[test]
fn the_death_of_the_owner_is_reported() {
    let lock = Shared::new(Lock::new(0u32)).unwrap();
    drop(Child::run(|| mem::forget(lock.lock().unwrap())));
    let poisoned = lock.lock().unwrap_err();
    assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
    drop(poisoned);
    lock.clear_poison();
    assert!(lock.lock().is_ok());
}

#[test]
fn what_a_thread_left_locked_is_reported_when_its_process_dies() {
    let lock = Shared::new(Lock::new(0u32)).unwrap();
    let inside = lock.clone();
    let leak = move || drop(thread::spawn(move || mem::forget(inside.lock().unwrap())).join());
    let _zombie = Child::run(leak).ended();
    assert_eq!(lock.lock().unwrap_err().cause(), PoisonCause::OwnerDied);
}

#[test]
fn the_death_of_the_owner_is_reported_to_one_who_sleeps_already() {
    let shared = Shared::new((Lock::new(0u32), Event::new(), Event::new())).unwrap();
    let waiter = shared.clone();
    let owner = Child::run(|| {
        let (lock, held, end) = &*shared;
        mem::forget(lock.lock().unwrap());
        held.set();
        end.wait();
    });
    let (_, held, end) = &*shared;
    held.wait();
    let (tid, its_tid) = std::sync::mpsc::channel();
    let sleeper = thread::spawn(move || {
        tid.send(rustix::thread::gettid()).unwrap();
        waiter.0.lock().unwrap_err().cause()
    });
    let tid = its_tid.recv().unwrap();
    until("the waiter to sleep", || asleep(tid));
    end.set();
    drop(owner);
    assert_eq!(sleeper.join().unwrap(), PoisonCause::OwnerDied);
}

#[test]
fn a_guard_among_the_locals_of_a_thread_unlocks_when_the_thread_ends() {
    type Kept = RefCell<Option<LockGuard<'static, u32>>>;
    thread_local!(static KEPT: Kept = const { RefCell::new(None) });
    let lock: &'static _ = Box::leak(Box::new(Shared::new(Lock::new(0u32)).unwrap()));
    for keep_first in [true, false] {
        let keep = move || {
            if keep_first {
                KEPT.set(None);
            }
            KEPT.set(Some(lock.lock().unwrap()));
        };
        thread::spawn(keep).join().unwrap();
        assert!(lock.lock().is_ok());
    }
}

/// Though its owner is dead, as the kernel says.
#[test]
fn the_main_thread_waits_for_a_lock_that_was_left_to_its_process() {
    let shared = Shared::new((Lock::new(0u32), Event::new())).unwrap();
    let wait = |shared: Shared<(Lock<u32>, Event)>| {
        let inside = shared.clone();
        thread::spawn(move || mem::forget(inside.0.lock().unwrap())).join().unwrap();
        shared.1.set();
        drop(shared.0.lock());
    };
    let child = Process::spawn(wait, shared.clone()).unwrap();
    shared.1.wait();
    until("the main thread to wait", || sleeps(&child.pid().to_string()));
    child.kill().unwrap();
    assert_eq!(shared.0.lock().unwrap_err().cause(), PoisonCause::OwnerDied);
}

fn refuses_to_wait_for_itself(lock: impl Place<Lock<(u64, u64)>>) {
    let twice = thread::spawn(move || {
        let _guard = lock.lock().unwrap();
        let _again = lock.lock();
    });
    let panic = twice.join().unwrap_err();
    let message = panic.downcast_ref::<&str>().unwrap();
    assert!(message.contains("holds the lock already"), "{message}");
}

fn shows_itself(lock: impl Place<Lock<(u64, u64)>>) {
    assert_eq!(format!("{:?}", *lock), "Lock { data: (0, 0), poisoned: false }");
    let guard = lock.lock().unwrap();
    assert_eq!(format!("{guard:?}"), "(0, 0)");
    assert_eq!(format!("{:?}", *lock), "Lock { data: <locked>, poisoned: false }");
}

#[test]
fn a_value_comes_back_out() {
    let mut lock = Lock::new(String::from("private memory takes any type"));
    lock.get_mut().push('!');
    assert_eq!(lock.into_inner().unwrap(), "private memory takes any type!");
}

#[test]
fn the_memory_of_a_leaked_guard_stays_mapped() {
    let lock = Shared::new(Lock::new(0u32)).unwrap();
    let address = (&raw const *lock).addr();
    // The lock stays on this thread's list for good, so its memory may not go.
    mem::forget(lock.lock().unwrap());
    drop(lock);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = maps.lines().any(|line| {
        let (start, rest) = line.split_once('-').unwrap();
        let end = rest.split_once(' ').unwrap().0;
        let hex = |text| usize::from_str_radix(text, 16).unwrap();
        (hex(start)..hex(end)).contains(&address) && line.contains("memfd:multiproc")
    });
    assert!(mapped, "{address:x} is not mapped any more");
    let other = Shared::new(Lock::new(0u32)).unwrap();
    *other.lock().unwrap() += 1;
}
