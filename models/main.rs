//! Models: what loom explores to the end. See README.md in this folder.
#![cfg(loom)]

mod harness;
mod roll_call;
mod stage;

mod barrier;
mod bounded_semaphore;
mod condition;
mod event;
mod lock;
mod notebook;
mod pipe;
mod queue;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod shared_array;
mod value;

/// Every file of models.
const ALL: &[&[(&str, harness::Model)]] = &[
    barrier::MODELS,
    bounded_semaphore::MODELS,
    condition::MODELS,
    event::MODELS,
    lock::MODELS,
    notebook::MODELS,
    pipe::MODELS,
    queue::MODELS,
    rlock::MODELS,
    robust_semaphore::MODELS,
    semaphore::MODELS,
    shared_array::MODELS,
    value::MODELS,
];
