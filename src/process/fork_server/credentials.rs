//! Who a process is to the kernel, as far as its children have that from it and cannot be given it
//! afterwards.

use rustix::process::{Gid, getgroups};
use rustix::thread::{CapabilitySets, capabilities};

/// A helper that was started with other credentials than its parent has now makes no children for it:
/// they would have more rights than it, or less.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    /// The real, the effective and the saved user.
    users: [u32; 3],
    /// The real, the effective and the saved group.
    groups: [u32; 3],
    more_groups: Option<Vec<Gid>>,
    capabilities: Option<[u64; 3]>,
    /// The seccomp mode.
    seccomp: i32,
    /// Whether a program that is started may have no more rights.
    no_new_privileges: i32,
    process_group: i32,
    session: i32,
}

impl Credentials {
    pub(super) fn of_this_thread() -> Self {
        let (mut users, mut groups) = ([0; 3], [0; 3]);
        let [real, effective, saved] = &mut users;
        // SAFETY: there is room for three numbers.
        unsafe { libc::getresuid(real, effective, saved) };
        let [real, effective, saved] = &mut groups;
        // SAFETY: as above.
        unsafe { libc::getresgid(real, effective, saved) };
        let bits = |sets: CapabilitySets| {
            [sets.effective.bits(), sets.permitted.bits(), sets.inheritable.bits()]
        };
        Credentials {
            users,
            groups,
            more_groups: getgroups().ok(),
            capabilities: capabilities(None).ok().map(bits),
            // SAFETY: it only asks.
            seccomp: unsafe { libc::prctl(libc::PR_GET_SECCOMP) },
            // SAFETY: it only asks.
            no_new_privileges: unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) },
            // SAFETY: it only asks.
            process_group: unsafe { libc::getpgrp() },
            // SAFETY: it only asks.
            session: unsafe { libc::getsid(0) },
        }
    }
}
