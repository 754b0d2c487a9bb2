//! Performs operations by one worker, and compares their outcomes with a sequential model.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::model::wait::{Span, Wait};
use super::model::{Model, Outcome, Outcomes};

/// Performs an operation, and compares its outcome with the model's. One that is not allowed, or that
/// would wait, is skipped.
pub(super) fn agree<M: Model>(
    model: &mut M,
    worker: usize,
    op: M::Op,
    perform: impl FnOnce(&M::Op) -> M::Ret,
) {
    if let Some((next, expected)) = applied(model, worker, &op) {
        let outcome = catch_unwind(AssertUnwindSafe(|| perform(&op)))
            .map_err(|panic| panic.downcast_ref::<&str>().map_or("other", |text| text).to_string());
        assert_eq!(outcome, expected, "{op:?} by {worker}");
        *model = next;
    }
}

/// The model after the operation, and the outcome; `None` if it is not allowed or would wait.
fn applied<M: Model>(model: &M, worker: usize, op: &M::Op) -> Option<(M, Outcome<M::Ret>)> {
    if !model.allows(worker, op) {
        return None;
    }
    let (mut next, mut outcomes) = (model.clone(), Outcomes(Vec::new()));
    next.apply(worker, op, &mut outcomes);
    outcomes.0.pop().map(|(_, outcome)| (next, outcome))
}

/// The operation with this wait; with `otherwise` where it would wait without a timeout, or panic.
pub(super) fn ready<M: Model>(
    model: &M,
    worker: usize,
    wait: Wait,
    otherwise: Wait,
    op: impl Fn(Wait) -> M::Op,
) -> M::Op {
    let returns = matches!(applied(model, worker, &op(wait)), Some((_, Ok(_))));
    op(if returns { wait } else { otherwise })
}

/// The same wait for an operation that has no `try_…`.
pub(super) fn blocking(wait: Wait) -> Wait {
    if wait == Wait::Not { Wait::For(Span::Zero) } else { wait }
}
