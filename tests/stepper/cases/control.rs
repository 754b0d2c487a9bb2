//! Kills at locks that are known to let their waiters hang.
#![allow(clippy::disallowed_types, reason = "what others use")]

use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

use crate::trial::{Failure, Trial, check};

/// Zeroed memory that forked children share.
struct Page(NonNull<u8>);

impl Page {
    const BYTES: usize = 4096;

    fn new() -> Self {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: fresh memory, where the kernel likes.
        let memory = unsafe { libc::mmap(null_mut(), Self::BYTES, access, flags, -1, 0) };
        assert_ne!(memory, libc::MAP_FAILED);
        Page(NonNull::new(memory.cast()).unwrap())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; what borrowed from it is gone.
        unsafe { libc::munmap(self.0.as_ptr().cast(), Self::BYTES) };
    }
}

/// Free, held, or held with waiters.
struct Plain(Page);

impl Plain {
    fn word(&self) -> &AtomicU32 {
        // SAFETY: mapped as long as `self`, aligned, and only ever used as an atomic.
        unsafe { self.0.0.cast().as_ref() }
    }

    fn lock(&self) {
        let swap = |old, new| {
            self.word().compare_exchange(old, new, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        if swap(0, 1) {
            return;
        }
        while self.word().swap(2, Ordering::Acquire) != 0 {
            let _ = futex::wait(self.word(), futex::Flags::empty(), 2, None);
        }
    }

    fn unlock(&self) {
        if self.word().swap(0, Ordering::Release) == 2 {
            let _ = futex::wake(self.word(), futex::Flags::empty(), 1);
        }
    }
}

/// The owner's death is not reported.
pub(crate) fn plain(trial: &Trial) -> Result<(), Failure> {
    let lock = Plain(Page::new());
    let mut tracee = trial.tracee(|| lock.lock(), |()| lock.unlock())?;
    let next = || {
        lock.lock();
        lock.unlock();
        0
    };
    let waiter = trial.waiter(next)?;
    tracee.finish()?;
    tracee.kill();
    waiter.join().map(drop)
}

/// glibc's robust mutex.
struct Robust(Page);

impl Robust {
    fn new() -> Self {
        let page = Page::new();
        // SAFETY: plain memory, larger than a mutex, to initialise one in; it does not move.
        unsafe {
            let mut attributes = std::mem::zeroed();
            assert_eq!(libc::pthread_mutexattr_init(&mut attributes), 0);
            let (robust, shared) = (libc::PTHREAD_MUTEX_ROBUST, libc::PTHREAD_PROCESS_SHARED);
            assert_eq!(libc::pthread_mutexattr_setrobust(&mut attributes, robust), 0);
            assert_eq!(libc::pthread_mutexattr_setpshared(&mut attributes, shared), 0);
            assert_eq!(libc::pthread_mutex_init(page.0.as_ptr().cast(), &attributes), 0);
        }
        Robust(page)
    }

    fn raw(&self) -> *mut libc::pthread_mutex_t {
        self.0.0.as_ptr().cast()
    }

    fn lock(&self) {
        // SAFETY: initialised, and mapped as long as `self`.
        self.repair(unsafe { libc::pthread_mutex_lock(self.raw()) });
    }

    fn try_lock(&self) -> bool {
        // SAFETY: as above.
        self.repair(unsafe { libc::pthread_mutex_trylock(self.raw()) })
    }

    fn repair(&self, code: i32) -> bool {
        if code == libc::EOWNERDEAD {
            // SAFETY: this thread holds it, as the code says.
            assert_eq!(unsafe { libc::pthread_mutex_consistent(self.raw()) }, 0);
        }
        code == 0 || code == libc::EOWNERDEAD
    }

    fn unlock(&self) {
        // SAFETY: initialised; the caller holds it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.raw()) }, 0);
    }

    fn lock_and_unlock(&self) -> u8 {
        self.lock();
        self.unlock();
        0
    }
}

/// The tracee is killed after the word is free and before the waiter is woken. An overtaker that locks
/// it then hides from the kernel that a waiter must still be woken.
pub(crate) fn glibc_unlock(trial: &Trial) -> Result<(), Failure> {
    let mutex = Robust::new();
    let mut tracee = trial.tracee(|| mutex.lock(), |()| mutex.unlock())?;
    let waiter = trial.waiter(|| mutex.lock_and_unlock())?;
    tracee.finish()?;
    let overtaken = mutex.try_lock();
    tracee.kill();
    if overtaken {
        mutex.unlock();
    }
    waiter.join().map(drop)
}

/// The same for a tracee that was woken and is killed before it has locked.
pub(crate) fn glibc_woken(trial: &Trial) -> Result<(), Failure> {
    let mutex = Robust::new();
    let mut tracee = trial.tracee(|| (), |()| assert_eq!(mutex.lock_and_unlock(), 0))?;
    check(mutex.try_lock(), || "a fresh mutex is locked".into())?;
    tracee.step()?;
    let waiter = trial.waiter(|| mutex.lock_and_unlock())?;
    mutex.unlock();
    tracee.finish()?;
    let overtaken = mutex.try_lock();
    tracee.kill();
    if overtaken {
        mutex.unlock();
    }
    waiter.join().map(drop)
}
