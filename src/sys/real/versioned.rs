//! A word with a version, both changed in one step: so a word that has come back to an old value is told
//! from one that has never left it.
//!
//! # One step of eight bytes over two atomics of four
//!
//! Rust has no such step: by std's rules no atomic of eight bytes may race with those of four that lie in
//! the same place. So it is assembly, which Rust's rules know only by what it does; and that is what an
//! operation on each of the two atomics would do, one after the other, in an execution in which nobody
//! else does anything in between. Wherever the two operations can be executed, one such execution is
//! among the possible ones, and the assembly takes that one. An access of eight bytes does not occur in
//! it. (The kernel's steps on a futex, as that of [`Word::wake_op`], are no operations of Rust's either.)
//!
//! That nobody comes between, also of those who access one of the two words alone, the processor
//! promises for eight bytes that are aligned to eight: x86-64 for an instruction with `lock`, Arm and
//! RISC-V for a store-exclusive (store-conditional), which fails if any of the bytes has been written
//! since they were loaded.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::arch::asm;
use std::ops::Deref;
use std::ptr;

use crate::sys::Ordering::{self, Acquire, Relaxed};
use crate::sys::real::word::Word;

/// A [`Word`], which it derefs to, and its version. All zero is valid.
///
/// The version changes with [`Versioned::exchange`] and [`Versioned::exchange_since`], and not with what
/// is done to the word alone.
#[repr(C, align(8))]
#[derive(Debug)]
pub(crate) struct Versioned {
    word: Word,
    version: Word,
}

const _: () = assert!(size_of::<Versioned>() == 8);

impl Versioned {
    pub(crate) const fn new(value: u32) -> Self {
        Versioned { word: Word::new(value), version: Word::new(0) }
    }

    #[inline(always)]
    pub(crate) const fn word(&self) -> &Word {
        &self.word
    }

    /// The version now, before anything that the caller does after.
    pub(crate) fn version(&self) -> u32 {
        // Acquire: as said. It pairs with the exchanges, which release: whoever wrote the word
        // together with this version did so before what the caller does next.
        self.version.load(Acquire)
    }

    /// Exchanges the word, if it is `old`, and counts its version up, in one step; else gives what the
    /// word is. The step is Acquire and Release; `_order` is what the protocol asks.
    pub(crate) fn exchange(&self, old: u32, new: u32, _order: Ordering) -> Result<(), u32> {
        // Relaxed: only a guess.
        let mut version = self.version.load(Relaxed);
        loop {
            match self.exchange_both(version, old, new) {
                Ok(()) => return Ok(()),
                Err((now, _)) if now != old => return Err(now),
                Err((_, now)) => version = now,
            }
        }
    }

    /// As [`Versioned::exchange`], if the version is still the one that was seen before; gives whether
    /// it was done.
    pub(crate) fn exchange_since(
        &self,
        version: u32,
        old: u32,
        new: u32,
        _order: Ordering,
    ) -> bool {
        self.exchange_both(version, old, new).is_ok()
    }

    /// Gives both as they are, where one is another.
    fn exchange_both(&self, version: u32, old: u32, new: u32) -> Result<(), (u32, u32)> {
        let place = ptr::from_ref(self).cast_mut().cast::<u64>();
        let expected = both(old, version);
        // SAFETY: both words lie at `place`, aligned to eight, and may be written through a shared
        // reference, as atomics are. What others do to them meanwhile, in any process that maps them,
        // are atomic operations on one of the two, or this one; see above.
        let seen = unsafe { exchange(place, expected, both(new, version.wrapping_add(1))) };
        if seen == expected { Ok(()) } else { Err(apart(seen)) }
    }
}

impl Deref for Versioned {
    type Target = Word;

    #[inline(always)]
    fn deref(&self) -> &Word {
        &self.word
    }
}

/// Both words as the eight bytes that they lie in.
fn both(word: u32, version: u32) -> u64 {
    let little = u64::from(version) << 32 | u64::from(word);
    if cfg!(target_endian = "little") { little } else { little.rotate_left(32) }
}

fn apart(both: u64) -> (u32, u32) {
    let little = if cfg!(target_endian = "little") { both } else { both.rotate_left(32) };
    (little as u32, (little >> 32) as u32)
}

