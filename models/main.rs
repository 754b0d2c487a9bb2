//! Models: what loom explores to the end. See README.md in this folder.
#![cfg(loom)]

mod harness;
mod roll_call;

mod event;
mod lock;
mod notebook;
mod pipe;
mod semaphore;

/// Every file of models.
const ALL: &[&[(&str, harness::Model)]] =
    &[event::MODELS, lock::MODELS, notebook::MODELS, pipe::MODELS, semaphore::MODELS];
