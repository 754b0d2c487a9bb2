//! The calls that the crate makes: each is denied, or it is said why not.
//!
//! That the lists are whole is tested: with all others denied, every operation must still come to its
//! value (`no_call_is_made_that_is_on_no_list`).

use libc::*;

use crate::filter::Calls;

/// A call, or several that stand for one another.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) calls: &'static [Calls],
    /// By which word an error names it: one of these.
    pub(crate) told_as: &'static [&'static str],
    /// Whether a program cannot even start without it, whatever it uses: then it is not denied to
    /// operations that start one.
    pub(crate) starts_programs: bool,
    /// Whether this crate can do nothing without it: then it says so, and ends the process.
    pub(crate) vital: bool,
}

/// `fcntl`'s F_SETSIG, which the libc crate does not have.
const F_SETSIG: c_int = 10;

const fn any(number: c_long) -> Calls {
    Calls { number, with: None }
}

/// Those with the value as the argument of that index.
const fn with(number: c_long, argument: u8, value: u64) -> Calls {
    Calls { number, with: Some((argument, value)) }
}

const fn fcntl_to(command: c_int) -> Calls {
    with(SYS_fcntl, 1, command as u64)
}

const fn call(
    name: &'static str,
    calls: &'static [Calls],
    told_as: &'static [&'static str],
) -> Call {
    Call { name, calls, told_as, starts_programs: false, vital: false }
}

const fn starting(call: Call) -> Call {
    Call { starts_programs: true, ..call }
}

const fn vital(call: Call) -> Call {
    Call { vital: true, ..call }
}

