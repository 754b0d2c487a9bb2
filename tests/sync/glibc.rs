//! glibc's robust mutex, which shares its list of held mutexes with this crate's locks.
#![allow(clippy::disallowed_types, reason = "what C has in its place")]

use std::ptr::null_mut;

/// A mutex in memory of its own, which a forked child shares.
pub(crate) struct RobustMutex(*mut libc::pthread_mutex_t);

impl RobustMutex {
    pub(crate) fn new() -> Self {
        // SAFETY: fresh memory, as large as a mutex, to initialise one in; it does not move.
        unsafe {
            let (access, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
            let memory =
                libc::mmap(null_mut(), size_of::<libc::pthread_mutex_t>(), access, flags, -1, 0);
            assert_ne!(memory, libc::MAP_FAILED);
            let mut attributes = std::mem::zeroed();
            assert_eq!(libc::pthread_mutexattr_init(&mut attributes), 0);
            let (robust, shared) = (libc::PTHREAD_MUTEX_ROBUST, libc::PTHREAD_PROCESS_SHARED);
            assert_eq!(libc::pthread_mutexattr_setrobust(&mut attributes, robust), 0);
            assert_eq!(libc::pthread_mutexattr_setpshared(&mut attributes, shared), 0);
            assert_eq!(libc::pthread_mutex_init(memory.cast(), &attributes), 0);
            RobustMutex(memory.cast())
        }
    }

    /// What `pthread_mutex_trylock` answers.
    pub(crate) fn try_lock(&self) -> i32 {
        // SAFETY: initialised.
        unsafe { libc::pthread_mutex_trylock(self.0) }
    }

    pub(crate) fn unlock(&self) {
        // SAFETY: initialised; the caller holds it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0) }, 0);
    }
}

impl Drop for RobustMutex {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nobody holds it or borrows it any more.
        unsafe { libc::munmap(self.0.cast(), size_of::<libc::pthread_mutex_t>()) };
    }
}
