//! The codec's error while it is at work.

use std::any::type_name;
use std::fmt;

use serde::{de, ser};

use crate::error::CodecError;
use crate::ipc::codec::probe::{To, plain};

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

    /// On its way out of a `T`, which is one step into another value: says what that was, and where.
    #[cold]
    pub(super) fn within<T: ?Sized>(mut self, step: To) -> Self {
        if let CodecError::Asymmetric(mismatch) = &mut *self.0 {
            // serde's derive gives references.
            let name = type_name::<T>().trim_start_matches('&');
            // A helper that serde's derive puts around a field tells nothing.
            if mismatch.type_name.is_empty() && !name.contains("__") {
                mismatch.type_name = plain(name);
            }
        }
        self.at(step)
    }

    /// On its way out of what is one step into another value: says where that was.
    #[cold]
    pub(super) fn at(mut self, step: To) -> Self {
        if let CodecError::Asymmetric(mismatch) = &mut *self.0 {
            mismatch.place.insert_str(0, &step.to_string());
        }
        self
    }

    /// Out of a `T`, which is what was to be sent.
    #[cold]
    pub(super) fn into_error<T: ?Sized>(mut self) -> CodecError {
        if let CodecError::Asymmetric(mismatch) = &mut *self.0 {
            let name = plain(type_name::<T>());
            if mismatch.type_name.is_empty() {
                mismatch.type_name.clone_from(&name);
            }
            if !mismatch.place.is_empty() {
                mismatch.place.insert_str(0, &name);
            }
        }
        *self.0
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
