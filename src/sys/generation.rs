//! Which copy of the memory this process has.
//!
//! What remembers its process (a handle, a pool, a hook for the end) lies in memory that a fork
//! copies, also one that this crate does not see: a daemonizer's, a C library's, a bare `clone`. So
//! it keeps the generation in which it was made, and is refused where the generation is another.
//!
//! ```text
//! page     the generation; the kernel empties it in a child     (MADV_WIPEONFORK)
//! NEWEST   the highest that was given; a child has its parent's, and gives itself the next
//! ```
//!
//! A process number alone would not do: it comes round again, and asking for it is a system call. Where
//! the kernel empties no page it does with the help of glibc, which tells of its forks; also where it says
//! that it will and does not, as old emulators.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::process::getpid;

static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(null_mut());

/// Never emptied.
static NEWEST: AtomicU64 = AtomicU64::new(0);

/// Where the kernel empties no page (before Linux 4.14, or in a sandbox): the process number, and in
/// the upper half the generation. In a child of glibc's `fork` there is no number until it asks: one of an
/// ancestor may have come round again, and be the child's.
static NUMBERED: AtomicU64 = AtomicU64::new(0);

/// The half of it that has the number.
const NUMBER: u64 = u32::MAX as u64;

/// What the page had when a fork began.
static PARENTS: AtomicU64 = AtomicU64::new(0);

/// How many forks, plus one, lie between the first process that asked and this one. Higher in a
/// child than in each of its ancestors; the same in all threads. Two children of one parent may have
/// the same: neither has anything of the other's.
pub(crate) fn fork_generation() -> u64 {
    // Acquire: pairs with the Release in `make_page`; the page is mapped.
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: null, or the page, which is never unmapped.
    match unsafe { page.as_ref() } {
        // Relaxed: here and below, a generation stands for itself and carries nothing.
        Some(page) => match page.load(Ordering::Relaxed) {
            0 => begin(page),
            generation => generation,
        },
        None => make_page().map_or_else(by_number, begin),
    }
}

#[cold]
fn begin(page: &AtomicU64) -> u64 {
    // Before the page: a child that is forked in between gives itself a higher one. Relaxed: here and
    // below, as above.
    let next = NEWEST.fetch_add(1, Ordering::Relaxed) + 1;
    match page.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => next,
        Err(other) => other,
    }
}

/// The page, made by this thread or by another just now; `None` where there can be none.
#[cold]
fn make_page() -> Option<&'static AtomicU64> {
    // Relaxed: it is only asked whether this has been tried.
    if NUMBERED.load(Ordering::Relaxed) != 0 {
        return None;
    }
    let bytes = rustix::param::page_size();
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh mapping at an address that the kernel chooses.
    let made = unsafe { mmap_anonymous(null_mut(), bytes, access, MapFlags::PRIVATE) }.ok()?;
    let unmap = || {
        // SAFETY: the mapping that was just made, which nobody else knows.
        let _ = unsafe { munmap(made, bytes) };
    };
    // SAFETY: as above; what it advises is for children.
    if unsafe { madvise(made, bytes, Advice::LinuxWipeOnFork) }.is_err() {
        unmap();
        return None;
    }
    // By each thread that comes here meanwhile, which does no harm. Without memory for it the kernel's word
    // is taken.
    // SAFETY: the handlers touch atomics, and may run at any time.
    unsafe { libc::pthread_atfork(Some(note_parents), None, Some(empty_page)) };
    // Release: pairs with the Acquire in `fork_generation`. Acquire: as there.
    let first =
        PAGE.compare_exchange(null_mut(), made.cast(), Ordering::Release, Ordering::Acquire);
    let page = match first {
        Ok(_) => made.cast(),
        Err(other) => {
            unmap();
            other
        }
    };
    // SAFETY: mapped, aligned to a page, all zero or an atomic's value, and never unmapped.
    Some(unsafe { &*page })
}

