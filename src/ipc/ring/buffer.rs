//! Where a message is while it is not in the ring.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::ipc::ring::GRANULE;
use crate::sys::{copy_bytes, keep_buffer, take_buffer};

/// Messages up to this size have their place; larger ones get memory of their own.
const SMALL: usize = 1024;

/// A buffer up to this size stays with its thread; a larger one serves all: see [`take_buffer`].
const KEPT: usize = 1 << 16;

/// A message, and zeros up to the next whole granule.
pub(crate) struct Buffer {
    small: [u8; SMALL + GRANULE],
    /// The message, when it is larger than `small`, and more: what is behind it is anything.
    large: Vec<u8>,
    len: usize,
}

thread_local! {
    /// Taken out while in use: a value's own `Serialize` may use a queue.
    static KEPT_BUFFER: Cell<Option<Box<Buffer>>> = const { Cell::new(None) };
}

impl Buffer {
    /// This thread's buffer, until what is given is dropped.
    #[inline]
    pub(crate) fn take() -> Taken {
        // When the thread's locals are gone already, each message has a buffer of its own.
        let kept = KEPT_BUFFER.try_with(Cell::take).ok().flatten();
        Taken(Some(kept.unwrap_or_else(Buffer::new)))
    }

    #[cold]
    fn new() -> Box<Self> {
        Box::new(Buffer { small: [0; SMALL + GRANULE], large: Vec::new(), len: 0 })
    }

    /// Bytes of the message.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The message.
    #[inline]
    pub(crate) fn message(&self) -> &[u8] {
        if self.len <= SMALL { &self.small[..self.len] } else { &self.large[..self.len] }
    }

    /// The message in whole granules.
    #[inline]
    pub(crate) fn granules(&self) -> &[[u8; GRANULE]] {
        let all = if self.len <= SMALL { &self.small[..] } else { &self.large[..] };
        &all.as_chunks().0[..self.len.div_ceil(GRANULE)]
    }

    /// Makes room for a message of `len` bytes, to be filled in whole granules.
    #[inline]
    pub(crate) fn room(&mut self, len: usize) -> &mut [[u8; GRANULE]] {
        self.len = len;
        let all = if len <= SMALL { &mut self.small[..] } else { self.grown(len) };
        &mut all.as_chunks_mut().0[..len.div_ceil(GRANULE)]
    }

    #[cold]
    fn grown(&mut self, len: usize) -> &mut [u8] {
        let needed = len.next_multiple_of(GRANULE);
        if self.large.len() < needed {
            self.large = larger(needed);
        }
        &mut self.large
    }

    /// Begins a message.
    #[inline]
    pub(crate) fn writer(&mut self) -> Writer<'_> {
        Writer { len: 0, buffer: self }
    }
}

/// A thread's buffer while it is in use. (Not a closure around the use: what that gave would be
/// moved once more.)
pub(crate) struct Taken(Option<Box<Buffer>>);

impl Deref for Taken {
    type Target = Buffer;

    #[inline]
    fn deref(&self) -> &Buffer {
        self.0.as_ref().expect("taken until it is dropped")
    }
}

impl DerefMut for Taken {
    #[inline]
    fn deref_mut(&mut self) -> &mut Buffer {
        self.0.as_mut().expect("taken until it is dropped")
    }
}

impl Drop for Taken {
    #[inline]
    fn drop(&mut self) {
        if self.large.capacity() > KEPT {
            keep_buffer(std::mem::take(&mut self.large));
        }
        self.len = 0;
        let buffer = self.0.take();
        let _ = KEPT_BUFFER.try_with(|kept| kept.set(buffer));
    }
}

/// Writes a message, piece by piece, into a [`Buffer`]. It counts for itself: a count that goes
/// through memory for every byte would take longer than the bytes.
pub(crate) struct Writer<'a> {
    len: usize,
    buffer: &'a mut Buffer,
}

