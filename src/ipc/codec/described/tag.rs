//! What a value is.

macro_rules! tags {
    ($($tag:ident)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Tag {
            $($tag,)*
        }

        impl Tag {
            pub(super) fn of(byte: u8) -> Option<Self> {
                [$(Tag::$tag,)*].get(usize::from(byte)).copied()
            }
        }
    };
}

tags! {
    // After a list or a map, in place of an element.
    End
    Unit
    False
    True
    // As varints; the signed ones zigzag.
    Unsigned
    Signed
    Unsigned128
    Signed128
    // Little-endian.
    F32
    F64
    // A length and so many bytes.
    Char
    Text
    Bytes
    None
    // A value.
    Some
    // Values, or keys and values, and an end.
    List
    Map
    // A text, without a tag, and nothing or a value.
    UnitVariant
    Variant
}
