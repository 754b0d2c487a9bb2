//! The notebook, a scenario in each file. `watch` has what several of them measure.

mod event;
mod fork;
mod lock;
mod pipe;
mod pool_apply;
mod pool_map;
mod process;
mod process_class;
mod queue;
mod semaphore;
mod shared_array;
mod thread;
mod thread_attributes;
mod thread_class;
mod wait;
mod watch;
mod zombie;

use crate::scenario::Scenario;

/// In the notebook's order.
pub(crate) static SCENARIOS: &[Scenario] = &[
    fork::SCENARIO,
    wait::SCENARIO,
    process::SCENARIO,
    process_class::SCENARIO,
    pool_apply::SCENARIO,
    pool_map::SCENARIO,
    pipe::SCENARIO,
    queue::SCENARIO,
    shared_array::SCENARIO,
    semaphore::SCENARIO,
    thread::SCENARIO,
    thread_attributes::SCENARIO,
    event::SCENARIO,
    lock::SCENARIO,
    thread_class::SCENARIO,
    zombie::SCENARIO,
];
