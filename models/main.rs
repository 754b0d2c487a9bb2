//! Models: small programs that are explored to the end, or played on the machine. See README.md in
//! this folder.

#[cfg(not(loom))]
#[path = "../tests/support/asleep.rs"]
mod asleep;
mod counted;
#[cfg(loom)]
mod engines;
#[cfg(loom)]
mod equivalent;
#[cfg(loom)]
mod explained;
#[cfg(loom)]
mod explore;
mod harness;
#[cfg(loom)]
mod mutants;
#[cfg(loom)]
mod programs;
#[cfg(loom)]
mod reductions;
mod roll_call;
mod stage;
#[cfg(not(loom))]
mod stress;
#[cfg(loom)]
mod whole;

mod barrier;
#[cfg(loom)]
mod barrier_deaths;
mod bounded_semaphore;
mod condition;
#[cfg(loom)]
mod condition_deaths;
#[cfg(loom)]
mod deaths;
mod event;
mod futures;
#[cfg(loom)]
mod lending;
mod lock;
#[cfg(loom)]
mod looks;
mod notebook;
mod pipe;
#[cfg(loom)]
mod pool;
mod queue;
#[cfg(loom)]
mod reused;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod shared_array;
mod spurious;
mod value;

/// Every file of models.
const ALL: &[&[(&str, harness::Model, harness::Legs)]] = &[
    barrier::MODELS,
    #[cfg(loom)]
    barrier_deaths::MODELS,
    bounded_semaphore::MODELS,
    condition::MODELS,
    #[cfg(loom)]
    condition_deaths::MODELS,
    #[cfg(loom)]
    deaths::MODELS,
    event::MODELS,
    futures::MODELS,
    #[cfg(loom)]
    lending::MODELS,
    lock::MODELS,
    #[cfg(loom)]
    looks::MODELS,
    notebook::MODELS,
    pipe::MODELS,
    #[cfg(loom)]
    pool::MODELS,
    queue::MODELS,
    #[cfg(loom)]
    reused::MODELS,
    rlock::MODELS,
    robust_semaphore::MODELS,
    semaphore::MODELS,
    shared_array::MODELS,
    spurious::MODELS,
    value::MODELS,
];
