//! Every execution of a program, one state once: a scheduler for shuttle that goes depth first and
//! turns back where it comes to a state that it has seen.
//!
//! shuttle runs the program anew for each way through it, as coroutines on one OS thread, and asks
//! before each step who goes on. What may go on, and the state, `execution` knows; shuttle does not know
//! which threads are blocked. Where an execution is cut short, its threads unwind, so that nothing leaks.

mod execution;
mod executor;
mod objects;

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic;
use std::rc::Rc;

use shuttle::scheduler::{Schedule, Scheduler, Task as Coroutine, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::executor::ThreadId;
use crate::failure::Failure;
use crate::trace::{self, quietly};
use execution::Choice;

pub(crate) use execution::is_running;
pub(crate) use executor::BySearch;

/// A decision: what could happen next, and which of it does.
#[derive(Clone, Debug)]
struct Decision {
    /// A digest of the state, where one was worked out.
    state: u128,
    choices: Vec<(ThreadId, Choice)>,
    taken: usize,
}

/// How a search ended.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// How often the program was run.
    pub executions: usize,
    /// How many different states were reached.
    pub states: usize,
    /// At how many decisions a thread was killed.
    pub deaths: usize,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Whether all executions were tried.
    pub complete: bool,
}

/// When a slice of a wait ends, after a death, but for those that end early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slices {
    /// Never: who is not woken sleeps for ever.
    #[default]
    Never,
    /// Where nobody can go on otherwise, of one wait; of a wait that ends in time, always.
    Singly,
    /// As [`Slices::Singly`], and of the next while all who go on only look.
    AtOnce,
}

/// How a program is searched.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// How many threads may be killed, of those that were spawned as mortal.
    pub deaths: u32,
    /// The kernel does not find the locks of who is killed, but for one that it is about to take or to
    /// give back: as where a thread holds too many, or has gone on to another program.
    pub unmarked: bool,
    /// Where one has died, how slices of waits end.
    pub slices: Slices,
    /// How many waits may end for no reason.
    pub spurious: u32,
    /// How many slices of waits may end at any time, also where nobody has died.
    pub early: u32,
    /// Without the reductions: threads that are alike are told apart, and nothing is forgotten.
    pub plain: bool,
    /// The most states; what has more is not complete.
    pub max_states: Option<usize>,
    /// Only these decisions.
    pub replay: Option<String>,
    /// No execution of more decisions than these: what needs more is not tried.
    pub max_decisions: Option<usize>,
}

struct Path {
    search: Search,
    forced: Option<Vec<usize>>,
    decisions: Vec<Decision>,
    /// Where in the path the execution is.
    at: usize,
    /// With the fewest decisions that led to it.
    seen: HashMap<u128, u32>,
    result: SearchResult,
    began: bool,
}

impl Search {
    /// Goes through all executions of `program`, until one fails.
    pub fn run(self, program: impl Fn() + 'static) -> SearchResult {
        struct Here<F>(F);
        // SAFETY: shuttle runs all on this thread.
        unsafe impl<F> Send for Here<F> {}
        // SAFETY: as above.
        unsafe impl<F> Sync for Here<F> {}
        impl<F: Fn()> Here<F> {
            fn call(&self) {
                (self.0)();
            }
        }

        let forced = self.replay.as_deref().map(read_schedule);
        let path = Rc::new(RefCell::new(Path {
            search: self,
            forced,
            decisions: Vec::new(),
            at: 0,
            seen: HashMap::new(),
            result: SearchResult { complete: true, ..SearchResult::default() },
            began: false,
        }));
        let mut config = Config::new();
        config.failure_persistence = FailurePersistence::None;
        config.max_steps = MaxSteps::None;
        config.silence_warnings = true;
        config.stack_size = 1 << 16;
        let program = Here(program);
        let runner = Runner::new(Decider(path.clone()), config);
        let outcome = quietly(|| runner.run(move || execution::run(0, false, || program.call())));
        execution::end();
        if let Err(panic) = outcome {
            panic::resume_unwind(panic);
        }
        let path = path.borrow();
        SearchResult { states: path.seen.len(), ..path.result.clone() }
    }

    /// The failure of a program that fails with the fewest decisions that can be found with so many
    /// states, step by step.
    pub fn explain(self, program: impl Fn() + Clone + 'static) -> Option<Failure> {
        let mut shortest = self.clone().run(program.clone()).failure?.schedule;
        while let Some(failure) = {
            let most = read_schedule(&shortest).len().checked_sub(1)?;
            let shorter = Search {
                max_decisions: Some(most),
                max_states: Some(MOST_FOR_SHORTER),
                ..self.clone()
            };
            shorter.run(program.clone()).failure
        } {
            shortest = failure.schedule;
        }
        Search { replay: Some(shortest), ..self }.run(program).failure
    }
}

/// Decisions of one execution: a program that needs more does not end.
const LONGEST: usize = 5_000;

/// States that are tried for a schedule that is shorter.
const MOST_FOR_SHORTER: usize = 200_000;

