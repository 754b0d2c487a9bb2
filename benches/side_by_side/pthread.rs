//! glibc's own primitives, as a program in C would use them between processes.
#![allow(clippy::disallowed_types, reason = "what C has in its place")]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// A robust, process-shared mutex.
pub(crate) struct RobustMutex(Box<UnsafeCell<libc::pthread_mutex_t>>);

impl RobustMutex {
    pub(crate) fn new() -> Self {
        let mut attributes = MaybeUninit::uninit();
        let mutex = Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        // SAFETY: the attributes are initialised before use, and the box does not move.
        unsafe {
            let attributes = attributes.as_mut_ptr();
            assert_eq!(libc::pthread_mutexattr_init(attributes), 0);
            let shared = libc::PTHREAD_PROCESS_SHARED;
            assert_eq!(libc::pthread_mutexattr_setpshared(attributes, shared), 0);
            let robust = libc::PTHREAD_MUTEX_ROBUST;
            assert_eq!(libc::pthread_mutexattr_setrobust(attributes, robust), 0);
            assert_eq!(libc::pthread_mutex_init(mutex.get(), attributes), 0);
        }
        RobustMutex(mutex)
    }

    #[inline]
    pub(crate) fn with<R>(&self, inside: impl FnOnce() -> R) -> R {
        // SAFETY: initialised, and locked and unlocked by the same thread.
        unsafe {
            assert_eq!(libc::pthread_mutex_lock(self.0.get()), 0);
            let result = inside();
            assert_eq!(libc::pthread_mutex_unlock(self.0.get()), 0);
            result
        }
    }
}

/// A process-shared POSIX semaphore.
pub(crate) struct Sem(Box<UnsafeCell<libc::sem_t>>);

impl Sem {
    pub(crate) fn new(permits: u32) -> Self {
        // SAFETY: all zero is a valid place to initialise, and the box does not move.
        let sem = Box::new(UnsafeCell::new(unsafe { std::mem::zeroed() }));
        // SAFETY: as above.
        assert_eq!(unsafe { libc::sem_init(sem.get(), 1, permits) }, 0);
        Sem(sem)
    }

    #[inline]
    pub(crate) fn with<R>(&self, inside: impl FnOnce() -> R) -> R {
        // SAFETY: initialised.
        unsafe {
            assert_eq!(libc::sem_wait(self.0.get()), 0);
            let result = inside();
            assert_eq!(libc::sem_post(self.0.get()), 0);
            result
        }
    }
}
