//! Where encoded bytes come from: the rest of a message.

use std::slice::Iter;

use crate::error::CodecError;
use crate::ipc::codec::fault::{Fault, Result};

/// As an iterator, which goes on by one word where a slice has two.
pub(super) struct Input<'de>(Iter<'de, u8>);

impl<'de> Input<'de> {
    #[inline]
    pub(super) fn new(message: &'de [u8]) -> Self {
        Input(message.iter())
    }

    /// Bytes that are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    /// Whether the message ends here.
    #[inline]
    pub(super) fn end(&self) -> Result<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(CodecError::TrailingBytes { left: left as u64 }.into()),
        }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8> {
        self.0.next().copied().ok_or_else(ends_early)
    }

    #[inline]
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'de [u8]> {
        let (bytes, rest) = self.0.as_slice().split_at_checked(len).ok_or_else(ends_early)?;
        self.0 = rest.iter();
        Ok(bytes)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self.0.as_slice().split_first_chunk().ok_or_else(ends_early)?;
        self.0 = rest.iter();
        Ok(*bytes)
    }

    /// What [`Output::varint`](super::output::Output::varint) wrote of a number of so many bits.
    #[inline]
    pub(super) fn varint<const BITS: u32>(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let fits = shift + 7 <= BITS || byte >> (BITS - shift) == 0;
                return if fits { Ok(number) } else { Err(too_large()) };
            }
        }
        Err(too_large())
    }

    pub(super) fn varint_128(&mut self) -> Result<u128> {
        let mut number = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let fits = shift + 7 <= u128::BITS || byte >> (u128::BITS - shift) == 0;
                return if fits { Ok(number) } else { Err(too_large()) };
            }
        }
        Err(too_large())
    }

    /// A length, of bytes or of elements.
    #[inline]
    pub(super) fn len(&mut self) -> Result<usize> {
        // The crate is for 64 bits.
        Ok(self.varint::<64>()? as usize)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str> {
        let len = self.len()?;
        str::from_utf8(self.bytes(len)?).map_err(|_| Fault::malformed("a text is not UTF-8"))
    }

    #[inline]
    pub(super) fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::malformed("what is 0 or 1 is neither")),
        }
    }
}

#[cold]
fn ends_early() -> Fault {
    CodecError::EndsEarly.into()
}

#[cold]
fn too_large() -> Fault {
    Fault::malformed("a number is larger than its type")
}

#[inline]
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[inline]
pub(super) fn unzigzag_128(number: u128) -> i128 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
