//! What the loader runs of a program before `main`: the entries of its `.init_array`.
//!
//! One of them that never returns, as that of a spawned child, keeps those behind it from being run.
//! Other code may rely on them: the globals of C++ are made there, and so is what a Rust crate puts
//! there. So they are run in its place, with what the loader would have given them.

use std::ffi::{c_char, c_int};

/// An entry. Some take nothing, and are called so all the same, by the loader too.
pub(crate) type Constructor = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

/// What glibc gives to each entry.
#[derive(Clone, Copy)]
pub(crate) struct Arguments {
    pub(crate) argc: c_int,
    pub(crate) argv: *const *const c_char,
    pub(crate) envp: *const *const c_char,
}

// The end of the array of the program or library that this is linked into, which every linker tells
// where it is asked for; and for a library, where some have nothing to tell, null: it is weak. Rust has
// no word for that yet. Two copies of this crate that are compiled as one have it once.
std::arch::global_asm!(
    ".ifndef multiproc_init_array_end",
    ".weak __init_array_end",
    ".hidden __init_array_end",
    ".weak multiproc_init_array_end",
    ".hidden multiproc_init_array_end",
    ".pushsection .data.rel.ro.multiproc_init_array_end, \"aw\"",
    ".balign 8",
    "multiproc_init_array_end:",
    ".8byte __init_array_end",
    ".popsection",
    ".endif",
);

unsafe extern "C" {
    static multiproc_init_array_end: *const Constructor;
}

/// The entries that the loader has not come to yet.
pub(crate) struct Constructors {
    /// So many, up to there.
    count: usize,
    end: *const Constructor,
    arguments: Arguments,
}

impl Constructors {
    /// Those behind `running`, an entry of the program's own array which the loader runs at this
    /// moment, with these arguments. `None` where the linker does not tell where the array ends.
    // Not inlined: what is hidden in a library cannot be seen from what is linked with it.
    #[inline(never)]
    pub(crate) fn behind(running: &'static Constructor, arguments: Arguments) -> Option<Self> {
        // SAFETY: a word that is defined above, which nobody changes once the loader has set it.
        let end = unsafe { multiproc_init_array_end };
        let from_here = end.addr().checked_sub(std::ptr::from_ref(running).addr())?;
        let count = (from_here / size_of_val(running)).checked_sub(1)?;
        Some(Constructors { count, end, arguments })
    }

    /// Whether that function is among them.
    pub(crate) fn contains(&self, function: *const ()) -> bool {
        self.iter().any(|entry| entry as *const () == function)
    }

    /// Runs them, in the order in which the loader would. One that unwinds (an exception of C++'s) finds
    /// nobody who catches it, here as in the loader, and ends the process.
    ///
    /// # Safety
    ///
    /// The loader does not come to them: this process never returns from the entry that it runs.
    pub(crate) unsafe fn run(self) {
        let Arguments { argc, argv, envp } = self.arguments;
        self.iter().for_each(|constructor| constructor(argc, argv, envp));
    }

    fn iter(&self) -> impl Iterator<Item = Constructor> {
        let end = self.end;
        // SAFETY: an entry lies at each place from one of the array's to its end, and the loader would
        // call what is there. (What it could not call, it would not have skipped either.)
        (1..=self.count).rev().map(move |back| unsafe { *end.wrapping_sub(back) })
    }
}
