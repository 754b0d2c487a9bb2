use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Condition, Event, Lock, LockGuard, PoisonCause, Shared};

use crate::child::Child;
use crate::{Place, asleep, in_both_places, sleeps, until};

/// How often it was notified, what is there to be taken, and who waits.
type Meeting = (Lock<(u32, u32)>, Condition);

const LONG: Duration = Duration::from_secs(60);

in_both_places! {
    (multiproc::Lock::new((0u32, 0u32)), multiproc::Condition::new());
    hands_over_all_that_was_put,
    lets_as_many_go_on_as_were_notified,
    lets_all_go_on,
    lets_one_go_on_however_long_the_lock_is_kept,
    lets_no_more_go_on_than_were_notified_however_many,
    times_out,
    is_not_kept_past_its_time,
    notifies_nobody,
    reports_a_panic_of_who_would_have_notified,
}

fn hands_over_all_that_was_put(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    let rounds = 2_000;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let basket = lock.lock().unwrap();
                    let mut basket = changed.wait_while(basket, |basket| basket.1 == 0).unwrap();
                    basket.1 -= 1;
                    basket.0 += 1;
                }
            });
        }
        for _ in 0..2 * rounds {
            lock.lock().unwrap().1 += 1;
            changed.notify_one();
        }
    });
    assert_eq!(*lock.lock().unwrap(), (2 * rounds, 0));
}

/// Starts so many who wait once each and then count up; returns when they sleep.
fn waiters<'s>(
    scope: &'s thread::Scope<'s, '_>,
    (lock, changed): &'s Meeting,
    n: usize,
) -> Vec<thread::ScopedJoinHandle<'s, ()>> {
    let (tid, tids) = mpsc::channel();
    let waiters = (0..n).map(|_| {
        let tid = tid.clone();
        scope.spawn(move || {
            let guard = lock.lock().unwrap();
            tid.send(rustix::thread::gettid()).unwrap();
            changed.wait(guard).unwrap().0 += 1;
        })
    });
    let waiters = waiters.collect();
    let tids: Vec<_> = tids.into_iter().take(n).collect();
    until("all to sleep", || tids.iter().all(|&tid| asleep(tid)));
    waiters
}

fn lets_as_many_go_on_as_were_notified(meeting: impl Place<Meeting>) {
    let gone_on = || meeting.0.lock().unwrap().0;
    thread::scope(|scope| {
        let waiters = waiters(scope, &meeting, 5);
        meeting.1.notify(2);
        until("two to go on", || gone_on() == 2);
        meeting.1.notify(0);
        meeting.1.notify_one();
        until("one more to go on", || gone_on() == 3);
        // Who has gone on may be slow to end.
        until("three to end", || waiters.iter().filter(|waiter| waiter.is_finished()).count() == 3);
        meeting.1.notify(u32::MAX);
    });
    assert_eq!(gone_on(), 5);
}

fn lets_all_go_on(meeting: impl Place<Meeting>) {
    thread::scope(|scope| {
        waiters(scope, &meeting, 5);
        meeting.1.notify_all();
    });
    assert_eq!(meeting.0.lock().unwrap().0, 5);
}

/// Long enough for one who waits to look several times whether others still live.
fn let_them_look() {
    assert!(!Event::new().wait_for(Duration::from_millis(700)));
}

/// Who was woken and waits for the lock is not taken for dead.
fn lets_one_go_on_however_long_the_lock_is_kept(meeting: impl Place<Meeting>) {
    let gone_on = || meeting.0.lock().unwrap().0;
    thread::scope(|scope| {
        waiters(scope, &meeting, 5);
        let kept = meeting.0.lock().unwrap();
        meeting.1.notify(1);
        let_them_look();
        drop(kept);
        until("one to go on", || gone_on() == 1);
        let_them_look();
        assert_eq!(gone_on(), 1, "for one notification");
        meeting.1.notify_all();
    });
}

/// Also when more wait for the lock than a condition remembers.
fn lets_no_more_go_on_than_were_notified_however_many(meeting: impl Place<Meeting>) {
    let gone_on = || meeting.0.lock().unwrap().0;
    thread::scope(|scope| {
        waiters(scope, &meeting, 60);
        let kept = meeting.0.lock().unwrap();
        meeting.1.notify(40);
        let_them_look();
        drop(kept);
        until("all of them to go on", || gone_on() >= 40);
        let_them_look();
        assert_eq!(gone_on(), 40);
        meeting.1.notify_all();
    });
}

fn times_out(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    let short = Duration::from_millis(5);
    let (guard, notified) = changed.wait_for(lock.lock().unwrap(), short).unwrap();
    assert!(!notified);
    let (guard, notified) = changed.wait_until(guard, Instant::now()).unwrap();
    assert!(!notified);
    let (guard, done) = changed.wait_while_for(guard, short, |pair| pair.1 == 0).unwrap();
    assert!(!done && lock.is_locked());
    let (guard, done) = changed.wait_while_until(guard, Instant::now(), |_| false).unwrap();
    assert!(done, "there was nothing to wait for");
    drop(guard);
    thread::scope(|scope| {
        scope.spawn(|| {
            lock.lock().unwrap().1 = 1;
            changed.notify_all();
        });
        let guard = lock.lock().unwrap();
        let (guard, done) = changed.wait_while_for(guard, LONG, |pair| pair.1 == 0).unwrap();
        assert!(done && guard.1 == 1);
    });
}

