//! Says what the compiler cannot know by itself.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Whether the primitives are those of a model, which asks for both the feature `model` and `--cfg loom`:
    // a program that has models of its own with loom, and not this feature, has the machine's. rustdoc,
    // which does not read RUSTFLAGS, gets it too (see the top of `src/lib.rs`).
    println!("cargo::rustc-check-cfg=cfg(modelled)");
    let is_on = |name| env::var_os(name).is_some();
    if is_on("CARGO_CFG_LOOM") && is_on("CARGO_FEATURE_MODEL") {
        println!("cargo::rustc-cfg=modelled");
    }
    // Whether this is the repository, with the fuzz targets, or the package, which comes without them.
    let root = env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    if Path::new(&root).join("fuzz/src/lib.rs").exists() {
        println!("cargo::rustc-cfg=fuzz_targets");
    }
}
