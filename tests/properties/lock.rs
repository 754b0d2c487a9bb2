use std::any::Any;
use std::sync::Arc;

use multiproc::{Lock, PoisonCause};
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::lock::{LockModel, Lockable, Op};
use crate::place::{Place, in_both_places};
use crate::wait::any_wait;

in_both_places! { <Lock<u8>>; agrees_with_its_model }

fn agrees_with_its_model<P: Place<Lock<u8>>>() {
    agrees::<LockTarget<P>>();
}

impl<const AGAIN: bool> LockModel<AGAIN> {
    /// Operations on a lock, whatever it guards.
    pub(crate) fn lock_operations(&self, worker: usize) -> BoxedStrategy<Op> {
        let (lock, clear) = (any_wait().prop_map(Op::Lock), Just(Op::ClearPoison));
        match self.owner == Some(worker) {
            true => prop_oneof![
                4 => Just(Op::Unlock), 2 => Just(Op::Panic), 1 => clear,
                if AGAIN { 4 } else { 1 } => lock,
            ]
            .boxed(),
            false => prop_oneof![1 => clear, 8 => lock].boxed(),
        }
    }
}

impl<const AGAIN: bool> Generate for LockModel<AGAIN> {
    fn initial() -> BoxedStrategy<Self> {
        (0..3u8).prop_map(LockModel::new).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op> {
        let write = any::<u8>().prop_map(Op::Write);
        match self.owner == Some(worker) {
            true => prop_oneof![3 => self.lock_operations(worker), 1 => write].boxed(),
            false => self.lock_operations(worker),
        }
    }
}

/// Makes a lock's type a target: how it is made from a byte, and how the byte is read back.
macro_rules! target {
    ($name:ident: $lock:ty, $model:ty, $make:expr, $byte:expr) => {
        #[derive(Clone)]
        pub(crate) struct $name<P>(P);

        impl<P: Place<$lock>> Target for $name<P> {
            type Model = $model;

            fn make(model: &$model) -> Self {
                $name(P::of($make(model.value)))
            }

            fn run(self, worker: WorkerOf<$model>) {
                let (lock, mut guards) = (&*self.0, Vec::new());
                worker.run(|op| lock.perform(&op, &mut guards));
            }

            fn view(&self) -> (bool, bool, String) {
                (self.0.is_locked(), self.0.is_poisoned(), format!("{:?}", *self.0))
            }

            /// In private memory, the value can be taken out of the lock.
            fn check_end(self, model: &$model) {
                if let Ok(lock) = (Box::new(self.0) as Box<dyn Any>).downcast::<Arc<$lock>>() {
                    let mut lock = Arc::into_inner(*lock).expect("the workers have ended");
                    assert_eq!($byte(lock.get_mut().clone()), model.value);
                    let (value, cause) = match lock.into_inner() {
                        Ok(value) => (value, None),
                        Err(poisoned) => {
                            let cause = poisoned.cause();
                            (poisoned.into_inner(), Some(cause))
                        }
                    };
                    let expected = model.poisoned.then_some(PoisonCause::Panicked);
                    assert_eq!(($byte(value), cause), (model.value, expected));
                }
            }
        }
    };
}
pub(crate) use target;

target! { LockTarget: Lock<u8>, LockModel<false>, Lock::new, u8::from }
