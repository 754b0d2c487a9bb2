//! The primitives that are a few words of shared memory.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Arbitrary;
use multiproc::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, LockGuard, Permit, Poisoned, ProcessSafe,
    RLock, RLockGuard, RobustPermit, RobustSemaphore, Semaphore, Value,
};

use super::memory::{Memory, Scribble};
use super::{NOW, any_guard};

const LOCKS: usize = 4;
const ROBUST: usize = 4;

#[derive(ProcessSafe)]
#[repr(C)]
pub(super) struct Words {
    locks: [Lock<[u64; 2]>; LOCKS],
    rlock: RLock<Cell<u64>>,
    condition: Condition,
    pub(super) event: Event,
    semaphore: Semaphore,
    bounded: BoundedSemaphore,
    robust: RobustSemaphore<ROBUST>,
    barrier: Barrier,
    value: Value<u32>,
}

#[derive(Arbitrary, Debug)]
pub(super) enum Op {
    Lock(u8),
    Unlock(u8),
    LockAgain,
    /// One of the guards.
    UnlockAgain(u8),
    Wait,
    /// For at most so many calls of the predicate.
    WaitWhile(u8),
    Notify(u32),
    NotifyAll,
    Set,
    Clear,
    WaitSet,
    Acquire,
    Release(u32),
    AcquireBounded,
    DropBounded,
    ReleaseBounded(u32),
    AcquireRobust,
    DropRobust(u8),
    ForgetRobust(u8),
    ReleaseRobust(u32),
    Meet,
    /// With an action in which the peer writes, and which may panic.
    MeetThen(Scribble, bool),
    Abort,
    Reset,
    Number(u32),
    LockNumber,
}

/// The guards and permits that are held.
#[derive(Default)]
pub(super) struct Held<'a> {
    guards: [Option<LockGuard<'a, [u64; 2]>>; LOCKS],
    again: Vec<RLockGuard<'a, Cell<u64>>>,
    bounded: Vec<Permit<'a>>,
    robust: Vec<RobustPermit<'a>>,
    number: Option<LockGuard<'a, ()>>,
}

impl Words {
    pub(super) fn new() -> Self {
        Words {
            locks: [const { Lock::new([0; 2]) }; LOCKS],
            rlock: RLock::new(Cell::new(0)),
            condition: Condition::new(),
            event: Event::new(),
            semaphore: Semaphore::new(1),
            bounded: BoundedSemaphore::new(2),
            robust: RobustSemaphore::new(2),
            barrier: Barrier::new(2),
            value: Value::new(0),
        }
    }

    /// Nothing stays locked once the memory is whole again, any_guard became of the guards meanwhile.
    pub(super) fn free(&self, held: Held) {
        drop(held);
        drop(any_guard(self.rlock.try_lock()));
        assert!(!self.rlock.is_locked());
    }

    /// Performs an operation. The peer does not write to the condition's lock, `spared`: a wait locks it
    /// again without a timeout.
    pub(super) fn perform<'a>(
        &'a self,
        op: &Op,
        held: &mut Held<'a>,
        memory: &Memory,
        spared: &Lock<u64>,
    ) {
        match *op {
            Op::Lock(at) => {
                let at = usize::from(at) % LOCKS;
                if held.guards[at].is_none() {
                    held.guards[at] = any_guard(self.locks[at].lock_for(NOW));
                }
                if let Some(guard) = &mut held.guards[at] {
                    guard[0] = guard[0].wrapping_add(guard[1]);
                    self.locks[at].clear_poison();
                }
            }
            Op::Unlock(at) => held.guards[usize::from(at) % LOCKS] = None,
            Op::LockAgain => {
                if let Some(guard) = any_guard(self.rlock.lock_for(NOW)) {
                    guard.set(guard.get().wrapping_add(1));
                    held.again.push(guard);
                }
            }
            Op::UnlockAgain(which) => drop(one_of(&mut held.again, which)),
            Op::Wait => drop(self.condition.wait_for(taken(spared.lock()), NOW)),
            Op::WaitWhile(most) => {
                let mut calls = 0;
                let holds = |_: &mut u64| {
                    calls += 1;
                    calls <= most
                };
                drop(self.condition.wait_while_for(taken(spared.lock()), NOW, holds));
                assert!(calls <= 2, "the wait is over at the second call");
            }
            Op::Notify(n) => self.condition.notify(n),
            Op::NotifyAll => self.condition.notify_all(),
            Op::Set => self.event.set(),
            Op::Clear => self.event.clear(),
            Op::WaitSet => assert!(self.event.wait_for(NOW) || !self.event.is_set()),
            Op::Acquire => drop(self.semaphore.acquire_for(NOW).map(Permit::forget)),
            Op::Release(more) => drop(self.semaphore.release(more)),
            Op::AcquireBounded => held.bounded.extend(self.bounded.acquire_for(NOW)),
            Op::DropBounded => drop(held.bounded.pop()),
            Op::ReleaseBounded(more) => {
                let sum = self.bounded.value().checked_add(more);
                let fits = sum.is_some_and(|sum| sum <= self.bounded.limit());
                assert_eq!(self.bounded.release(more).is_ok(), fits);
            }
            Op::AcquireRobust => held.robust.extend(self.robust.acquire_for(NOW)),
            Op::DropRobust(which) => drop(one_of(&mut held.robust, which)),
            Op::ForgetRobust(which) => {
                one_of(&mut held.robust, which).into_iter().for_each(RobustPermit::forget);
            }
            Op::ReleaseRobust(more) => {
                let done = self.robust.release(more);
                let most = ROBUST as u32;
                assert!(done.is_err() || more <= most && self.robust.value() >= more);
                assert!(self.robust.value() <= most);
            }
            Op::Meet => drop(self.barrier.wait_for(NOW)),
            Op::MeetThen(ref scribble, panics) => {
                // It has no timeout, so only where it does not wait.
                let is_last = self.barrier.waiting() + 1 == self.barrier.parties();
                if !is_last && !self.barrier.is_broken() {
                    return;
                }
                let action = || {
                    memory.scribble(scribble);
                    if panics {
                        resume_unwind(Box::new(()));
                    }
                };
                let met = catch_unwind(AssertUnwindSafe(|| self.barrier.wait_then(action)));
                assert!(met.is_ok() || panics);
            }
            Op::Abort => {
                self.barrier.abort();
                assert!(self.barrier.is_broken());
            }
            Op::Reset => {
                self.barrier.reset();
                assert!(!self.barrier.is_broken() && self.barrier.waiting() == 0);
            }
            Op::Number(number) => {
                let was = self.value.swap(number);
                assert_eq!(self.value.fetch_add(was), number);
                assert_eq!(self.value.get(), number.wrapping_add(was));
            }
            Op::LockNumber => {
                held.number = match held.number.take() {
                    Some(_) => None,
                    None => any_guard(self.value.lock_for(NOW)),
                };
            }
        }
    }
}

fn one_of<T>(all: &mut Vec<T>, which: u8) -> Option<T> {
    let at = usize::from(which).checked_rem(all.len())?;
    Some(all.swap_remove(at))
}

fn taken<G>(locked: Result<G, Poisoned<G>>) -> G {
    locked.unwrap_or_else(Poisoned::into_inner)
}
