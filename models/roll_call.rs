//! Every model that a comment of the source names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::ALL;
use crate::harness::name_of;

#[test]
fn every_model_that_a_comment_names_is_there() {
    let names: BTreeSet<&str> =
        ALL.iter().copied().flatten().map(|(path, ..)| name_of(path)).collect();
    let suites: BTreeSet<&str> =
        names.iter().map(|name| name.split_once("::").map_or(*name, |(suite, _)| suite)).collect();
    let mut named = 0;
    for text in source() {
        for name in models_named_in(&text, &suites) {
            named += 1;
            assert!(names.contains(name.as_str()), "a comment names `{name}`, but no model is it");
        }
    }
    assert!(named > 0);
}

#[test]
fn the_roll_call_can_fail() {
    let suites = BTreeSet::from(["lock"]);
    let text = "// Weaker: `lock::nobody` sees it.\nlet `lock::code`;\n// `std::mem`\n";
    assert_eq!(models_named_in(text, &suites), ["lock::nobody"]);
}

/// What stands in backticks in comments and begins with the name of a file of models.
fn models_named_in(text: &str, suites: &BTreeSet<&str>) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("//"))
        .flat_map(|comment| comment.split('`').skip(1).step_by(2))
        .filter(|name| name.split_once("::").is_some_and(|(suite, _)| suites.contains(suite)))
        .map(str::to_owned)
        .collect()
}

/// The texts of all files of the library and of the checker.
fn source() -> Vec<String> {
    fn walk(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, texts);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut texts = Vec::new();
    for folder in ["../src", "checker/src"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut texts);
    }
    texts
}
