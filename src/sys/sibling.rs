//! A copy of this process that is a child of this process's parent, as its own children are: what a fork
//! server makes.
//!
//! glibc's `fork` makes children of the caller only, so this is a `clone` of the kernel's. What glibc
//! does beside it is done here:
//!
//! * the thread's number, which glibc keeps in the thread's control block, becomes that of the copy
//!   (`CLONE_CHILD_SETTID`), and is cleared when the copy ends (`CLONE_CHILD_CLEARTID`);
//! * the kernel is told where the copy's robust list is;
//! * what this crate has each child do after a fork is done.
//!
//! Handlers of `pthread_atfork` that others have registered are not run. The locks of malloc and of the
//! standard streams, which `fork` takes, are free: there is one thread.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::mem::size_of;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mlock, mmap, munmap};

use crate::sys::{CurrentThread, forget_generation, had_threads, memory_file, reserve, threads};

/// `prctl`'s question where the thread's number is kept (of kernels with checkpoint/restore).
const PR_GET_TID_ADDRESS: libc::c_int = 40;

/// The number of the newest sibling, in memory that a process shares with its parent.
///
/// The kernel writes it as it makes the sibling, before that runs: the parent finds it however soon after
/// that the process is killed.
#[derive(Debug)]
pub(crate) struct SiblingNumber(NonNull<AtomicI32>);

// SAFETY: an atomic in memory that stays mapped until the drop.
unsafe impl Send for SiblingNumber {}
// SAFETY: as above.
unsafe impl Sync for SiblingNumber {}

impl SiblingNumber {
    /// One that says 0, and the memory in which a child finds it.
    pub(crate) fn new() -> Result<(Self, OwnedFd), (&'static str, Errno)> {
        let file = memory_file("multiproc-sibling")?;
        reserve(&file, size_of::<AtomicI32>())?;
        Ok((Self::map(&file)?, file))
    }

    /// The number in that memory, for who makes siblings.
    pub(crate) fn of(file: &OwnedFd) -> Result<Self, (&'static str, Errno)> {
        let number = Self::map(file)?;
        // Where the memory would have to be fetched first, the kernel would not write into it for a
        // process that is being killed. If that is refused: it seldom happens.
        // SAFETY: mapped; nothing changes in it.
        let _ = unsafe { mlock(number.0.as_ptr().cast(), size_of::<AtomicI32>()) };
        Ok(number)
    }

    fn map(file: &OwnedFd) -> Result<Self, (&'static str, Errno)> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let bytes = size_of::<AtomicI32>();
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let place = unsafe { mmap(null_mut(), bytes, access, MapFlags::SHARED, file.as_fd(), 0) };
        let place = place.map_err(|errno| ("mmap", errno))?;
        Ok(SiblingNumber(NonNull::new(place.cast()).ok_or(("mmap", Errno::NOMEM))?))
    }

    fn word(&self) -> &AtomicI32 {
        // SAFETY: mapped, with at least its size, until this is dropped, in each process that has it;
        // any bits are a number.
        unsafe { self.0.as_ref() }
    }

    /// No sibling has been made.
    pub(crate) fn clear(&self) {
        // Relaxed: whoever makes a sibling is asked to after that, by a message that carries it.
        self.word().store(0, Ordering::Relaxed);
    }

    /// The newest sibling's, if one has been made.
    pub(crate) fn get(&self) -> Option<i32> {
        // Relaxed: it stands for itself.
        Some(self.word().load(Ordering::Relaxed)).filter(|&number| number > 0)
    }
}

impl Drop for SiblingNumber {
    fn drop(&mut self) {
        // SAFETY: mapped in `map`, and nobody else has the address.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<AtomicI32>()) };
    }
}

/// What a process needs to make siblings.
#[derive(Debug)]
pub(crate) struct SiblingMaker {
    /// Where glibc keeps the thread's number.
    thread_number: NonNull<i32>,
    /// Where glibc has the thread's robust list, and the length of its head; `None` where the kernel
    /// does not tell.
    robust_list: Option<(NonNull<libc::c_void>, usize)>,
}

/// What [`SiblingMaker::make`] gives in either process.
#[derive(Debug)]
pub(crate) enum Made {
    /// In the process that has made a sibling: its number.
    Sibling(i32),
    /// In the sibling.
    ThisProcess,
}

