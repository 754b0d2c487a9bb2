//! The program that is started in many ways: it starts children, and says what came of it.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use multiproc::process::StartMethod;
use multiproc::{Pool, Process, Shared};

/// The file to which each process adds how far it has come.
pub(crate) const LOG: &str = "MULTIPROC_STARTS_LOG";

/// So far as no child comes.
pub(crate) const MAIN: &str = "main";

/// Where a process is that starts children before `main`.
pub(crate) const EARLY: &str = "before main";

/// What is done before `main`, and before this crate's own part there: one of [`before_all`]'s.
pub(crate) const BEFORE: &str = "MULTIPROC_STARTS_BEFORE";

/// The user that the program becomes before it starts children.
pub(crate) const BECOME: &str = "MULTIPROC_STARTS_BECOME";

/// So many come so far if children start children: enough to be seen, and they end.
const TOO_MANY: usize = 5;

pub(crate) fn run() {
    if note(MAIN) > TOO_MANY {
        std::process::exit(99);
    }
    // Until its caller has done what it wants to the program's file.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    if let Ok(user) = std::env::var(BECOME) {
        // SAFETY: it changes the user of this process, and nothing in its memory.
        assert_eq!(unsafe { libc::setuid(user.parse().unwrap()) }, 0);
    }
    println!("\nspawn: {}", spawn());
    println!("pool: {}", pool());
    println!("fork: {}", fork());
    println!("shared: {:?}", Shared::new(7u64).map(|shared| *shared));
    println!("fork server: {}", serve());
}

/// Adds to the log that this process has come so far; gives how many have.
pub(crate) fn note(place: &str) -> usize {
    let log = std::env::var_os(LOG).expect("the file for those that come here");
    let mut file = File::options().append(true).open(&log).unwrap();
    file.write_all(format!("{place}\n").as_bytes()).unwrap();
    came_to(place, log.as_ref())
}

/// How many processes have come so far.
pub(crate) fn came_to(place: &str, log: &Path) -> usize {
    std::fs::read_to_string(log).unwrap().lines().filter(|line| *line == place).count()
}

/// What a child gives, or why there is none.
pub(crate) fn spawn() -> String {
    match Process::spawn(|n: u64| n + 1, 4) {
        Ok(child) => format!("{:?}", child.join()),
        Err(error) => format!("refused, {error:?}"),
    }
}

/// Why there is none: the program has threads, or has had some.
fn fork() -> String {
    let forked = Process::fork(|| ()).map(|child| format!("{:?}", child.join()));
    forked.unwrap_or_else(|error| {
        let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
        format!("refused, {error}{cause}")
    })
}

/// The same by a fork server, for two children.
fn serve() -> String {
    let start = |n: u64| {
        let builder = Process::builder().start_method(StartMethod::ForkServer);
        builder.spawn(|n: u64| n + 1, n)
    };
    match start(3).and_then(|first| Ok([first, start(4)?])) {
        Ok(children) => {
            let [first, second] = children.map(|child| child.join());
            match first {
                Ok(4) => format!("{second:?}"),
                first => format!("{first:?}"),
            }
        }
        Err(error) => format!("refused, {error:?}"),
    }
}

fn pool() -> String {
    match Pool::new(2) {
        Ok(pool) => format!("{:?}", pool.map(|n: u64| n + 1, 0..4)),
        Err(error) => format!("refused, {error:?}"),
    }
}

/// Before all else that runs before `main`; std's part, which is 99, knows the environment.
#[used]
#[unsafe(link_section = ".init_array.00100")]
static BEFORE_ALL: extern "C" fn() = before_all;

extern "C" fn before_all() {
    match std::env::var(BEFORE).as_deref() {
        // SAFETY: there is one thread, and nobody has anything of the environment.
        Ok("clear the environment") => unsafe {
            // Not the program itself, which needs it.
            if is_child() {
                assert_eq!(libc::clearenv(), 0);
            }
        },
        Ok("close all descriptors") if is_child() => {
            // SAFETY: the descriptors above the standard streams are nobody's yet.
            assert_eq!(unsafe { libc::close_range(3, libc::c_uint::MAX, 0) }, 0);
        }
        Ok("change the program of the request") if is_child() => {
            // SAFETY: as in `is_child`.
            let path =
                unsafe { std::ffi::CStr::from_ptr(libc::getauxval(libc::AT_EXECFN) as *const _) };
            let digits = path.to_str().unwrap()["/proc/self/".len()..].trim_end_matches("exe");
            let digits = digits.replace("./", "1").replace('/', "0");
            let path = format!("/proc/self/fd/{}", u32::from_str_radix(&digits, 2).unwrap());
            let request = File::options().read(true).write(true).open(path).unwrap();
            // As spawn_request.rs has it.
            let mut program = [0];
            request.read_exact_at(&mut program, 16).unwrap();
            request.write_all_at(&[program[0] ^ 1], 16).unwrap();
        }
        // Should children come here and start children, they end.
        Ok("spawn") if note(EARLY) <= TOO_MANY => println!("{EARLY}: {}", spawn()),
        _ => {}
    }
}

/// Whether the process was started from `/proc`, as children are.
fn is_child() -> bool {
    // SAFETY: the kernel has put a text there.
    let path = unsafe { std::ffi::CStr::from_ptr(libc::getauxval(libc::AT_EXECFN) as *const _) };
    path.to_bytes().starts_with(b"/proc/self/./")
}
