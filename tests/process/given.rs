//! What a child is given otherwise than its parent has it: environment, directory, standard streams.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;

use super::{builder, spawn};
use crate::until::until;
use crate::{Nothing, alone};
use multiproc::process::{Stdio, active_children};
use multiproc::{Error, Event, Process, ProcessBuilder, Shared};

/// Runs `test` with a builder, spawning and (in a process with one thread) forking.
fn each_way<R>(builder: &ProcessBuilder, run: fn(()) -> R) -> [R; 2]
where
    R: serde::Serialize + serde::de::DeserializeOwned,
{
    let spawned = builder.clone().spawn(run, ()).unwrap();
    let forked = builder.clone().fork(|| run(())).unwrap();
    [spawned, forked].map(|child| child.join().unwrap())
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

#[test]
fn an_environment_is_the_parents_with_what_the_builder_says() {
    alone(|()| {
        // SAFETY: this is the only thread.
        unsafe {
            std::env::set_var("TESTS_KEPT", "kept");
            std::env::set_var("TESTS_GONE", "gone");
            std::env::set_var("TESTS_OTHER", "before");
        }
        let builder = builder()
            .env("TESTS_GONE", "never")
            .env("TESTS_OTHER", "after=all")
            .env("TESTS_EMPTY", "")
            .env_remove("TESTS_GONE");
        let mut expected = variables();
        expected.remove("TESTS_GONE");
        expected.insert("TESTS_OTHER".into(), "after=all".into());
        expected.insert("TESTS_EMPTY".into(), "".into());
        assert_eq!(each_way(&builder, |()| variables()), [expected.clone(), expected.clone()]);

        let builder = builder.env_clear().env("TESTS_ONE", "1");
        let one = BTreeMap::from([("TESTS_ONE".to_owned(), "1".to_owned())]);
        assert_eq!(each_way(&builder, |()| variables()), [one.clone(), one]);
        assert_eq!(std::env::var("TESTS_GONE").unwrap(), "gone", "the parent keeps its own");
    });
}

#[test]
fn what_cannot_be_a_variable_is_refused_before_anything_runs() {
    let ran = Shared::new(Event::new()).unwrap();
    for (name, value) in [("", "x"), ("A=B", "x"), ("A\0B", "x"), ("A", "x\0y")] {
        let builder = builder().env(name, value);
        let refused = builder.spawn(|ran: Shared<Event>| ran.set(), ran.clone()).unwrap_err();
        assert!(matches!(&refused, Error::InvalidVariable { name: told } if told == name));
    }
    assert!(!ran.is_set());
}

#[test]
fn a_child_begins_in_its_directory() {
    alone(|()| {
        let here = std::env::current_dir().unwrap();
        let folder = Folder::new("begins");
        std::env::set_current_dir(folder.0.parent().unwrap()).unwrap();
        // By a relative path, from where the parent is when it starts it.
        let builder = builder().current_dir(folder.0.file_name().unwrap());
        let look = |()| std::env::current_dir().unwrap();
        let real = folder.0.canonicalize().unwrap();
        assert_eq!(each_way(&builder, look), [real.clone(), real]);
        std::env::set_current_dir(here).unwrap();
    });
}

#[test]
fn a_directory_that_cannot_be_entered_is_refused_by_its_path() -> Nothing {
    let folder = Folder::new("refused");
    let file = folder.0.join("file");
    File::create(&file)?;
    let missing = folder.0.join("missing");
    for path in [missing, file, PathBuf::new(), PathBuf::from("/a\0b")] {
        let refused = builder().current_dir(&path).spawn(|()| (), ()).unwrap_err();
        let Error::Directory { path: told, .. } = refused else { panic!("{path:?}: {refused}") };
        assert_eq!(told, path);
    }
    Ok(())
}

#[test]
fn a_directory_that_another_user_may_not_enter_is_refused() {
    alone(|()| {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("closed");
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o600)).unwrap();
        let path = folder.0.clone();
        let user = Process::fork(move || {
            if !become_nobody() {
                return;
            }
            let refused = builder().current_dir(&path).fork(|| ()).unwrap_err();
            let Error::Directory { source, .. } = refused else { panic!("{refused}") };
            assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        });
        user.unwrap().join().unwrap();
    });
}

/// Whether this process is another user than root now; says if it cannot be.
pub(crate) fn become_nobody() -> bool {
    const NOBODY: u32 = 65534;
    // SAFETY: this process has one thread, and trusts in no right that it had.
    let became = unsafe { libc::geteuid() != 0 || libc::setresuid(NOBODY, NOBODY, NOBODY) == 0 };
    if !became {
        eprintln!("SKIPPED: this process cannot become another user");
    }
    became
}

/// A folder of this test's, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("multiproc-tests-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads all of the standard input and says it on both others, by std and by C.
fn repeat() -> usize {
    let mut all = String::new();
    std::io::stdin().read_to_string(&mut all).unwrap();
    print!("out {all}");
    eprint!("err {all}");
    // SAFETY: two texts that end with a NUL.
    unsafe { libc::printf(c"%s".as_ptr(), c" by C".as_ptr()) };
    all.len()
}

