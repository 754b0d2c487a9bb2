//! Values to bytes and back: serde with postcard.

use postcard::Deserializer;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ipc::buffer::{Buffer, Writer};
use crate::shm::handoff;

/// Encodes `value` into `buffer`, in place of what was there.
#[inline]
pub(crate) fn encode<T: Serialize>(value: &T, buffer: &mut Buffer) -> Result<(), String> {
    match postcard::serialize_with_flavor(value, Encoder(buffer.writer())) {
        Ok(()) => Ok(()),
        Err(error) => Err(handoff::explain(&error)),
    }
}

/// Decodes the value that takes up all of `buffer`.
#[inline]
pub(crate) fn decode<T: DeserializeOwned, E>(
    buffer: &Buffer,
    refuse: impl Fn(String) -> E,
) -> Result<T, E> {
    let mut bytes = Deserializer::from_bytes(buffer.message());
    let value = match T::deserialize(&mut bytes) {
        Ok(value) => value,
        Err(error) => return Err(refuse(handoff::explain(&error))),
    };
    match bytes.finalize() {
        Ok([]) => Ok(value),
        Ok(rest) => Err(refuse(format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(refuse(error.to_string())),
    }
}

struct Encoder<'a>(Writer<'a>);

impl Flavor for Encoder<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend(bytes);
        Ok(())
    }

    #[inline]
    fn finalize(self) -> postcard::Result<()> {
        self.0.finish();
        Ok(())
    }
}
