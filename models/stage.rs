//! What a model is played with. It does not know what plays it: an engine that explores it, or the
//! machine. Beside the legs themselves, the files under `stage` are the only ones that do.

#[cfg(loom)]
#[path = "stage/explored.rs"]
mod engine;
#[cfg(not(loom))]
#[path = "stage/machine.rs"]
mod engine;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use engine::*;

/// Starts one who runs `play` on a clone of what is `shared`: a [`Place`], a queue, or several.
pub(crate) fn spawn_with<S, R>(
    shared: &S,
    play: impl FnOnce(&S) -> R + Send + 'static,
) -> JoinHandle<R>
where
    S: Clone + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    let shared = shared.clone();
    spawn(move || play(&shared))
}

/// Starts so many who all run `play` on a clone of what is `shared`: nothing in it may tell one from
/// another.
pub(crate) fn spawn_alike<S, R>(
    count: usize,
    shared: &S,
    play: impl FnOnce(&S) -> R + Clone + Send + 'static,
) -> Vec<JoinHandle<R>>
where
    S: Clone + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    let shared = shared.clone();
    engine::alike(count, move || play.clone()(&shared))
}

/// For a model that begins with [`stop_exploring`]: lets the others run until `count` of them
/// sleep, and explores from there.
pub(crate) fn explore_once_asleep(count: usize) {
    let_sleep(count);
    explore();
}
