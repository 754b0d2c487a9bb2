//! A clock that cannot be read, as in a sandbox where the kernel has to be asked for the time and
//! is not to answer. Here libc's function is another, which says so when it is told to.
#![cfg(not(modelled))]

use std::io::Read;

use multiproc::process::Stdio;
use multiproc::{Condition, Event, Process, ProcessError, RLock};

/// In this process, from here on.
static DENIED: Event = Event::new();

/// In place of libc's, for all of this program.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> i32 {
    if DENIED.is_set() {
        // SAFETY: this thread's own.
        unsafe { *libc::__errno_location() = libc::EPERM };
        return -1;
    }
    // SAFETY: the caller's promise.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as i32 }
}

/// The lock is given up by then, at all levels, and a panic would go on with the guards.
#[test]
fn a_wait_that_cannot_read_the_clock_ends_the_process() {
    let waits = |()| {
        let (lock, changed) = (RLock::new(()), Condition::new());
        let _outer = lock.lock().unwrap();
        let inner = lock.lock().unwrap();
        DENIED.set();
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| _ = changed.wait(inner)));
    };
    let child = Process::builder().stderr(Stdio::Piped).spawn(waits, ()).unwrap();
    let mut said = String::new();
    child.take_stderr().unwrap().read_to_string(&mut said).unwrap();
    let ended = child.join().unwrap_err();
    assert!(matches!(ended, ProcessError::Signaled(libc::SIGABRT)), "{ended}: {said}");
    assert!(said.contains("clock_gettime is not to be had: EPERM"), "{said}");
}
