//! Finds out what the `Deserialize` of a type reads, before a value of it is sent.
//!
//! It is called with a deserializer that gives made-up values, and writes down what it is asked for:
//! several times, so that every variant of every enum is read. What asks for a format that describes
//! itself is seen, also where only a rare variant does; what reads otherwise becomes [`Shapes`]. A
//! `Deserialize` of the user's own may refuse the made-up values: then what comes after it stays
//! unknown, and nothing is held against it. The shapes are partial then, and each value is tried
//! before it is sent; and what was not seen is [learned](learn) from the values that have it.
//!
//! A value that comes of it is written again, and [compared](echo) with what was read.

mod access;
mod echo;
mod enums;
mod graph;
mod guess;
mod log;
mod sample;
mod trace;
mod tracer;

use std::any::type_name;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CodecError;
use crate::ipc::codec::probe::guess::{GUESSES, OTHERS};
use crate::ipc::codec::probe::trace::Trace;
pub(super) use crate::ipc::codec::probe::trace::{Call, To, plain};
use crate::ipc::codec::probe::tracer::Tracer;
use crate::ipc::codec::shapes::Shapes;
use crate::shm::handoff;
use crate::sys::ForkCell;

/// What is written, and read.
pub(crate) trait Message: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Message for T {}

/// What is read of a type, or why it cannot be sent.
type Verdict = Result<Probed, CodecError>;

#[derive(Debug)]
struct Probed {
    shapes: Shapes,
    /// From which it goes on, with how often it did.
    trace: ForkCell<Option<(Trace, usize)>>,
}

/// What is read of the type of a queue's or a pipe's values: looked up once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads(OnceLock<&'static Verdict>);

/// Of what is sent while a type is probed, by its own `Deserialize`: nothing is known.
static UNKNOWN: Shapes = Shapes::unknown();

impl Reads {
    /// For the values of a queue or of a pipe, which all have one type.
    #[inline]
    pub(crate) fn get<T: Message>(&self) -> Result<&'static Shapes, CodecError> {
        match self.0.get() {
            Some(Ok(probed)) => Ok(probed.shapes.latest()),
            _ => self.first::<T>(),
        }
    }

    #[cold]
    fn first<T: Message>(&self) -> Result<&'static Shapes, CodecError> {
        if handoff::is_probing() {
            return Ok(&UNKNOWN);
        }
        let verdict = self.0.get_or_init(verdict::<T>).as_ref();
        verdict.map(|probed| probed.shapes.latest()).map_err(Clone::clone)
    }

    /// For a single value.
    pub(crate) fn of<T: Message>() -> Result<&'static Shapes, CodecError> {
        Reads::default().first::<T>()
    }
}

/// Looks the type up, or probes it.
fn verdict<T: Message>() -> &'static Verdict {
    static KNOWN: ForkCell<HashMap<usize, &'static Verdict>> = ForkCell::new();
    // What is the same code has the same verdict.
    let key = probe::<T> as *const () as usize;
    KNOWN.read(|known| known.get(&key).copied()).unwrap_or_else(|| {
        // Not under the lock: it runs code of the user's. Should another thread do the same, one
        // verdict is kept.
        let fresh = probe::<T>();
        KNOWN.change(|known| *known.entry(key).or_insert_with(|| Box::leak(Box::new(fresh))))
    })
}

fn probe<T: Message>() -> Verdict {
    let mut trace = Trace::new(type_name::<T>());
    let whole = follow::<T>(&mut trace)?;
    let shapes = trace.shapes(false).known(!whole, 0);
    let probed = Probed { shapes, trace: ForkCell::new() };
    probed.trace.change(|kept| *kept = Some((trace, 0)));
    Ok(probed)
}

/// Whether all was seen.
fn follow<T: Message>(trace: &mut Trace) -> Result<bool, CodecError> {
    let mut ended = false;
    for guess in GUESSES {
        trace.begin(guess);
        loop {
            let before = trace.progress();
            let whole = read::<T>(trace)?;
            trace.rewind();
            ended |= whole;
            if ended && trace.is_whole() {
                return Ok(true);
            }
            if trace.is_spent() {
                return Ok(false);
            }
            if trace.progress() == before {
                break;
            }
        }
    }
    Ok(false)
}

/// Whether a value came of it. That is compared with what is written of it, and so is a second one.
fn read<T: Message>(trace: &mut Trace) -> Result<bool, CodecError> {
    let read = handoff::probing(|| {
        let Ok(value) = catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::root(trace))))
        else {
            return false;
        };
        if let Ok(value) = &value {
            compare(value, trace);
        }
        value.is_ok()
    });
    if let Some(finding) = trace.finding() {
        return Err(finding);
    }
    if read {
        let guess = std::mem::replace(&mut trace.guess, OTHERS);
        trace.rewind_to_repeat();
        handoff::probing(|| {
            let value = catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::root(trace))));
            if let Ok(Ok(value)) = value {
                compare(&value, trace);
            }
        });
        trace.guess = guess;
        if let Some(finding) = trace.finding() {
            return Err(finding);
        }
    }
    Ok(read)
}

/// A panic, or an error, is no verdict. What the value hands over is closed, and sent nowhere.
fn compare<T: Serialize>(value: &T, trace: &mut Trace) {
    let Some(log) = trace.log.entries() else { return };
    let compare = AssertUnwindSafe(|| echo::compare(value, log));
    let (findings, _handed_over) = handoff::sending(|| catch_unwind(compare));
    trace.compared(findings.unwrap_or_default());
}

/// What is known of a type once it has read a value that it was not seen to read.
pub(super) enum Learned {
    More(&'static Shapes),
    /// No more than before. By these shapes, whatever is written is read where that was not seen.
    Nothing(Shapes),
}

impl Learned {
    pub(super) fn shapes(&self) -> &Shapes {
        match self {
            Learned::More(shapes) => shapes,
            Learned::Nothing(shapes) => shapes,
        }
    }
}

/// A `Deserialize` by hand may go on by what it has read (a tag, say), and may have refused what was made
/// up. So where a value is not written as `shapes` say that it is read, its `bytes`, as far as they were
/// written, are read to see what is asked for there.
pub(super) fn learn<T: Message>(shapes: &Shapes, bytes: Vec<u8>) -> Result<Learned, CodecError> {
    let Ok(probed) = verdict::<T>() else { return Ok(Learned::Nothing(Shapes::unknown())) };
    // Not read under the lock: that runs code of the user's.
    let Some((mut trace, turn)) = probed.trace.read(Clone::clone) else {
        return Ok(Learned::Nothing(Shapes::unknown()));
    };
    if turn != shapes.turn() {
        return Ok(Learned::More(probed.shapes.latest()));
    }
    trace.begin_sample(bytes);
    let before = trace.seen();
    if !handoff::is_probing() {
        follow::<T>(&mut trace)?;
    }
    trace.end_sample();
    let partial = shapes.is_partial();
    if trace.seen() == before {
        return Ok(Learned::Nothing(trace.shapes(true).known(partial, turn)));
    }
    probed.trace.change(|kept| {
        // Else another thread has learned something meanwhile: let it be seen first whether that does.
        if kept.as_ref().is_some_and(|&(_, last)| last == turn) {
            let more = trace.shapes(false).known(partial, turn + 1);
            probed.shapes.latest().learn(more);
            *kept = Some((trace, turn + 1));
        }
    });
    Ok(Learned::More(probed.shapes.latest()))
}

#[cfg(test)]
mod tests;
