//! Deaths around locks that are known to leave others hanging.
#![allow(clippy::disallowed_types, reason = "what others use")]

use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

use crate::cut::{Cut, Harm, sure};

/// All zero memory that forked children share.
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

/// Free, held, or held with someone asleep.
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

/// Nobody learns that the owner died.
pub(crate) fn plain(cut: &Cut) -> Result<(), Harm> {
    let lock = Plain(Page::new());
    let mut victim = cut.victim(|| lock.lock(), |()| lock.unlock())?;
    let next = || {
        lock.lock();
        lock.unlock();
        0
    };
    let sleeper = cut.sleeper(next)?;
    victim.finish()?;
    victim.kill();
    sleeper.ends().map(drop)
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
        self.mend(unsafe { libc::pthread_mutex_lock(self.raw()) });
    }

    fn try_lock(&self) -> bool {
        // SAFETY: as above.
        self.mend(unsafe { libc::pthread_mutex_trylock(self.raw()) })
    }

    fn mend(&self, answer: i32) -> bool {
        if answer == libc::EOWNERDEAD {
            // SAFETY: this thread holds it, as the answer says.
            assert_eq!(unsafe { libc::pthread_mutex_consistent(self.raw()) }, 0);
        }
        answer == 0 || answer == libc::EOWNERDEAD
    }

    fn unlock(&self) {
        // SAFETY: initialised; the caller holds it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.raw()) }, 0);
    }

    fn pass(&self) -> u8 {
        self.lock();
        self.unlock();
        0
    }
}

/// Killed after the word is free and before the sleeper is woken: who comes in between hides from
/// the kernel that someone is owed a wake.
pub(crate) fn glibc_unlock(cut: &Cut) -> Result<(), Harm> {
    let mutex = Robust::new();
    let mut victim = cut.victim(|| mutex.lock(), |()| mutex.unlock())?;
    let sleeper = cut.sleeper(|| mutex.pass())?;
    victim.finish()?;
    let barged = mutex.try_lock();
    victim.kill();
    if barged {
        mutex.unlock();
    }
    sleeper.ends().map(drop)
}

/// Killed when it was woken and has not locked yet: the same.
pub(crate) fn glibc_woken(cut: &Cut) -> Result<(), Harm> {
    let mutex = Robust::new();
    let mut victim = cut.victim(|| (), |()| assert_eq!(mutex.pass(), 0))?;
    sure(mutex.try_lock(), || "a fresh mutex is locked".into())?;
    victim.step()?;
    let sleeper = cut.sleeper(|| mutex.pass())?;
    mutex.unlock();
    victim.finish()?;
    let barged = mutex.try_lock();
    victim.kill();
    if barged {
        mutex.unlock();
    }
    sleeper.ends().map(drop)
}
