//! Copies between memory of this process's own and memory that others may write meanwhile.
//!
//! A copy that another process races with is no plain copy: the compiler could read what is shared twice,
//! and believe both to be the same. Here each byte is accessed once, by an instruction of which the compiler
//! knows only that it accesses memory: as if by relaxed atomics. So nothing is undefined whatever a peer does
//! meanwhile. And an element of an array does not tear: each is within one access, and the processor splits
//! an access at most where a cache line ends, which an element, being aligned, does not cross.
//!
//! On x86-64 that is as fast as `memcpy` at any alignment (which glibc's is not: where both sides' last
//! bits differ by a little, its `rep movsb` takes fifteen times as long). Elsewhere it is accesses of eight
//! bytes.

use std::mem::MaybeUninit;

#[cfg(any(test, miri, not(target_arch = "x86_64")))]
mod words;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_64;

#[cfg(any(miri, not(target_arch = "x86_64")))]
use words as backend;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use x86_64 as backend;

/// Copies `len` bytes out of memory that others may write meanwhile.
///
/// What is read is as by relaxed loads: an order comes of what is around it.
///
/// # Safety
///
/// `from` can be read and `to` written for as many bytes; nobody else accesses `to` meanwhile, and the two
/// do not overlap. If they are elements, both are aligned to one.
#[inline]
pub(crate) unsafe fn copy_out(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { backend::copy_out(from, to, len) }
}

/// Copies `len` bytes into memory that others may read and write meanwhile.
///
/// What is written is as by relaxed stores: an order comes of what is around it.
///
/// # Safety
///
/// `from` can be read and `to` written for as many bytes; nobody writes `from` meanwhile, and the two do
/// not overlap. If they are elements, both are aligned to one.
#[inline]
pub(crate) unsafe fn copy_in(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { backend::copy_in(from, to, len) }
}

/// Copies between bytes of this process's own, which are as many.
///
/// # Panics
/// When they are not.
#[inline]
pub(crate) fn copy_bytes(from: &[u8], into: &mut [u8]) {
    assert_eq!(from.len(), into.len(), "bytes are copied to a place of their size");
    // SAFETY: as many bytes; they are read into as what they are.
    let into = unsafe { &mut *(std::ptr::from_mut(into) as *mut [MaybeUninit<u8>]) };
    init_bytes(from, into);
}

/// The same to bytes that are not initialised yet.
///
/// # Panics
/// As for [`copy_bytes`].
#[inline]
pub(crate) fn init_bytes(from: &[u8], into: &mut [MaybeUninit<u8>]) {
    assert_eq!(from.len(), into.len(), "bytes are copied to a place of their size");
    // SAFETY: so many there are of both, and what is borrowed to be written does not overlap.
    unsafe {
        if from.len() < 1024 || cfg!(not(target_arch = "x86_64")) {
            into.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(from.as_ptr(), from.len());
        } else {
            copy_out(from.as_ptr(), into.as_mut_ptr().cast(), from.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Copy = unsafe fn(*const u8, *mut u8, usize);

    fn copies() -> Vec<(&'static str, Copy)> {
        let mut copies: Vec<(_, Copy)> = vec![("out", copy_out), ("in", copy_in)];
        copies.extend([("out by words", words::copy_out as Copy), ("in by words", words::copy_in)]);
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        copies.push(("without AVX", x86_64::copy_by_16));
        copies
    }

    #[test]
    fn every_byte_arrives_and_no_other_is_touched_at_every_alignment() {
        let from: Vec<u8> = (0..2000u32).map(|i| (i * 7 + i / 256) as u8).collect();
        let lengths = (0..70).chain([127, 128, 129, 255, 256, 300, 511, 640, 1000, 1234]);
        for (name, copy) in copies() {
            for len in lengths.clone() {
                for (at, place) in (0..33).flat_map(|at| [0, 1, 7, 8, 16, 31].map(|to| (at, to))) {
                    let mut to = vec![0xee; len + 100];
                    // SAFETY: both vectors are longer.
                    unsafe { copy(from[at..].as_ptr(), to[place..].as_mut_ptr(), len) };
                    let copied = to[place..place + len] == from[at..at + len];
                    let rest =
                        to[..place].iter().chain(&to[place + len..]).all(|&byte| byte == 0xee);
                    assert!(copied && rest, "{name}: {len} bytes from {at} to {place}");
                }
            }
        }
    }

    /// Elements are written whole by another thread, and never seen in parts.
    #[test]
    #[allow(clippy::disallowed_types, reason = "what is shared here is no protocol's")]
    fn no_element_tears() {
        use std::sync::atomic::AtomicU64;

        const LEN: usize = if cfg!(miri) { 20 } else { 1021 };
        const ROUNDS: usize = if cfg!(miri) { 5 } else { 500 };
        for (out, into) in [(copy_out as Copy, copy_in as Copy), (words::copy_out, words::copy_in)]
        {
            let shared: Vec<AtomicU64> = (0..=LEN).map(|_| AtomicU64::new(0)).collect();
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    for n in 0..ROUNDS {
                        let from = [u64::from_ne_bytes([n as u8; 8]); LEN];
                        let to = shared[n % 2..].as_ptr().cast_mut().cast();
                        // SAFETY: atomics, of which there are as many.
                        unsafe { into(from.as_ptr().cast(), to, size_of_val(&from)) };
                    }
                });
                while !writer.is_finished() {
                    let mut to = [0u64; LEN];
                    let bytes = size_of_val(&to);
                    // SAFETY: as above.
                    unsafe { out(shared.as_ptr().cast(), to.as_mut_ptr().cast(), bytes) };
                    let torn = to.iter().find(|n| n.rotate_left(8) != **n);
                    assert_eq!(torn, None);
                }
            });
        }
    }
}
