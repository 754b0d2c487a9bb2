//! Values to bytes and back: serde with postcard, in a buffer that each thread keeps.

use std::cell::Cell;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::shm::handoff;

/// A buffer larger than this is given back to the allocator after its message.
const KEPT: usize = 1 << 16;

thread_local! {
    /// Taken out while in use: a value's own `Serialize` may use a queue.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `work` with this thread's buffer, whose contents are of the last use.
pub(crate) fn with_buffer<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // When the thread's locals are gone already, each message has a buffer of its own.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT {
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    result
}

/// Encodes `value` into `buffer`, in place of what was there.
pub(crate) fn encode<T: Serialize>(value: &T, buffer: &mut Vec<u8>) -> Result<(), String> {
    buffer.clear();
    postcard::serialize_with_flavor(value, Into(buffer)).map_err(|error| handoff::explain(&error))
}

/// Decodes a value that takes up all of `bytes`.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len())),
        Err(error) => Err(handoff::explain(&error)),
    }
}

struct Into<'a>(&'a mut Vec<u8>);

impl Flavor for Into<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
