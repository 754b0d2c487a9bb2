//! Why a value did not become bytes, or bytes did not become a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a value cannot be sent, or what came is not a value of the type.
///
/// The crate's page says [what may be sent](crate#what-may-be-sent). It is the
/// [`source`](std::error::Error::source) of the errors of [`Queue`](crate::Queue),
/// [`pipe`](crate::pipe()), [`Process`](crate::Process) and [`Pool`](crate::Pool) that are about
/// encoding, and comes back from a child as it was there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CodecError {
    /// The value's own `Serialize` or `Deserialize` refused; this is what it said.
    #[error("{0}")]
    Custom(String),
    /// The type can only be read from a format that says of each value what it is. This one does
    /// not; that of [`SelfDescribing`](crate::SelfDescribing) does.
    #[error("{0}")]
    NeedsSelfDescribing(Box<FormatDemand>),
    /// A field, given as `Type.field`, was left out of this value, and the receiver would take the
    /// next one's bytes for it.
    #[error(
        "field `{0}` was left out of this value by #[serde(skip_serializing_if)], and the receiver \
         could not know: send it in a multiproc::SelfDescribing, or do without the attribute"
    )]
    FieldLeftOut(String),
    /// What `Serialize` writes of the type is not what its `Deserialize` reads.
    #[error("{0}")]
    Asymmetric(Box<FieldMismatch>),
    /// How many elements a list or a map has was not known before they were written, as with
    /// `#[serde(flatten)]`, or an iterator that is given to `collect_seq`.
    #[error(
        "the length of {0} is not known beforehand, as with #[serde(flatten)]: send it in a \
         multiproc::SelfDescribing, or collect the elements first"
    )]
    UnknownLength(Collection),
    /// A list or a map has another number of elements than it said.
    #[error("{what} was said to have {said} elements, and has {found}")]
    WrongLength {
        /// Which of them.
        what: Collection,
        /// The number that it said.
        said: u64,
        /// The number that there was.
        found: u64,
    },
    /// Values are nested too deep in each other: they could overflow the receiver's stack.
    #[error(
        "values are nested more than {max} deep: keep such a value flat, as a list whose elements \
         refer to each other by their places"
    )]
    TooDeep {
        /// The deepest that they can be: each list, map, tuple, struct, variant with a value and
        /// `Some` counts as one.
        max: u32,
    },
    /// Lists have too many elements that take no bytes, such as `()`: a few bytes could claim any
    /// number of them.
    #[error("there are more than {max} elements that take no bytes: send their number instead")]
    TooManyEmpty {
        /// The most that there can be in a message.
        max: u64,
    },
    /// The bytes end before the value does.
    #[error("the bytes end before the value does: they are no value of this type")]
    EndsEarly,
    /// The value ends before the bytes do.
    #[error("{left} bytes are left over: they are no value of this type")]
    TrailingBytes {
        /// How many.
        left: u64,
    },
    /// The bytes are no value of any type, or not of this one.
    #[error("the bytes are not a value of this type: {0}")]
    Malformed(String),
    /// The bytes did not come across, for want of memory or descriptors.
    #[error("the bytes could not be carried: {0}")]
    NotCarried(String),
}

/// A type that can only be read from a format that describes itself, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error(
    "`{type_name}`{} can only be read from a format that describes itself, because of {attribute}: \
     send it in a multiproc::SelfDescribing, or do without",
    At(.place)
)]
#[non_exhaustive]
pub struct FormatDemand {
    /// The type that is read so.
    pub type_name: String,
    /// Where it is in the type that was to be sent, as `Type.field.0`; empty if it is that type.
    pub place: String,
    /// The attribute of serde, or the call, that asks for it.
    pub attribute: String,
}

/// A type that is written otherwise than it is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error(
    "`{type_name}`{} is written as {written} but read as {read}: have `Serialize` and `Deserialize` \
     agree by giving the attribute that goes one way its counterpart (into: from or try_from; \
     serialize_with: deserialize_with; skip_serializing: skip_deserializing; \
     rename(serialize = …): rename(deserialize = …)) and using no skip_serializing_if in a tuple, or \
     send it in a multiproc::SelfDescribing if that can read it",
    At(.place)
)]
#[non_exhaustive]
pub struct FieldMismatch {
    /// The type, or the enum and its variant.
    pub type_name: String,
    /// Where it is in the type that was to be sent, as `Type.field.0`; empty if it is that type.
    pub place: String,
    /// What `Serialize` gives.
    pub written: String,
    /// What `Deserialize` asks for.
    pub read: String,
}

/// What has elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Collection {
    /// A list, a set, an array of any length.
    List,
    /// A map.
    Map,
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Collection::List => "a list",
            Collection::Map => "a map",
        })
    }
}

/// ` (at Type.field)`, or nothing.
struct At<'a>(&'a String);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (at `{}`)", self.0) }
    }
}
