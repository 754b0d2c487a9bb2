//! How many interleavings loom has to count: the lock's protocol once more, as steps on its word and
//! nothing else, and the number of ways through them. loom, with latest loads, goes each of them once:
//! it neither hides one nor takes one twice.

use std::collections::{HashMap, VecDeque};

const WAITERS: u32 = 1 << 31;

/// What a thread does next; what it saw goes with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Next {
    Lock,
    Take(u32),
    Announce(u32),
    Wait(u32),
    Asleep,
    Look,
    Unlock,
    WakeOne,
    WakeAll,
    End,
}

use Next::*;

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    word: u32,
    asleep: VecDeque<usize>,
    /// And how many rounds are left.
    threads: Vec<(Next, u32)>,
}

fn having_seen(word: u32) -> Next {
    match word {
        0 | WAITERS => Take(word),
        _ if word & WAITERS == 0 => Announce(word),
        _ => Wait(word),
    }
}

impl State {
    fn step(&mut self, i: usize) {
        let name = i as u32 + 1;
        let (now, rounds) = self.threads[i];
        let before = self.word;
        let done = |free: bool| if free { (End, rounds - 1) } else { (WakeOne, rounds) };
        self.threads[i] = match now {
            Lock if before == 0 => {
                self.word = name;
                (Unlock, rounds)
            }
            Take(seen) if before == seen => {
                self.word |= name;
                (Unlock, rounds)
            }
            Announce(seen) if before == seen => {
                self.word |= WAITERS;
                (Wait(self.word), rounds)
            }
            Wait(seen) if before == seen => {
                self.asleep.push_back(i);
                (Asleep, rounds)
            }
            Wait(_) => (Look, rounds),
            Lock | Take(_) | Announce(_) | Look => (having_seen(before), rounds),
            Unlock => {
                if before == name {
                    self.word = 0;
                }
                done(before == name)
            }
            WakeOne => {
                self.word = WAITERS;
                match self.asleep.pop_front() {
                    Some(first) => {
                        self.threads[first].0 = Look;
                        done(true)
                    }
                    None => (WakeAll, rounds),
                }
            }
            WakeAll => {
                self.word &= !WAITERS;
                for one in self.asleep.drain(..) {
                    self.threads[one].0 = Look;
                }
                done(true)
            }
            Asleep | End => unreachable!("it takes no step"),
        };
        if let (next @ End, 1..) = &mut self.threads[i] {
            *next = Lock;
        }
    }

    fn ways(&self, known: &mut HashMap<State, usize>) -> usize {
        if let Some(&ways) = known.get(self) {
            return ways;
        }
        let able = |&i: &usize| !matches!(self.threads[i].0, Asleep | End);
        let able: Vec<_> = (0..self.threads.len()).filter(able).collect();
        let mut ways = 0;
        for &i in &able {
            let mut next = self.clone();
            next.step(i);
            ways += next.ways(known);
        }
        if able.is_empty() {
            assert!(self.threads.iter().all(|thread| thread.0 == End), "nobody sleeps for ever");
            ways = 1;
        }
        known.insert(self.clone(), ways);
        ways
    }
}

/// What the page says of loom with latest loads, which the whole run has found.
fn counted(model: &str) -> usize {
    let row = include_str!("README.md")
        .lines()
        .find_map(|line| line.strip_prefix(&format!("| `{model}` |")))
        .expect("the page has the model");
    row.rsplit('|').nth(1).unwrap().trim().parse().unwrap()
}

#[test]
fn loom_takes_every_interleaving_once() {
    for (model, threads, rounds) in [("notebook::lock", 2, 2), ("notebook::lock_of_three", 3, 1)] {
        let threads = vec![(Lock, rounds); threads];
        let start = State { word: 0, asleep: VecDeque::new(), threads };
        assert_eq!(start.ways(&mut HashMap::new()), counted(model), "{model}");
    }
}
