//! Programs with more rights than whoever starts them: their children would have them too, and take
//! no orders.

use rustix::process::geteuid;

use crate::file::File;
use crate::program::BECOME;
use crate::start::Start;
use crate::{children_end, refuses, skip, works};

/// A user who may nothing: nobody.
const NOBODY: u32 = 65534;

/// A file that another user can run and that can have more rights than he; or says that there is
/// none.
fn file(case: &str) -> Option<File> {
    if !geteuid().is_root() {
        skip(&format!("{case}: it takes root to start a program as another user"));
        return None;
    }
    let file = File::for_all_users();
    if file.is_none() {
        skip(&format!("{case}: where files can be put for a while, their rights do not count"));
    }
    file
}

fn set_capability(file: &File, case: &str) -> bool {
    let set = file.set_capability();
    if !set {
        skip(&format!("{case}: the file system takes no capabilities"));
    }
    set
}

#[test]
fn another_users_file_that_cannot_be_read() {
    let Some(file) = file("a file that cannot be read") else { return };
    file.set_mode(0o711);
    works(&Start::of(&file).by_user(NOBODY).run());
}

#[test]
fn a_setuid_file() {
    let Some(file) = file("a setuid file") else { return };
    file.set_mode(0o4755);
    refuses(&Start::of(&file).by_user(NOBODY).run(), "Privileged");
}

#[test]
fn a_setgid_file() {
    let Some(file) = file("a setgid file") else { return };
    file.set_mode(0o2755);
    refuses(&Start::of(&file).by_user(NOBODY).run(), "Privileged");
}

#[test]
fn a_file_with_capabilities() {
    let case = "a file with capabilities";
    let Some(file) = file(case) else { return };
    if set_capability(&file, case) {
        refuses(&Start::of(&file).by_user(NOBODY).run(), "Privileged");
    }
}

#[test]
fn a_setuid_file_of_ones_own() {
    let Some(file) = file("a setuid file of one's own") else { return };
    file.set_mode(0o4755);
    works(&Start::of(&file).run());
}

/// The program has no more rights than its caller, and its children have.
#[test]
fn a_file_that_gets_capabilities_while_it_runs() {
    let case = "a file that gets capabilities while it runs";
    let Some(file) = file(case) else { return };
    let mut set = false;
    let said = Start::of(&file).by_user(NOBODY).meanwhile(|| set = set_capability(&file, case));
    if set {
        children_end(&said, "it has more rights than its parent");
    }
}

/// The same, since root has become another.
#[test]
fn a_setuid_file_that_gives_its_rights_away() {
    let Some(file) = file("a setuid file that gives its rights away") else { return };
    file.set_mode(0o4755);
    children_end(
        &Start::of(&file).with(BECOME, NOBODY.to_string()).run(),
        "it has more rights than its parent",
    );
}
