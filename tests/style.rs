//! Rules of the source that no compiler holds. Each is tried on a bad sample too: a rule that
//! cannot fail is none.
#![cfg(not(modelled))]

use std::fs;
use std::path::Path;

/// A rule gets a file's path from the repository's root, and its text; gives what is wrong.
type Rule = fn(&str, &str) -> Vec<String>;

#[test]
fn a_file_uses_its_own_floor_and_those_below() {
    holds(floors, &["src"]);
    fails(floors, "src/sync/lock.rs", "use crate::ipc::Queue;");
    fails(floors, "src/shm/shared.rs", "use crate::{error::Error, sync::{Event, Lock}};");
    fails(floors, "src/ipc/queue.rs", "let lock = crate::Lock::new(0);");
    fails(floors, "src/error.rs", "pub use crate::process::ExitStatus;");
    fails(floors, "src/attic/old.rs", "");
    passes(floors, "src/ipc/queue.rs", "use crate::{error::Error, sync::{Hold, RawLock}};");
    passes(floors, "src/sync/lock.rs", "/// [`Queue`](crate::ipc::Queue)");
}

#[test]
fn only_the_ground_floor_knows_that_it_is_modelled() {
    holds(modelled, &["src"]);
    fails(modelled, "src/ipc/ring.rs", "#[cfg(not(modelled))]\nfn real() {}");
    fails(modelled, "src/sys/mod.rs", "#[cfg(loom)]");
    passes(modelled, "src/ipc/ring.rs", "// modelled: every interleaving of it is explored");
    passes(modelled, "src/sys/mod.rs", "#[cfg(modelled)]");
    passes(modelled, "src/sync/event.rs", "#[cfg_attr(modelled, multiproc_checker::mutants)]");
    passes(modelled, "src/sync/event.rs", "#[cfg_attr(modelled, ignore = \"why\")]");
    fails(modelled, "src/sync/event.rs", "#[cfg_attr(modelled, inline)]");
}

#[test]
fn no_file_is_longer_than_a_reader_holds() {
    holds(short, &["src", "models", "tests", "benches"]);
    fails(short, "src/ipc/ring.rs", &"\n".repeat(LONGEST + 1));
    passes(short, "src/ipc/ring.rs", &"\n".repeat(LONGEST));
}

#[test]
fn no_test_sleeps_or_measures_time_to_be_right() {
    holds(sleepless, &["tests", "models", "src/bin/notebook/tests"]);
    fails(sleepless, "tests/queue.rs", "thread::sleep(Duration::from_millis(10));");
    fails(sleepless, "tests/queue.rs", "assert!(start.elapsed() < LIMIT);");
    passes(sleepless, "tests/queue.rs", "// std::thread::sleep(second) would be a guess");
}

#[test]
fn nothing_is_left_for_later() {
    holds(finished, &["src", "models", "tests", "benches"]);
    fails(finished, "src/ipc/ring.rs", &["// TO", "DO: the rest"].concat());
    fails(finished, "src/ipc/ring.rs", &["to", "do!()"].concat());
    fails(finished, "src/ipc/ring.rs", &["un", "implemented!()"].concat());
}

#[test]
fn every_ordering_says_why() {
    holds(reasoned, &["src"]);
    fails(reasoned, "src/sync/event.rs", "fn f() {\n    self.0.load(Relaxed);\n}");
    fails(reasoned, "src/sync/event.rs", "// Relaxed: only a guess.\n}\nself.0.load(Acquire);");
    fails(reasoned, "src/sys/real/thread.rs", "compiler_fence(Ordering::SeqCst);");
    passes(reasoned, "src/sys/model/word.rs", "self.0.load(Relaxed);");
    passes(reasoned, "src/sync/event.rs", "// Acquire: pairs with `set`.\nself.0.load(Acquire);");
    passes(reasoned, "src/sync/event.rs", "use crate::sys::{Ordering::{Acquire, Release}, Word};");
}

/// The floors, lowest first; what stands on one line is one floor.
const FLOORS: [&[&str]; 11] = [
    &["error"],
    &["sys"],
    &["handoff"],
    &["shm"],
    &["sync"],
    &["ipc"],
    &["runtime"],
    &["process", "thread"],
    &["wait"],
    &["pool"],
    &["model"],
];

fn floors(path: &str, text: &str) -> Vec<String> {
    let Some(place) = path.strip_prefix("src/") else { return Vec::new() };
    // Packages of their own lie on no floor.
    if place == "lib.rs" || place.starts_with("bin/") || place.starts_with("derive/") {
        return Vec::new();
    }
    let own = place.split('/').next().unwrap_or(place).trim_end_matches(".rs");
    let Some(height) = floor_of(own) else { return vec![format!("`{own}` is on no floor")] };
    let mut wrong = Vec::new();
    for used in used_of_crate(&code_of(text)) {
        match floor_of(&used) {
            None => wrong.push(format!("crate::{used} is on no floor: name it where it stands")),
            Some(floor) if floor > height => wrong.push(format!("crate::{used} is above `{own}`")),
            Some(_) => {}
        }
    }
    wrong
}

