//! The codec's error while it is at work.

use std::fmt;

use serde::{de, ser};

use crate::error::CodecError;

/// A [`CodecError`] in one word: results that carry it stay in registers.
#[derive(Debug)]
pub(super) struct Fault(Box<CodecError>);

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    /// Bytes that are no value.
    #[cold]
    pub(super) fn malformed(what: &str) -> Self {
        CodecError::Malformed(what.to_owned()).into()
    }
}

impl From<CodecError> for Fault {
    #[cold]
    fn from(error: CodecError) -> Self {
        Fault(Box::new(error))
    }
}

impl From<Fault> for CodecError {
    #[cold]
    fn from(fault: Fault) -> Self {
        *fault.0
    }
}

impl ser::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::Custom(message.to_string()).into()
    }
}

impl de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        CodecError::Custom(message.to_string()).into()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Fault {}
