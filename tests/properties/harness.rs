//! Compares a primitive with its sequential model, over random sequences of operations.

use std::fmt::{self, Debug};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{RngAlgorithm, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::driver::{Driver, Worker};
use crate::model::{Model, Outcomes, WORKERS};
use crate::panics::caught;

/// An operation, and the worker that performs it.
#[derive(Clone)]
pub(crate) struct By<O>(pub(crate) usize, pub(crate) O);

impl<O: Debug> Debug for By<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.0, self.1)
    }
}

/// The strategies for a model.
pub(crate) trait Generate: Model {
    /// The states in which it can be made.
    fn initial() -> BoxedStrategy<Self>;

    /// Operations of a worker that does not wait. [`Model::allows`] filters them.
    fn operations(&self, worker: usize) -> BoxedStrategy<Self::Op>;
}

/// A worker that performs a model's operations.
pub(crate) type WorkerOf<M> = Worker<<M as Model>::Op, <M as Model>::Ret>;

/// A primitive, as a handle that every worker has.
pub(crate) trait Target: Clone + Send + 'static {
    type Model: Generate;

    fn make(model: &Self::Model) -> Self;

    /// Runs a worker, by [`Worker::run`]; it keeps the worker's guards.
    fn run(self, worker: WorkerOf<Self::Model>);

    fn view(&self) -> <Self::Model as Model>::View;

    /// Lets workers go on that still wait when the others have ended, where that is needed.
    fn unblock(&self) {}

    /// Checks what can be checked only when all workers have ended.
    fn check_end(self, model: &Self::Model) {
        let _ = model;
    }
}

/// A model's state, and what is expected of the operation that led to it.
#[derive(Clone)]
pub(crate) struct Expected<M: Model> {
    model: M,
    pub(crate) outcomes: Outcomes<M::Ret>,
    pub(crate) waits: [bool; WORKERS],
}

impl<M: Model> Debug for Expected<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}

impl<M: Generate> ReferenceStateMachine for Expected<M> {
    type State = Self;
    type Transition = By<M::Op>;

    fn init_state() -> BoxedStrategy<Self> {
        let expected =
            |model| Expected { model, outcomes: Outcomes(Vec::new()), waits: [false; WORKERS] };
        M::initial().prop_map(expected).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<By<M::Op>> {
        let free = (0..WORKERS).filter(|&worker| !state.waits[worker]);
        let operations =
            |worker| state.model.operations(worker).prop_map(move |op| By(worker, op)).boxed();
        Union::new(free.map(operations)).boxed()
    }

    fn preconditions(state: &Self, By(worker, op): &By<M::Op>) -> bool {
        let allowed = !state.waits[*worker] && state.model.allows(*worker, op);
        // One worker must be left that does not wait.
        allowed && Self::apply(state.clone(), &By(*worker, op.clone())).waits != [true; WORKERS]
    }

    fn apply(mut state: Self, By(worker, op): &By<M::Op>) -> Self {
        state.outcomes.0.clear();
        state.model.apply(*worker, op, &mut state.outcomes);
        state.waits[*worker] = true;
        state.outcomes.0.iter().for_each(|(ended, _)| state.waits[*ended] = false);
        state
    }
}

/// A target and its workers, in one case.
struct Case<T: Target> {
    target: T,
    driver: Driver<T::Model>,
}

impl<T: Target> StateMachineTest for Case<T> {
    type SystemUnderTest = Self;
    type Reference = Expected<T::Model>;

    fn init_test(state: &Expected<T::Model>) -> Self {
        let target = T::make(&state.model);
        Case { driver: Driver::new(&target), target }
    }

    fn apply(mut case: Self, expected: &Expected<T::Model>, op: By<OpOf<T>>) -> Self {
        case.driver.perform(op, expected);
        case
    }

    fn check_invariants(case: &Self, state: &Expected<T::Model>) {
        assert_eq!(case.target.view(), state.model.view(), "the view (left: the primitive's)");
    }

    fn teardown(case: Self, state: Expected<T::Model>) {
        case.driver.end(|| case.target.unblock());
        case.target.check_end(&state.model);
    }
}

type OpOf<T> = <<T as Target>::Model as Model>::Op;

/// Runs sequences of operations, as many as `PROPTEST_CASES` says or 256.
///
/// # Panics
/// If the target differs from its model in one, with the shortest such sequence found.
pub(crate) fn agrees<T: Target>() {
    if let Some((operations, reason)) = difference::<T>(TestRunner::new(config())) {
        panic!("{operations}\n{reason}");
    }
}

/// Failures are not written to a file: a sequence that is worth keeping is a test of its own.
/// (`PROPTEST_RNG_SEED` repeats a run.)
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        // Rejects of operations that the state does not allow: each sequence has some.
        max_local_rejects: u32::MAX,
        max_shrink_time: SHRINK_TIME.as_millis() as u32,
        // The default one would take most of the time of a debug build.
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

/// The shortest sequence found in which the target differs from its model, and how it differs.
pub(crate) fn difference<T: Target>(mut runner: TestRunner) -> Option<(String, String)> {
    let config = runner.config().clone();
    let run = |initial: Expected<T::Model>, operations, seen| {
        caught(|| Case::<T>::test_sequential(config.clone(), initial, operations, seen))
    };
    let sequences = Expected::<T::Model>::sequential_strategy(1..LONGEST);
    let ran = runner.run(&sequences, |(initial, operations, seen)| {
        run(initial, operations, seen).map_err(TestCaseError::fail)
    });
    match ran {
        Ok(()) => None,
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (initial, operations, _))) => {
            let differs = |operations: &[_]| run(initial.clone(), operations.to_vec(), None).err();
            let (operations, shorter) = shrink(&initial, operations, differs);
            let lines = operations.iter().map(|op| format!("\n{op:?}"));
            let lines = lines.fold(format!("{initial:?}"), |lines, line| lines + &line);
            Some((lines, shorter.unwrap_or_else(|| reason.to_string())))
        }
    }
}

/// Removes each operation without which the others still differ, and returns how they then differ:
/// proptest tries this once, and makes the operations simpler afterwards. (Within a limit of time: a
/// sequence that hangs takes long.)
fn shrink<M: Generate>(
    initial: &Expected<M>,
    mut operations: Vec<By<M::Op>>,
    differs: impl Fn(&[By<M::Op>]) -> Option<String>,
) -> (Vec<By<M::Op>>, Option<String>) {
    let (start, mut reason, mut at) = (Instant::now(), None, 0);
    while at < operations.len() && start.elapsed() < SHRINK_TIME {
        let mut fewer = operations.clone();
        fewer.remove(at);
        match are_allowed(initial, &fewer).then(|| differs(&fewer)).flatten() {
            Some(why) => (operations, reason, at) = (fewer, Some(why), 0),
            None => at += 1,
        }
    }
    (operations, reason)
}

/// Whether each operation is allowed after those before it.
fn are_allowed<M: Generate>(initial: &Expected<M>, operations: &[By<M::Op>]) -> bool {
    let mut state = initial.clone();
    operations.iter().all(|op| {
        let allowed = Expected::preconditions(&state, op);
        if allowed {
            state = Expected::apply(state.clone(), op);
        }
        allowed
    })
}

/// How long a failing sequence is shrunk.
const SHRINK_TIME: Duration = Duration::from_secs(100);

/// The most operations of a sequence: enough to fill and empty a queue a few times.
const LONGEST: usize = 40;
