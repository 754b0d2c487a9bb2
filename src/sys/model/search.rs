//! Every execution of a program, one state once: a scheduler for shuttle that goes depth first and
//! turns back where it comes to a state that it has seen.
//!
//! shuttle runs the program anew for each way through it, as coroutines on one OS thread, and asks
//! before each step who goes on. What may go on, and the state, the `world` knows; shuttle knows no
//! thread that sleeps. Where an execution is cut short, its threads unwind, so that nothing leaks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic;
use std::rc::Rc;

use shuttle::scheduler::{Schedule, Scheduler, Task as Coroutine, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::sys::model::trace::{self, Failure, quietly};
use crate::sys::model::world::{self, Task, Turn};
use crate::sys::model::{enrolled, life};

/// One decision: what could be, and which of it is.
#[derive(Clone, Debug)]
struct Fork {
    /// A digest of the state, where one was worked out.
    state: u128,
    turns: Vec<(Task, Turn)>,
    taken: usize,
}

/// How a search ended.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// How often the program was run.
    pub executions: usize,
    /// Different states that were come to.
    pub states: usize,
    /// At how many decisions a thread was killed.
    pub deaths: usize,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Whether every execution was gone through.
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
    /// No execution of more decisions than these: what needs more is not gone through.
    pub max_decisions: Option<usize>,
}

struct State {
    search: Search,
    forced: Option<Vec<usize>>,
    path: Vec<Fork>,
    /// Where in the path the execution is.
    at: usize,
    /// With the fewest decisions that led to it.
    seen: HashMap<u128, u32>,
    result: Searched,
    began: bool,
}