/// What is denied.
#[rustfmt::skip]
pub(crate) const ALL: &[Call] = &[
    // What locks stand on.
    call("get_robust_list", &[any(SYS_get_robust_list)], &["get_robust_list"]),
    call("get_robust_list and set_robust_list", &[any(SYS_get_robust_list), any(SYS_set_robust_list)], &["get_robust_list"]),
    vital(call("futex", &[any(SYS_futex)], &["futex"])),
    call("tkill", &[any(SYS_tkill)], &["tkill"]),
    call("tkill, tgkill and kill", &[any(SYS_tkill), any(SYS_tgkill), any(SYS_kill)], &["kill"]),
    call("sched_yield", &[any(SYS_sched_yield)], &["sched_yield"]),
    call("madvise", &[any(SYS_madvise)], &["madvise"]),
    // Waiting for descriptors.
    call("ppoll", &[any(SYS_ppoll)], &["poll"]),
    call("poll and ppoll", &[#[cfg(target_arch = "x86_64")] any(SYS_poll), any(SYS_ppoll)], &["poll"]),
    call("futex_waitv", &[any(SYS_futex_waitv)], &["futex_waitv"]),
    call("epoll_create1", &[any(SYS_epoll_create1)], &["epoll_create1"]),
    call("epoll_ctl", &[any(SYS_epoll_ctl)], &["epoll_ctl"]),
    call("epoll_wait", &[#[cfg(target_arch = "x86_64")] any(SYS_epoll_wait), any(SYS_epoll_pwait)], &["epoll_wait"]),
    call("eventfd2", &[any(SYS_eventfd2)], &["eventfd"]),
    call("pipe2", &[any(SYS_pipe2)], &["pipe2"]),
    call("dup2", &[#[cfg(target_arch = "x86_64")] any(SYS_dup2), any(SYS_dup3)], &["dup2", "posix_spawn"]),
    // Files and memory.
    starting(call("open", &[#[cfg(target_arch = "x86_64")] any(SYS_open), any(SYS_openat)], &["/proc", "/dev/shm", "open"])),
    starting(call("read", &[any(SYS_read)], &["read", "/proc"])),
    call("write", &[any(SYS_write)], &["write"]),
    starting(call("pread64", &[any(SYS_pread64)], &["pread", "read"])),
    call("pwrite64", &[any(SYS_pwrite64)], &["pwrite", "write"]),
    call("readlink", &[#[cfg(target_arch = "x86_64")] any(SYS_readlink), any(SYS_readlinkat)], &["readlink"]),
    call("lseek", &[any(SYS_lseek)], &["lseek"]),
    call("statx", &[any(SYS_statx)], &["stat", "statx"]),
    starting(call("fstat", &[any(SYS_fstat), any(SYS_newfstatat)], &["stat", "fstat"])),
    call("fchdir", &[any(SYS_fchdir)], &["fchdir"]),
    call("getdents64", &[any(SYS_getdents64)], &["getdents64", "/proc"]),
    call("mlock", &[any(SYS_mlock)], &["mlock"]),
    call("fstatfs", &[any(SYS_fstatfs)], &["fstatvfs", "fstatfs"]),
    call("memfd_create", &[any(SYS_memfd_create)], &["memfd_create"]),
    call("ftruncate", &[any(SYS_ftruncate)], &["ftruncate"]),
    call("fallocate", &[any(SYS_fallocate)], &["fallocate"]),
    call("mmap of shared memory", &[with(SYS_mmap, 3, MAP_SHARED as u64)], &["mmap"]),
    call("mremap", &[any(SYS_mremap)], &["mremap"]),
    call("linkat", &[any(SYS_linkat)], &["linkat"]),
    call("unlinkat", &[any(SYS_unlinkat)], &["unlink"]),
    call("F_ADD_SEALS", &[fcntl_to(F_ADD_SEALS)], &["F_ADD_SEALS"]),
    call("F_GET_SEALS", &[fcntl_to(F_GET_SEALS)], &["F_GET_SEALS"]),
    call("F_GETFD", &[fcntl_to(F_GETFD)], &["F_GETFD", "posix_spawn"]),
    call("F_SETFD", &[fcntl_to(F_SETFD)], &["F_SETFD", "posix_spawn"]),
    call("F_DUPFD_CLOEXEC", &[fcntl_to(F_DUPFD_CLOEXEC)], &["F_DUPFD_CLOEXEC"]),
    call("F_GETFL and F_SETFL", &[fcntl_to(F_GETFL), fcntl_to(F_SETFL)], &["F_SETFL"]),
    call("F_SETOWN and F_SETSIG", &[fcntl_to(F_SETOWN), fcntl_to(F_SETSIG)], &["F_SETOWN"]),
    call("F_SETLK", &[fcntl_to(F_SETLK)], &["F_SETLK"]),
    call("F_SETLKW", &[fcntl_to(F_SETLKW)], &["F_SETLK", "F_SETLKW"]),
    call("fchmod", &[any(SYS_fchmod)], &["fchmod"]),
    call("F_OFD_SETLK", &[fcntl_to(F_OFD_SETLK)], &["F_OFD_SETLK"]),
    call("F_OFD_SETLKW", &[fcntl_to(F_OFD_SETLKW)], &["F_OFD_SETLKW"]),
    call("F_OFD_GETLK", &[fcntl_to(F_OFD_GETLK)], &["F_OFD_GETLK"]),
    // Messages.
    call("socketpair", &[any(SYS_socketpair)], &["socketpair"]),
    call("sendmsg", &[any(SYS_sendmsg)], &["sendmsg"]),
    call("recvmsg", &[any(SYS_recvmsg)], &["recvmsg"]),
    call("shutdown", &[any(SYS_shutdown)], &["shutdown"]),
    // Processes and threads.
    call("clone", &[any(SYS_clone)], &["clone", "fork", "posix_spawn", "starting a thread"]),
    call("clone3", &[any(SYS_clone3)], &["clone3", "fork", "posix_spawn", "starting a thread"]),
    call("clone and clone3", &[any(SYS_clone), any(SYS_clone3)], &["clone", "fork", "posix_spawn", "starting a thread"]),
    call("execve", &[any(SYS_execve)], &["execve", "posix_spawn"]),
    call("unshare", &[any(SYS_unshare)], &["unshare"]),
    call("pidfd_open", &[any(SYS_pidfd_open)], &["pidfd_open"]),
    call("pidfd_send_signal", &[any(SYS_pidfd_send_signal)], &["pidfd_send_signal"]),
    call("waitid", &[any(SYS_waitid)], &["waitid"]),
    call("waitid for a pidfd", &[with(SYS_waitid, 0, P_PIDFD as u64)], &["waitid"]),
    call("prctl", &[any(SYS_prctl)], &["prctl"]),
    call("rt_sigaction", &[any(SYS_rt_sigaction)], &["rt_sigaction", "sigaction"]),
    call("rt_sigprocmask", &[any(SYS_rt_sigprocmask)], &["rt_sigprocmask", "sigprocmask"]),
    call("capget and getgroups", &[any(SYS_capget), any(SYS_getgroups)], &["capget"]),
    call("getresuid, getresgid and getsid", &[any(SYS_getresuid), any(SYS_getresgid), any(SYS_getsid)], &["getsid"]),
    call("prlimit64", &[any(SYS_prlimit64)], &["prlimit64"]),
    call("alarm", &[#[cfg(target_arch = "x86_64")] any(SYS_alarm), any(SYS_setitimer)], &["alarm"]),
    call("getrandom", &[any(SYS_getrandom)], &["getrandom"]),
    // What stands for one another.
    call("poll, ppoll and waitid", &[#[cfg(target_arch = "x86_64")] any(SYS_poll), any(SYS_ppoll), any(SYS_waitid)], &["poll", "waitid"]),
    call("pidfd_send_signal and sendmsg", &[any(SYS_pidfd_send_signal), any(SYS_sendmsg)], &["pidfd_send_signal", "sendmsg"]),
    call("pidfds", &[any(SYS_pidfd_open), any(SYS_pidfd_send_signal), with(SYS_waitid, 0, P_PIDFD as u64)], &["pidfd_open", "pidfd_send_signal", "waitid"]),
];

/// What is not denied, and why not.
#[rustfmt::skip]
const SPARED: &[(&str, &[Calls])] = &[
    ("no Rust program runs without them", &[
        any(SYS_brk), any(SYS_mmap), any(SYS_munmap), any(SYS_mprotect), any(SYS_close),
        any(SYS_exit), any(SYS_exit_group), any(SYS_rt_sigreturn), any(SYS_sigaltstack),
        any(SYS_restart_syscall),
    ]),
    ("the loader and libc make them as a program or a thread starts, this crate does not", &[
        any(SYS_set_tid_address), any(SYS_rseq), any(SYS_sched_getaffinity), #[cfg(target_arch = "x86_64")] any(SYS_access),
        #[cfg(target_arch = "x86_64")] any(SYS_arch_prctl),
    ]),
    ("they have no error: what a filter put in its place would be taken for a number", &[
        any(SYS_getpid), any(SYS_gettid), any(SYS_getppid), any(SYS_geteuid),
        #[cfg(target_arch = "x86_64")] any(SYS_getpgrp), any(SYS_getpgid),
    ]),
    ("the vDSO answers them without a call", &[
        any(SYS_clock_gettime),
    ]),
    ("the cell says by it what it came to", &[
        any(SYS_writev),
    ]),
];

/// All that is on a list.
pub(crate) fn listed() -> impl Iterator<Item = Calls> {
    let denied = ALL.iter().flat_map(|call| call.calls);
    denied.chain(SPARED.iter().flat_map(|(_, calls)| *calls)).copied()
}
