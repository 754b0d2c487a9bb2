//! The helper of a fork server: what it keeps of where it was started, and when another is needed.

use std::ffi::CStr;
use std::fs;
use std::io::Read;
use std::path::Path;

use multiproc::process::Stdio;
use multiproc::{Event, Process, Shared};
use rustix::process::{Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::fork_server::{builder, pid, pid_of, server};
use crate::{alone, fork_servers};

/// Who is no longer bounded by a limit, by somebody who has the right to raise it, can start children.
#[test]
fn a_limit_that_was_raised_from_outside_needs_another_helper() {
    alone(|()| {
        let (limited, raised) =
            (Shared::new(Event::new()).unwrap(), Shared::new(Event::new()).unwrap());
        let (says, waits) = (limited.clone(), raised.clone());
        let core = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
        let child = Process::fork(move || {
            setrlimit(Resource::Core, core(4096)).unwrap();
            // SAFETY: it changes what this process may do, and nothing in its memory.
            if unsafe {
                libc::geteuid() != 0 || libc::setgid(65534) != 0 || libc::setuid(65534) != 0
            } {
                eprintln!("SKIPPED: this process may not give up its user");
                says.set();
                return;
            }
            pid();
            let first = server();
            says.set();
            waits.wait();
            let look = |()| getrlimit(Resource::Core).maximum;
            assert_eq!(builder().spawn(look, ()).unwrap().join().unwrap(), Some(8192));
            assert_ne!(server(), first);
        });
        let child = child.unwrap();
        limited.wait();
        let known = prlimit(Some(pid_of(child.pid())), Resource::Core, core(8192));
        if let Err(errno) = known {
            eprintln!("SKIPPED: this process may not raise the limit of another: {errno}");
            child.kill().unwrap();
            return;
        }
        raised.set();
        child.join().unwrap();
    });
}

#[test]
fn a_bounding_set_that_was_made_smaller_needs_another_helper() {
    alone(|()| {
        pid();
        let first = server();
        const CAP_SYS_BOOT: libc::c_ulong = 22;
        // SAFETY: it gives up a right.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_BOOT) } != 0 {
            eprintln!("SKIPPED: this process may not change its bounding set");
            return;
        }
        // SAFETY: it only asks.
        let look = |()| unsafe { libc::prctl(libc::PR_CAPBSET_READ, CAP_SYS_BOOT) };
        assert_eq!(builder().spawn(look, ()).unwrap().join().unwrap(), 0);
        assert_ne!(server(), first);
    });
}

/// What runs before `main`, in each process of this program.
#[used]
#[unsafe(link_section = ".init_array")]
static PRINTS: extern "C" fn() = prints_if_asked;

const ASKED: &CStr = c"MULTIPROC_TESTS_PRINTS";

extern "C" fn prints_if_asked() {
    // SAFETY: nothing else runs yet; the texts end with a NUL.
    unsafe {
        if !libc::getenv(ASKED.as_ptr()).is_null() {
            libc::printf(c"said before main".as_ptr());
        }
    }
}

#[test]
fn what_a_constructor_has_printed_in_the_helper_no_child_prints() {
    alone(|()| {
        // SAFETY: there is one thread.
        unsafe { libc::setenv(ASKED.as_ptr(), c"1".as_ptr(), 1) };
        let child = builder().stdout(Stdio::Piped).spawn(|()| println!("child"), ()).unwrap();
        let mut said = String::new();
        child.take_stdout().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "child\n");
        child.join().unwrap();
    });
}

#[test]
fn a_helper_keeps_no_directory_in_use() {
    alone(|()| {
        pid();
        let directory = fs::read_link(format!("/proc/{}/cwd", server())).unwrap();
        assert_eq!(directory, Path::new("/"));
    });
}

/// By a sandbox that denies what a helper is asked by; a child needs no socket.
#[test]
fn where_only_a_helper_is_refused_something_children_are_started_by_exec() {
    alone(|()| {
        let denied = deny(libc::SYS_socketpair);
        if let Err(error) = denied {
            eprintln!("SKIPPED: no system call can be denied here: {error}");
            return;
        }
        assert_ne!(pid(), std::process::id());
        assert_eq!(fork_servers(), []);
    });
}

fn deny(call: libc::c_long) -> Result<(), seccompiler::Error> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
    let refusal = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let rules = [(call, Vec::new())].into();
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}