impl Search {
    /// Goes through all executions of `program`, until one fails.
    pub fn run(self, program: impl Fn() + 'static) -> Searched {
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
        let state = Rc::new(RefCell::new(State {
            search: self,
            forced,
            path: Vec::new(),
            at: 0,
            seen: HashMap::new(),
            result: Searched { complete: true, ..Searched::default() },
            began: false,
        }));
        let mut config = Config::new();
        config.failure_persistence = FailurePersistence::None;
        config.max_steps = MaxSteps::None;
        config.silence_warnings = true;
        config.stack_size = 1 << 16;
        let program = Here(program);
        let runner = Runner::new(Decider(state.clone()), config);
        let outcome = quietly(|| runner.run(move || world::run(0, false, || program.call())));
        world::end();
        if let Err(panic) = outcome {
            panic::resume_unwind(panic);
        }
        let state = state.borrow();
        Searched { states: state.seen.len(), ..state.result.clone() }
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
const LONGEST: usize = 20_000;

/// States that are gone through for a schedule that is shorter.
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

fn write_schedule(path: &[Fork]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for fork in path {
        match parts.last_mut() {
            Some((choice, times)) if *choice == fork.taken => *times += 1,
            _ => parts.push((fork.taken, 1)),
        }
    }
    let text = |(choice, times)| match times {
        1 => format!("{choice}"),
        _ => format!("{choice}*{times}"),
    };
    parts.into_iter().map(text).collect::<Vec<_>>().join(",")
}

impl State {
    /// After an execution: how it ended, and whether there is another.
    fn next(&mut self) -> bool {
        if self.began {
            let world = world::end().expect("an execution has a world");
            self.result.executions += 1;
            if let Some(message) = world.failure {
                let schedule = write_schedule(&self.path[..self.at]);
                let table = trace::table();
                self.result.failure = Some(Failure { message, schedule, table });
            }
            let too_many = self.search.max_states.is_some_and(|most| self.seen.len() > most);
            self.result.complete &= !too_many;
            if self.result.failure.is_some() || too_many || self.forced.is_some() {
                return false;
            }
            // Back to the last decision that has something left.
            self.path.truncate(self.at);
            while let Some(fork) = self.path.last_mut() {
                fork.taken += 1;
                if fork.taken < fork.turns.len() {
                    break;
                }
                self.path.pop();
            }
            if self.path.is_empty() {
                return false;
            }
        }
        self.began = true;
        self.at = 0;
        life::forget_lives();
        enrolled::forget_places();
        trace::switch(self.forced.is_some());
        world::begin(self.search.clone());
        true
    }

    /// Who has come back to this state by steps of its own alone.
    fn spins(&self, state: u128) -> Option<Task> {
        let step = |fork: &Fork| fork.turns[fork.taken];
        let (last, _) = step(self.path.last()?);
        let alone = self.path.iter().rev().take_while(|fork| step(fork) == (last, Turn::Go));
        alone.into_iter().any(|fork| fork.state == state).then_some(last)
    }

    /// What is done in this state, where there is something to be done that was not yet.
    fn decide(&mut self) -> Option<(Task, Turn)> {
        let at = self.at;
        if at == self.path.len() {
            let turns = world::with(|world| world.turns());
            if turns.is_empty() {
                world::with(|world| {
                    if !world.is_done() {
                        world.failure = Some(world.deadlock());
                    }
                });
                return None;
            }
            if at >= LONGEST {
                world::with(|world| world.failure = Some(format!("{LONGEST} steps are no end")));
                return None;
            }
            let (mut taken, mut state) = (0, 0);
            if let Some(forced) = &self.forced {
                taken = *forced.get(at)?;
                assert!(taken < turns.len(), "the schedule is not one of this program's");
            } else {
                if self.search.max_decisions.is_some_and(|most| at >= most) {
                    self.result.complete = false;
                    return None;
                }
                // One execution alone may come to too many.
                if self.search.max_states.is_some_and(|most| self.seen.len() > most) {
                    return None;
                }
                state = world::with(|world| world.state());
                let before = self.seen.entry(state).or_insert(u32::MAX);
                // With no limit, once is enough.
                let earlier = match self.search.max_decisions {
                    Some(_) => *before <= at as u32,
                    None => *before != u32::MAX,
                };
                if earlier {
                    if let Some(task) = self.spins(state) {
                        let message = format!("thread {task} goes round alone, and does not sleep");
                        world::with(|world| world.failure = Some(message));
                    }
                    return None;
                }
                *before = at as u32;
            }
            self.path.push(Fork { state, turns, taken });
        }
        self.at += 1;
        let fork = &self.path[at];
        let (task, turn) = fork.turns[fork.taken];
        if turn == Turn::Die && at + 1 == self.path.len() {
            self.result.deaths += 1;
        }
        world::with(|world| world.decide(task, turn));
        Some((task, turn))
    }
}

struct Decider(Rc<RefCell<State>>);

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
        let runs = |task: Task| {
            runnable.iter().map(|coroutine| coroutine.id()).find(|&id| usize::from(id) == task)
        };
        let any = || runnable.first().map(|coroutine| coroutine.id());
        let running = current.filter(|&current| runs(current.into()).is_some());
        // A new thread runs to its first step, and its maker on. At shuttle's own steps, as before it makes
        // one, whoever runs goes on.
        let forced = world::with(|world| {
            let forced = if is_yielding || running.is_none() { world.forced.pop() } else { None }?;
            world.decide(forced, Turn::Go);
            world.at_step = false;
            Some(forced)
        });
        if let Some(id) = forced.and_then(runs) {
            return Some(id);
        }
        let (over, at_step, failed) = world::with(|world| {
            let at_step = std::mem::take(&mut world.at_step);
            (world.is_over(), at_step, world.failure.is_some())
        });
        if !over && !failed {
            if !at_step && running.is_some() {
                return running;
            }
            while let Some((task, turn)) = self.0.borrow_mut().decide() {
                if matches!(turn, Turn::Die | Turn::Bury | Turn::Wake) {
                    continue;
                }
                return runs(task);
            }
        }
        world::with(|world| world.finish());
        any()
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("nothing here is random")
    }
}