#[test]
fn streams_that_are_pipes_lead_to_the_parent() {
    alone(|()| {
        let piped =
            builder().stdin(Stdio::Piped).stdout(Stdio::Piped).stderr(Stdio::Piped);
        for child in [piped.clone().spawn(|()| repeat(), ()).unwrap(), piped.fork(repeat).unwrap()]
        {
            let mut input = child.take_stdin().expect("it is a pipe");
            assert!(child.take_stdin().is_none(), "there is one");
            input.write_all(b"hello").unwrap();
            drop(input);
            let (mut out, mut err) = (String::new(), String::new());
            child.take_stdout().expect("a pipe").read_to_string(&mut out).unwrap();
            child.take_stderr().expect("a pipe").read_to_string(&mut err).unwrap();
            assert_eq!((out.as_str(), err.as_str()), ("out hello by C", "err hello"));
            assert_eq!(child.join().unwrap(), 5);
        }
    });
}

#[test]
fn a_join_ends_an_input_that_nobody_has_taken() {
    alone(|()| {
        let quiet = builder().stdin(Stdio::Piped).stdout(Stdio::Null).stderr(Stdio::Null);
        assert_eq!(each_way(&quiet, |()| repeat()), [0, 0]);
    });
}

#[test]
fn streams_may_lead_to_files_and_nowhere() {
    alone(|()| {
        let folder = Folder::new("streams");
        let (input, output) = (folder.0.join("input"), folder.0.join("output"));
        fs::write(&input, "from a file").unwrap();
        for fork in [false, true] {
            let builder = builder()
                .stdin(File::open(&input).unwrap())
                .stdout(File::create(&output).unwrap())
                .stderr(Stdio::Null);
            let child = match fork {
                true => builder.fork(repeat),
                false => builder.spawn(|()| repeat(), ()),
            };
            let child = child.unwrap();
            assert!(child.take_stdin().is_none() && child.take_stdout().is_none());
            assert_eq!(child.join().unwrap(), 11);
            assert_eq!(fs::read_to_string(&output).unwrap(), "out from a file by C");
        }
    });
}

#[test]
fn streams_can_be_exchanged_also_where_a_file_has_a_streams_number() {
    alone(|()| {
        let (mut from_first, first) = std::io::pipe().unwrap();
        let (mut from_second, second) = std::io::pipe().unwrap();
        // The files have the numbers 1 and 2, and are each to be the other.
        rustix::stdio::dup2_stdout(&first).unwrap();
        rustix::stdio::dup2_stderr(&second).unwrap();
        drop((first, second));
        use std::os::fd::{FromRawFd, OwnedFd};
        // SAFETY: both are open, and nothing else in this process writes there or closes them.
        let [one, two] = [1, 2].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        let exchanged = builder().stdout(two).stderr(one);
        let say = || {
            print!("out");
            eprint!("err");
        };
        exchanged.fork(say).unwrap().join().unwrap();
        let (mut first, mut second) = (String::new(), String::new());
        from_first.read_to_string(&mut first).unwrap();
        from_second.read_to_string(&mut second).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("err", "out"));
    });
}

#[test]
fn a_forked_sibling_does_not_hold_the_pipes_of_another() {
    alone(|()| {
        let go = Shared::new(Event::new()).unwrap();
        let reader = builder()
            .stdin(Stdio::Piped)
            .stdout(Stdio::Null)
            .stderr(Stdio::Null)
            .fork(repeat)
            .unwrap();
        let sibling = Process::fork(|| go.wait()).unwrap();
        // Here its input ends; not in the sibling, if that had a copy of it.
        assert_eq!(reader.join().unwrap(), 0);
        go.set();
        sibling.join().unwrap();
    });
}

#[test]
fn nothing_is_left_open_of_what_a_child_was_given() {
    alone(|()| {
        let open = || fs::read_dir("/proc/self/fd").unwrap().count();
        let round = || {
            let builder = builder()
                .stdin(Stdio::Piped)
                .stdout(Stdio::Piped)
                .stderr(Stdio::Null)
                .env("A", "B")
                .current_dir("/");
            each_way(&builder, |()| ());
            drop(builder.clone().fork(|| ()).unwrap());
            builder.current_dir("/missing").fork(|| ()).unwrap_err();
            until("the end of the one that was dropped", || active_children().is_empty());
        };
        round();
        let before = open();
        (0..10).for_each(|_| round());
        assert_eq!(open(), before);
    });
}

#[test]
fn a_child_has_no_more_open_than_what_it_was_given() -> Nothing {
    let open = |()| fs::read_dir("/proc/self/fd").unwrap().count();
    let plain = spawn(open, ())?.join()?;
    let builder = builder().stdin(Stdio::Null).stdout(Stdio::Piped).current_dir("/");
    assert_eq!(builder.spawn(open, ())?.join()?, plain);
    Ok(())
}
