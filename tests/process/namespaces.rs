//! Children that would be in another namespace than their parent, where numbers mean something else.
//!
//! What the system does not let this process do is SKIPPED, which is said.

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::{Nothing, alone};
use multiproc::{Error, Event, Lock, NameProblem, Process, ProcessError, RobustSemaphore, Shared};

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

/// In another process than this one, its drop panics with a payload whose drop does the same.
struct PanicsOutside(u32);

impl Drop for PanicsOutside {
    fn drop(&mut self) {
        if std::process::id() != self.0 {
            std::panic::panic_any(PanicsOutside(self.0));
        }
    }
}

/// Notes that a frame was left in another process than this one.
struct Frame<'a>(u32, &'a Event);

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        if std::process::id() != self.0 {
            self.1.set();
        }
    }
}

/// The closure is dropped unrun in the child.
#[test]
fn nothing_unwinds_from_a_child_into_its_parents_frames() {
    alone(|()| {
        finds_out(|left| {
            let parent = std::process::id();
            let _frame = Frame(parent, left);
            let captured = PanicsOutside(parent);
            Process::fork(move || drop(captured))
        });
    });
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

/// Goes into another time namespace, where each process has started ten days later.
fn change_clock() -> bool {
    if !unshare(CLONE_NEWTIME) {
        return false;
    }
    let done = fs::write("/proc/self/timens_offsets", "boottime 864000 0\n").and_then(|()| {
        let theirs = fs::File::open("/proc/self/ns/time_for_children")?;
        // SAFETY: it changes which clock this process is told, and no memory.
        match unsafe { libc::setns(theirs.as_raw_fd(), CLONE_NEWTIME) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    });
    if let Err(why) = &done {
        eprintln!("SKIPPED: this process cannot change its clock: {why}");
    }
    done.is_ok()
}

/// When a process started is told otherwise there; and is no reason to take it for another.
#[test]
fn who_goes_into_another_time_namespace_takes_nobody_s_permit_and_loses_none() {
    // Time enough to be asked whether whoever has the permit has ended.
    const ASKED: Duration = Duration::from_secs(1);
    alone(|()| {
        if !fs::exists("/proc/self/ns/time").unwrap() {
            eprintln!("SKIPPED: this kernel has no time namespaces");
            return;
        }
        let permits = Shared::new(RobustSemaphore::<4>::new(1)).unwrap();
        let events = Shared::new([const { Event::new() }; 4]).unwrap();
        let [held, go, taken, end] = &*events;
        let stays = Process::fork(|| {
            let permit = permits.acquire();
            held.set();
            go.wait();
            drop(permit);
            taken.wait();
            permits.acquire_for(ASKED).is_some()
        });
        let stays = stays.unwrap();
        held.wait();
        let moved = change_clock();
        let from_who_stays = permits.acquire_for(ASKED).is_some();
        go.set();
        let child = Process::fork(|| {
            let _permit = moved.then(|| permits.acquire());
            taken.set();
            end.wait();
        });
        let got = stays.join().unwrap();
        end.set();
        child.unwrap().join().unwrap();
        // Not before all have ended: they are waited for.
        assert!(!from_who_stays, "taken from who stays");
        assert_eq!(got, !moved, "taken from a child of who has moved");
    });
}
