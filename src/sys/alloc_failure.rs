//! Telling a process that aborts because an allocation has failed from one that aborts for another reason.
//!
//! On stable Rust nothing else is told of a failed allocation: `handle_alloc_error` says it on the standard
//! error and aborts. So a handler of SIGABRT looks whether that function is among the callers, and if so
//! writes a mark into a file.
//!
//! What the handler may rely on: it looks further only if the signal was raised by this very process, on an
//! ordinary stack, so that it runs where a function has called `abort` (or `raise`) and waits for it. It
//! calls the kernel and the unwinder. The unwinder (libgcc's) takes no memory; it may take the loader's
//! lock, which another thread could hold for ever, in a library's constructor: an alarm ends the process
//! then.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::alloc::{Layout, handle_alloc_error};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, IntoRawFd};
use std::ptr::{from_mut, null, null_mut};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::*};

use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// How many callers are looked at: between the handler and the function there are some ten.
const FRAMES: u32 = 64;

/// How long the unwinder may take, in seconds.
const PATIENCE: u32 = 5;

/// The process that has asked, 0 for none. (One that it has forked has the handler too, not the file.)
static PROCESS: AtomicI32 = AtomicI32::new(0);
static FILE: AtomicI32 = AtomicI32::new(-1);
static MARK: AtomicU64 = AtomicU64::new(0);
static BEFORE: Before = Before(UnsafeCell::new(MaybeUninit::uninit()));

/// What was to be done at SIGABRT before.
struct Before(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: it is written before the handler is there, and only read from then on.
unsafe impl Sync for Before {}

/// From here on, when this process aborts because an allocation has failed, the first eight bytes of `file`
/// become `mark`. It is asked for once in a process.
pub(crate) fn note_alloc_failure(file: impl AsFd, mark: u64) -> Result<(), (&'static str, Errno)> {
    // It stays open for as long as the process lives, so that its number is never another file's.
    let copy = fcntl_dupfd_cloexec(file, 3).map_err(|errno| ("fcntl (F_DUPFD_CLOEXEC)", errno))?;
    let mut before = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: all zero is an action with an empty mask and no flags; what is missing is set below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_abort as extern "C" fn(_, _, _) as usize;
    action.sa_flags = libc::SA_SIGINFO;
    let failed = || ("sigaction", Errno::from_io_error(&std::io::Error::last_os_error()));
    let named = |(call, errno): (_, Option<Errno>)| (call, errno.unwrap_or(Errno::INVAL));
    // SAFETY: nothing is set, and there is room for what is asked.
    if unsafe { libc::sigaction(libc::SIGABRT, null(), before.as_mut_ptr()) } != 0 {
        return Err(named(failed()));
    }
    // SAFETY: the call has filled it in.
    let before = unsafe { before.assume_init() };
    // In a process that was forked from one that has asked, it is this handler: what was before that
    // stands there.
    if before.sa_sigaction != action.sa_sigaction {
        // SAFETY: the handler is not there, so nobody looks at it.
        unsafe { *BEFORE.0.get() = MaybeUninit::new(before) };
    }
    // Relaxed: the next carries them.
    FILE.store(copy.into_raw_fd(), Relaxed);
    MARK.store(mark, Relaxed);
    // Release: pairs with the Acquire in the handler, in whatever thread it runs; carries the above.
    PROCESS.store(own_pid(), Release);
    // SAFETY: the handler does what a handler of this signal may: see the top.
    if unsafe { libc::sigaction(libc::SIGABRT, &action, null_mut()) } != 0 {
        return Err(named(failed()));
    }
    Ok(())
}

fn own_pid() -> i32 {
    // SAFETY: it only asks.
    unsafe { libc::getpid() }
}

extern "C" fn on_abort(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel gives it to a handler with SA_SIGINFO. Of a signal by `tgkill` (which `raise`
    // makes) or by `kill`, it has the sender.
    let raised = unsafe { (*info).si_code == libc::SI_TKILL && (*info).si_pid() == own_pid() };
    // Acquire: pairs with the Release in `note_alloc_failure`; carries the file, the mark and the action.
    let process = PROCESS.load(Acquire);
    if raised && process == own_pid() && !is_on_signal_stack() && is_alloc_failure() {
        // Relaxed: here and below, see above.
        let mark = MARK.load(Relaxed).to_ne_bytes();
        // SAFETY: the descriptor is this module's own for good; there are so many bytes. Whether or not
        // it succeeds, the process ends.
        unsafe { libc::pwrite(FILE.load(Relaxed), mark.as_ptr().cast(), mark.len(), 0) };
    }
    // SAFETY: the action is there since before the handler was (see `Before`), also in a forked process.
    // The signal comes again when this handler returns, to that action: by default, it ends the process.
    unsafe {
        libc::sigaction(signal, (*BEFORE.0.get()).as_ptr(), null_mut());
        libc::raise(signal);
    }
}

/// Whether the thread runs on a stack for signals, as when a stack overflow is told: it is short.
fn is_on_signal_stack() -> bool {
    let mut stack = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: nothing is set, and there is room for what is asked.
    if unsafe { libc::sigaltstack(null(), stack.as_mut_ptr()) } != 0 {
        return true;
    }
    // SAFETY: the call has filled it in.
    unsafe { stack.assume_init() }.ss_flags & libc::SS_ONSTACK != 0
}

#[repr(C)]
struct Frame {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    /// Of libgcc, with which std unwinds.
    fn _Unwind_Backtrace(
        each: extern "C" fn(*mut Frame, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(frame: *mut Frame) -> usize;
    fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
}

struct Search {
    left: u32,
    found: bool,
}

/// Whether `handle_alloc_error` is among the callers.
fn is_alloc_failure() -> bool {
    let mut search = Search { left: FRAMES, found: false };
    // SAFETY: by default, an alarm ends the process, which is about to end: it is set for the case that the
    // unwinder waits for ever. `look` treats its last argument as what is given here.
    unsafe {
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::alarm(PATIENCE);
        _Unwind_Backtrace(look, from_mut(&mut search).cast());
        libc::alarm(0);
    }
    search.found
}

extern "C" fn look(frame: *mut Frame, search: *mut c_void) -> c_int {
    const GO_ON: c_int = 0;
    const STOP: c_int = 4;
    // SAFETY: `is_alloc_failure` gives its own local, which nobody else has in the meantime.
    let search = unsafe { &mut *search.cast::<Search>() };
    // SAFETY: the unwinder gives a frame that is valid during this call; the address is one of code, and
    // only looked up.
    let function = unsafe { _Unwind_FindEnclosingFunction(_Unwind_GetIP(frame) as *mut c_void) };
    search.found = function.addr() == (handle_alloc_error as fn(Layout) -> !) as usize;
    search.left -= 1;
    if search.found || search.left == 0 { STOP } else { GO_ON }
}
