//! The three semaphores.

use std::marker::PhantomData;

use multiproc::{BoundedSemaphore, RobustSemaphore, Semaphore};
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::WORKERS;
use crate::model::semaphore::{
    Bounded, Kind, Op, Permits, ROBUST_MAX, Robust, SemaphoreModel, Unbounded,
};
use crate::place::Place;
use crate::wait::any_wait;

macro_rules! of_each {
    ($($name:ident: $semaphore:ty, $kind:ty;)*) => { $(
        mod $name {
            use super::*;
            use crate::place::in_both_places;

            in_both_places! { <$semaphore>; agrees_with_its_model }

            fn agrees_with_its_model<P: Place<$semaphore>>() {
                agrees::<SemaphoreTarget<P, $semaphore, $kind>>();
            }
        }

        impl Make for $semaphore {
            fn make(permits: u32) -> Self {
                Self::new(permits)
            }
        }
    )* };
}

of_each! {
    unbounded: Semaphore, Unbounded;
    bounded: BoundedSemaphore, Bounded;
    robust: RobustSemaphore<{ ROBUST_MAX as usize }>, Robust;
}

/// How a semaphore is made.
pub(crate) trait Make {
    fn make(permits: u32) -> Self;
}

impl<K: Kind> Generate for SemaphoreModel<K> {
    fn initial() -> BoxedStrategy<Self> {
        let permits = match K::COUNTS_HELD {
            true => (0..=K::max(0)).boxed(),
            false => prop_oneof![8 => 0..4u32, 1 => Just(Semaphore::MAX)].boxed(),
        };
        permits.prop_map(SemaphoreModel::new).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op> {
        const MAX: u32 = Semaphore::MAX;
        let permits = prop_oneof![
            9 => 0..5u32,
            1 => prop_oneof![Just(MAX), Just(MAX - 1), Just(MAX + 1), Just(u32::MAX)],
        ];
        let acquire = any_wait().prop_map(Op::Acquire);
        let release = permits.prop_map(Op::Release);
        match self.held[worker] > 0 {
            true => prop_oneof![
                3 => acquire, 2 => release, 2 => Just(Op::Drop), 1 => Just(Op::Forget)
            ]
            .boxed(),
            false => prop_oneof![3 => acquire, 1 => release].boxed(),
        }
    }
}

pub(crate) struct SemaphoreTarget<P, S, K>(P, PhantomData<fn() -> (S, K)>);

impl<P: Clone, S, K> Clone for SemaphoreTarget<P, S, K> {
    fn clone(&self) -> Self {
        SemaphoreTarget(self.0.clone(), PhantomData)
    }
}

impl<P: Place<S>, S: Permits + Make + 'static, K: Kind> Target for SemaphoreTarget<P, S, K> {
    type Model = SemaphoreModel<K>;

    fn make(model: &SemaphoreModel<K>) -> Self {
        SemaphoreTarget(P::of(S::make(model.value)), PhantomData)
    }

    fn run(self, worker: WorkerOf<SemaphoreModel<K>>) {
        let (semaphore, mut permits): (&S, _) = (&self.0, Vec::new());
        worker.run(|op| semaphore.perform(&op, &mut permits));
    }

    fn view(&self) -> (u32, u32) {
        Permits::view(&*self.0)
    }

    fn unblock(&self) {
        // One for each waiter. The permits of a bounded one are held by others, which drop them.
        while self.0.release(1).is_ok() && Permits::view(&*self.0).0 < WORKERS as u32 {}
    }
}
