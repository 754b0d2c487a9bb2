//! Says what the compiler cannot know by itself.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Handed on to rustdoc, which does not read RUSTFLAGS: doc examples run on real primitives only, so
    // a model build collects none of them (see the top of `src/lib.rs`).
    if env::var_os("CARGO_CFG_LOOM").is_some() {
        println!("cargo::rustc-cfg=loom");
    }
    // Whether this is the repository, with the fuzz targets, or the package, which comes without them.
    let root = env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    if Path::new(&root).join("fuzz/src/lib.rs").exists() {
        println!("cargo::rustc-cfg=fuzz_targets");
    }
}
