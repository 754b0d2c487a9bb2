//! Each thing that can be wrong with a name has its error, which says what to do.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

use multiproc::{Error, Event, Lock, NameProblem, Process, Shared};
use proptest::prelude::*;

use crate::alone::alone;
use crate::{Named, problem};

/// Where the header has its words.
const MAGIC: u64 = 0;
const VERSION: u64 = 8;
const STAMP: u64 = 16;
const PID_NAMESPACE: u64 = 32;
const TIME_NAMESPACE: u64 = 40;
/// How much of the header is used.
const USED: usize = 48;

fn file(name: &Named) -> File {
    OpenOptions::new().read(true).write(true).open(name.path()).unwrap()
}

fn open(name: &Named) -> Result<Shared<u64>, Error> {
    Shared::open(&name.0)
}

/// Memory whose header has another word at `offset`.
fn with_word(what: &str, offset: u64, word: u64) -> (Named, Shared<u64>) {
    let name = Named::new(what);
    let made = Shared::create(&name.0, 7).unwrap();
    file(&name).write_all_at(&word.to_le_bytes(), offset).unwrap();
    (name, made)
}

#[test]
fn what_cannot_be_a_name_is_refused_everywhere() {
    let long = "n".repeat(201);
    for wrong in ["", "a/b", "/", "a\0b", &long] {
        assert!(matches!(problem(Shared::create(wrong, 1u64)), NameProblem::Invalid), "{wrong}");
        assert!(matches!(problem(Shared::<u64>::open(wrong)), NameProblem::Invalid), "{wrong}");
        assert!(matches!(problem(Shared::<u64>::unlink(wrong)), NameProblem::Invalid), "{wrong}");
    }
    let said = Shared::<u64>::open("a/b").unwrap_err().to_string();
    assert_eq!(
        said,
        "shared memory \"a/b\": a name has from 1 to 200 bytes, none of which is '/' or NUL"
    );
}

#[test]
fn any_other_name_is_one() {
    let Named(unique) = &Named::new("any");
    let longest = format!("{unique}{}", "ü".repeat((200 - unique.len()) / 2));
    for name in [format!("{unique}."), format!("{unique} ..\n"), longest] {
        let guard = Named(name);
        let made = Shared::create(&guard.0, 1u64).unwrap();
        assert_eq!(*open(&guard).unwrap(), *made);
        Shared::<u64>::unlink(&guard.0).unwrap();
    }
}

#[test]
fn a_name_that_nothing_has_is_not_found() {
    let name = Named::new("nothing");
    assert!(matches!(problem(open(&name)), NameProblem::NotFound));
    assert!(matches!(problem(Shared::<u64>::unlink(&name.0)), NameProblem::NotFound));
}

#[test]
fn the_file_is_for_its_user_alone() {
    let name = Named::new("mode");
    let _made = Shared::create(&name.0, 1u64).unwrap();
    let metadata = fs::metadata(name.path()).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
}

/// What nobody can do with the memory of `theirs`, and with its own file that it may not open.
fn as_nobody(theirs: String) {
    const NOBODY: u32 = 65534;
    // SAFETY: plain calls; all of this process becomes another user.
    assert_eq!(unsafe { libc::setgid(NOBODY) | libc::setuid(NOBODY) }, 0);
    let owner = |problem| match problem {
        NameProblem::Owner { owner } => owner,
        other => panic!("{other}"),
    };
    assert_eq!(owner(problem(Shared::<u64>::open(&theirs))), 0);
    assert_eq!(owner(problem(Shared::create(&theirs, 1u64))), 0);
    assert_eq!(owner(problem(Shared::<u64>::unlink(&theirs))), 0);
    without_permission();
    let name = Named::new("nobody");
    let made = Shared::create(&name.0, 1u64).unwrap();
    assert_eq!(*open(&name).unwrap(), *made);
}

fn without_permission() {
    let name = Named::new("permission");
    let _made = Shared::create(&name.0, 1u64).unwrap();
    fs::set_permissions(name.path(), Permissions::from_mode(0o400)).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::NoPermission));
    assert!(matches!(problem(Shared::create(&name.0, 1u64)), NameProblem::NoPermission));
}

