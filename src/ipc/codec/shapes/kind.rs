//! Which kinds of values there are, as serde tells them apart.

use std::fmt;

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(in crate::ipc::codec) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option,
    /// `()`, or a struct without fields.
    Unit,
    /// A struct of one value, which has no name there.
    Newtype,
    List,
    Tuple,
    TupleStruct,
    Map,
    Struct,
    Enum,
}

impl Kind {
    const ALL: [(Kind, &str); 25] = [
        (Kind::Bool, "a bool"),
        (Kind::I8, "an i8"),
        (Kind::I16, "an i16"),
        (Kind::I32, "an i32"),
        (Kind::I64, "an i64"),
        (Kind::I128, "an i128"),
        (Kind::U8, "a u8"),
        (Kind::U16, "a u16"),
        (Kind::U32, "a u32"),
        (Kind::U64, "a u64"),
        (Kind::U128, "a u128"),
        (Kind::F32, "an f32"),
        (Kind::F64, "an f64"),
        (Kind::Char, "a char"),
        (Kind::Text, "a str"),
        (Kind::Bytes, "bytes"),
        (Kind::Option, "an Option"),
        (Kind::Unit, "a unit"),
        (Kind::Newtype, "a newtype struct"),
        (Kind::List, "a list"),
        (Kind::Tuple, "a tuple"),
        (Kind::TupleStruct, "a tuple struct"),
        (Kind::Map, "a map"),
        (Kind::Struct, "a struct with named fields"),
        (Kind::Enum, "an enum"),
    ];
}

/// Several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ipc::codec) struct Kinds(u32);

impl Kinds {
    pub(in crate::ipc::codec) const NONE: Kinds = Kinds(0);
    pub(in crate::ipc::codec) const ALL: Kinds = Kinds(u32::MAX);
    /// All but those that go by names, or by the number of their parts.
    pub(in crate::ipc::codec) const WHOLE: Kinds = Kinds(
        !(Kinds::of(Kind::Tuple).0
            | Kinds::of(Kind::TupleStruct).0
            | Kinds::of(Kind::Struct).0
            | Kinds::of(Kind::Enum).0),
    );

    #[inline]
    pub(in crate::ipc::codec) const fn of(kind: Kind) -> Self {
        Kinds(1 << kind as u8)
    }

    #[inline]
    pub(in crate::ipc::codec) const fn has(self, kind: Kind) -> bool {
        self.0 & Kinds::of(kind).0 != 0
    }

    /// How many.
    pub(in crate::ipc::codec) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(in crate::ipc::codec) const fn with(self, kind: Kind) -> Self {
        Kinds(self.0 | Kinds::of(kind).0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Kinds::of(*self).fmt(f)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Kind::ALL.into_iter().filter(|(kind, _)| self.has(*kind));
        for (i, (_, name)) in named.enumerate() {
            write!(f, "{}{name}", if i == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

#[test]
fn kinds_say_what_they_are() {
    for (i, (kind, _)) in Kind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, i);
        assert!(Kinds::ALL.has(kind) && !Kinds::NONE.has(kind));
    }
    assert_eq!(Kinds::of(Kind::Text).with(Kind::U8).to_string(), "a u8 or a str");
}
