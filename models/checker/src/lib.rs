//! Explores models of multiproc's protocols.

pub mod mutants;

pub use multiproc_checker_macros::mutants;
