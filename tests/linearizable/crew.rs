//! Threads or processes that use something at the same time, and note what came of it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::{Process, SharedArray, Thread};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::history::{History, Part, Record};
use crate::subjects::Subject;

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(60);

/// So many histories are recorded by the same actors, without a pause between them.
const BATCH: usize = 50;

/// The first word of the clock; the others are a gate for each history.
const TICKET: usize = 0;

/// Who the actors are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crew {
    /// Threads of this process; what they use is in private memory.
    Threads,
    /// Processes; what they use is in memory that they share.
    Processes,
}

impl fmt::Display for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Crew::Threads => "threads",
            Crew::Processes => "processes",
        })
    }
}

/// What one actor gets.
#[derive(Serialize, Deserialize)]
struct Role<P, Op> {
    /// One for each history, and what to do with it.
    things: Vec<P>,
    programs: Vec<Vec<Op>>,
    clock: SharedArray<u64>,
    actors: u64,
    seed: u64,
}

/// Has so many histories recorded.
pub(crate) fn record<S: Subject>(
    crew: Crew,
    rng: &mut StdRng,
    histories: usize,
) -> Vec<History<S>> {
    let mut recorded = Vec::with_capacity(histories);
    while recorded.len() < histories {
        let batch = BATCH.min(histories - recorded.len());
        recorded.extend(match crew {
            Crew::Threads => by_threads::<S>(rng, batch),
            Crew::Processes => by_processes::<S>(rng, batch),
        });
    }
    recorded
}

fn by_threads<S: Subject>(rng: &mut StdRng, batch: usize) -> Vec<History<S>> {
    let roles = roles::<S, _>(rng, (0..batch).map(|_| Arc::new(S::private())).collect());
    let start = |role| Thread::builder().daemon(true).start(move || act::<S, _>(role)).unwrap();
    let threads: Vec<_> = roles.into_iter().map(start).collect();
    histories(threads.iter().map(|thread| thread.join_for(EVER).expect(HANGS).unwrap()))
}

fn by_processes<S: Subject>(rng: &mut StdRng, batch: usize) -> Vec<History<S>> {
    let roles = roles::<S, _>(rng, (0..batch).map(|_| S::shared()).collect());
    // Daemons: they go with the test, should one of them hang.
    let start = |role| Process::builder().daemon(true).spawn(act::<S, S::Shared>, role).unwrap();
    let processes: Vec<_> = roles.into_iter().map(start).collect();
    histories(processes.iter().map(|process| process.join_for(EVER).expect(HANGS).unwrap()))
}

const HANGS: &str = "an actor hangs, though its program comes to an end";

/// A role for each of some actors.
fn roles<S: Subject, P: Clone>(rng: &mut StdRng, things: Vec<P>) -> Vec<Role<P, S::Op>> {
    let actors = rng.random_range(3..=4);
    let clock = SharedArray::zeroed(TICKET + 1 + things.len()).unwrap();
    let mut roles: Vec<_> = (0..actors)
        .map(|_| Role {
            things: things.clone(),
            programs: Vec::with_capacity(things.len()),
            clock: clock.clone(),
            actors: actors as u64,
            seed: rng.next_u64(),
        })
        .collect();
    for _ in &things {
        let programs = S::programs(rng, actors);
        roles.iter_mut().zip(programs).for_each(|(role, program)| role.programs.push(program));
    }
    roles
}

/// What each actor has recorded, by history.
fn histories<S: Subject>(actors: impl Iterator<Item = Vec<Part<S>>>) -> Vec<History<S>> {
    let mut actors: Vec<_> = actors.map(Vec::into_iter).collect();
    let next = || actors.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>();
    std::iter::from_fn(next).map(History::new).collect()
}

/// Plays a role.
///
/// # Why the tickets are to be trusted
///
/// Each is drawn by a read-modify-write of one word, Acquire and Release. Of those there is one
/// order, and whoever draws a later ticket has seen what was done before an earlier one was drawn.
/// So when one operation's last ticket comes before another's first, the other happened after it
/// by every memory's rules, and must behave so; what is thought to overlap may not have, which is
/// only ever lenient. (That no ticket is drawn twice is checked with each history.)
fn act<S: Subject, P: Deref<Target = S>>(role: Role<P, S::Op>) -> Vec<Part<S>> {
    let Role { things, programs, clock, actors, seed } = role;
    let mut rng = StdRng::seed_from_u64(seed);
    let ticket = || clock.fetch_add(TICKET, 1).expect("it is there");
    let perform = |(index, (thing, program)): (usize, (&P, &Vec<S::Op>))| {
        let mut part = Vec::with_capacity(program.len());
        let mut hands = S::Hands::default();
        meet(&clock, TICKET + 1 + index, actors);
        for op in program {
            dawdle(&mut rng);
            let invoked = ticket();
            dawdle(&mut rng);
            let ret = thing.perform(&mut hands, op);
            dawdle(&mut rng);
            let responded = ticket();
            part.extend(ret.map(|ret| Record { op: op.clone(), ret, invoked, responded }));
        }
        part
    };
    things.iter().zip(&programs).enumerate().map(perform).collect()
}

/// Goes on when all actors are there: those who run go on together.
fn meet(clock: &SharedArray<u64>, gate: usize, actors: u64) {
    clock.fetch_add(gate, 1).expect("it is there");
    let deadline = Instant::now() + EVER;
    while clock.get(gate).expect("it is there") < actors {
        assert!(Instant::now() < deadline, "another actor hangs or is gone");
        (0..20).for_each(|_| std::hint::spin_loop());
        yield_now();
    }
}

/// Now and then something comes in between.
fn dawdle(rng: &mut StdRng) {
    match rng.random_range(0..12) {
        0 => yield_now(),
        1..4 => (0..rng.random_range(0..60)).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}
