//! Children that a fork server makes: what is not said of spawned children alike.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Instant;

use multiproc::process::{self, StartMethod};
use multiproc::{Error, Event, Lock, Process, ProcessBuilder, Semaphore, Shared};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use crate::{LONG, alone, children, for_ever, fork_servers};

fn builder() -> ProcessBuilder {
    Process::builder().start_method(StartMethod::ForkServer)
}

fn pid() -> u32 {
    builder().spawn(|()| std::process::id(), ()).unwrap().join().unwrap()
}

fn pid_of(number: u32) -> Pid {
    Pid::from_raw(number as i32).unwrap()
}

/// The one fork server of this process.
fn server() -> u32 {
    let servers = fork_servers();
    let &[server] = &*servers else { panic!("one fork server: {servers:?}") };
    server
}

#[test]
fn a_child_is_this_process_s_own_and_a_copy_of_one_helper() {
    alone(|()| {
        assert_eq!(fork_servers(), []);
        let parent = builder().spawn(|()| std::os::unix::process::parent_id(), ()).unwrap();
        assert_eq!(parent.join().unwrap(), std::process::id());
        let first = server();
        assert_ne!(pid(), first);
        assert_eq!(server(), first, "one helper makes them all");
        assert_eq!(children(), []);
    });
}

#[test]
fn a_thousand_children_are_started_and_joined() {
    alone(|()| {
        let count = Shared::new(Semaphore::new(0)).unwrap();
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
        let start = |n: u64| {
            let work = |(count, n): (Shared<Semaphore>, u64)| {
                count.release(1).unwrap();
                n * n
            };
            builder().spawn(work, (count.clone(), n)).unwrap()
        };
        for round in 0..10 {
            let children: Vec<_> = (0..100).map(start).collect();
            for (n, child) in (0..).zip(children) {
                assert_eq!(child.join().unwrap(), n * n);
            }
            assert_eq!(count.value(), 100 * (round + 1));
        }
        assert_eq!(children(), []);
        server();
    });
}

#[test]
fn a_helper_that_is_killed_is_followed_by_another() {
    alone(|()| {
        pid();
        let first = server();
        kill_process(pid_of(first), Signal::KILL).unwrap();
        pid();
        assert_ne!(server(), first);
    });
}

/// Whether it is a helper, and not a child that does not have its own name yet: a helper has locked
/// memory, which its copies have not.
fn has_locked_memory(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
        status.lines().any(|line| line.starts_with("VmLck:") && !line.ends_with(" 0 kB"))
    })
}

/// At whatever moment, also between the making of a child and the answer.
#[test]
fn nobody_notices_that_helpers_are_killed_and_each_function_runs_once() {
    alone(|()| {
        const STARTS: u32 = 400;
        pid();
        if !has_locked_memory(server()) {
            eprintln!(
                "SKIPPED: no memory can be locked here, so no helper is told from its copies"
            );
            return;
        }
        let ran = Shared::new(Semaphore::new(0)).unwrap();
        let over = Event::new();
        let killed = std::thread::scope(|scope| {
            let killer = scope.spawn(|| {
                let mut killed = 0;
                while !over.is_set() {
                    for server in fork_servers().into_iter().filter(|&pid| has_locked_memory(pid)) {
                        killed += u32::from(kill_process(pid_of(server), Signal::KILL).is_ok());
                    }
                }
                killed
            });
            let work = |ran: Shared<Semaphore>| ran.release(1).unwrap();
            let start = || builder().spawn(work, ran.clone()).unwrap();
            let joined = (0..STARTS).map(|_| start().join_for(LONG)).collect::<Vec<_>>();
            over.set();
            let killed = killer.join().unwrap();
            joined.into_iter().for_each(|joined| joined.expect("it ends").unwrap());
            killed
        });
        assert!(killed > 0);
        assert_eq!(ran.value(), STARTS);
        // Nor is a child left that this process was not told of.
        assert!(fork_servers().len() <= 1);
        assert_eq!(children(), []);
        eprintln!("{killed} helpers were killed");
    });
}