/// Before a fork.
extern "C" fn note_parents() {
    // Acquire: as in `fork_generation`.
    // SAFETY: as there.
    if let Some(page) = unsafe { PAGE.load(Ordering::Acquire).as_ref() } {
        // Relaxed: here and below, a generation stands for itself. Other threads that fork now note the same.
        PARENTS.store(page.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// In a child: what the kernel has not emptied is still the parent's. (Another handler may have asked
/// before, after the kernel has: then it is the child's own.)
extern "C" fn empty_page() {
    // Acquire: as in `fork_generation`.
    // SAFETY: as there.
    if let Some(page) = unsafe { PAGE.load(Ordering::Acquire).as_ref() } {
        // Relaxed: as above.
        let parents = PARENTS.load(Ordering::Relaxed);
        let _ = page.compare_exchange(parents, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cold]
fn by_number() -> u64 {
    let pid = getpid().as_raw_nonzero().get() as u64;
    // Relaxed: here and below, number and generation are one word, which carries nothing else.
    let mut seen = NUMBERED.load(Ordering::Relaxed);
    if seen == 0 {
        // Before there is a number; by each thread that comes here meanwhile, which does no harm. Without
        // memory for it the number is taken for what it is.
        // SAFETY: the handler touches an atomic, and may run at any time.
        unsafe { libc::pthread_atfork(None, None, Some(forget_number)) };
    }
    while seen & NUMBER != pid {
        let next = (seen >> 32) + 1;
        // Relaxed: as above.
        match NUMBERED.compare_exchange(
            seen,
            next << 32 | pid,
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            Ok(_) => return next,
            Err(now) => seen = now,
        }
    }
    seen >> 32
}

/// In a child.
extern "C" fn forget_number() {
    // Relaxed: as above.
    NUMBERED.fetch_and(!NUMBER, Ordering::Relaxed);
}

/// In a process that a bare `clone` has just made, before anything else there: libc runs no handlers, and
/// the kernel may not have emptied the page.
pub(crate) fn forget_generation() {
    // Acquire: as in `fork_generation`.
    // SAFETY: as there.
    if let Some(page) = unsafe { PAGE.load(Ordering::Acquire).as_ref() } {
        // Relaxed: as above; nobody else is in this process.
        page.store(0, Ordering::Relaxed);
    }
    forget_number();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ask` gives in a child, or in a child's child and so on, by bare forks.
    fn in_child(ask: fn() -> u64, depth: u32) -> u64 {
        // SAFETY: the child asks, which needs no lock, and leaves.
        match unsafe { libc::fork() } {
            0 => {
                let seen = if depth == 1 { ask() } else { in_child(ask, depth - 1) };
                // SAFETY: it ends the child.
                unsafe { libc::_exit(seen as i32) }
            }
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                libc::WEXITSTATUS(status) as u64
            }
        }
    }

    /// What `ask` gives in this process, in a child and in a child's child, by bare forks.
    fn lineage(ask: fn() -> u64) -> [u64; 3] {
        let own = ask();
        let all = [own, in_child(ask, 1), in_child(ask, 2)];
        assert_eq!(ask(), own, "a fork changes nothing for the parent");
        all
    }

    #[test]
    fn a_child_is_of_another_generation_than_its_ancestors() {
        for ask in [fork_generation, by_number] {
            let [own, child, grandchild] = lineage(ask);
            assert!(own > 0 && child > own && grandchild > own, "{own}, {child}, {grandchild}");
            assert_eq!(std::thread::spawn(ask).join().unwrap(), own, "of all threads");
        }
    }

    /// What answers that it will empty the page and does not.
    #[test]
    fn a_child_is_of_another_generation_also_where_the_kernel_empties_nothing() {
        let apart = || {
            fork_generation();
            // SAFETY: the page, of which it undoes the advice.
            let kept = unsafe {
                // Relaxed: as below.
                let page = PAGE.load(Ordering::Relaxed).cast();
                madvise(page, rustix::param::page_size(), Advice::LinuxKeepOnFork)
            };
            let [own, child, grandchild] = lineage(fork_generation);
            let next_is_later = || {
                let own = fork_generation();
                u64::from(in_child(fork_generation, 1) > own)
            };
            let as_it_should = child > own && grandchild > own && in_child(next_is_later, 1) == 1;
            u64::from(kept.is_ok() && as_it_should)
        };
        fork_generation();
        // Relaxed: this thread has just asked.
        if PAGE.load(Ordering::Relaxed).is_null() {
            eprintln!("SKIPPED: the kernel empties no page here");
            return;
        }
        // In a child, whose page is its own.
        assert_eq!(in_child(apart, 1), 1);
    }

    /// A child's child may have the number of an ancestor that has ended.
    #[test]
    fn a_child_knows_no_number_of_its_ancestors() {
        by_number();
        // Relaxed: this thread has just asked.
        assert_ne!(NUMBERED.load(Ordering::Relaxed) & NUMBER, 0);
        let [_, child, grandchild] = lineage(|| NUMBERED.load(Ordering::Relaxed) & NUMBER);
        assert_eq!([child, grandchild], [0, 0]);
    }
}
