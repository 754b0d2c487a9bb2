//! glibc's robust mutex, which shares its list of held mutexes with this crate's locks.
#![allow(clippy::disallowed_types, reason = "what C has in its place")]

use std::cell::UnsafeCell;

pub(crate) struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is for several threads.
unsafe impl Sync for RobustMutex {}
// SAFETY: it is boxed before it is initialised and never moves after.
unsafe impl Send for RobustMutex {}

impl RobustMutex {
    pub(crate) fn new() -> Box<Self> {
        let mutex = Box::new(RobustMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        // SAFETY: all zero is a place to initialise; the box does not move.
        unsafe {
            let mut attributes = std::mem::zeroed();
            assert_eq!(libc::pthread_mutexattr_init(&mut attributes), 0);
            let robust = libc::PTHREAD_MUTEX_ROBUST;
            assert_eq!(libc::pthread_mutexattr_setrobust(&mut attributes, robust), 0);
            assert_eq!(libc::pthread_mutex_init(mutex.0.get(), &attributes), 0);
        }
        mutex
    }

    /// What `pthread_mutex_trylock` answers.
    pub(crate) fn try_lock(&self) -> i32 {
        // SAFETY: initialised.
        unsafe { libc::pthread_mutex_trylock(self.0.get()) }
    }

    pub(crate) fn unlock(&self) {
        // SAFETY: initialised; the caller holds it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0.get()) }, 0);
    }
}