#[test]
fn a_helper_has_no_descriptor_of_its_parent() {
    alone(|()| {
        let (reader, writer) = io::pipe().unwrap();
        for fd in [reader.as_raw_fd(), writer.as_raw_fd()] {
            // SAFETY: they are open, and of nobody else.
            assert_eq!(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }, 0);
        }
        let of = |pid: u32| {
            let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
            let mut open: Vec<_> = open
                .map(|fd| fs::read_link(fd.path()).unwrap().display().to_string())
                .map(|to| to.split_once([':', ' ']).map_or(to.clone(), |(kind, _)| kind.to_owned()))
                .collect();
            open.sort();
            open
        };
        pid();
        // The last tells of the parent's end.
        let expected = ["/dev/null", "/dev/null", "/dev/null", "anon_inode", "socket"];
        let deadline = Instant::now() + LONG;
        // It closes what it had for a child when it has answered.
        while of(server()) != expected {
            assert!(Instant::now() < deadline, "{:?}", of(server()));
            std::thread::yield_now();
        }
        // Its children have the standard streams and the file for the outcome.
        let count = builder().spawn(|()| fs::read_dir("/proc/self/fd").unwrap().count(), ());
        assert_eq!(count.unwrap().join().unwrap(), 5);
    });
}

/// All that exec would hand on, as it is when the child is started.
#[test]
fn what_is_inherited_is_as_at_the_start() {
    alone(|()| {
        pid();
        let first = server();
        let folder = std::env::temp_dir().canonicalize().unwrap();
        std::env::set_current_dir(&folder).unwrap();
        // SAFETY: there is one thread.
        unsafe {
            std::env::set_var("MULTIPROC_TESTS_LATE", "a b=c");
            std::env::remove_var("PATH");
        }
        let old = getrlimit(Resource::Core);
        setrlimit(Resource::Core, Rlimit { current: Some(0), ..old }).unwrap();
        let out = folder.join(format!("multiproc-tests-out-{}", std::process::id()));
        let file = fs::File::create(&out).unwrap();
        rustix::stdio::dup2_stdout(&file).unwrap();
        // SAFETY: nothing in this process reads from it.
        unsafe { libc::close(0) };
        let look = |()| {
            println!("from the child");
            let late = std::env::var("MULTIPROC_TESTS_LATE").unwrap();
            // SAFETY: C's own view of the same: a text of the environment, or null.
            let path = unsafe { libc::getenv(c"PATH".as_ptr()) };
            // SAFETY: only asked about.
            let has_input = unsafe { libc::fcntl(0, libc::F_GETFD) } != -1;
            (
                std::env::current_dir().unwrap(),
                late,
                path.is_null(),
                getrlimit(Resource::Core).current,
                has_input,
            )
        };
        let child = builder().spawn(look, ()).unwrap();
        let seen = child.join().unwrap();
        assert_eq!(seen, (folder, "a b=c".to_owned(), true, Some(0), false));
        assert_eq!(fs::read_to_string(&out).unwrap(), "from the child\n");
        fs::remove_file(&out).unwrap();
        assert_eq!(server(), first, "by the same helper");
    });
}

/// Who has given rights up has no children with more.
#[test]
fn what_a_process_may_not_do_any_more_its_children_may_not() {
    alone(|()| {
        pid();
        let first = server();
        // SAFETY: it changes what this process may do, and nothing in its memory.
        if unsafe { libc::setgid(65534) != 0 || libc::setuid(65534) != 0 } {
            eprintln!("SKIPPED: this process may not give up its user");
            return;
        }
        // SAFETY: it only asks.
        let user = builder().spawn(|()| unsafe { libc::getuid() }, ()).unwrap();
        assert_eq!(user.join().unwrap(), 65534);
        assert_ne!(server(), first);
    });
}

#[test]
fn a_process_that_leaves_its_group_has_its_children_in_the_new_one() {
    alone(|()| {
        pid();
        // SAFETY: it changes the session of this process, and nothing in its memory.
        let session = unsafe { libc::setsid() };
        assert!(session > 0);
        // SAFETY: they only ask.
        let look = |()| unsafe { (libc::getsid(0), libc::getpgrp()) };
        assert_eq!(builder().spawn(look, ()).unwrap().join().unwrap(), (session, session));
    });
}

#[test]
fn a_forked_process_has_a_helper_of_its_own() {
    alone(|()| {
        pid();
        let own = server();
        let theirs = Process::fork(|| {
            assert_eq!(fork_servers(), []);
            let sockets = || {
                let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
                let targets = files.flat_map(|file| fs::read_link(file.path()));
                targets.filter(|target| target.to_string_lossy().starts_with("socket")).count()
            };
            let before = sockets();
            pid();
            assert_eq!(sockets(), before + 1, "that of its own helper");
            server()
        });
        assert_ne!(theirs.unwrap().join().unwrap(), own);
        pid();
        assert_eq!(server(), own);
    });
}

