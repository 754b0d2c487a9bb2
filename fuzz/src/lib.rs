//! The bodies of the fuzz targets. They are compiled twice: here, with a `fuzz_target!` each in
//! `fuzz_targets/`, and among the tests of the crate itself, which play every seed in `seeds/`.
#![allow(unreachable_pub, reason = "among the tests it is a private module")]

mod attach;
mod files;
mod queue;
mod scribble;
mod shared_array;
mod sync;
mod wire;

use arbitrary::{Arbitrary, Unstructured};

/// How a call waits.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Way {
    /// For ever: only where it need not wait.
    Plain,
    Try,
    For,
    Until,
}

/// A body, which is given any bytes. It fails by a panic, or by what a sanitizer sees.
pub type Body = fn(&[u8]);

/// All targets, by name: each is a module with a `play`.
pub const TARGETS: &[(&str, Body)] = &[
    ("attach", attach::play),
    ("queue", queue::play),
    ("scribble", scribble::play),
    ("shared_array", shared_array::play),
    ("sync", sync::play),
    ("wire", wire::play),
];

/// Plays `bytes` to the target of that name.
pub fn play(name: &str, bytes: &[u8]) {
    let body = TARGETS.iter().find(|(other, _)| *other == name);
    body.unwrap_or_else(|| panic!("{name} is no target")).1(bytes);
}

/// What the bytes say, if they say something.
fn said<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
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
    fn every_seed_is_played() {
        for (name, _) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
            let seeds = paths(&folder);
            assert!(!seeds.is_empty(), "{name} has no seed");
            for seed in seeds {
                println!("{}", seed.display());
                play(name, &fs::read(seed).unwrap());
            }
        }
    }
}