fn floor_of(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// The first names after each `crate::`, in braces or not.
fn used_of_crate(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            used.push(name_at(rest));
            continue;
        };
        let mut depth = 0;
        let mut fresh = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                _ if fresh && !c.is_whitespace() => {
                    used.push(name_at(&group[i..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    used
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn modelled(path: &str, text: &str) -> Vec<String> {
    let knows = path.starts_with("src/sys/") || path == "src/lib.rs";
    // `--cfg loom` alone is a program's, which may have models of its own. The notebook is one, and is not
    // tested in a build for loom.
    let is_program = path.starts_with("src/bin/notebook/tests/");
    let lines = code_of(text);
    // That a model is to find its mutants in it, what it forgets, and that a test is of the machine alone,
    // changes no code elsewhere.
    let strays = lines
        .lines()
        .filter(|line| {
            !line.trim().starts_with("#[cfg_attr(modelled, multiproc_checker::mutants)]")
        })
        .filter(|line| !line.trim().starts_with("#[cfg_attr(modelled, forgets"))
        .filter(|line| !line.trim().starts_with("#[cfg_attr(modelled, ignore = "))
        .filter(|line| {
            words(line).any(|word| word == "modelled" && !knows || word == "loom" && !is_program)
        });
    strays.map(|line| format!("`{}`", line.trim())).collect()
}

/// About four hundred.
const LONGEST: usize = 420;

fn short(_: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > LONGEST { vec![format!("{lines} lines")] } else { Vec::new() }
}

fn sleepless(path: &str, text: &str) -> Vec<String> {
    if path == "tests/style.rs" {
        return Vec::new();
    }
    let guesses = |line: &str| {
        line.contains("::sleep(") || line.contains("assert") && line.contains(".elapsed()")
    };
    let lines = code_of(text);
    lines.lines().filter(|line| guesses(line)).map(|line| format!("`{}`", line.trim())).collect()
}

fn finished(path: &str, text: &str) -> Vec<String> {
    if path == "tests/style.rs" {
        return Vec::new();
    }
    let marks = ["TODO", "FIXME", "XXX", "HACK", "todo!", "unimplemented!", "dbg!"];
    text.lines()
        .filter(|line| marks.iter().any(|mark| line.contains(mark)))
        .map(|line| format!("`{}`", line.trim()))
        .collect()
}

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// How many lines above an ordering its reason may stand.
const REACH: usize = 12;

/// Of the floors that hold protocols, and of what the machine is reached by. (Where an ordering comes
/// as a parameter, it is the caller's; and a model is given all of them.)
fn reasoned(path: &str, text: &str) -> Vec<String> {
    let holds_some =
        ["src/sync/", "src/ipc/", "src/sys/"].iter().any(|part| path.starts_with(part));
    if !holds_some || path.starts_with("src/sys/model/") {
        return Vec::new();
    }
    let code = code_of(text);
    let (code, text): (Vec<&str>, Vec<&str>) = (code.lines().collect(), text.lines().collect());
    let mut wrong = Vec::new();
    let mut importing = false;
    for (i, line) in code.iter().enumerate() {
        importing |=
            line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ");
        let imported = importing;
        importing &= !line.contains(';');
        if imported || !words(line).any(|word| ORDERINGS.contains(&word)) {
            continue;
        }
        let reason = (i.saturating_sub(REACH)..=i)
            .rev()
            .take_while(|&above| above == i || code[above] != "}" && code[above] != "    }")
            .filter_map(|above| text[above].split_once("//"))
            .any(|(_, comment)| words(comment).any(|word| ORDERINGS.contains(&word)));
        if !reason {
            wrong.push(format!("line {}: `{}`", i + 1, line.trim()));
        }
    }
    wrong
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The text with its comments blanked, line for line.
fn code_of(text: &str) -> String {
    let code = |line: &str| match line.find("//") {
        // Not the slashes of an address in a literal.
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().flat_map(|line| [code(line), "\n".to_owned()]).collect()
}

#[track_caller]
fn holds(rule: Rule, folders: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        walk(&root.join(folder), &mut files);
    }
    assert!(!files.is_empty(), "no file in {folders:?}");
    let wrong: Vec<String> = files
        .iter()
        .map(|file| (file, file.strip_prefix(root).unwrap().to_str().unwrap()))
        .flat_map(|(file, path)| {
            let found = rule(path, &fs::read_to_string(file).unwrap());
            found.into_iter().map(move |what| format!("{path}: {what}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[track_caller]
fn fails(rule: Rule, path: &str, text: &str) {
    assert!(!rule(path, text).is_empty(), "nothing is found wrong in {path}: {text}");
}

#[track_caller]
fn passes(rule: Rule, path: &str, text: &str) {
    assert_eq!(rule(path, text), Vec::<String>::new(), "{path}: {text}");
}
