//! Every operation of each primitive that need not wait, in shared memory, compared with the sequential
//! models; the locks in any order, so that the list of those held is changed in any order.

mod lock;
mod operations;
mod semaphore;

use std::cell::Cell;

use arbitrary::Arbitrary;
use multiproc::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, ProcessSafe, RLock, RobustSemaphore,
    Semaphore, Shared, Value, fuzz_support,
};

use self::lock::LockState;
use self::operations::Op;
use self::semaphore::SemaphoreState;
use super::agree::agree;
use super::model::Model;
use super::model::barrier::{self, BarrierModel};
use super::model::condition::{self, ConditionModel};
use super::model::event::{self, EventModel};
use super::model::lock::LockModel;
use super::model::semaphore::{Bounded, ROBUST_MAX, Robust, Unbounded};
use super::model::value::{self, ValueModel};

const LOCKS: usize = 40;

#[derive(ProcessSafe)]
struct Fixture {
    locks: [Lock<u8>; LOCKS],
    rlocks: [RLock<Cell<u8>>; 2],
    condition: Condition,
    event: Event,
    semaphore: Semaphore,
    bounded: BoundedSemaphore,
    robust: RobustSemaphore<{ ROBUST_MAX as usize }>,
    barrier: Barrier,
    value: Value<i16>,
}

#[derive(Arbitrary, Debug)]
struct Input {
    semaphore: u8,
    bounded: u8,
    robust: u8,
    parties: u8,
    operations: Vec<Op>,
}

pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::decode::<Input>(bytes) else { return };
    let [semaphore, bounded] = [input.semaphore % 4, input.bounded % 4].map(u32::from);
    let (robust, parties) = (u32::from(input.robust % 5), u32::from(input.parties % 3) + 1);
    let fixture = Fixture {
        locks: [const { Lock::new(0) }; LOCKS],
        rlocks: [const { RLock::new(Cell::new(0)) }; 2],
        condition: Condition::new(),
        event: Event::new(),
        semaphore: Semaphore::new(semaphore),
        bounded: BoundedSemaphore::new(bounded),
        robust: RobustSemaphore::new(robust),
        barrier: Barrier::new(parties),
        value: Value::new(0),
    };
    let fixture = Shared::new(fixture).unwrap();
    // Attached a second time, as in a child: what is acquired by one handle is released by the other.
    let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&fixture)).unwrap();
    let (first, second) = (fixture, fuzz_support::attached::<Shared<Fixture>>(fd).unwrap());
    let handles = [&*first, &*second];
    // Where both are one mapping, a lock has one owner; in two, it would have two.
    let workers = [0, usize::from(!std::ptr::eq(handles[0], handles[1]))];
    let mut states = States {
        locks: std::array::from_fn(|_| LockState::default()),
        rlocks: std::array::from_fn(|_| LockState::default()),
        event: EventModel::default(),
        semaphore: SemaphoreState::<Semaphore, Unbounded>::new(semaphore),
        bounded: SemaphoreState::<BoundedSemaphore, Bounded>::new(bounded),
        robust: SemaphoreState::<_, Robust>::new(robust),
        barrier: BarrierModel::new(parties as usize),
        value: ValueModel { number: 0, lock: LockModel::default() },
        value_guards: Vec::new(),
    };
    let mut handle = 0;
    for op in input.operations {
        match op {
            Op::Attach => handle = 1 - handle,
            op => states.perform(op, handles[handle], workers[handle]),
        }
    }
}

/// The models, and the guards and permits that are held.
struct States<'a> {
    locks: [LockState<'a, Lock<u8>, false>; LOCKS],
    rlocks: [LockState<'a, RLock<Cell<u8>>, true>; 2],
    event: EventModel,
    semaphore: SemaphoreState<'a, Semaphore, Unbounded>,
    bounded: SemaphoreState<'a, BoundedSemaphore, Bounded>,
    robust: SemaphoreState<'a, RobustSemaphore<{ ROBUST_MAX as usize }>, Robust>,
    barrier: BarrierModel,
    value: ValueModel<i16>,
    value_guards: Vec<multiproc::LockGuard<'a, ()>>,
}

impl<'a> States<'a> {
    /// Performs an operation by a handle, as this worker of the locks' models.
    fn perform(&mut self, op: Op, fixture: &'a Fixture, worker: usize) {
        match op {
            Op::Lock(at, op) => {
                let at = usize::from(at) % LOCKS;
                let (lock, state) = (&fixture.locks[at], &mut self.locks[at]);
                state.perform(op, lock, worker);
                let seen = (lock.is_locked(), lock.is_poisoned());
                assert_eq!(seen, state.view());
            }
            Op::RLock(at, op) => {
                let at = usize::from(at);
                let (lock, state) = (&fixture.rlocks[at], &mut self.rlocks[at]);
                state.perform(op, lock, worker);
                let seen = (lock.is_locked(), lock.is_poisoned());
                assert_eq!(seen, state.view());
            }
            Op::Condition(at, op) => {
                let state = &mut self.locks[usize::from(at) % LOCKS];
                wait_on_condition(op, &fixture.condition, state);
            }
            Op::Event(op) => {
                let op = op.decoded(&self.event);
                agree(&mut self.event, 0, op, |op| event::perform(&fixture.event, op));
                assert_eq!(fixture.event.is_set(), self.event.view());
            }
            Op::Semaphore(op) => self.semaphore.perform(op, &fixture.semaphore),
            Op::Bounded(op) => self.bounded.perform(op, &fixture.bounded),
            Op::Robust(op) => self.robust.perform(op, &fixture.robust),
            Op::Barrier(op) => {
                let op = op.decoded(&self.barrier);
                agree(&mut self.barrier, 0, op, |op| barrier::perform(&fixture.barrier, op));
                assert_eq!(barrier::view(&fixture.barrier), self.barrier.view());
            }
            Op::Value(op) => {
                let op = op.decoded(&self.value, &mut self.value_guards, worker);
                let worker = self.value.lock.owner.filter(|_| op.is_owners()).unwrap_or(worker);
                let guards = &mut self.value_guards;
                agree(&mut self.value, worker, op.0, |op| {
                    value::perform(&fixture.value, op, guards)
                });
                assert_eq!(value::view(&fixture.value), self.value.view());
            }
            Op::Attach => {}
        }
    }
}

/// Performs an operation of a condition with the first guard of this lock, if it is held.
fn wait_on_condition<'a>(
    op: operations::Condition,
    condition: &Condition,
    state: &mut LockState<'a, Lock<u8>, false>,
) {
    let value = state.model.value;
    let (Some(owner), Some(lock)) = (state.model.owner, state.lock) else {
        if let Some(op) = op.notification() {
            condition::perform((&Lock::new(0), condition), &op, &mut None);
        }
        return;
    };
    let mut model = ConditionModel::locked(owner, state.model.poisoned, value);
    let op = op.decoded(value, &model);
    let mut held = Some(state.guards.remove(0));
    agree(&mut model, owner, op, |op| condition::perform((lock, condition), op, &mut held));
    state.guards.extend(held);
}
