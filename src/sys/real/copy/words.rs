//! By accesses of eight bytes, eight at a time; smaller ones at both ends.
//!
//! They are instructions and not atomics: Rust has no atomics of different sizes race with each other, and an
//! element of a few bytes may be written as such while eight bytes around it are copied. To the compiler each
//! is code that accesses memory it knows nothing of; to the processor it is an access of its size, which is
//! aligned and does not tear.

use std::array::from_fn;

/// `$load` and `$store` access one `$int` in memory that others may access meanwhile.
macro_rules! accesses {
    ($load:ident, $store:ident, $int:ty, $atomic:ident, $class:ident,
     x86: $x86_load:literal, $x86_store:literal, arm: $arm_load:literal, $arm_store:literal,
     risc_v: $risc_v_load:literal, $risc_v_store:literal) => {
        /// # Safety
        /// It can be read, and is aligned.
        #[inline(always)]
        unsafe fn $load(from: *const u8) -> $int {
            #[cfg(not(miri))]
            {
                let value;
                // SAFETY: the caller's promise; it writes a register alone.
                unsafe {
                    #[cfg(target_arch = "x86_64")]
                    std::arch::asm!($x86_load, from = in(reg) from, value = out($class) value,
                        options(nostack, readonly, preserves_flags));
                    #[cfg(target_arch = "aarch64")]
                    std::arch::asm!($arm_load, from = in(reg) from, value = out(reg) value,
                        options(nostack, readonly, preserves_flags));
                    #[cfg(target_arch = "riscv64")]
                    std::arch::asm!($risc_v_load, from = in(reg) from, value = out(reg) value,
                        options(nostack, readonly, preserves_flags));
                }
                value
            }
            // Miri has no instructions; where accesses of several sizes race, it says so.
            #[cfg(miri)]
            // SAFETY: the caller's promise.
            // Relaxed: see the top of `copy.rs`.
            unsafe { (*from.cast::<std::sync::atomic::$atomic>()).load(std::sync::atomic::Ordering::Relaxed) }
        }

        /// # Safety
        /// It can be written, and is aligned.
        #[inline(always)]
        unsafe fn $store(to: *mut u8, value: $int) {
            #[cfg(not(miri))]
            // SAFETY: the caller's promise.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                std::arch::asm!($x86_store, to = in(reg) to, value = in($class) value,
                    options(nostack, preserves_flags));
                #[cfg(target_arch = "aarch64")]
                std::arch::asm!($arm_store, to = in(reg) to, value = in(reg) value,
                    options(nostack, preserves_flags));
                #[cfg(target_arch = "riscv64")]
                std::arch::asm!($risc_v_store, to = in(reg) to, value = in(reg) value,
                    options(nostack, preserves_flags));
            }
            #[cfg(miri)]
            // SAFETY: the caller's promise.
            // Relaxed: see the top of `copy.rs`.
            unsafe { (*to.cast::<std::sync::atomic::$atomic>()).store(value, std::sync::atomic::Ordering::Relaxed) }
        }
    };
}

accesses!(load_1, store_1, u8, AtomicU8, reg_byte,
    x86: "mov {value}, byte ptr [{from}]", "mov byte ptr [{to}], {value}",
    arm: "ldrb {value:w}, [{from}]", "strb {value:w}, [{to}]",
    risc_v: "lbu {value}, 0({from})", "sb {value}, 0({to})");
accesses!(load_2, store_2, u16, AtomicU16, reg,
    x86: "mov {value:x}, word ptr [{from}]", "mov word ptr [{to}], {value:x}",
    arm: "ldrh {value:w}, [{from}]", "strh {value:w}, [{to}]",
    risc_v: "lhu {value}, 0({from})", "sh {value}, 0({to})");
accesses!(load_4, store_4, u32, AtomicU32, reg,
    x86: "mov {value:e}, dword ptr [{from}]", "mov dword ptr [{to}], {value:e}",
    arm: "ldr {value:w}, [{from}]", "str {value:w}, [{to}]",
    risc_v: "lw {value}, 0({from})", "sw {value}, 0({to})");
accesses!(load_8, store_8, u64, AtomicU64, reg,
    x86: "mov {value}, qword ptr [{from}]", "mov qword ptr [{to}], {value}",
    arm: "ldr {value}, [{from}]", "str {value}, [{to}]",
    risc_v: "ld {value}, 0({from})", "sd {value}, 0({to})");

/// # Safety
/// As for the function of this name one level up.
pub(super) unsafe fn copy_out(from: *const u8, to: *mut u8, len: usize) {
    walk(from.addr(), len, |at, size| {
        // SAFETY: within the bytes that can be read and written; those that are read are aligned, as `walk`
        // says, and those that are written are this process's own.
        unsafe {
            let (from, to) = (from.add(at), to.add(at));
            match size {
                1 => to.write(load_1(from)),
                2 => to.cast::<u16>().write_unaligned(load_2(from)),
                4 => to.cast::<u32>().write_unaligned(load_4(from)),
                8 => to.cast::<u64>().write_unaligned(load_8(from)),
                _ => {
                    let words: [u64; 8] = from_fn(|i| load_8(from.add(8 * i)));
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
        // SAFETY: within the bytes that can be read and written; those that are written are aligned, as
        // `walk` says, and nobody writes those that are read.
        unsafe {
            let (from, to) = (from.add(at), to.add(at));
            match size {
                1 => store_1(to, from.read()),
                2 => store_2(to, from.cast::<u16>().read_unaligned()),
                4 => store_4(to, from.cast::<u32>().read_unaligned()),
                8 => store_8(to, from.cast::<u64>().read_unaligned()),
                _ => {
                    let words: [u64; 8] = from.cast::<[u64; 8]>().read_unaligned();
                    words.iter().enumerate().for_each(|(i, word)| store_8(to.add(8 * i), *word));
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
