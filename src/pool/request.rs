//! What goes between the pool and a worker: a function's name with its argument, and what it
//! came to.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{CodecError, TaskError};
use crate::handoff;
use crate::ipc::Buffer;
use crate::ipc::codec::{self, Reads};
use crate::process::Image;
use crate::runtime::{Panic, caught};

/// Which function to call in a worker.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Call {
    /// The name of the [`Runner`] that knows the types of the function.
    pub(super) runner: u64,
    pub(super) function: u64,
}

/// A call to make in a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) call: Call,
    #[serde(with = "serde_bytes")]
    pub(super) argument: Vec<u8>,
}

/// What a worker says on its line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Notice {
    /// It has started.
    Ready,
    /// Tasks are done that the pool wants to hear of: more wait than there was room for.
    Done,
}

/// Why a task gave no result.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    Panicked(Panic),
    /// Of a list: in which place the item was that panicked.
    PanickedAt(usize, Panic),
    NotRead(CodecError),
    NotSent(CodecError),
}

impl From<Panic> for TaskError {
    fn from(Panic { message, location }: Panic) -> Self {
        TaskError::Panicked { message, location }
    }
}

impl From<Failure> for TaskError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Panicked(panic) => panic.into(),
            Failure::PanickedAt(place, panic) => {
                TaskError::from(panic).of_items(place..place.saturating_add(1))
            }
            Failure::NotRead(why) => TaskError::Argument(why),
            Failure::NotSent(why) => TaskError::Encode(why),
        }
    }
}

/// What a task came to: its result, which was encoded into the buffer that the runner was given; or why there
/// is none.
pub(super) type Outcome = Result<(), Failure>;

/// Calls the function on the encoded argument, and encodes the result.
///
/// # Safety
///
/// The function has the types that the runner was made for.
type Runner = unsafe fn(function: *const (), argument: &[u8], result: &mut Buffer) -> Outcome;

impl Call {
    /// `function` of one argument, which gives an `R`.
    pub(super) fn one<A, R>(function: fn(A) -> R) -> Result<Self, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::new(run_one::<A, R>, function as *const ())
    }

    /// `function` of each of a list of arguments, which gives a `Vec<R>`.
    pub(super) fn many<A, R>(function: fn(A) -> R) -> Result<Self, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::new(run_many::<A, R>, function as *const ())
    }

    /// `function` of each of a list of arguments, which gives of each its result, or its own panic.
    pub(super) fn each<A, R>(function: fn(A) -> R) -> Result<Self, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        Self::new(run_each::<A, R>, function as *const ())
    }

    fn new(runner: Runner, function: *const ()) -> Result<Self, TaskError> {
        let name = |code| image().name_of(code).ok_or(TaskError::NotInProgram);
        Ok(Call { runner: name(runner as *const ())?, function: name(function)? })
    }

    /// Makes the call on the encoded argument. What it panics with is an outcome too.
    pub(super) fn run(self, argument: &[u8], result: &mut Buffer) -> Outcome {
        let (Some(runner), Some(function)) =
            (image().find(self.runner), image().find(self.function))
        else {
            let what = "it names a function that is not in this program";
            return Err(Failure::NotRead(CodecError::Malformed(what.to_owned())));
        };
        // SAFETY: `new` has named a `Runner`, in this same program.
        let runner = unsafe { std::mem::transmute::<*const (), Runner>(runner) };
        // SAFETY: `one`, `many` and `each` have put a runner and a function of the same types together.
        caught(|| unsafe { runner(function, argument, result) })
            .unwrap_or_else(|panic| Err(Failure::Panicked(panic)))
    }
}

/// Encodes the argument into a buffer of this thread's.
pub(super) fn encode<T: Serialize + DeserializeOwned>(
    value: &T,
    buffer: &mut Buffer,
) -> Result<(), CodecError> {
    let shapes = Reads::of::<T>()?;
    handoff::not_sending(|| codec::encode(value, shapes, buffer))
}

/// The value as bytes.
pub(super) fn to_bytes<T: Serialize + DeserializeOwned>(value: &T) -> Result<Vec<u8>, CodecError> {
    handoff::not_sending(|| codec::to_bytes(value))
}

/// The values as bytes, as those of a `Vec`.
pub(super) fn list_to_bytes<T: Serialize + DeserializeOwned>(
    values: &[T],
) -> Result<Vec<u8>, CodecError> {
    handoff::not_sending(|| codec::list_to_bytes(values))
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
    result: &mut Buffer,
) -> Outcome {
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    outcome_of(argument, result, function)
}

/// # Safety
///
/// As for [`Runner`].
unsafe fn run_many<A: DeserializeOwned, R: Serialize + DeserializeOwned>(
    function: *const (),
    arguments: &[u8],
    results: &mut Buffer,
) -> Outcome {
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    let mut done = 0;
    let mut call = |argument| {
        let result = function(argument);
        done += 1;
        result
    };
    let all = codec::decode::<Vec<A>>(arguments).map_err(Failure::NotRead)?;
    match caught(|| all.into_iter().map(&mut call).collect::<Vec<R>>()) {
        Ok(all) => encode(&all, results).map_err(Failure::NotSent),
        Err(panic) => Err(Failure::PanickedAt(done, panic)),
    }
}

/// # Safety
///
/// As for [`Runner`].
unsafe fn run_each<A: DeserializeOwned, R: Serialize + DeserializeOwned>(
    function: *const (),
    arguments: &[u8],
    results: &mut Buffer,
) -> Outcome {
    // SAFETY: the caller's promise.
    let function = unsafe { std::mem::transmute::<*const (), fn(A) -> R>(function) };
    outcome_of(arguments, results, |all: Vec<A>| {
        all.into_iter().map(|argument| caught(|| function(argument))).collect::<Vec<_>>()
    })
}

fn outcome_of<A, R>(argument: &[u8], result: &mut Buffer, f: impl FnOnce(A) -> R) -> Outcome
where
    A: DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let argument = codec::decode(argument).map_err(Failure::NotRead)?;
    encode(&f(argument), result).map_err(Failure::NotSent)
}