#[test]
fn another_users_file_and_one_without_permission_are_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED in part: only root can become another user");
        without_permission();
        return;
    }
    let name = Named::new("owner-root");
    let _made = Shared::create(&name.0, 1u64).unwrap();
    // Its mode would let anyone: it is refused all the same.
    for mode in [0o600, 0o666] {
        fs::set_permissions(name.path(), Permissions::from_mode(mode)).unwrap();
        let nobody = Process::spawn(as_nobody, name.0.clone()).unwrap();
        nobody.join().unwrap_or_else(|error| panic!("{error}"));
    }
    // And root does not trust what nobody could change.
    std::os::unix::fs::chown(name.path(), Some(65534), None).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::Owner { owner: 65534 }));
}

#[test]
fn what_is_no_file_is_refused() {
    let (name, target) = (Named::new("no-file"), Named::new("no-file-target"));
    let _made = Shared::create(&target.0, 1u64).unwrap();
    symlink(target.path(), name.path()).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::NotAFile));
    assert!(matches!(problem(Shared::create(&name.0, 1u64)), NameProblem::NotAFile));
    assert!(matches!(problem(Shared::<u64>::unlink(&name.0)), NameProblem::NotAFile));
    fs::remove_file(name.path()).unwrap();
    fs::create_dir(name.path()).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::NotAFile));
    fs::remove_dir(name.path()).unwrap();
    // Opening one of these would wait for somebody at its other end.
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, name.path(), fifo, mode, 0).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::NotAFile));
}

#[test]
fn a_file_that_is_too_short_or_another_programs_is_left_alone() {
    let name = Named::new("foreign");
    fs::write(name.path(), "short").unwrap();
    let short = |problem| match problem {
        NameProblem::TooShort { bytes, needed } => (bytes, needed),
        other => panic!("{other}"),
    };
    assert_eq!(short(problem(open(&name))), (5, 64));
    assert_eq!(short(problem(Shared::create(&name.0, 1u64))), (5, 64));
    fs::write(name.path(), [b'x'; 4096]).unwrap();
    assert!(matches!(problem(open(&name)), NameProblem::Foreign));
    assert!(matches!(problem(Shared::create(&name.0, 1u64)), NameProblem::Foreign));
    assert_eq!(fs::read(name.path()).unwrap(), [b'x'; 4096]);
    Shared::<u64>::unlink(&name.0).unwrap();
    assert!(Shared::create(&name.0, 1u64).is_ok());
}

#[test]
fn a_file_of_another_length_is_refused() {
    let name = Named::new("length");
    let made = Shared::create(&name.0, [7u64; 1000]).unwrap();
    for bytes in [64, 4096, 10_000] {
        file(&name).set_len(bytes).unwrap();
        match problem(Shared::<[u64; 1000]>::open(&name.0)) {
            NameProblem::Resized { bytes: now, made: 8064 } => assert_eq!(now, bytes),
            other => panic!("{other}"),
        }
    }
    file(&name).set_len(8064).unwrap();
    assert_eq!(made[0], Shared::<[u64; 1000]>::open(&name.0).unwrap()[0]);
}

#[test]
fn other_layouts_types_and_namespaces_are_told_apart() {
    let (name, _made) = with_word("magic", MAGIC, u64::from_le_bytes(*b"mproc\0\0x"));
    assert!(matches!(problem(open(&name)), NameProblem::Foreign));
    for other in [0, 3, 5] {
        let (name, _made) = with_word("version", VERSION, other);
        match problem(open(&name)) {
            NameProblem::Version { found, ours: 4 } => assert_eq!(found, other),
            other => panic!("{other}"),
        }
        // Nobody knows how those who hold it say so.
        let again = problem(Shared::create(&name.0, 1u64));
        assert!(matches!(again, NameProblem::Version { .. }));
    }
    let (name, _made) = with_word("stamp", STAMP, 1);
    assert!(matches!(problem(open(&name)), NameProblem::Type));
    let (name, _made) = with_word("namespace", PID_NAMESPACE, 1);
    assert!(matches!(problem(open(&name)), NameProblem::PidNamespace));
    let (name, _made) = with_word("time", TIME_NAMESPACE, 1);
    assert!(matches!(problem(open(&name)), NameProblem::TimeNamespace));
}