/// However often it is notified meanwhile: it looks before it waits, and once when its time is over.
fn is_not_kept_past_its_time(meeting: impl Place<Meeting>) {
    let ((lock, changed), done) = (&*meeting, Event::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.is_set() {
                changed.notify_all();
            }
        });
        let most = (0..2_000).map(|_| {
            let mut looks = 0;
            let same = |_: &mut _| {
                looks += 1;
                true
            };
            let waited = changed.wait_while_for(lock.lock().unwrap(), Duration::ZERO, same);
            (waited.is_ok_and(|(_, over)| over), looks)
        });
        let most = most.max();
        done.set();
        assert_eq!(most, Some((false, 2)), "over, and how often it looked");
    });
}

/// A notification is for those who wait, and not kept.
fn notifies_nobody(meeting: impl Place<Meeting>) {
    let (lock, changed) = &*meeting;
    changed.notify_one();
    changed.notify_all();
    let waited = changed.wait_for(lock.lock().unwrap(), Duration::from_millis(5));
    assert!(!waited.unwrap().1);
}

fn reports_a_panic_of_who_would_have_notified(meeting: impl Place<Meeting>) {
    let inside = meeting.clone();
    let (tid, its_tid) = mpsc::channel();
    let other = thread::spawn(move || {
        let guard = inside.0.lock().unwrap();
        tid.send(rustix::thread::gettid()).unwrap();
        inside.1.wait(guard).unwrap_err().cause()
    });
    let panicking = meeting.clone();
    let panics = move || {
        let _guard = panicking.0.lock().unwrap();
        panic!("expected: inside the lock");
    };
    let tid = its_tid.recv().unwrap();
    until("the other to wait", || asleep(tid));
    thread::spawn(panics).join().unwrap_err();
    assert_eq!(other.join().unwrap(), PoisonCause::Panicked);
}

/// Who waits in a process that is killed is nobody's concern, and what it was given goes to another.
#[test]
fn a_killed_waiter_keeps_no_notification() {
    let shared = Shared::new((Lock::new(0u32), Condition::new(), Event::new())).unwrap();
    let (lock, changed, waits) = &*shared;
    let doomed = Child::run(|| {
        let guard = lock.lock().unwrap();
        waits.set();
        drop(changed.wait(guard));
    });
    waits.wait();
    // It gives the lock up by its wait: killed before, it would be reported.
    drop(lock.lock().unwrap());
    let other = shared.clone();
    let other = thread::spawn(move || {
        let guard = other.0.lock().unwrap();
        drop(other.1.wait_while(guard, |count| *count == 0).unwrap());
    });
    doomed.kill();
    *lock.lock().unwrap() = 1;
    changed.notify_one();
    other.join().unwrap();
}

/// A child that was woken by a notification and waits for the lock, which is held.
fn woken_child(shared: &Shared<Meeting>) -> (Child, LockGuard<'_, (u32, u32)>) {
    let (lock, changed) = &**shared;
    let child = Child::run(|| {
        let mut guard = lock.lock().unwrap();
        guard.1 = 1;
        changed.wait(guard).unwrap().0 += 1;
    });
    let is_asleep = || sleeps(&child.pid().to_string());
    until("it to wait", || lock.lock().unwrap().1 == 1 && is_asleep());
    let guard = lock.lock().unwrap();
    changed.notify_one();
    until("it to wait for the lock", is_asleep);
    (child, guard)
}

#[test]
fn a_stopped_waiter_keeps_its_notification() {
    let shared = Shared::new((Lock::new((0, 0)), Condition::new())).unwrap();
    let (child, guard) = woken_child(&shared);
    child.signal(libc::SIGSTOP);
    until("it to be stopped", || child.is_stopped());
    let (guard, notified) = shared.1.wait_for(guard, Duration::from_millis(700)).unwrap();
    assert!(!notified, "the notification was another's");
    drop(guard);
    child.signal(libc::SIGCONT);
    until("it to go on", || shared.0.lock().unwrap().0 == 1);
}

#[test]
fn a_waiter_that_is_killed_while_it_waits_for_the_lock_keeps_no_notification() {
    let shared = Shared::new((Lock::new((0, 0)), Condition::new())).unwrap();
    let (child, guard) = woken_child(&shared);
    child.kill();
    let _zombie = child.ended();
    let (_guard, notified) = shared.1.wait_for(guard, LONG).unwrap();
    assert!(notified);
}

/// One who would have notified, and is killed with the lock in its hands.
#[test]
fn the_death_of_the_owner_is_reported_to_who_waits() {
    let shared = Shared::new((Lock::new(0u32), Condition::new(), Event::new())).unwrap();
    let other = shared.clone();
    let waiter = thread::spawn(move || {
        let guard = other.0.lock().unwrap();
        other.2.set();
        other.1.wait(guard).unwrap_err().cause()
    });
    shared.2.wait();
    drop(Child::run(|| std::mem::forget(shared.0.lock().unwrap())).ended());
    assert_eq!(waiter.join().unwrap(), PoisonCause::OwnerDied);
}

/// One who has changed what they wait for, and is killed before it notifies.
#[test]
fn a_change_without_a_notification_is_seen_all_the_same() {
    let shared = Shared::new((Lock::new(0u32), Condition::new(), Event::new())).unwrap();
    let other = shared.clone();
    let waiter = thread::spawn(move || {
        let guard = other.0.lock().unwrap();
        other.2.set();
        *other.1.wait_while(guard, |count| *count == 0).unwrap()
    });
    shared.2.wait();
    drop(Child::run(|| *shared.0.lock().unwrap() = 7));
    assert_eq!(waiter.join().unwrap(), 7);
}
