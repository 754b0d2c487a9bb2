//! Every site of the source has a mutant that fails, every mutant a site, and every model that a
//! comment of the source names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::ALL;
use crate::harness::name_of;

// Where models are explored: on the machine those of deaths are not built.
#[cfg(loom)]
#[test]
fn every_site_has_a_mutant() {
    let sites: BTreeSet<String> = source().iter().flat_map(|text| sites_in(text)).collect();
    let mutants: BTreeSet<String> = ALL
        .iter()
        .copied()
        .flatten()
        .flat_map(|(_, model, _)| model.mutants)
        .map(|site| (*site).to_owned())
        .collect();
    assert!(!sites.is_empty());
    let alone: Vec<_> = sites.difference(&mutants).collect();
    assert!(alone.is_empty(), "no model must fail without {alone:?}");
    let left_over: Vec<_> = mutants.difference(&sites).collect();
    assert!(left_over.is_empty(), "the source has no site {left_over:?}");
}

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
    let text = "a(site!(\n    \"lock.a\", 1 => 0));\n/// site!(\"lock.b\", 1 => 0)\nmutant!(\"c\", 1 => 0)";
    assert_eq!(sites_in(text), ["lock.a", "c"]);
    let suites = BTreeSet::from(["lock"]);
    let text = "// Weaker: `lock::nobody` sees it.\nlet `lock::code`;\n// `std::mem`\n";
    assert_eq!(models_named_in(text, &suites), ["lock::nobody"]);
}

/// The literals that stand first in a `site!`, or in the checker's own `mutant!`, except in comments.
fn sites_in(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    ["site!(", "mutant!("]
        .into_iter()
        .flat_map(|call| code.split(call).skip(1))
        .filter_map(|rest| {
            rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
        })
        .collect()
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