/// `0*3,1`: of what could be done the first, three times, then the second.
fn read_schedule(text: &str) -> Vec<usize> {
    let mut choices = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (choice, times) = part.split_once('*').unwrap_or((part, "1"));
        let read = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{text}` in a schedule"));
        choices.extend(vec![read(choice); read(times)]);
    }
    choices
}

fn write_schedule(decisions: &[Decision]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for decision in decisions {
        match parts.last_mut() {
            Some((choice, times)) if *choice == decision.taken => *times += 1,
            _ => parts.push((decision.taken, 1)),
        }
    }
    let text = |(choice, times)| match times {
        1 => format!("{choice}"),
        _ => format!("{choice}*{times}"),
    };
    parts.into_iter().map(text).collect::<Vec<_>>().join(",")
}

impl Path {
    /// After an execution: how it ended, and whether there is another.
    fn next(&mut self) -> bool {
        if self.began {
            let execution = execution::end().expect("each execution ends once");
            self.result.executions += 1;
            if let Some(message) = execution.failure {
                let schedule = write_schedule(&self.decisions[..self.at]);
                let table = trace::table();
                self.result.failure = Some(Failure { message, schedule, table });
            }
            let too_many = self.search.max_states.is_some_and(|most| self.seen.len() > most);
            self.result.complete &= !too_many;
            if self.result.failure.is_some() || too_many || self.forced.is_some() {
                return false;
            }
            // Back to the last decision that has something left.
            self.decisions.truncate(self.at);
            while let Some(decision) = self.decisions.last_mut() {
                decision.taken += 1;
                if decision.taken < decision.choices.len() {
                    break;
                }
                self.decisions.pop();
            }
            if self.decisions.is_empty() {
                return false;
            }
        }
        self.began = true;
        self.at = 0;
        crate::begin_execution();
        trace::switch(self.forced.is_some());
        execution::begin(self.search.clone());
        true
    }

    /// Who has come back to this state by steps of its own alone.
    fn spins(&self, state: u128) -> Option<ThreadId> {
        let step = |decision: &Decision| decision.choices[decision.taken];
        let (last, _) = step(self.decisions.last()?);
        let is_alone = |decision: &&Decision| step(decision) == (last, Choice::Step);
        let mut alone = self.decisions.iter().rev().take_while(is_alone);
        alone.any(|decision| decision.state == state).then_some(last)
    }

    /// What is done in this state, where there is something to be done that was not yet.
    fn decide(&mut self) -> Option<(ThreadId, Choice)> {
        let at = self.at;
        if at == self.decisions.len() {
            let choices = execution::with(|execution| execution.choices());
            if choices.is_empty() {
                execution::with(|execution| {
                    if !execution.is_done() {
                        execution.failure = Some(execution.deadlock());
                    }
                });
                return None;
            }
            if at >= LONGEST {
                execution::with(|execution| {
                    execution.failure = Some(format!("it has no end after {LONGEST} decisions"));
                });
                return None;
            }
            let (mut taken, mut state) = (0, 0);
            if let Some(forced) = &self.forced {
                taken = *forced.get(at)?;
                assert!(taken < choices.len(), "the schedule is not one of this program's");
            } else {
                if self.search.max_decisions.is_some_and(|most| at >= most) {
                    self.result.complete = false;
                    return None;
                }
                // One execution alone may come to too many.
                if self.search.max_states.is_some_and(|most| self.seen.len() > most) {
                    return None;
                }
                state = execution::with(|execution| execution.state());
                let before = self.seen.entry(state).or_insert(u32::MAX);
                // With no limit, once is enough.
                let earlier = match self.search.max_decisions {
                    Some(_) => *before <= at as u32,
                    None => *before != u32::MAX,
                };
                if earlier {
                    if let Some(task) = self.spins(state) {
                        let message = format!("thread {task} goes round alone, and does not wait");
                        execution::with(|execution| execution.failure = Some(message));
                    }
                    return None;
                }
                *before = at as u32;
            }
            self.decisions.push(Decision { state, choices, taken });
        }
        self.at += 1;
        let decision = &self.decisions[at];
        let (thread, choice) = decision.choices[decision.taken];
        if choice == Choice::Kill && at + 1 == self.decisions.len() {
            self.result.deaths += 1;
        }
        execution::with(|execution| execution.decide(thread, choice));
        Some((thread, choice))
    }
}

struct Decider(Rc<RefCell<Path>>);

impl Scheduler for Decider {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.0.borrow_mut().next().then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Coroutine],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let runs = |thread: ThreadId| {
            runnable.iter().map(|coroutine| coroutine.id()).find(|&id| usize::from(id) == thread)
        };
        let any = || runnable.first().map(|coroutine| coroutine.id());
        let running = current.filter(|&current| runs(current.into()).is_some());
        // A new thread runs to its first step, and its maker on. At shuttle's own steps, as before it makes
        // one, whoever runs goes on.
        let forced = execution::with(|execution| {
            let forced =
                if is_yielding || running.is_none() { execution.forced.pop() } else { None }?;
            execution.decide(forced, Choice::Step);
            execution.at_step = false;
            Some(forced)
        });
        if let Some(id) = forced.and_then(runs) {
            return Some(id);
        }
        let (over, at_step, failed) = execution::with(|execution| {
            let at_step = std::mem::take(&mut execution.at_step);
            (execution.is_over(), at_step, execution.failure.is_some())
        });
        if !over && !failed {
            if !at_step && running.is_some() {
                return running;
            }
            while let Some((thread, choice)) = self.0.borrow_mut().decide() {
                if matches!(choice, Choice::Kill | Choice::WalkList | Choice::Wake) {
                    continue;
                }
                return runs(thread);
            }
        }
        execution::with(|execution| execution.finish());
        any()
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("nothing here is random")
    }
}
