//! A strategy for the messages of queues and pipes.

use proptest::prelude::*;

pub(crate) use crate::model::text::{ENCODE, Text, text_of};
use crate::model::text::{NOT_DECODABLE, NOT_ENCODABLE};

/// Any text of such a length.
pub(crate) fn any_text(length: impl Strategy<Value = usize>) -> impl Strategy<Value = Text> {
    let letter = prop_oneof![
        8 => prop::char::range('a', 'z'), 1 => Just(NOT_ENCODABLE), 1 => Just(NOT_DECODABLE)
    ];
    (letter, length).prop_map(|(letter, length)| Text::new(letter, length))
}
