//! Says whether the primitives are those of a model: `--cfg modelled`, which asks for both the feature
//! `model` and `--cfg loom`. A program that has models of its own with loom, and not this feature, has the
//! machine's. rustdoc, which does not read RUSTFLAGS, gets it too (see the top of `src/lib.rs`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(modelled)");
    let is_on = |name| std::env::var_os(name).is_some();
    if is_on("CARGO_CFG_LOOM") && is_on("CARGO_FEATURE_MODEL") {
        println!("cargo::rustc-cfg=modelled");
    }
}
