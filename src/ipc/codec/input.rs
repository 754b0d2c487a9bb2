//! Where encoded bytes come from: the rest of a message.

use std::num::NonZeroU8;
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
        match self.0.as_slice() {
            [byte @ ..0x80, rest @ ..] => {
                self.0 = rest.iter();
                Ok(u64::from(*byte))
            }
            bytes => match long_varint::<BITS>(bytes) {
                (number, Some(len)) => {
                    self.0 = bytes[usize::from(len.get())..].iter();
                    Ok(number)
                }
                (_, None) => Err(no_varint::<BITS>(bytes)),
            },
        }
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

/// A number of several groups, and how many they are: none if it is cut off or too large. Not in place, so
/// that what is there for every number is small; and by values, so that the input stays in registers.
#[inline(never)]
fn long_varint<const BITS: u32>(bytes: &[u8]) -> (u64, Option<NonZeroU8>) {
    if BITS == 64
        && let Some((eight, rest)) = bytes.split_first_chunk()
        && !u64::from_le_bytes(*eight) & 0x8080_8080 == 0
    {
        return large_varint(u64::from_le_bytes(*eight), rest);
    }
    let mut number = 0;
    for (len, (shift, &byte)) in (1..).zip((0..BITS).step_by(7).zip(bytes)) {
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let fits = shift + 7 <= BITS || byte >> (BITS - shift) == 0;
            return (number, NonZeroU8::new(len).filter(|_| fits));
        }
    }
    (number, None)
}

/// The same, of five groups or more, without a branch for each.
#[inline]
fn large_varint(eight: u64, rest: &[u8]) -> (u64, Option<NonZeroU8>) {
    let last = !eight & 0x8080_8080_8080_8080;
    // Without what is behind the last. Then eight bytes become groups in three steps, each of which joins
    // the halves of all parts.
    let join = |bits: u64, lower: u64, by| (bits & lower) | (bits & !lower) >> by;
    let number = eight & (last ^ last.wrapping_sub(1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let number = join(number, 0x007f_007f_007f_007f, 1);
    let number = join(number, 0x0000_3fff_0000_3fff, 2);
    let number = join(number, 0x0000_0000_0fff_ffff, 4);
    match *rest {
        _ if last != 0 => (number, NonZeroU8::new(last.trailing_zeros() as u8 / 8 + 1)),
        [ninth @ ..0x80, ..] => (number | u64::from(ninth) << 56, NonZeroU8::new(9)),
        [ninth, tenth @ 0..=1, ..] => {
            let upper = u64::from(ninth & 0x7f) << 56 | u64::from(tenth) << 63;
            (number | upper, NonZeroU8::new(10))
        }
        _ => (0, None),
    }
}

/// Why these bytes do not begin with a number.
#[cold]
fn no_varint<const BITS: u32>(bytes: &[u8]) -> Fault {
    let most = BITS.div_ceil(7) as usize;
    let ends = bytes.iter().take(most).any(|byte| *byte < 0x80);
    if ends || bytes.len() >= most { too_large() } else { ends_early() }
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
