//! Sequential models: a primitive as a plain value, which says what each operation returns if workers
//! use it one at a time; and how each operation is performed on the primitive itself.
//!
//! The property tests compare the two with several workers, some of which wait; the fuzz targets `sync`,
//! `queue` and `shared_array` with one, which never waits.

pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod event;
pub(crate) mod lock;
pub(crate) mod number;
pub(crate) mod queue;
pub(crate) mod semaphore;
pub(crate) mod shared_array;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod wait;

use std::fmt::Debug;

/// The most workers that use a primitive: enough for one that holds it, one that waits, and one that
/// overtakes.
pub(crate) const WORKERS: usize = 3;

/// What an operation returned, or the message of its panic.
pub(crate) type Outcome<R> = Result<R, String>;

/// The operations that end, each with its worker.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes<R>(pub(crate) Vec<(usize, Outcome<R>)>);

impl<R> Outcomes<R> {
    /// The worker's operation returns: its current one, or one that waited.
    pub(crate) fn ret(&mut self, worker: usize, ret: R) {
        self.0.push((worker, Ok(ret)));
    }

    /// The worker's operation panics.
    pub(crate) fn panic(&mut self, worker: usize, message: &str) {
        self.0.push((worker, Err(message.to_owned())));
    }

    /// Adds the outcomes of a part of the primitive.
    pub(crate) fn of<P>(&mut self, whole: fn(P) -> R, part: impl FnOnce(&mut Outcomes<P>)) {
        let mut outcomes = Outcomes(Vec::new());
        part(&mut outcomes);
        self.0.extend(outcomes.0.into_iter().map(|(worker, out)| (worker, out.map(whole))));
    }
}

/// A primitive as a plain value. It is shown as the expression that makes the primitive.
pub(crate) trait Model: Clone + Debug + Send + 'static {
    /// An operation. It is shown as it is written.
    type Op: Clone + Debug + Send;
    /// What an operation returns.
    type Ret: Clone + Debug + PartialEq + Send;
    /// What can be observed without changing it.
    type View: Debug + PartialEq;

    /// Whether the worker may perform it in this state.
    fn allows(&self, worker: usize, op: &Self::Op) -> bool {
        let _ = (worker, op);
        true
    }

    /// Applies an operation. If it does not end, its worker waits, until it ends by another worker's
    /// operation. Of several workers that wait for the same, this may choose any to go on.
    fn apply(&mut self, worker: usize, op: &Self::Op, outcomes: &mut Outcomes<Self::Ret>);

    fn view(&self) -> Self::View;
}
