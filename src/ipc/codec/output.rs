//! Where encoded bytes go.

use crate::ipc::ring::buffer::{Writer, varint};

pub(super) trait Output {
    fn push(&mut self, byte: u8);
    fn extend(&mut self, bytes: &[u8]);
    fn array<const N: usize>(&mut self, bytes: [u8; N]);
    /// Bytes that were written.
    fn len(&self) -> usize;

    /// A number in groups of seven bits, the lowest first; all but the last have the eighth bit set.
    fn varint(&mut self, number: u64);

    #[inline]
    fn varint_128(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }
}

impl Output for Writer<'_> {
    #[inline]
    fn push(&mut self, byte: u8) {
        Writer::push(self, byte);
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        Writer::extend(self, bytes);
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        Writer::array(self, bytes);
    }

    #[inline]
    fn len(&self) -> usize {
        Writer::len(self)
    }

    #[inline(always)]
    fn varint(&mut self, number: u64) {
        Writer::varint(self, number);
    }
}

impl Output for Vec<u8> {
    #[inline]
    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }

    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.extend_from_slice(&bytes);
    }

    #[inline]
    fn len(&self) -> usize {
        Vec::len(self)
    }

    #[inline]
    fn varint(&mut self, number: u64) {
        let mut groups = [0; 10];
        let len = varint(number, &mut groups);
        // All ten, which takes two instructions, and not so many, which takes a call.
        let end = Vec::len(self) + len;
        self.extend_from_slice(&groups);
        self.truncate(end);
    }
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2 …
#[inline]
pub(super) fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

#[inline]
pub(super) fn zigzag_128(number: i128) -> u128 {
    (number << 1 ^ number >> 127).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_to_zero_is_small() {
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
        assert_eq!((zigzag(i64::MIN), zigzag(i64::MAX)), (u64::MAX, u64::MAX - 1));
        assert_eq!([0, -1, 1, -2].map(zigzag_128), [0, 1, 2, 3]);
    }
}
