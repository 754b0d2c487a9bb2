//! What is put to the test: a file each.
//!
//! Not here: pipes, of which an end is used by one at a time; conditions and barriers, where a wait
//! is two steps by its nature, to give up and to come back.

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

/// A primitive, operations on it, and what it promises of them.
pub(crate) trait Subject: Sized + Send + Sync + 'static {
    type Op: Clone + Debug + Send + Serialize + DeserializeOwned + 'static;
    type Ret: Clone + Debug + PartialEq + Send + Serialize + DeserializeOwned + 'static;

    /// What it would be if one at a time used it, as it is when fresh. Whether a result may come
    /// of an operation is asked by `is_valid_step`; `invoke` is asked only of what has not ended.
    type Spec: SequentialSpec<Op = Self::Op, Ret = Self::Ret> + Clone + Default;

    /// Where it lives when processes share it.
    type Shared: Deref<Target = Self> + Clone + Send + Serialize + DeserializeOwned + 'static;

    /// What an actor has in its hands from one operation to the next.
    type Hands<'a>: Default;

    /// A fresh one, in private memory.
    fn private() -> Self;

    /// A fresh one, to be shared with processes.
    fn shared() -> Self::Shared;

    /// What each of so many actors is to do. However they take turns, all of them come to an end.
    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Self::Op>>;

    /// Does it, unless there is nothing to do: with nothing in hand, nothing is let go.
    fn perform<'a>(&'a self, hands: &mut Self::Hands<'a>, op: &Self::Op) -> Option<Self::Ret>;
}

/// Something that is its own handle: a clone of it, in a thread or a process, is the same thing.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Own<T>(T);

impl<T> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// As long as a timed operation waits: some come to a result by then, some do not.
pub(crate) fn shortly(micros: u8) -> Duration {
    Duration::from_micros(micros.into())
}

/// A number of operations for an actor. Of twice as many, the search for an order takes for ever.
fn length(rng: &mut StdRng) -> usize {
    rng.random_range(4..=6)
}

/// For each of so many actors, as many operations as `one` gives.
fn each<Op>(
    rng: &mut StdRng,
    actors: usize,
    mut one: impl FnMut(&mut StdRng, usize) -> Op,
) -> Vec<Vec<Op>> {
    (0..actors).map(|actor| (0..length(rng)).map(|_| one(rng, actor)).collect()).collect()
}
