//! The messages of queues and pipes: texts, some of which cannot be encoded or decoded.

use std::fmt;

use multiproc::CodecError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A letter, and how often it is repeated. It is encoded as its length, and a byte for each letter.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Text(char, usize);

/// A text of such letters cannot be encoded.
pub(crate) const NOT_ENCODABLE: char = '!';
/// A text of such letters can be encoded, but not decoded.
pub(crate) const NOT_DECODABLE: char = '?';

impl Text {
    /// All empty texts are equal.
    pub(crate) fn new(letter: char, length: usize) -> Self {
        Text(if length == 0 { 'a' } else { letter }, length)
    }

    fn letters(self) -> String {
        self.0.to_string().repeat(self.1)
    }

    pub(crate) fn can_be_encoded(self) -> bool {
        self.0 != NOT_ENCODABLE
    }

    /// The text, or why it cannot be decoded.
    pub(crate) fn decoded(self) -> Result<Text, CodecError> {
        if self.0 == NOT_DECODABLE { Err(CodecError::Custom(DECODE.to_owned())) } else { Ok(self) }
    }

    /// The length of its encoding, which begins with the text's length in groups of seven bits.
    pub(crate) fn encoded_len(self) -> usize {
        let letters = self.1;
        let groups = (usize::BITS - letters.leading_zeros()).div_ceil(7).max(1);
        letters + groups as usize
    }
}

/// The error of a text that cannot be encoded.
pub(crate) const ENCODE: &str = "it is not encodable";
/// And of one that cannot be decoded.
const DECODE: &str = "it is not decodable";

/// An error's text, and its cause's.
pub(crate) fn text_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.can_be_encoded() {
            return Err(ser::Error::custom(ENCODE));
        }
        self.letters().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = Text::new(text.chars().next().unwrap_or_default(), text.len());
        if read.0 == NOT_DECODABLE || read.letters() != text {
            return Err(de::Error::custom(DECODE));
        }
        Ok(read)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text(_, 0) => f.write_str("\"\""),
            Text(letter, 1) => write!(f, "\"{letter}\""),
            Text(letter, length) => write!(f, "\"{letter}\" x {length}"),
        }
    }
}
