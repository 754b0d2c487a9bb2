//! Hands `--cfg loom` on to rustdoc, which does not read RUSTFLAGS: doc examples run on real
//! primitives only, so a model build collects none of them (see the top of `src/lib.rs`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_LOOM").is_some() {
        println!("cargo::rustc-cfg=loom");
    }
}
