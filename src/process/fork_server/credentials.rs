//! Who a process is to the kernel, as far as its children have that from it and cannot be given it
//! afterwards.

use rustix::process::{Gid, getgroups};
use rustix::thread::{CapabilitySets, capabilities};

/// More capabilities than there are.
const CAPABILITIES: u32 = 64;

/// A helper that was started with other credentials than its parent has now makes no children for it:
/// they would have more rights than it, or less.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    /// The real, the effective and the saved user. (The one by which a thread reaches files, where that is
    /// another, `setfsuid`, is not handed on by exec either.)
    users: [u32; 3],
    /// The real, the effective and the saved group.
    groups: [u32; 3],
    more_groups: Option<Vec<Gid>>,
    capabilities: Option<[u64; 3]>,
    bounding: u64,
    ambient: u64,
    securebits: i32,
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
        let capabilities = capabilities(None).ok().map(bits);
        Credentials {
            users,
            groups,
            more_groups: getgroups().ok(),
            capabilities,
            // SAFETY: it only asks.
            bounding: set_of(|one| unsafe { libc::prctl(libc::PR_CAPBSET_READ, one) }),
            ambient: match capabilities {
                // They are inheritable, too.
                Some([_, _, 0]) => 0,
                // SAFETY: it only asks.
                _ => set_of(|one| unsafe {
                    libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_IS_SET, one, 0, 0)
                }),
            },
            // SAFETY: it only asks.
            securebits: unsafe { libc::prctl(libc::PR_GET_SECUREBITS) },
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

/// The capabilities of a set of the kernel's, by what it says to each: 1, 0, or less where there is none of
/// that number any more, or where it does not tell.
fn set_of(is_in: impl Fn(libc::c_ulong) -> i32) -> u64 {
    let said = (0..CAPABILITIES).map(|one| (one, is_in(one.into())));
    said.take_while(|&(_, said)| said >= 0)
        .fold(0, |set, (one, said)| set | u64::from(said == 1) << one)
}