fn await_end(pid: u32) {
    let deadline = Instant::now() + LONG;
    let is_there = || {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z ") && stat.contains("fork-server"))
    };
    while is_there() {
        assert!(Instant::now() < deadline, "the helper lives on");
        std::thread::yield_now();
    }
}

#[test]
fn a_helper_ends_with_its_parent_however_that_ends() {
    type Told = Shared<(Lock<u32>, Event)>;
    let returns = |told: Told| {
        pid();
        *told.0.lock().unwrap() = server();
    };
    let is_killed = |told: Told| {
        pid();
        let own = server();
        // SAFETY: the copy, which has what leads to the helper, waits for its end, and leaves.
        if unsafe { libc::fork() } == 0 {
            told.1.wait_for(LONG);
            // SAFETY: it ends the copy.
            unsafe { libc::_exit(0) };
        }
        *told.0.lock().unwrap() = own;
        for_ever();
    };
    for (live, kills) in [(returns as fn(Told), false), (is_killed, true)] {
        let told = Shared::new((Lock::new(0), Event::new())).unwrap();
        let parent = Process::spawn(live, told.clone()).unwrap();
        let number = || *told.0.lock().unwrap();
        while number() == 0 {
            std::thread::yield_now();
        }
        if kills {
            parent.kill().unwrap();
        }
        let ended = parent.join_for(LONG).expect("it ends");
        assert_eq!(ended.is_err(), kills);
        await_end(number());
        told.1.set();
    }
}

/// What is sent to all of a terminal's processes is not for the helper.
#[test]
fn a_helper_outlives_signals_to_its_group() {
    alone(|()| {
        pid();
        let first = server();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::TSTP] {
            kill_process(pid_of(first), signal).unwrap();
        }
        pid();
        assert_eq!(server(), first);
        // Its children have nothing of that.
        let mask = |()| fs::read_to_string("/proc/self/status").unwrap();
        let status = builder().spawn(mask, ()).unwrap().join().unwrap();
        for line in ["SigPnd:", "ShdPnd:", "SigBlk:"] {
            let line = status.lines().find(|known| known.starts_with(line)).unwrap();
            assert!(line.ends_with("\t0000000000000000"), "{line}");
        }
    });
}

/// More descriptors than one message carries.
#[test]
fn an_argument_may_bring_any_number_of_descriptors() {
    alone(|()| {
        let many: Vec<_> = (0..300).map(|n| Shared::new(Lock::new(n)).unwrap()).collect();
        let sum = |many: Vec<Shared<Lock<u64>>>| -> u64 {
            many.iter().map(|one| *one.lock().unwrap()).sum()
        };
        let child = builder().spawn(sum, many).unwrap();
        assert_eq!(child.join().unwrap(), 299 * 300 / 2);
        let few: Vec<_> = (0..200).map(|n| Shared::new(Lock::new(n)).unwrap()).collect();
        assert_eq!(builder().spawn(sum, few).unwrap().join().unwrap(), 199 * 200 / 2);
    });
}

#[test]
fn children_start_children_by_helpers_of_their_own() {
    alone(|()| {
        let parent = |()| {
            let pids = [pid(), pid()];
            (pids, server(), process::current().name().to_owned())
        };
        let child = builder().spawn(parent, ()).unwrap();
        let (pids, theirs, name) = child.join().unwrap();
        assert_ne!(pids[0], pids[1]);
        assert_ne!(theirs, server());
        assert!(name.ends_with(":1"), "{name}");
    });
}

/// A child that has no room to be made is an error, and none runs.
#[test]
fn where_no_process_may_be_made_there_is_an_error() {
    alone(|()| {
        pid();
        // SAFETY: it changes what this process may do, and nothing in its memory.
        if unsafe { libc::setgid(65533) != 0 || libc::setuid(65533) != 0 } {
            eprintln!("SKIPPED: this process may not give up its user, who has no limit");
            return;
        }
        pid();
        // The helper has its limits from its start: so has the child that asks now.
        let asks = |()| {
            pid();
            let limit = Rlimit { current: Some(0), maximum: Some(0) };
            rustix::process::prlimit(Some(pid_of(server())), Resource::Nproc, limit).unwrap();
            matches!(builder().spawn(|()| (), ()), Err(Error::Os { call: "clone", .. }))
        };
        assert!(Process::spawn(asks, ()).unwrap().join().unwrap());
    });
}
