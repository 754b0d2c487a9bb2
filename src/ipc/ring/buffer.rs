//! Where a message is while it is not in the ring.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::ipc::ring::GRANULE;

/// Messages up to this size have their place; larger ones get memory of their own.
const SMALL: usize = 1024;

/// A larger buffer than this is given back to the allocator after its message.
const KEPT: usize = 1 << 16;

/// A message, and zeros up to the next whole granule.
pub(crate) struct Buffer {
    small: [u8; SMALL + GRANULE],
    /// The message, when it is larger than `small`.
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
            self.large.resize(needed, 0);
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
            self.large = Vec::new();
        }
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
        match self.buffer.small.get_mut(self.len) {
            Some(place) if self.len < SMALL => *place = byte,
            _ => self.spill(&[byte]),
        }
        self.len += 1;
    }

    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let place = self.buffer.small[..SMALL].get_mut(self.len..self.len + bytes.len());
        match (<&[u8; 8]>::try_from(bytes), place) {
            // Of a float, most likely: one instruction.
            (Ok(bytes), Some(place)) => place.copy_from_slice(bytes),
            // A number, most likely, that was just written byte by byte: reading it by more than
            // bytes, as a copy does, would wait until it is out of the processor's store queue.
            (Err(_), Some(_)) if bytes.len() < 16 => {
                return bytes.iter().for_each(|&byte| self.push(byte));
            }
            (Err(_), Some(place)) => place.copy_from_slice(bytes),
            (_, None) => self.spill(bytes),
        }
        self.len += bytes.len();
    }

    /// Writes a number in groups of seven bits: see [`varint`].
    #[inline]
    pub(crate) fn varint(&mut self, number: u64) {
        let room = self.buffer.small[..SMALL].get_mut(self.len..);
        match room.and_then(<[u8]>::first_chunk_mut) {
            Some(room) => self.len += varint(number, room),
            None => self.varint_far(number),
        }
    }

    #[cold]
    fn varint_far(&mut self, number: u64) {
        let mut groups = [0; 10];
        let len = varint(number, &mut groups);
        self.extend(&groups[..len]);
    }

    /// Goes on in memory of the message's own.
    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        if self.len <= SMALL {
            self.buffer.large.clear();
            self.buffer.large.extend_from_slice(&self.buffer.small[..self.len]);
        }
        self.buffer.large.extend_from_slice(bytes);
    }

    /// Ends the message: what fills its last granule is zero, not what a message before has left.
    #[inline]
    pub(crate) fn finish(self) {
        self.buffer.len = self.len;
        if self.len <= SMALL {
            self.buffer.small[self.len..self.len + GRANULE].copy_from_slice(&[0; GRANULE]);
        } else {
            self.buffer.large.resize(self.len.next_multiple_of(GRANULE), 0);
        }
    }
}

/// Writes a number in groups of seven bits, the lowest first; all but the last have the eighth bit
/// set. Gives how many there are.
#[inline]
pub(crate) fn varint(mut number: u64, groups: &mut [u8; 10]) -> usize {
    let mut len = 0;
    for group in groups {
        len += 1;
        *group = number as u8;
        if number < 0x80 {
            break;
        }
        *group |= 0x80;
        number >>= 7;
    }
    len
}
