//! A program that has children works however it was started, or says why not; and no process that
//! was started as a child comes to `main`.
//!
//! The program is a copy of this file's executable, which runs [`program::run`] as its only test.
//! What this machine does not allow is skipped, and that is said on standard error.
#![cfg(not(modelled))]

mod built;
mod file;
mod privileged;
mod program;
mod start;

use std::env::consts::ARCH;
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::Command;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};

use file::{File, output_of, write_or_start};
use start::{Said, Start};

/// Not a test: the program that the others start.
#[test]
#[ignore = "played by the other tests, in a process of its own"]
fn the_program() {
    program::run();
}

/// Says that this is not looked at here, and why: past the harness, which keeps what tests print.
fn skip(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// All ways to have children give the right values, there is shared memory, and only the program has come
/// to `main`.
#[track_caller]
fn works(said: &Said) {
    assert_eq!(said.of("spawn"), "Ok(5)", "{said:?}");
    assert_eq!(said.of("pool"), "Ok([1, 2, 3, 4])", "{said:?}");
    assert_eq!(said.of("shared"), "Ok(7)", "{said:?}");
    assert_eq!(said.of("fork server"), "Ok(5)", "{said:?}");
    assert_eq!(said.came_to_main, 1, "{said:?}");
}

/// All are refused with this error.
#[track_caller]
fn refuses(said: &Said, error: &str) {
    assert_eq!(said.of("spawn"), format!("refused, {error}"), "{said:?}");
    assert_eq!(said.of("pool"), format!("refused, {error}"), "{said:?}");
    assert_eq!(said.of("fork server"), format!("refused, {error}"), "{said:?}");
    assert_eq!(said.came_to_main, 1, "{said:?}");
}

/// Children are started and cannot be any: that is told, and none comes to `main`.
#[track_caller]
fn children_end(said: &Said, why: &str) {
    assert_eq!(said.of("spawn"), "Err(NotStarted(70))", "{said:?}");
    assert!(said.of("pool").contains("Broken"), "{said:?}");
    assert_eq!(said.of("fork server"), "Err(NotStarted(70))", "{said:?}");
    assert!(said.errors.contains(why), "{said:?}");
    assert_eq!(said.came_to_main, 1, "{said:?}");
}

#[test]
fn from_a_copy() {
    let said = Start::of(&File::copy()).run();
    works(&said);
    assert!(said.of("fork").contains("threads"), "the harness has some: {said:?}");
}

#[test]
fn from_a_stripped_file() {
    let file = File::copy();
    match output_of(Command::new("strip").arg(file.path())) {
        Ok(ran) => assert!(ran.status.success(), "{ran:?}"),
        Err(error) => return skip(&format!("a stripped program: no strip here: {error}")),
    }
    works(&Start::of(&file).run());
}

#[test]
fn from_a_file_that_is_moved() {
    let file = File::copy();
    works(&Start::of(&file).meanwhile(|| {
        fs::rename(file.path(), file.path().with_extension("moved")).unwrap();
    }));
}

#[test]
fn from_a_file_that_is_deleted() {
    let file = File::copy();
    works(&Start::of(&file).meanwhile(|| fs::remove_file(file.path()).unwrap()));
}

#[test]
fn from_a_file_that_is_replaced() {
    let file = File::copy();
    works(&Start::of(&file).meanwhile(|| {
        fs::remove_file(file.path()).unwrap();
        fs::copy("/bin/true", file.path()).unwrap();
    }));
}

#[test]
fn from_memory() {
    let program = write_or_start(|| {
        let memory = memfd_create("program", MemfdFlags::CLOEXEC).unwrap();
        let mut written = fs::File::from(memory);
        written.write_all(&fs::read("/proc/self/exe").unwrap()).unwrap();
        // What is open for writing is not run: one for reading.
        fs::File::open(format!("/proc/self/fd/{}", written.as_raw_fd())).unwrap()
    });
    works(&Start::new(format!("/proc/self/fd/{}", program.as_raw_fd())).run());
}

#[test]
fn through_the_loader() {
    let file = File::copy();
    // Where it is in this process.
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let Some(loader) = { paths }.find(|path| path.contains("/ld-linux")) else {
        return skip("a start through the loader: this program has none");
    };
    refuses(&Start::new(loader).arg(file.path()).run(), "OtherProgram");
}

#[test]
fn in_an_emulator() {
    let file = File::copy();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["qemu-ARCH", "qemu-ARCH-static"].map(|name| name.replace("ARCH", ARCH));
    let mut places =
        std::env::split_paths(&path).flat_map(|at| names.each_ref().map(|name| at.join(name)));
    let Some(emulator) = places.find(|place| place.exists()) else {
        return skip(&format!("a start in an emulator: there is no {}", names.join(" or ")));
    };
    refuses(&Start::new(emulator).arg(file.path()).run(), "OtherProgram");
}

#[test]
fn with_nothing_in_the_environment() {
    let said = Start::of(&File::copy()).with(program::BEFORE, "clear the environment").run();
    works(&said);
}

#[test]
fn with_all_descriptors_closed_before_main() {
    let said = Start::of(&File::copy()).with(program::BEFORE, "close all descriptors").run();
    children_end(&said, "the descriptor of its request is not there");
}

#[test]
fn by_another_program() {
    let change = "change the program of the request";
    let said = Start::of(&File::copy()).with(program::BEFORE, change).run();
    children_end(&said, "its request is of another program");
}

#[test]
fn before_main() {
    let said = Start::of(&File::copy()).with(program::BEFORE, "spawn").run();
    assert_eq!(said.of(program::EARLY), "refused, TooEarly", "{said:?}");
    works(&said);
    // The program, the child, the fork server, and the pool's two, unless they were ended before.
    assert!((3..=5).contains(&said.came_early), "{said:?}");
}

#[test]
fn by_a_childs_path_without_a_request() {
    // Those are given to the program: nothing of the machine's, and memory that holds no request.
    let (pipe, _writer) = std::io::pipe().unwrap();
    fcntl_setfd(&pipe, FdFlags::empty()).unwrap();
    let memory = memfd_create("no request", MemfdFlags::empty()).unwrap();
    let closed = i32::MAX;
    for (fd, why) in [
        (closed, "the descriptor of its request is not there"),
        (pipe.as_raw_fd(), "the descriptor of its request is not there"),
        (memory.as_raw_fd(), "what it finds there is no request"),
    ] {
        let parts = format!("{fd:b}").replace('1', "./").replace('0', "/");
        let mut program = Command::new(format!("/proc/self/{parts}exe"));
        let ran = output_of(program.arg("--list")).unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(70), "{said}");
        let whole = format!("was started as a child, and cannot be one: {why}");
        assert!(said.contains(&whole), "{said}");
        assert!(ran.stdout.is_empty(), "it has not come to main");
    }
}

