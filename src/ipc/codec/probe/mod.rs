//! Finds out what the `Deserialize` of a type reads, before a value of it is sent.
//!
//! It is called with a deserializer that gives made-up values, and writes down what it is asked for:
//! several times, so that every variant of every enum is read. What asks for a format that describes
//! itself is seen, also where only a rare variant does; what reads otherwise becomes [`Shapes`]. A
//! `Deserialize` of the user's own may refuse the made-up values: then what comes after it stays
//! unknown, and nothing is held against it. The shapes are partial then, and each value is tried
//! before it is sent.

mod access;
mod enums;
mod graph;
mod trace;
mod tracer;

use std::any::type_name;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::de::DeserializeOwned;

use crate::error::CodecError;
pub(super) use crate::ipc::codec::probe::trace::{Call, To, plain};
use crate::ipc::codec::probe::trace::{GUESSES, Trace};
use crate::ipc::codec::probe::tracer::Tracer;
use crate::ipc::codec::shapes::Shapes;
use crate::shm::handoff;

/// What is read of a type, or why it cannot be sent.
type Verdict = Result<Shapes, CodecError>;

/// What is read of the type of a queue's or a pipe's values: looked up once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads(OnceLock<&'static Verdict>);

/// Of what is sent while a type is probed, by its own `Deserialize`: nothing is known.
static UNKNOWN: Shapes = Shapes::unknown();

impl Reads {
    /// For the values of a queue or of a pipe, which all have one type.
    #[inline]
    pub(crate) fn get<T: DeserializeOwned>(&self) -> Result<&'static Shapes, CodecError> {
        match self.0.get() {
            Some(Ok(shapes)) => Ok(shapes),
            _ => self.first::<T>(),
        }
    }

    #[cold]
    fn first<T: DeserializeOwned>(&self) -> Result<&'static Shapes, CodecError> {
        if handoff::is_probing() {
            return Ok(&UNKNOWN);
        }
        self.0.get_or_init(verdict::<T>).as_ref().map_err(Clone::clone)
    }

    /// For a single value.
    pub(crate) fn of<T: DeserializeOwned>() -> Result<&'static Shapes, CodecError> {
        Reads::default().first::<T>()
    }
}

/// Looks the type up, or probes it.
fn verdict<T: DeserializeOwned>() -> &'static Verdict {
    static KNOWN: Mutex<Option<HashMap<usize, &'static Verdict>>> = Mutex::new(None);
    // What is the same code has the same verdict.
    let key = probe::<T> as *const () as usize;
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known().get_or_insert_default().get(&key).copied();
    found.unwrap_or_else(|| {
        // Not under the lock: it runs code of the user's. Should another thread do the same, one
        // verdict is kept.
        let fresh = probe::<T>();
        known().get_or_insert_default().entry(key).or_insert_with(|| Box::leak(Box::new(fresh)))
    })
}

fn probe<T: DeserializeOwned>() -> Verdict {
    let mut trace = Trace::new(type_name::<T>());
    let mut ended = false;
    for guess in GUESSES {
        trace.begin(guess);
        loop {
            let before = trace.progress();
            let read = handoff::probing(|| {
                catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::root(&mut trace)).is_ok()))
            });
            let whole = read.unwrap_or(false);
            if let Some(finding) = trace.finding() {
                return Err(finding);
            }
            trace.rewind();
            ended |= whole;
            if ended && trace.is_whole() {
                return Ok(trace.into_shapes());
            }
            if trace.is_spent() {
                return Ok(trace.into_shapes().into_partial());
            }
            if trace.progress() == before {
                break;
            }
        }
    }
    Ok(trace.into_shapes().into_partial())
}

#[cfg(test)]
mod tests;
