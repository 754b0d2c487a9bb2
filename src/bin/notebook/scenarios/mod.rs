//! The notebook, a scenario a file. What several of them need to look at stands in `watch`.

mod fork;
mod pipe;
mod process;
mod process_class;
mod semaphore;
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
    pipe::SCENARIO,
    semaphore::SCENARIO,
    zombie::SCENARIO,
];
