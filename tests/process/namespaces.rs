//! Children that would be in another namespace than their parent, where numbers mean something else.
//!
//! What the system does not let this process do is SKIPPED, which is said.

use std::fs;
use std::io::{self, Write};

use crate::{Nothing, alone};
use multiproc::{Error, Event, Lock, NameProblem, Process, ProcessError, Shared};

/// Has the children of this thread go into namespaces of their own.
fn unshare(flags: i32) -> bool {
    // SAFETY: it changes what this process is given from now on, and nothing that it has.
    let done = unsafe { libc::unshare(libc::CLONE_NEWUSER | flags) } == 0;
    if !done {
        let why = io::Error::last_os_error();
        let text = format!("SKIPPED: no namespaces here, so what is not shared across: {why}\n");
        io::stderr().write_all(text.as_bytes()).unwrap();
    }
    done
}

fn refuses(flags: i32, kind: &str) {
    let shared = Shared::new((Lock::new(0u64), Event::new())).unwrap();
    if !unshare(flags) {
        return;
    }
    let forked = Process::fork(|| shared.1.set());
    let spawned =
        Process::spawn(|shared: Shared<(Lock<u64>, Event)>| shared.1.set(), shared.clone());
    // Still another when somebody lives there.
    let other = std::process::Command::new("true").status().unwrap();
    assert!(other.success());
    let again = Process::fork(|| shared.1.set());
    for refused in [forked, spawned, again] {
        let refused = refused.unwrap_err();
        let Error::OtherNamespace { namespace } = refused else { panic!("{refused}") };
        assert_eq!(namespace, kind);
    }
    assert!(!shared.1.is_set());
}

#[test]
fn no_child_goes_into_another_pid_namespace() {
    alone(|()| refuses(libc::CLONE_NEWPID, "PID"));
}

#[test]
fn no_child_goes_into_another_time_namespace() {
    alone(|()| {
        if !fs::exists("/proc/self/ns/time").unwrap() {
            eprintln!("SKIPPED: this kernel has no time namespaces");
            return;
        }
        refuses(CLONE_NEWTIME, "time");
    });
}

const CLONE_NEWTIME: i32 = 0x80;

/// Hides the files that tell the namespaces of this process.
fn hide() -> bool {
    let (none, tmpfs) = (c"none".as_ptr(), c"tmpfs".as_ptr());
    let mount = |place: &std::ffi::CStr, kind, flags| {
        // SAFETY: strings that end, and no options.
        unsafe { libc::mount(none, place.as_ptr(), kind, flags, std::ptr::null()) == 0 }
    };
    let done = mount(c"/", std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE)
        && mount(c"/proc/self/ns", tmpfs, 0)
        && mount(c"/proc/thread-self/ns", tmpfs, 0);
    if !done {
        eprintln!("SKIPPED: /proc cannot be hidden: {}", io::Error::last_os_error());
    }
    done
}

/// Where the parent cannot see it, the child does, before its function runs.
fn finds_out(start: fn(&Event) -> Result<Process<()>, Error>) {
    let ran = Shared::new(Event::new()).unwrap();
    if unshare(libc::CLONE_NEWNS | libc::CLONE_NEWPID) && hide() {
        let ended = start(&ran).unwrap().join().unwrap_err();
        assert!(matches!(ended, ProcessError::OtherNamespace), "{ended}");
        assert!(!ran.is_set());
    }
}

#[test]
fn a_child_in_another_namespace_says_so_where_its_parent_cannot() {
    alone(|()| finds_out(|ran| Process::fork(|| ran.set())));
    alone(|()| finds_out(|_| Process::spawn(|()| panic!("the function runs"), ())));
    alone(|()| finds_out(|ran| Process::builder().daemon(true).fork(|| ran.set())));
}

/// Where a process started is told by another clock there.
#[test]
fn a_name_is_not_shared_across_time_namespaces() -> Nothing {
    if !fs::exists("/proc/self/ns/time")? {
        eprintln!("SKIPPED: this kernel has no time namespaces");
        return Ok(());
    }
    let name = format!("multiproc-test-time-{}", std::process::id());
    let _made = Shared::create(&name, 7u64)?;
    let looks = |name: String| {
        if !unshare(CLONE_NEWTIME) {
            return true;
        }
        // SAFETY: the child opens, which needs no lock of another thread's: there is none.
        match unsafe { libc::fork() } {
            0 => {
                let refused = Shared::<u64>::open(&name).map(|_| ());
                let as_it_should =
                    matches!(refused, Err(Error::Name { problem: NameProblem::TimeNamespace, .. }));
                // SAFETY: it ends the child.
                unsafe { libc::_exit(i32::from(!as_it_should)) }
            }
            child => {
                let mut status = 0;
                // SAFETY: there is room for a status.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    };
    let refused = Process::spawn(looks, name.clone())?.join();
    Shared::<u64>::unlink(&name)?;
    assert!(refused?);
    Ok(())
}
