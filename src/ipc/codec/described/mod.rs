//! A format that says of each value what it is, for types that ask.
//!
//! Each value begins with a [`Tag`]; structs are maps from the names of their fields, enums have the
//! names of their variants. So fields can be left out, and a type can be told by what is there. What
//! an `Option` is in another, or around `()`, is seen too, unlike in most such formats.

mod reader;
mod tag;
mod writer;

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use crate::error::CodecError;
use crate::ipc::codec::described::reader::Reader;
use crate::ipc::codec::described::writer::Writer;
use crate::ipc::codec::limits::Limits;
use crate::shm::handoff;

/// A value of a type that can only be read from a format that describes itself.
///
/// What is sent through a [`Queue`](crate::Queue), a [`pipe`](crate::pipe()), to a
/// [`Process`](crate::Process) or a [`Pool`](crate::Pool) is bytes without names, which is small and
/// fast. Some attributes of serde need the names: `untagged`, `tag`, `flatten`,
/// `skip_serializing_if`; so do types such as `serde_json::Value`. Such a value is sent in a
/// `SelfDescribing`, by itself or as the field of another.
///
/// ```
/// use multiproc::{Process, SelfDescribing};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "kind")]
/// enum Shape {
///     Circle { radius: f64 },
///     Square { side: f64 },
/// }
///
/// fn area(SelfDescribing(shape): SelfDescribing<Shape>) -> f64 {
///     match shape {
///         Shape::Circle { radius } => std::f64::consts::PI * radius * radius,
///         Shape::Square { side } => side * side,
///     }
/// }
///
/// let child = Process::spawn(area, SelfDescribing(Shape::Square { side: 3.0 }))?;
/// assert_eq!(child.join()?, 9.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs
///
/// A byte more for each value, and the names of fields and variants. It is written into memory of
/// its own first, and read once before it is sent: what cannot be read back is refused there.
///
/// # What serde itself does not keep
///
/// A value of an `untagged` enum is read as the first variant that fits, a flattened `Option` that
/// cannot be read as `None`, and one of a map as `Some`; a flattened map takes all that no field before
/// it has, also what is another's; and where two fields, or two variants, are renamed to one name, or
/// crosswise, one is read for the other. And where `untagged`, `tag` or `flatten` look at a value first,
/// serde has no place for an `i128` or `u128`, which is then refused. That is so in every format. An
/// `untagged` type that contains itself is read once for each variant that begins like another, at each
/// level: such a message of some hundred bytes can take longer than anybody waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SelfDescribing<T>(
    /// The value.
    pub T,
);

impl<T> From<T> for SelfDescribing<T> {
    fn from(value: T) -> Self {
        SelfDescribing(value)
    }
}

/// By which the codec knows it.
const NAME: &str = "multiproc::SelfDescribing";

thread_local! {
    /// The levels that are left for the next one in a message, set by the codec just before.
    static LEVELS: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Says how many levels are left in a message, if what comes next is a [`SelfDescribing`].
#[inline]
pub(super) fn within(name: &'static str, levels: u32) {
    if name == NAME {
        LEVELS.set(Some(levels));
    }
}

fn limits() -> Limits {
    LEVELS.take().map_or(Limits::NEW, Limits::inside)
}

impl<T: Serialize + DeserializeOwned> Serialize for SelfDescribing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NAME, &Written(&self.0))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for SelfDescribing<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Outer(PhantomData))
    }
}

/// The bytes of a value.
struct Written<'a, T>(&'a T);

impl<T: Serialize + DeserializeOwned> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let limits = limits();
        let written = Writer::write(self.0, limits);
        let bytes = written.map_err(|fault| ser::Error::custom(CodecError::from(fault)))?;
        // What cannot be read there is told here.
        let read = handoff::probing(|| Reader::read::<T>(&bytes, limits));
        read.map_err(|fault| {
            let (name, why) = (type_name::<T>(), CodecError::from(fault));
            ser::Error::custom(format_args!("`{name}` is not read as it is written: {why}"))
        })?;
        serializer.serialize_bytes(&bytes)
    }
}

struct Outer<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> de::Visitor<'de> for Outer<T> {
    type Value = SelfDescribing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value in a format that describes itself")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let limits = limits();
        from.deserialize_bytes(Inner(limits, PhantomData))
    }
}

struct Inner<T>(Limits, PhantomData<T>);

impl<T: DeserializeOwned> de::Visitor<'_> for Inner<T> {
    type Value = SelfDescribing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a value")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        let read = Reader::read(bytes, self.0);
        read.map(SelfDescribing).map_err(|fault| E::custom(CodecError::from(fault)))
    }
}

#[cfg(test)]
mod tests;
