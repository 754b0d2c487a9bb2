//! The bodies of the fuzz targets. They are compiled twice: here, with a `fuzz_target!` each in
//! `fuzz_targets/`, and among the unit tests of the library, which run every seed in `seeds/`.
#![allow(unreachable_pub, reason = "among the unit tests it is a private module")]

mod agree;
mod attach;
mod files;
mod queue;
mod scribble;
mod shared_array;
mod sync;
mod wire;

#[allow(dead_code, reason = "the property tests use all of it")]
#[path = "../../tests/support/model/mod.rs"]
mod model;

use arbitrary::{Arbitrary, Unstructured};

use self::model::wait::{Span, Wait};

impl<'a> Arbitrary<'a> for Wait {
    /// Without a timeout, or for no time: a target uses [`Wait::Ever`] only where it need not wait.
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        #[derive(Arbitrary)]
        enum Form {
            Ever,
            Not,
            For,
            Until,
        }
        Ok(match Form::arbitrary(bytes)? {
            Form::Ever => Wait::Ever,
            Form::Not => Wait::Not,
            Form::For => Wait::For(Span::Zero),
            Form::Until => Wait::Until(Span::Zero),
        })
    }
}

/// A body, which is run with any bytes. It fails by a panic, or by what a sanitizer detects.
pub type Body = fn(&[u8]);

/// All targets by name: each is a module with a function `run`.
pub const TARGETS: &[(&str, Body)] = &[
    ("attach", attach::run),
    ("queue", queue::run),
    ("scribble", scribble::run),
    ("shared_array", shared_array::run),
    ("sync", sync::run),
    ("wire", wire::run),
];

/// Runs the target of that name with `bytes`.
pub fn run(name: &str, bytes: &[u8]) {
    let body = TARGETS.iter().find(|(other, _)| *other == name);
    body.unwrap_or_else(|| panic!("there is no target {name}")).1(bytes);
}

/// Decodes the bytes, if there are enough.
fn decode<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn names(folder: &str, of: fn(&Path) -> Option<&std::ffi::OsStr>) -> Vec<String> {
        let paths = paths(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder));
        paths.iter().map(|path| of(path).unwrap().to_str().unwrap().to_owned()).collect()
    }

    fn paths(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn every_target_is_a_program_and_has_seeds() {
        let targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names("fuzz_targets", Path::file_stem), targets);
        assert_eq!(names("seeds", Path::file_name), targets);
    }

    #[test]
    fn every_seed_runs() {
        for (name, _) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
            let seeds = paths(&folder);
            assert!(!seeds.is_empty(), "{name} has no seed");
            for seed in seeds {
                println!("{}", seed.display());
                run(name, &fs::read(seed).unwrap());
            }
        }
    }
}