/// Writes `new` to the eight bytes at `place` if they are `old`, in one step that is Acquire and Release;
/// gives what they were.
///
/// # Safety
/// The bytes are aligned to eight, are there, and may be written while others do.
#[cfg(target_arch = "x86_64")]
unsafe fn exchange(place: *mut u64, old: u64, new: u64) -> u64 {
    let seen;
    // SAFETY: the caller's promise; it uses no stack.
    unsafe {
        asm!(
            "lock cmpxchg qword ptr [{place}], {new}",
            place = in(reg) place,
            new = in(reg) new,
            inout("rax") old => seen,
            options(nostack),
        );
    }
    seen
}

/// # Safety
/// As above.
#[cfg(target_arch = "aarch64")]
unsafe fn exchange(place: *mut u64, old: u64, new: u64) -> u64 {
    let seen;
    // SAFETY: as above. It ends: nothing but the step itself lies between the two exclusives.
    unsafe {
        asm!(
            "2:",
            "ldaxr {seen}, [{place}]",
            "cmp {seen}, {old}",
            "b.ne 3f",
            "stlxr {failed:w}, {new}, [{place}]",
            "cbnz {failed:w}, 2b",
            "3:",
            place = in(reg) place,
            old = in(reg) old,
            new = in(reg) new,
            seen = out(reg) seen,
            failed = out(reg) _,
            options(nostack),
        );
    }
    seen
}

/// # Safety
/// As above.
#[cfg(target_arch = "riscv64")]
unsafe fn exchange(place: *mut u64, old: u64, new: u64) -> u64 {
    let seen;
    // SAFETY: as above.
    unsafe {
        asm!(
            "2:",
            "lr.d.aq {seen}, ({place})",
            "bne {seen}, {old}, 3f",
            "sc.d.rl {failed}, {new}, ({place})",
            "bnez {failed}, 2b",
            "3:",
            place = in(reg) place,
            old = in(reg) old,
            new = in(reg) new,
            seen = out(reg) seen,
            failed = out(reg) _,
            options(nostack),
        );
    }
    seen
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!(
    "multiproc runs on x86_64, aarch64 and riscv64: its locks need an exchange of eight bytes that may \
     race with atomics of four, which Rust has only as assembly; for another processor, add one to \
     src/sys/real/versioned.rs"
);

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn both_are_exchanged_or_neither() {
        // Relaxed: there is one thread.
        let word = Versioned::new(7);
        assert_eq!(word.exchange(8, 9, Relaxed), Err(7));
        assert_eq!((word.load(Relaxed), word.version()), (7, 0));
        assert_eq!(word.exchange(7, 8, Relaxed), Ok(()));
        assert_eq!((word.load(Relaxed), word.version()), (8, 1));
        assert!(!word.exchange_since(0, 8, 9, Relaxed), "of another version");
        assert!(!word.exchange_since(1, 7, 9, Relaxed), "of another value");
        assert_eq!((word.load(Relaxed), word.version()), (8, 1));
        assert!(word.exchange_since(1, 8, 9, Relaxed));
        assert_eq!((word.load(Relaxed), word.version()), (9, 2));
    }

    #[test]
    fn the_version_goes_round() {
        // Relaxed: as above.
        let word = Versioned { word: Word::new(u32::MAX), version: Word::new(u32::MAX) };
        assert_eq!(word.exchange(u32::MAX, 1, Relaxed), Ok(()));
        assert_eq!((word.load(Relaxed), word.version()), (1, 0));
    }

    /// Some exchange both, others the word alone: no step of either is lost.
    #[test]
    fn it_may_race_with_exchanges_of_the_word() {
        const ROUNDS: u32 = 50_000;
        let word = Versioned::new(0);
        let add = |exchange: &dyn Fn(u32, u32) -> Result<(), u32>| {
            let mut seen = 0;
            for _ in 0..ROUNDS {
                while let Err(now) = exchange(seen, seen + 1) {
                    seen = now;
                }
            }
        };
        // Relaxed: only the numbers are looked at, at last when the threads are joined.
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| add(&|old, new| word.exchange(old, new, Relaxed)));
                scope.spawn(|| {
                    add(&|old, new| word.compare_exchange(old, new, Relaxed, Relaxed).map(drop))
                });
            }
        });
        assert_eq!((word.load(Relaxed), word.version()), (4 * ROUNDS, 2 * ROUNDS));
    }
}
