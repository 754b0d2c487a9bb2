//! A program that is built for this: linked in other ways, and with this crate in it more than once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::file::{output_of, write_or_start};
use crate::start::Start;
use crate::{skip, works};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One package: a build at a time.
static BUILDS: Mutex<()> = Mutex::new(());

/// The folder of the package; what is built stays there from run to run.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("built")
}

/// Builds the program with these flags of rustc, and gives where it is; `None`, and says so, where
/// that cannot be.
fn build(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let _one_at_a_time = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder();
    write_package(&folder);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", folder.join("target"));
    cargo.env_remove("CARGO_BUILD_TARGET");
    match flags {
        [] => cargo.args(["build", "--offline"]),
        _ => cargo.args(["rustc", "--offline", "--bin", "built", "--"]).args(flags),
    };
    let ran = match output_of(&mut cargo) {
        Ok(ran) => ran,
        Err(error) => {
            skip(&format!("{name}: no cargo here: {error}"));
            return None;
        }
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    if said.contains("cannot find -l") {
        skip(&format!("{name}: a library to link it with is not installed"));
        return None;
    }
    assert!(ran.status.success(), "{said}");
    let path = folder.join(name);
    write_or_start(|| fs::copy(folder.join("target/debug/built"), &path)).unwrap();
    Some(path)
}

/// Depends on this crate, and on a copy of it that is of another version.
fn write_package(folder: &Path) {
    let manifest = fs::read_to_string(format!("{ROOT}/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    // The derive is the same for both.
    let dependencies = dependencies.replace("src/derive", &format!("{ROOT}/src/derive"));
    let package = include_str!("built/package.toml").replace("ROOT", ROOT);
    write(&folder.join("Cargo.toml"), package.as_bytes());
    // What is downloaded for the tests is all it needs.
    write(&folder.join("Cargo.lock"), &fs::read(format!("{ROOT}/Cargo.lock")).unwrap());
    let twin = format!(
        "[package]\nname = \"multiproc\"\nversion = \"0.0.1\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}\n"
    );
    write(&folder.join("twin/Cargo.toml"), twin.as_bytes());
    copy(&Path::new(ROOT).join("src"), &folder.join("twin/src"));
    let later = "[package]\nname = \"later\"\nversion = \"0.0.1\"\nedition = \"2024\"\n";
    write(&folder.join("later/Cargo.toml"), later.as_bytes());
    write(&folder.join("later/src/lib.rs"), include_bytes!("built/later.rs"));
}

/// Copies what is there, and removes what is there no more.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(to).into_iter().flatten() {
        let (name, old) = entry.map(|entry| (entry.file_name(), entry.path())).unwrap();
        let now = from.join(name);
        match (old.is_dir(), now.is_dir(), now.exists()) {
            (true, false, _) => fs::remove_dir_all(old).unwrap(),
            (false, true, _) | (false, _, false) => fs::remove_file(old).unwrap(),
            _ => {}
        }
    }
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => write(&to, &fs::read(&from).unwrap()),
        }
    }
}

/// Writes it if it is not there: what has changed is built again.
fn write(path: &Path, text: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == text) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a child has of the program's constructor.
const CONSTRUCTED: &str = "Ok(\"ran, spawn refused, TooEarly, twin's refused, TooEarly\")";

/// It works, and so does the copy of the crate that is in it.
fn both_copies_work(name: &str, flags: &[&str]) {
    let Some(program) = build(name, flags) else { return };
    let said = Start::new(program).run();
    works(&said);
    assert_eq!(said.of("twin"), "Ok(6)", "{said:?}");
    assert_eq!(said.of("twin in a child"), "Ok(5)", "{said:?}");
    assert_eq!(said.of("child in a twin"), "Ok(5)", "{said:?}");
    let dropped = "[true, true], then [false, false]";
    assert_eq!(said.of("guards"), dropped, "{said:?}");
    assert_eq!(said.of("guards in a child"), format!("Ok({dropped:?})"), "{said:?}");
    // It comes after both copies, which start children from there on, but not in a child.
    assert_eq!(said.of("constructor"), "ran, spawn Ok(5), twin's Ok(5)", "{said:?}");
    assert_eq!(said.of("constructor in a child"), CONSTRUCTED, "{said:?}");
    assert_eq!(said.of("constructor in a twin"), CONSTRUCTED, "{said:?}");
    let ran = "Ok(\"ran, spawn refused, Daemonic, twin's refused, TooEarly\")";
    assert_eq!(said.of("constructor in a worker"), ran, "{said:?}");
    assert_eq!(said.of("constructor that exits"), "Err(Exited(3))", "{said:?}");
    assert_eq!(said.of("constructor that panics"), "Err(Signaled(6))", "{said:?}");
}

#[test]
fn two_copies_in_a_program() {
    both_copies_work("dynamic", &[]);
}

#[test]
fn static_programs() {
    both_copies_work("static-pie", &["-Ctarget-feature=+crt-static"]);
    let flags = ["-Ctarget-feature=+crt-static", "-Crelocation-model=static"];
    both_copies_work("static", &flags);
}

#[test]
fn a_program_at_a_fixed_address() {
    both_copies_work("fixed", &["-Crelocation-model=static"]);
}

#[test]
fn a_program_whose_panics_abort() {
    both_copies_work("abort", &["-Cpanic=abort"]);
}

#[test]
fn a_library_has_no_children_and_leaves_those_of_the_program_alone() {
    let Some(program) = build("with-library", &[]) else { return };
    let library = folder().join("target/debug/libbuilt.so");
    let said = Start::new(&program).with("MULTIPROC_STARTS_LIBRARY", &library).run();
    works(&said);
    let refused = "refused, NotInProgram";
    assert_eq!(said.of("library"), refused, "{said:?}");
    assert_eq!(said.of("library in a child"), format!("Ok({refused:?})"), "{said:?}");
    // Loaded with the program: its part before `main` comes first, in children too.
    let said = Start::new(program).with("LD_PRELOAD", library).run();
    works(&said);
    assert_eq!(said.of("constructor in a child"), CONSTRUCTED, "{said:?}");
}