#[test]
fn another_type_of_the_same_size_is_refused() {
    let name = Named::new("type");
    let _made = Shared::create(&name.0, 1u64).unwrap();
    assert!(matches!(problem(Shared::<i64>::open(&name.0)), NameProblem::Type));
    assert!(matches!(problem(Shared::<Lock<u64>>::open(&name.0)), NameProblem::Type));
    assert!(open(&name).is_ok());
}

#[test]
fn what_was_left_by_a_killed_process_is_abandoned_and_replaced() {
    alone(|()| {
        let name = Named::new("left");
        let ready = Shared::new(Event::new()).unwrap();
        let hold = |(name, ready): (String, Shared<Event>)| {
            let _made = Shared::create(&name, 1u64).unwrap();
            ready.set();
            Event::new().wait();
        };
        for _ in 0..20 {
            ready.clear();
            let holder = Process::spawn(hold, (name.0.clone(), ready.clone())).unwrap();
            ready.wait();
            assert!(matches!(problem(Shared::create(&name.0, 2u64)), NameProblem::InUse));
            assert_eq!(*open(&name).unwrap(), 1);
            holder.kill().unwrap();
            holder.join().unwrap_err();
            assert!(matches!(problem(open(&name)), NameProblem::Abandoned));
            assert!(
                matches!(problem(open(&name)), NameProblem::Abandoned),
                "looking is not holding"
            );
            // Of another type, even.
            let made = Shared::create(&name.0, [2u8; 3]).unwrap();
            assert_eq!(*Shared::<[u8; 3]>::open(&name.0).unwrap(), *made);
        }
    });
}

/// What happens to a file under a name.
#[derive(Debug, Clone)]
enum Damage {
    Byte(usize, u8),
    Header(Vec<u8>),
    Word(usize, u64),
    Length(u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (0usize..80, any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        prop::collection::vec(any::<u8>(), 64).prop_map(Damage::Header),
        (0usize..8, prop_oneof![0u64..5000, any::<u64>()])
            .prop_map(|(at, word)| Damage::Word(at * 8, word)),
        prop_oneof![Just(0), 0u64..200, 0u64..10_000, Just(1 << 40)].prop_map(Damage::Length),
    ]
}

proptest! {
    /// It is opened if and only if its header and its length are as they were.
    #[test]
    fn whatever_a_file_has_become_opening_it_is_safe(
        damages in prop::collection::vec(damage(), 0..4),
        held in any::<bool>(),
    ) {
        let name = Named::new("damaged");
        let made = Shared::create(&name.0, [7u64; 4]).unwrap();
        let file = file(&name);
        let (mut before, mut after) = ([0; USED], [0; USED]);
        file.read_exact_at(&mut before, 0).unwrap();
        let (len, inode) = (file.metadata().unwrap().len(), file.metadata().unwrap().ino());
        for damage in &damages {
            match damage {
                Damage::Byte(at, byte) => file.write_all_at(&[*byte], *at as u64).unwrap(),
                Damage::Header(header) => file.write_all_at(header, 0).unwrap(),
                Damage::Word(at, word) => file.write_all_at(&word.to_le_bytes(), *at as u64).unwrap(),
                Damage::Length(len) => file.set_len(*len).unwrap(),
            }
        }
        let whole = file.metadata().unwrap().len() == len
            && file.read_exact_at(&mut after, 0).is_ok()
            && before == after;
        let made = held.then_some(made);
        match Shared::<[u64; 4]>::open(&name.0) {
            Ok(value) => {
                prop_assert!(whole, "{damages:?}");
                std::hint::black_box(*value);
            }
            Err(Error::Name { .. }) => prop_assert!(!whole || !held, "{damages:?}"),
            Err(other) => prop_assert!(false, "{other}"),
        }
        if held {
            let refused = problem(Shared::create(&name.0, [8u64; 4]));
            prop_assert!(!whole || matches!(refused, NameProblem::InUse));
            prop_assert_eq!(fs::metadata(name.path()).unwrap().ino(), inode, "it is still there");
        }
        drop(made);
        Shared::<u64>::unlink(&name.0).unwrap();
    }
}
