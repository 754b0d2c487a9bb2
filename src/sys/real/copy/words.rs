//! By atomics of eight bytes, eight at a time; smaller ones at both ends.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::array::from_fn;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// # Safety
/// As for the function of this name one level up.
pub(super) unsafe fn copy_out(from: *const u8, to: *mut u8, len: usize) {
    walk(from.addr(), len, |at, size| {
        // Relaxed: see the top of `copy.rs`.
        // SAFETY: within the bytes that can be read and written; those that are read are aligned, as `walk`
        // says, and those that are written are this process's own.
        unsafe {
            let (from, to) = (from.add(at), to.add(at));
            match size {
                1 => to.write((*from.cast::<AtomicU8>()).load(Relaxed)),
                2 => to.cast::<u16>().write_unaligned((*from.cast::<AtomicU16>()).load(Relaxed)),
                4 => to.cast::<u32>().write_unaligned((*from.cast::<AtomicU32>()).load(Relaxed)),
                8 => to.cast::<u64>().write_unaligned((*from.cast::<AtomicU64>()).load(Relaxed)),
                _ => {
                    let from = &*from.cast::<[AtomicU64; 8]>();
                    let words: [u64; 8] = from_fn(|i| from[i].load(Relaxed));
                    to.cast::<[u64; 8]>().write_unaligned(words);
                }
            }
        }
    });
}

/// # Safety
/// As for the function of this name one level up.
pub(super) unsafe fn copy_in(from: *const u8, to: *mut u8, len: usize) {
    walk(to.addr(), len, |at, size| {
        // Relaxed: see the top of `copy.rs`.
        // SAFETY: within the bytes that can be read and written; those that are written are aligned, as
        // `walk` says, and nobody writes those that are read.
        unsafe {
            let (from, to) = (from.add(at), to.add(at));
            match size {
                1 => (*to.cast::<AtomicU8>()).store(from.read(), Relaxed),
                2 => (*to.cast::<AtomicU16>()).store(from.cast::<u16>().read_unaligned(), Relaxed),
                4 => (*to.cast::<AtomicU32>()).store(from.cast::<u32>().read_unaligned(), Relaxed),
                8 => (*to.cast::<AtomicU64>()).store(from.cast::<u64>().read_unaligned(), Relaxed),
                _ => {
                    let words: [u64; 8] = from.cast::<[u64; 8]>().read_unaligned();
                    let to = &*to.cast::<[AtomicU64; 8]>();
                    // Relaxed: as above.
                    words.iter().zip(to).for_each(|(word, to)| to.store(*word, Relaxed));
                }
            }
        }
    });
}

/// Parts `len` bytes at `address`, which is that of the shared side, into pieces: 1, 2 and 4 bytes where they
/// are aligned, 8, and 64, which are eight of 8.
#[inline(always)]
fn walk(address: usize, len: usize, mut piece: impl FnMut(usize, usize)) {
    let mut at = 0;
    for size in [1, 2, 4] {
        if (address + at) & size != 0 && len - at >= size {
            piece(at, size);
            at += size;
        }
    }
    while len - at >= 64 {
        piece(at, 64);
        at += 64;
    }
    while len - at >= 8 {
        piece(at, 8);
        at += 8;
    }
    for size in [4, 2, 1] {
        if (len - at) & size != 0 {
            piece(at, size);
            at += size;
        }
    }
}
