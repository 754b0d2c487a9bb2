//! Sends a value by every way there is.

use std::error::Error as _;
use std::fmt::Debug;
use std::ops::Range;

use multiproc::{
    CodecError, Error, Pool, Process, ProcessError, PutError, Queue, SelfDescribing, SendCause,
    TaskError, pipe,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) trait Value: Serialize + DeserializeOwned + Debug + PartialEq + 'static {}

impl<T: Serialize + DeserializeOwned + Debug + PartialEq + 'static> Value for T {}

fn echo<T>(value: T) -> T {
    value
}

fn ignore<T>(_: T) {}

/// What `make` gives arrives equal, by every way, and so does it in a `SelfDescribing`.
#[track_caller]
pub(crate) fn arrives<T: Value>(make: fn(()) -> T) {
    arrives_as_it_is(make);
    described(make);
}

/// What `make` gives arrives equal in a `SelfDescribing`, by every way.
#[track_caller]
pub(crate) fn described<T: Value>(make: fn(()) -> T) {
    let value = make(());
    for came in by_every_way(|| SelfDescribing(make(())), |SelfDescribing(value)| value) {
        assert_eq!(came, value);
    }
}

#[track_caller]
pub(crate) fn arrives_as_it_is<T: Value>(make: fn(()) -> T) {
    let value = make(());
    for came in by_every_way(|| make(()), |value| value) {
        assert_eq!(came, value);
    }
    let child = Process::spawn(make, ()).unwrap();
    assert_eq!(child.join().unwrap(), value);
}

fn by_every_way<T: Value, U>(make: impl Fn() -> T, unwrap: fn(T) -> U) -> Vec<U> {
    let queue = Queue::bounded(2).unwrap();
    queue.put(make()).map_err(|error| error.source().map(ToString::to_string)).unwrap();
    let (receiver, sender) = pipe().unwrap();
    sender.send(make()).map_err(|error| error.source().map(ToString::to_string)).unwrap();
    let child = Process::spawn(echo, make()).unwrap();
    let pool = Pool::new(1).unwrap();
    let mut came = pool.map(echo, [make(), make()]).unwrap();
    came.push(pool.apply(echo, make()).unwrap());
    came.push(queue.get().unwrap());
    came.push(receiver.recv().unwrap());
    came.push(child.join().unwrap());
    came.into_iter().map(unwrap).collect()
}

/// What `make` gives is refused before it is sent, by every way, with an error that says `words`.
#[track_caller]
pub(crate) fn refused<T: Value>(make: fn(()) -> T, words: &[&str]) {
    for error in refusals(make) {
        let said = error.to_string();
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    }
}

/// By each way, why what `make` gives is refused where it is sent.
#[track_caller]
pub(crate) fn refusals<T: Value>(make: fn(()) -> T) -> Vec<CodecError> {
    let mut errors = Vec::new();

    let queue = Queue::bounded(1).unwrap();
    match queue.put(make(())) {
        Err(PutError::Encode { value, source }) => {
            assert_eq!(value, make(()));
            errors.push(source);
        }
        other => panic!("in a queue: {other:?}, {:?}", queue.try_get()),
    }
    let (receiver, sender) = pipe().unwrap();
    match sender.send(make(())).map_err(|error| error.into_parts()) {
        Err((value, SendCause::Encode(error))) => {
            assert_eq!(value, make(()));
            errors.push(error);
        }
        other => panic!("in a pipe: {other:?}, {:?}", receiver.try_recv()),
    }
    match Process::spawn(ignore, make(())).map(|child| child.join()) {
        Err(Error::Argument(error)) => errors.push(error),
        other => panic!("as the argument of a process: {other:?}"),
    }
    match Process::spawn(make, ()).unwrap().join() {
        Err(ProcessError::Encode(error)) => errors.push(error),
        other => panic!("as the result of a process: {other:?}"),
    }
    let pool = Pool::new(1).unwrap();
    match pool.apply_async(ignore, make(())).map(|result| result.get()) {
        Err(TaskError::Argument(error)) => errors.push(error),
        other => panic!("as the argument of a task: {other:?}"),
    }
    match pool.map_async(ignore, [make(())]).map(|result| result.get()) {
        Err(TaskError::Items { items: Range { start: 0, end: 1 }, source }) => match *source {
            TaskError::Argument(error) => errors.push(error),
            other => panic!("as the argument of a map: {other}"),
        },
        other => panic!("as the argument of a map: {other:?}"),
    }
    match pool.apply(make, ()) {
        Err(TaskError::Encode(error)) => errors.push(error),
        other => panic!("as the result of a task: {other:?}"),
    }
    errors
}

/// Refuses what is made up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Date(pub(crate) String);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let date = String::deserialize(from)?;
        if date.len() == 10 { Ok(Date(date)) } else { Err(serde::de::Error::custom("no date")) }
    }
}
