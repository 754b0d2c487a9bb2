//! What a type read of one made-up value, in the order in which it did.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;

use crate::ipc::codec::probe::graph::NodeId;
use crate::ipc::codec::shapes::Kind;

/// More values than this are not written down: those that are sent can be of any size.
const MOST: usize = 100_000;

/// The values, each before what is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Entry>,
    /// Whether some are missing.
    full: bool,
}

/// Something that was read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) what: What,
    /// The type that was made of it.
    pub(super) made: &'static str,
    /// Its size.
    pub(super) size: usize,
    pub(super) by: By,
    /// The entry behind all that is in it.
    pub(super) end: usize,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// A field or an element, of the type that is `made`; what was read of it is in it.
    Part,
    Leaf(Kind, Leaf),
    /// And whether there is a value.
    Option(bool),
    Newtype,
    /// A struct or a tuple, of so many parts.
    Record(NodeId, usize),
    /// A list or a map, of so many elements.
    Many(usize),
    /// By its place among the enums, and the way in which it was read.
    Enum(usize, usize),
    /// What is in a variant: the same as of a struct.
    Variant(NodeId, usize),
}

/// A value that has nothing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// A number, by its bits.
    Bits(u128),
    Text(Cow<'static, str>),
    Bytes(Cow<'static, [u8]>),
    Nothing,
}

/// Whose visitor it is that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// It makes the very value that it is given.
    Serde,
    /// It puts what it reads into the fields.
    Derive,
    /// It may make anything of it.
    Hand,
}

impl By {
    fn of<V>() -> Self {
        let name = type_name::<V>();
        if name.starts_with("serde_core::de::") || name.starts_with("serde::de::") {
            By::Serde
        } else if name.contains("::__Visitor") {
            By::Derive
        } else {
            By::Hand
        }
    }
}

impl Log {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.full = false;
    }

    /// All that was read, if it is known.
    pub(super) fn entries(&self) -> Option<&[Entry]> {
        Some(&self.entries[..]).filter(|_| !self.full)
    }

    /// A `V` begins to read.
    pub(super) fn begin<'de, V: Visitor<'de>>(&mut self, what: What) -> usize {
        self.add(what, type_name::<V::Value>(), size_of::<V::Value>(), By::of::<V>())
    }

    /// A field or an element of the type `made` is asked for.
    pub(super) fn part(&mut self, made: &'static str) -> usize {
        self.add(What::Part, made, 0, By::Hand)
    }

    /// One value is read of a variant.
    pub(super) fn variant(&mut self, node: NodeId) -> usize {
        self.add(What::Variant(node, 1), "", 0, By::Hand)
    }

    fn add(&mut self, what: What, made: &'static str, size: usize, by: By) -> usize {
        let place = self.entries.len();
        if place < MOST {
            self.entries.push(Entry { what, made, size, by, end: place + 1 });
        } else {
            self.full = true;
        }
        place
    }

    /// What the last entry turned out to be.
    pub(super) fn turned_out(&mut self, what: What) {
        if let Some(entry) = self.entries.last_mut().filter(|_| !self.full) {
            entry.what = what;
        }
    }

    /// No more is in the entry at `place`.
    pub(super) fn end(&mut self, place: usize) {
        let end = self.entries.len();
        if let Some(entry) = self.entries.get_mut(place) {
            entry.end = end;
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Leaf::Bits(bits) => write!(f, "{bits}"),
            Leaf::Text(text) => write!(f, "{text:?}"),
            Leaf::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Leaf::Nothing => f.write_str("nothing"),
        }
    }
}

/// A number as its bits.
pub(super) trait Bits {
    fn bits(self) -> Leaf;
}

macro_rules! bits {
    ($($number:ty)*) => {$(
        impl Bits for $number {
            fn bits(self) -> Leaf {
                Leaf::Bits(self as u128)
            }
        }
    )*};
}

bits!(bool char u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

impl Bits for f32 {
    fn bits(self) -> Leaf {
        self.to_bits().bits()
    }
}

impl Bits for f64 {
    fn bits(self) -> Leaf {
        self.to_bits().bits()
    }
}
