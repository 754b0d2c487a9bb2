//! Bytes between memory that processes share and one's own.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Words that are read before they are written. A processor takes a read for one of what was just written
/// where the low 12 bits of their addresses are the same, and waits: so, not after each word.
const BLOCK: usize = 16;

/// Copies `bytes` to shared memory: word by word, by atomics, so that a peer that accesses the same
/// memory meanwhile does no harm.
///
/// # Safety
///
/// So many bytes are mapped at `to`, which is aligned to 8, and in no process accessed but by atomics.
pub(crate) unsafe fn copy_to_shared(bytes: &[u8], to: *mut u8) {
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (block, words) in words.chunks(BLOCK).enumerate() {
        for (i, word) in words.iter().enumerate() {
            // SAFETY: within what the caller says is mapped, and aligned.
            let place = unsafe { AtomicU64::from_ptr(to.cast::<u64>().add(block * BLOCK + i)) };
            // Relaxed: the protocol around it orders the access.
            place.store(u64::from_ne_bytes(*word), Relaxed);
        }
    }
    for (i, byte) in rest.iter().enumerate() {
        // SAFETY: as above.
        let place = unsafe { AtomicU8::from_ptr(to.add(words.len() * WORD + i)) };
        // Relaxed: as above.
        place.store(*byte, Relaxed);
    }
}

/// Appends `len` bytes of shared memory to `bytes`, which has room for them.
///
/// # Safety
///
/// So many bytes are mapped at `from`, which is aligned to 8, and in no process accessed but by atomics.
///
/// # Panics
///
/// When there is no room.
pub(crate) unsafe fn copy_from_shared(from: *mut u8, len: usize, bytes: &mut Vec<u8>) {
    let spare = bytes.spare_capacity_mut();
    assert!(spare.len() >= len, "the caller makes room");
    let to: *mut u8 = spare.as_mut_ptr().cast();
    let read = |i: usize| {
        // SAFETY: within what the caller says is mapped, and aligned; asked for words below `len / WORD`.
        let place = unsafe { AtomicU64::from_ptr(from.cast::<u64>().add(i)) };
        // Relaxed: as in `copy_to_shared`.
        place.load(Relaxed)
    };
    let words = len / WORD;
    let blocks = words / BLOCK * BLOCK;
    for start in (0..blocks).step_by(BLOCK) {
        let block: [u64; BLOCK] = std::array::from_fn(|i| read(start + i));
        // SAFETY: within the spare room, where nothing else is.
        unsafe { ptr::write_unaligned(to.cast::<u64>().add(start).cast(), block) };
    }
    for i in blocks..words {
        // SAFETY: as above.
        unsafe { ptr::write_unaligned(to.cast::<u64>().add(i), read(i)) };
    }
    for i in words * WORD..len {
        // SAFETY: as above.
        let place = unsafe { AtomicU8::from_ptr(from.add(i)) };
        // Relaxed: as in `copy_to_shared`.
        let byte = place.load(Relaxed);
        // SAFETY: as above.
        unsafe { to.add(i).write(byte) };
    }
    // SAFETY: so many more were just written.
    unsafe { bytes.set_len(bytes.len() + len) };
}
