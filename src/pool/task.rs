//! What goes between the pool and a worker: a function's name with its argument, and what it
//! came to.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{CodecError, TaskError};
use crate::ipc::codec;
use crate::process::Image;
use crate::runtime::{Panic, caught};

/// A call to make in a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// Its number in the pool, which the reply bears; given when a worker gets it.
    pub(super) task: u64,
    /// The name of the [`Runner`] that knows the types of the function.
    runner: u64,
    function: u64,
    #[serde(with = "serde_bytes")]
    argument: Vec<u8>,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It has started.
    Ready,
    /// What this task came to; without a number, the task whose request could not be read.
    Done(Option<u64>, Outcome),
}

/// What a task came to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    Returned(#[serde(with = "serde_bytes")] Vec<u8>),
    Panicked(Panic),
    NotRead(CodecError),
    NotSent(CodecError),
}

/// Calls the function on the encoded argument.
///
/// # Safety
///
/// The function has the types that the runner was made for.
type Runner = unsafe fn(function: *const (), argument: &[u8]) -> Outcome;

impl Request {
    /// `function(argument)`, which gives an `R`.
    pub(super) fn one<A, R>(function: fn(A) -> R, argument: &A) -> Result<Self, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::new(run_one::<A, R>, function as *const (), codec::to_bytes(argument))
    }

    /// `function` of each of `arguments`, which gives a `Vec<R>`.
    pub(super) fn many<A, R>(function: fn(A) -> R, arguments: &[A]) -> Result<Self, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::new(run_many::<A, R>, function as *const (), codec::list_to_bytes(arguments))
    }

    fn new(
        runner: Runner,
        function: *const (),
        argument: Result<Vec<u8>, CodecError>,
    ) -> Result<Self, TaskError> {
        let name = |code| image().name_of(code).ok_or(TaskError::NotInProgram);
        let (runner, function) = (name(runner as *const ())?, name(function)?);
        let argument = argument.map_err(TaskError::Argument)?;
        Ok(Request { task: 0, runner, function, argument })
    }

    /// Makes the call. What it panics with is an outcome too.
    pub(super) fn run(&self) -> Outcome {
        let (Some(runner), Some(function)) =
            (image().find(self.runner), image().find(self.function))
        else {
            let what = "it names a function that is not in this program";
            return Outcome::NotRead(CodecError::Malformed(what.to_owned()));
        };
        // SAFETY: `new` has named a `Runner`, in this same program.
        let runner = unsafe { std::mem::transmute::<*const (), Runner>(runner) };
        // SAFETY: `one` and `many` have put a runner and a function of the same types together.
        caught(|| unsafe { runner(function, &self.argument) }).unwrap_or_else(Outcome::Panicked)
    }
}

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(Image::of_program)
}

/// # Safety
///
/// As for [`Runner`].
unsafe fn run_one<A: DeserializeOwned, R: Serialize + DeserializeOwned>(
    function: *const (),
    argument: &[u8],
) -> Outcome {
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    outcome_of(argument, function)
}

/// # Safety
///
/// As for [`Runner`].
unsafe fn run_many<A: DeserializeOwned, R: Serialize + DeserializeOwned>(
    function: *const (),
    arguments: &[u8],
) -> Outcome {
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    outcome_of(arguments, |all: Vec<A>| all.into_iter().map(function).collect::<Vec<R>>())
}

fn outcome_of<A, R>(argument: &[u8], f: impl FnOnce(A) -> R) -> Outcome
where
    A: DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    match codec::decode(argument).map(f).map(|result| codec::to_bytes(&result)) {
        Ok(Ok(bytes)) => Outcome::Returned(bytes),
        Ok(Err(error)) => Outcome::NotSent(error),
        Err(error) => Outcome::NotRead(error),
    }
}
