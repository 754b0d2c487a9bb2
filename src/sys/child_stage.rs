//! How far this process has come that was started as a child: a number that all copies of this crate
//! have in common which are linked into the program, whatever their versions. A forked process has its
//! parent's.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

// The linker makes one of all that have the name; those that are compiled as one have it once. A library
// has its own: there, no child begins.
std::arch::global_asm!(
    ".ifndef multiproc_child_stage",
    ".weak multiproc_child_stage",
    ".hidden multiproc_child_stage",
    ".pushsection .data.multiproc_child_stage, \"aw\"",
    ".balign 4",
    "multiproc_child_stage:",
    ".4byte 0",
    ".popsection",
    ".endif",
);

unsafe extern "C" {
    static multiproc_child_stage: AtomicU32;
}

// Not inlined, both: what is hidden in a library cannot be seen from what is linked with it.

/// 0 until another is set.
#[inline(never)]
pub(crate) fn child_stage() -> u32 {
    // SAFETY: four bytes that are defined above, aligned, and only used as this atomic.
    // Relaxed: it stands for itself.
    unsafe { &multiproc_child_stage }.load(Relaxed)
}

#[inline(never)]
pub(crate) fn set_child_stage(stage: u32) {
    // SAFETY: as above.
    // Relaxed: as above.
    unsafe { &multiproc_child_stage }.store(stage, Relaxed);
}
