//! Shows that the suite can fail: wrong models, which misread some operations as others, are told from
//! the primitives by few operations.

use std::fmt::{self, Debug};
use std::sync::Arc;

use multiproc::{Event, Lock, Queue, Semaphore, Shared, SharedArray};
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};

use crate::event::EventTarget;
use crate::harness::{Generate, Target, WorkerOf, config, difference};
use crate::lock::LockTarget;
use crate::model::event::{self, EventModel};
use crate::model::lock::{self, LockModel};
use crate::model::queue::{self, QueueModel};
use crate::model::semaphore::{self, SemaphoreModel, Unbounded};
use crate::model::shared_array::{self, ArrayModel};
use crate::model::{Model, Outcomes};
use crate::pipe::{self, PipeModel, PipeTarget};
use crate::semaphore::SemaphoreTarget;
use crate::text::Text;
use crate::wait::{Span, Wait};

/// A model that misreads some operations as others.
#[derive(Clone)]
struct Wrong<M>(M);

trait Misreads: Generate {
    fn misread(op: Self::Op) -> Self::Op;
}

macro_rules! misreads {
    ($model:ty: $op:pat => $misread:expr) => {
        impl Misreads for $model {
            fn misread(op: Self::Op) -> Self::Op {
                match op {
                    $op => $misread,
                    other => other,
                }
            }
        }
    };
}

// A set that is followed at once by a clear wakes no waiter.
misreads! { EventModel: event::Op::Pulse => event::Op::Clear }
// A panic does not poison.
misreads! { LockModel<false>: lock::Op::Panic => lock::Op::Unlock }
// Of several permits that are released, one arrives.
misreads! { SemaphoreModel<Unbounded>: semaphore::Op::Release(2..) => semaphore::Op::Release(1) }
// A put that times out does not wait.
misreads! { QueueModel: queue::Op::Put(text, Wait::For(Span::Short)) => queue::Op::Put(text, Wait::Not) }
// An addition is a write.
misreads! { ArrayModel<i8>: shared_array::Op::FetchAdd(at, n) => shared_array::Op::Swap(at, n) }
// A form that does not wait waits, for no time.
misreads! { PipeModel<false>: pipe::Op::Recv(Wait::Not) => pipe::Op::Recv(Wait::For(Span::Zero)) }

impl<M: Debug> Debug for Wrong<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Misreads> Model for Wrong<M> {
    type Op = M::Op;
    type Ret = M::Ret;
    type View = M::View;

    fn allows(&self, worker: usize, op: &M::Op) -> bool {
        self.0.allows(worker, op)
    }

    fn apply(&mut self, worker: usize, op: &M::Op, outcomes: &mut Outcomes<M::Ret>) {
        self.0.apply(worker, &M::misread(op.clone()), outcomes);
    }

    fn view(&self) -> M::View {
        self.0.view()
    }
}

impl<M: Misreads> Generate for Wrong<M> {
    fn initial() -> BoxedStrategy<Self> {
        M::initial().prop_map(Wrong).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<M::Op> {
        self.0.operations(worker)
    }
}

/// A target with a wrong model.
#[derive(Clone)]
struct Against<T>(T);

impl<T: Target<Model: Misreads>> Target for Against<T> {
    type Model = Wrong<T::Model>;

    fn make(model: &Wrong<T::Model>) -> Self {
        Against(T::make(&model.0))
    }

    fn run(self, worker: WorkerOf<T::Model>) {
        self.0.run(worker);
    }

    fn view(&self) -> <T::Model as Model>::View {
        self.0.view()
    }

    fn unblock(&self) {
        self.0.unblock();
    }
}

/// The operations by which the model is detected, the same each time.
fn detected<T: Target<Model: Misreads>>() -> String {
    let config = ProptestConfig { cases: 1000, ..config() };
    let rng = TestRng::from_seed(config.rng_algorithm, &[7; 16]);
    let difference = difference::<Against<T>>(TestRunner::new_with_rng(config, rng));
    difference.expect("they differ, and a sequence shows it").0
}

#[test]
fn of_lock() {
    insta::assert_snapshot!(detected::<LockTarget<Arc<Lock<u8>>>>(), @r#"
    Lock::new(0)
    2: try_lock()
    1: lock_for(LONG)
    2: drop(guard)
    1: panic!()
    "#);
}

#[test]
fn of_event() {
    insta::assert_snapshot!(detected::<EventTarget<Shared<Event>>>(), @r#"
    Event::new()
    0: wait()
    1: set(), clear()
    "#);
}

#[test]
fn of_semaphore() {
    insta::assert_snapshot!(detected::<SemaphoreTarget<Arc<Semaphore>, Semaphore, Unbounded>>(), @r#"
    Semaphore::new(0)
    2: release(2)
    "#);
}

#[test]
fn of_queue() {
    insta::assert_snapshot!(detected::<Queue<Text>>(), @r#"
    Queue::with_bytes(1, 1)
    1: try_put("")
    2: put_for("", SHORT)
    "#);
}

#[test]
fn of_shared_array() {
    insta::assert_snapshot!(detected::<SharedArray<i8>>(), @r#"
    SharedArray::new(&[1])
    0: fetch_add(0, 0)
    "#);
}

#[test]
fn of_pipe() {
    insta::assert_snapshot!(detected::<PipeTarget<false>>(), @r#"
    pipe(), texts of 0, end 0 sends
    2: try_recv()
    "#);
}