impl SiblingMaker {
    /// `None` where a sibling could not be made whole: this process has, or had, another thread, it holds a
    /// robust lock, or the kernel does not tell where the thread's number is.
    pub(crate) fn new() -> Option<Self> {
        if had_threads() || !matches!(threads(), Ok(1)) {
            return None;
        }
        let mut place: *mut i32 = null_mut();
        // SAFETY: there is room for an address.
        let told = unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut place) };
        let thread_number = NonNull::new(place).filter(|_| told == 0)?;
        // SAFETY: glibc has told the kernel that its own number of this thread is there.
        if unsafe { thread_number.read() } != rustix::thread::gettid().as_raw_nonzero().get() {
            return None;
        }
        let mut head: *mut libc::c_void = null_mut();
        let mut length: usize = 0;
        // SAFETY: there is room for an address and a length.
        let told =
            unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
        let robust_list = NonNull::new(head).filter(|_| told == 0).map(|head| (head, length));
        // SAFETY: the head of glibc's list of this thread, which begins with the address of the first
        // entry; of an empty list that is the head's own.
        let first =
            |head: NonNull<libc::c_void>| unsafe { head.cast::<*mut libc::c_void>().read() };
        // A lock that is held would be the copy's as well.
        if robust_list.is_some_and(|(head, _)| first(head) != head.as_ptr()) {
            return None;
        }
        Some(SiblingMaker { thread_number, robust_list })
    }

    /// Makes a sibling, whose number is in `number` before it runs.
    ///
    /// # Safety
    ///
    /// No other thread has been started since [`SiblingMaker::new`], and the caller is the thread that
    /// called it. What is said of a fork holds: the copy has copies of all that this process has.
    pub(crate) unsafe fn make(&self, number: &SiblingNumber) -> Result<Made, Errno> {
        let flags = libc::CLONE_PARENT
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_SETTID
            | libc::CLONE_CHILD_CLEARTID;
        // SAFETY: without CLONE_VM and with no stack, as a fork: the copy goes on from here with memory
        // of its own. The number is mapped; the thread's own is where glibc keeps it.
        match unsafe { clone(flags, number.0.as_ptr().cast(), self.thread_number.as_ptr()) } {
            -1 => {
                Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::NOSYS))
            }
            0 => {
                if let Some((head, length)) = self.robust_list {
                    // SAFETY: glibc's own list of this thread, which is empty, of which it had told the
                    // kernel before the copy was made.
                    unsafe { libc::syscall(libc::SYS_set_robust_list, head.as_ptr(), length) };
                }
                forget_generation();
                CurrentThread::after_fork();
                Ok(Made::ThisProcess)
            }
            sibling => Ok(Made::Sibling(sibling)),
        }
    }
}

/// The kernel's `clone` with the caller's stack, whose arguments come in an order of each machine.
///
/// # Safety
///
/// As for a fork; and the kernel may write to both addresses as the flags say.
unsafe fn clone(flags: libc::c_int, parent: *mut i32, child: *mut i32) -> i32 {
    let stack = null_mut::<libc::c_void>();
    let tls = null_mut::<libc::c_void>();
    let flags = libc::c_long::from(flags);
    // SAFETY: the caller's promise.
    #[cfg(target_arch = "x86_64")]
    let made = unsafe { libc::syscall(libc::SYS_clone, flags, stack, parent, child, tls) };
    // SAFETY: the caller's promise.
    #[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
    let made = unsafe { libc::syscall(libc::SYS_clone, flags, stack, parent, tls, child) };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
    let made: libc::c_long = {
        let _ = (flags, stack, parent, child, tls);
        // SAFETY: glibc's own error of this thread.
        unsafe { *libc::__errno_location() = libc::ENOSYS };
        -1
    };
    made as i32
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    /// How a process that `fork` makes ends, after `body`.
    fn forked(body: impl FnOnce() -> i32) -> Option<i32> {
        // SAFETY: the child runs `body`, which needs nothing that a thread of the parent may have
        // locked, and never returns from here.
        match unsafe { libc::fork() } {
            // SAFETY: it ends the child.
            0 => unsafe { libc::_exit(body()) },
            child => ended(child),
        }
    }

    fn ended(child: i32) -> Option<i32> {
        let pid = Pid::from_raw(child).expect("a child");
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).expect("a child of ours")?.exit_status()
    }

    /// A process that has had threads, as the harness, makes none.
    #[test]
    fn beside_threads_no_sibling_is_made() {
        std::thread::spawn(|| ()).join().expect("it does nothing");
        assert!(SiblingMaker::new().is_none());
    }

    /// The number is that of a child of the test's process, which is not the maker's.
    #[test]
    fn the_number_is_where_the_parent_finds_it() {
        let (number, file) = SiblingNumber::new().expect("a page");
        assert_eq!(number.get(), None);
        let own = SiblingNumber::of(&file).expect("a page");
        // Relaxed: there is one thread.
        own.word().store(7, Ordering::Relaxed);
        assert_eq!(number.get(), Some(7));
        number.clear();
        assert_eq!(own.get(), None);
        assert_eq!(forked(|| i32::from(SiblingNumber::of(&file).is_err())), Some(0));
    }
}
