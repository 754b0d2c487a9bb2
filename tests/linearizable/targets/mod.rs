//! The targets, a file each.
//!
//! Not checked: pipes, whose end is used by one worker at a time; conditions and barriers, where a wait
//! takes effect in two steps.

pub(crate) mod broken;
pub(crate) mod event;
pub(crate) mod lock;
pub(crate) mod queue;
pub(crate) mod rlock;
pub(crate) mod robust_semaphore;
pub(crate) mod semaphore;
pub(crate) mod shared_array;
pub(crate) mod value;

use std::fmt::Debug;
use std::ops::Deref;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

/// A primitive, its operations, and its sequential model.
pub(crate) trait Target: Sized + Send + Sync + 'static {
    type Op: Clone + Debug + Send + Serialize + DeserializeOwned + 'static;
    type Ret: Clone + Debug + PartialEq + Send + Serialize + DeserializeOwned + 'static;

    /// What it does if one worker uses it, from its initial state. `is_valid_step` says whether an
    /// operation may have a result; `invoke` is called only for operations that have not ended.
    type Model: SequentialSpec<Op = Self::Op, Ret = Self::Ret> + Clone + Default;

    /// The handle by which processes share it.
    type Shared: Deref<Target = Self> + Clone + Send + Serialize + DeserializeOwned + 'static;

    /// The guards or permits that a worker holds from one operation to the next.
    type Guards<'a>: Default;

    /// A fresh one, in private memory.
    fn private() -> Self;

    /// A fresh one, to be shared with processes.
    fn shared() -> Self::Shared;

    /// The operations of each of so many workers. However they interleave, all of them end.
    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Self::Op>>;

    /// Performs an operation; `None` if there is nothing to do, as when nothing is held to be released.
    fn perform<'a>(&'a self, guards: &mut Self::Guards<'a>, op: &Self::Op) -> Option<Self::Ret>;
}

/// A target that is its own handle: its clones share one state, in threads and in processes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Handle<T>(T);

impl<T> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The timeout of a timed operation: some time out, some do not.
pub(crate) fn timeout(micros: u8) -> Duration {
    Duration::from_micros(micros.into())
}

/// A number of operations for a worker. With twice as many, the search would not end.
fn length(rng: &mut StdRng) -> usize {
    rng.random_range(4..=6)
}

/// For each of so many workers, a number of operations that `one` makes.
fn each<Op>(
    rng: &mut StdRng,
    workers: usize,
    mut one: impl FnMut(&mut StdRng, usize) -> Op,
) -> Vec<Vec<Op>> {
    (0..workers).map(|worker| (0..length(rng)).map(|_| one(rng, worker)).collect()).collect()
}