impl Writer<'_> {
    /// Bytes that were written.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        match self.buffer.small[..SMALL].get_mut(self.len) {
            Some(place) => *place = byte,
            None => spill(self.buffer, self.len, &[byte]),
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        match self.buffer.small[..SMALL].get_mut(self.len..self.len + bytes.len()) {
            // A number, most likely, that was just written byte by byte: reading it by more than
            // bytes, as a copy does, would wait until it is out of the processor's store queue.
            Some(_) if bytes.len() < 16 => return bytes.iter().for_each(|&byte| self.push(byte)),
            Some(place) => place.copy_from_slice(bytes),
            None => spill(self.buffer, self.len, bytes),
        }
        self.len += bytes.len();
    }

    /// The bytes of a float: one instruction.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        let rest = self.buffer.small[..SMALL].get_mut(self.len..);
        match rest.and_then(<[u8]>::first_chunk_mut) {
            Some(place) => *place = bytes,
            None => match far(self.buffer, self.len) {
                Some(place) => *place = bytes,
                None => spill(self.buffer, self.len, &bytes),
            },
        }
        self.len += N;
    }

    /// Writes a number in groups of seven bits: see [`varint`].
    #[inline(always)]
    pub(crate) fn varint(&mut self, number: u64) {
        let rest = self.buffer.small[..SMALL].get_mut(self.len..);
        match rest.and_then(<[u8]>::first_chunk_mut) {
            Some(room) if number < 0x80 => {
                room[0] = number as u8;
                self.len += 1;
            }
            Some(room) => self.len += varint(number, room),
            None => self.len += spill_varint(self.buffer, self.len, number),
        }
    }

    /// Ends the message: what fills its last granule is zero, not what a message before has left.
    #[inline]
    pub(crate) fn finish(self) {
        self.buffer.len = self.len;
        if self.len <= SMALL {
            self.buffer.small[self.len..self.len + GRANULE].copy_from_slice(&[0; GRANULE]);
        } else {
            self.buffer.large[self.len..][..GRANULE].fill(0);
        }
    }
}

/// A buffer of `len` bytes at least.
fn larger(len: usize) -> Vec<u8> {
    if len > KEPT { take_buffer(len) } else { vec![0; len.next_power_of_two()] }
}

/// The place of the next bytes behind `len`, if the message has memory of its own already and room there.
#[inline]
fn far<const N: usize>(buffer: &mut Buffer, len: usize) -> Option<&mut [u8; N]> {
    // And room to fill the last granule.
    let rest = buffer.large.get_mut(len..).filter(|rest| len > SMALL && rest.len() >= N + GRANULE);
    rest.and_then(<[u8]>::first_chunk_mut)
}

/// Goes on behind `len` bytes in memory of the message's own.
#[cold]
fn spill(buffer: &mut Buffer, len: usize, bytes: &[u8]) {
    let written = &buffer.small[..len.min(SMALL)];
    // Room to fill the last granule, too.
    let needed = len + bytes.len() + GRANULE;
    if buffer.large.len() < needed {
        let mut larger = larger(needed.max(2 * buffer.large.len()));
        let written = if len <= SMALL { written } else { &buffer.large[..len] };
        larger[..len].copy_from_slice(written);
        buffer.large = larger;
    } else if len <= SMALL {
        buffer.large[..len].copy_from_slice(written);
    }
    copy_bytes(bytes, &mut buffer.large[len..len + bytes.len()]);
}

/// A number behind `len` bytes. Gives how many bytes it has.
#[inline(never)]
fn spill_varint(buffer: &mut Buffer, len: usize, number: u64) -> usize {
    if let Some(room) = far(buffer, len) {
        return varint(number, room);
    }
    let mut groups = [0; 10];
    let count = varint(number, &mut groups);
    Writer { len, buffer }.extend(&groups[..count]);
    count
}

/// Writes a number in groups of seven bits, the lowest first; all but the last have the eighth bit
/// set. Gives how many there are; what is behind them is anything.
#[inline(never)]
pub(crate) fn varint(number: u64, groups: &mut [u8; 10]) -> usize {
    if number >= 1 << 28 {
        return large_varint(number, groups);
    }
    let (mut rest, mut len) = (number, 0);
    for group in groups {
        len += 1;
        *group = rest as u8;
        if rest < 0x80 {
            break;
        }
        *group |= 0x80;
        rest >>= 7;
    }
    len
}

/// The same, of five groups or more, without a branch for each.
#[inline]
fn large_varint(number: u64, groups: &mut [u8; 10]) -> usize {
    const MORE: u64 = 0x8080_8080_8080_8080;
    // Eight groups become eight bytes in three steps, each of which parts the upper half of all parts.
    let part = |bits: u64, lower: u64, by| (bits & lower) | (bits & !lower) << by;
    let eight = part(number & ((1 << 56) - 1), 0x0000_0000_0fff_ffff, 4);
    let eight = part(eight, 0x0000_3fff_0000_3fff, 2);
    let eight = part(eight, 0x007f_007f_007f_007f, 1);
    let (more, len) = match (u64::BITS - number.leading_zeros()).div_ceil(7) {
        len @ ..=8 => (MORE >> (8 * (9 - len)), len),
        len => (MORE, len),
    };
    groups[..8].copy_from_slice(&(eight | more).to_le_bytes());
    groups[8] = (number >> 56) as u8 & 0x7f | (number >> 63 << 7) as u8;
    groups[9] = (number >> 63) as u8;
    len as usize
}
