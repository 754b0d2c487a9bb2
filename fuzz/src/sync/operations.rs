//! The operations as they are decoded. What they refer to depends on the model's state.

use arbitrary::Arbitrary;
use multiproc::LockGuard;

use super::super::agree::{blocking, ready};
use super::super::model::barrier::{self, BarrierModel};
use super::super::model::condition::{self, ConditionModel};
use super::super::model::event::{self, EventModel};
use super::super::model::lock as lock_model;
use super::super::model::value::{self, ValueModel};
use super::super::model::wait::{Span, Wait};
use super::lock::Op as LockOp;
use super::semaphore::Op as SemaphoreOp;

#[derive(Arbitrary, Debug)]
pub(super) enum Op {
    Lock(u8, LockOp),
    RLock(bool, LockOp),
    /// With the lock of that number.
    Condition(u8, Condition),
    Event(Event),
    Semaphore(SemaphoreOp),
    Bounded(SemaphoreOp),
    Robust(SemaphoreOp),
    Barrier(Barrier),
    Value(Value),
    /// Continues by the other handle.
    Attach,
}

#[derive(Arbitrary, Debug)]
pub(super) enum Event {
    Set,
    Clear,
    Wait(Wait),
}

impl Event {
    pub(super) fn decoded(self, model: &EventModel) -> event::Op {
        match self {
            Event::Set => event::Op::Set,
            Event::Clear => event::Op::Clear,
            Event::Wait(wait) => {
                ready(model, 0, blocking(wait), Wait::For(Span::Zero), event::Op::Wait)
            }
        }
    }
}

#[derive(Arbitrary, Debug)]
pub(super) enum Barrier {
    Wait(Wait),
    /// With an action, and whether that panics.
    WaitThen(bool),
    Abort,
    Reset,
}

impl Barrier {
    pub(super) fn decoded(self, model: &BarrierModel) -> barrier::Op {
        match self {
            Barrier::Wait(wait) => {
                ready(model, 0, blocking(wait), Wait::For(Span::Zero), barrier::Op::Wait)
            }
            Barrier::WaitThen(panics) => barrier::Op::WaitThen(panics),
            Barrier::Abort => barrier::Op::Abort,
            Barrier::Reset => barrier::Op::Reset,
        }
    }
}

#[derive(Arbitrary, Debug)]
pub(super) enum Condition {
    Wait(Wait),
    /// As long as the value is the present one, or another.
    WaitWhile {
        same: bool,
        wait: Wait,
    },
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

impl Condition {
    /// With a guard of a lock around `value`.
    pub(super) fn decoded(self, value: u8, model: &ConditionModel) -> condition::Op {
        let owner = model.owner.unwrap_or(0);
        match self {
            Condition::Wait(wait) => {
                ready(model, owner, blocking(wait), Wait::For(Span::Zero), condition::Op::Wait)
            }
            Condition::WaitWhile { same, wait } => {
                let value = if same { value } else { !value };
                let op = |wait| condition::Op::WaitWhile(value, wait);
                ready(model, owner, blocking(wait), Wait::For(Span::Zero), op)
            }
            notifies => notifies.notification().expect("it does not wait"),
        }
    }

    /// The operation, if it needs no guard.
    pub(super) fn notification(&self) -> Option<condition::Op> {
        match *self {
            Condition::NotifyOne => Some(condition::Op::NotifyOne),
            Condition::Notify(n) => Some(condition::Op::Notify(n)),
            Condition::NotifyAll => Some(condition::Op::NotifyAll),
            Condition::Wait(_) | Condition::WaitWhile { .. } => None,
        }
    }
}

#[derive(Arbitrary, Debug)]
pub(super) enum Value {
    Set(i16),
    Swap(i16),
    FetchAdd(i16),
    CompareExchange {
        /// With the present number, or another.
        right: bool,
        new: i16,
    },
    Lock(LockOp),
}

/// An operation of a value.
pub(super) struct ValueOp(pub(super) value::Op<i16>);

impl ValueOp {
    /// Whether only the owner of the lock performs it.
    pub(super) fn is_owners(&self) -> bool {
        use lock_model::Op;
        matches!(self.0, value::Op::Lock(Op::Unlock | Op::Panic | Op::Write(_)))
    }
}

impl Value {
    pub(super) fn decoded(
        self,
        model: &ValueModel<i16>,
        guards: &mut [LockGuard<'_, ()>],
        worker: usize,
    ) -> ValueOp {
        ValueOp(match self {
            Value::Set(new) => value::Op::Set(new),
            Value::Swap(new) => value::Op::Swap(new),
            Value::FetchAdd(more) => value::Op::FetchAdd(more),
            Value::CompareExchange { right, new } => {
                let old = if right { model.number } else { !model.number };
                value::Op::CompareExchange(old, new)
            }
            Value::Lock(op) => value::Op::Lock(op.decoded(&model.lock, guards, worker)),
        })
    }
}
