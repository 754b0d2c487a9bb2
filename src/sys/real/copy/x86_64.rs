//! By vectors of 16 or 32 bytes, four at a time; smaller pieces at both ends.
//!
//! The processor keeps loads in order, and stores: what is copied later was read, or is seen, no earlier.

use std::arch::asm;
use std::arch::x86_64::_mm256_zeroupper;

/// What is copied in one turn of a loop.
const BLOCK: usize = 128;

/// As many bytes as the largest vector has, to which the destination is aligned first.
const VECTOR: usize = 32;

/// The two directions are the same.
pub(super) use self::{copy as copy_in, copy as copy_out};

/// Not in place: what is around it mostly copies a few bytes by itself.
///
/// # Safety
/// As for `copy_out` one level up.
#[inline(never)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let blocks: Blocks = if is_x86_feature_detected!("avx") { blocks_by_32 } else { blocks_by_16 };
    // SAFETY: the caller's promise; the processor has what the loop asks for.
    unsafe { copy_by(blocks, from, to, len) }
}

/// Without AVX.
///
/// # Safety
/// As for [`copy`].
#[cfg(test)]
pub(super) unsafe fn copy_by_16(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { copy_by(blocks_by_16, from, to, len) }
}

/// Copies so many blocks to an aligned place; there is one at least.
type Blocks = unsafe fn(from: *const u8, to: *mut u8, blocks: usize);

/// # Safety
/// As for [`copy`]; and the processor has what `blocks` asks for.
#[inline]
unsafe fn copy_by(blocks: Blocks, mut from: *const u8, mut to: *mut u8, mut len: usize) {
    // SAFETY: they stay within `len` bytes of what the caller has promised.
    unsafe {
        if len >= BLOCK + VECTOR {
            let head = to.align_offset(VECTOR);
            // The smallest first: each is aligned at the destination.
            copy_pieces(from, to, head, [1, 2, 4, 8, 16]);
            (from, to, len) = (from.add(head), to.add(head), len - head);
            let body = len - len % BLOCK;
            blocks(from, to, body / BLOCK);
            (from, to, len) = (from.add(body), to.add(body), len - body);
        }
        let vectors = len / 16 * 16;
        (0..vectors).step_by(16).for_each(|at| copy_16(from.add(at), to.add(at)));
        (from, to, len) = (from.add(vectors), to.add(vectors), len - vectors);
        copy_pieces(from, to, len, [8, 4, 2, 1, 0]);
    }
}

/// Copies `len` bytes in pieces of different sizes, in this order.
///
/// # Safety
/// As for [`copy`]; the sizes sum up to `len` at least.
#[inline(always)]
unsafe fn copy_pieces(from: *const u8, to: *mut u8, len: usize, sizes: [usize; 5]) {
    let mut at = 0;
    for size in sizes.into_iter().filter(|size| len & size != 0) {
        // SAFETY: within the `len` bytes of which the caller has promised that they can be accessed.
        unsafe {
            let (from, to) = (from.add(at), to.add(at));
            match size {
                16 => copy_16(from, to),
                8 => asm!("mov {x}, [{from}]", "mov [{to}], {x}", x = out(reg) _,
                          from = in(reg) from, to = in(reg) to, options(nostack, preserves_flags)),
                4 => asm!("mov {x:e}, [{from}]", "mov [{to}], {x:e}", x = out(reg) _,
                          from = in(reg) from, to = in(reg) to, options(nostack, preserves_flags)),
                2 => asm!("mov {x:x}, [{from}]", "mov [{to}], {x:x}", x = out(reg) _,
                          from = in(reg) from, to = in(reg) to, options(nostack, preserves_flags)),
                _ => asm!("mov {x}, [{from}]", "mov [{to}], {x}", x = out(reg_byte) _,
                          from = in(reg) from, to = in(reg) to, options(nostack, preserves_flags)),
            }
        }
        at += size;
    }
}

/// # Safety
/// As for [`copy`], of 16 bytes.
#[inline(always)]
unsafe fn copy_16(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise. Every x86-64 has these.
    unsafe {
        asm!("movups {x}, [{from}]", "movups [{to}], {x}", x = out(xmm_reg) _,
             from = in(reg) from, to = in(reg) to, options(nostack, preserves_flags));
    }
}

/// # Safety
/// As for [`Blocks`].
unsafe fn blocks_by_16(from: *const u8, to: *mut u8, blocks: usize) {
    // SAFETY: the caller's promise. Every x86-64 has these.
    unsafe {
        asm!(
            "2:",
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + 32]",
            "movups {d}, [{from} + 48]",
            "movaps [{to}], {a}",
            "movaps [{to} + 16], {b}",
            "movaps [{to} + 32], {c}",
            "movaps [{to} + 48], {d}",
            "add {from}, 64",
            "add {to}, 64",
            "dec {turns}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            turns = inout(reg) 2 * blocks => _,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// # Safety
/// As for [`Blocks`]; and the processor has AVX.
#[target_feature(enable = "avx")]
unsafe fn blocks_by_32(from: *const u8, to: *mut u8, blocks: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "2:",
            "vmovdqu {a}, [{from}]",
            "vmovdqu {b}, [{from} + 32]",
            "vmovdqu {c}, [{from} + 64]",
            "vmovdqu {d}, [{from} + 96]",
            "vmovdqa [{to}], {a}",
            "vmovdqa [{to} + 32], {b}",
            "vmovdqa [{to} + 64], {c}",
            "vmovdqa [{to} + 96], {d}",
            "add {from}, 128",
            "add {to}, 128",
            "dec {turns}",
            "jnz 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            turns = inout(reg) blocks => _,
            a = out(ymm_reg) _,
            b = out(ymm_reg) _,
            c = out(ymm_reg) _,
            d = out(ymm_reg) _,
            options(nostack),
        );
    }
    // So that what comes next is not slowed down by what is left in the upper halves.
    _mm256_zeroupper();
}