#[test]
fn without_proc() {
    let file = File::copy();
    // SAFETY: it does nothing.
    let Some(said) = (unsafe { Start::of(&file).without_proc(|| true) }) else {
        return skip("a start without /proc: no mount namespace can be made here");
    };
    refuses(&said, "NoProc");
}

/// A folder like others, with files that tell of a program of one thread, and of another one.
fn make_up_proc() -> bool {
    let stat = b"7 (a) S 1 7 7 0 -1 64 102 0 0 0 1 2 3 4 20 0 1 0 91843 3133440 356";
    // SAFETY: the texts end, and so many bytes are there.
    unsafe {
        let made = libc::mkdir(c"/proc/self".as_ptr(), 0o755) == 0
            && libc::symlink(c"/bin/true".as_ptr(), c"/proc/self/exe".as_ptr()) == 0;
        let file = libc::creat(c"/proc/self/stat".as_ptr(), 0o644);
        made && libc::write(file, stat.as_ptr().cast(), stat.len()) == stat.len() as isize
            && libc::close(file) == 0
    }
}

#[test]
fn with_a_proc_that_is_not_the_kernels() {
    let file = File::copy();
    // SAFETY: it only makes system calls.
    let Some(said) = (unsafe { Start::of(&file).without_proc(make_up_proc) }) else {
        return skip("a start with a made-up /proc: no mount namespace can be made here");
    };
    refuses(&said, "NoProc");
    let told = "refused, reading /proc/self failed: it is no file of the kernel's";
    assert!(said.of("fork").starts_with(told), "{said:?}");
    assert!(said.of("shared").contains("/proc/self/ns"), "{said:?}");
}
