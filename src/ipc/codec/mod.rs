//! Values to bytes and back, for whatever is sent: the queue's and the pipes' messages, a child's
//! argument and result, a pool's tasks.
//!
//! ```text
//! value ── Encoder ── bytes ── Decoder ── value          the wire: see encoder.rs
//!             │ asks Shapes: is this what is read?
//!          Probe: has the type's Deserialize tell what it reads, once for each type
//!
//! SelfDescribing ── Writer ── bytes ── Reader ── SelfDescribing
//! ```
//!
//! What `Deserialize` cannot read is refused before it is sent; and a peer's bytes, whatever they
//! are, are a value or an error, within [`limits`].

mod compound;
mod decoder;
mod described;
mod encoder;
mod fault;
mod input;
mod limits;
mod output;
mod plain;
mod probe;
mod shapes;

pub use described::SelfDescribing;
pub(crate) use probe::Reads;
use probe::{Learned, learn, plain};

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CodecError;
use crate::handoff;
use crate::ipc::codec::decoder::Decoder;
use crate::ipc::codec::encoder::Encoder;
use crate::ipc::codec::fault::Fault;
use crate::ipc::codec::shapes::Shapes;
use crate::ipc::ring::buffer::Buffer;

/// Encodes `value` into `buffer`, in place of what was there. `shapes` are those of the type.
#[inline]
pub(crate) fn encode<T: Serialize + DeserializeOwned>(
    value: &T,
    shapes: &Shapes,
    buffer: &mut Buffer,
) -> Result<(), CodecError> {
    let mut encoder = Encoder::new(buffer.writer(), shapes, shapes.root());
    let written = value.serialize(&mut encoder);
    encoder.into_output().finish();
    if let Err(fault) = written {
        return encode_again(value, shapes, fault, buffer);
    }
    if shapes.is_partial() { try_to_read::<T>(buffer.message()) } else { Ok(()) }
}

#[cold]
fn encode_again<T: Serialize + DeserializeOwned>(
    value: &T,
    shapes: &Shapes,
    fault: Fault,
    buffer: &mut Buffer,
) -> Result<(), CodecError> {
    let learned = look_again::<T, T>(shapes, fault, buffer.message().to_vec())?;
    encode(value, learned.shapes(), buffer)
}

/// Encodes `value` behind what is in `bytes`. `shapes` are those of the type.
pub(crate) fn append<T: Serialize + DeserializeOwned>(
    value: &T,
    shapes: &Shapes,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, CodecError> {
    append_as::<T, T>(value, shapes, bytes)
}

/// Encodes `value`, which is read as a `U`.
fn append_as<T: Serialize + ?Sized, U: Serialize + DeserializeOwned>(
    value: &T,
    shapes: &Shapes,
    mut bytes: Vec<u8>,
) -> Result<Vec<u8>, CodecError> {
    let begin = bytes.len();
    let mut encoder = Encoder::new(bytes, shapes, shapes.root());
    let written = value.serialize(&mut encoder);
    bytes = encoder.into_output();
    if let Err(fault) = written {
        let learned = look_again::<T, U>(shapes, fault, bytes.split_off(begin))?;
        return append_as::<T, U>(value, learned.shapes(), bytes);
    }
    if shapes.is_partial() {
        try_to_read::<U>(&bytes[begin..])?;
    }
    Ok(bytes)
}

/// Why a `T` is not written as a `U` is read, after so many `bytes`; unless the `Deserialize` of the
/// latter turns out to read it so: see [`learn`].
#[cold]
fn look_again<T: ?Sized, U: Serialize + DeserializeOwned>(
    shapes: &Shapes,
    fault: Fault,
    bytes: Vec<u8>,
) -> Result<Learned, CodecError> {
    let error = fault.into_error::<T>();
    let CodecError::Asymmetric(mismatch) = &error else { return Err(error) };
    match learn::<U>(shapes, bytes)? {
        Learned::Nothing(_) if !mismatch.read.is_empty() => Err(error),
        learned => Ok(learned),
    }
}

/// Where the type's `Deserialize` was not seen whole, it is tried on what is sent, lest what it cannot
/// read is lost to the receiver. What the user's own code says counts for nothing: that may be of
/// this process alone.
#[cold]
fn try_to_read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(), CodecError> {
    let read = || handoff::taking(Vec::new(), || decode::<T>(bytes).map(drop));
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Err(CodecError::Custom(_))) | Err(_) => Ok(()),
        Ok(Err(CodecError::NeedsSelfDescribing(mut demand))) => {
            demand.type_name = plain(type_name::<T>());
            Err(CodecError::NeedsSelfDescribing(demand))
        }
        Ok(tried) => tried,
    }
}

/// Encodes `value`.
pub(crate) fn to_bytes<T: Serialize + DeserializeOwned>(value: &T) -> Result<Vec<u8>, CodecError> {
    append(value, Reads::of::<T>()?, Vec::new())
}

/// Encodes `values` as a list.
pub(crate) fn list_to_bytes<T: Serialize + DeserializeOwned>(
    values: &[T],
) -> Result<Vec<u8>, CodecError> {
    Reads::of::<T>()?;
    append_as::<[T], Vec<T>>(values, Reads::of::<Vec<T>>()?, Vec::new())
}

/// Decodes the value that takes up all of `bytes`.
#[inline]
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)?;
    decoder.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
