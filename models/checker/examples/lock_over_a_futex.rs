#![doc = "A lock over a futex, whose owner may be killed at any step."]

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use multiproc_checker::futex::{self, Timeouts};
use multiproc_checker::robust::{self, Node, OWNER, WAITERS};
use multiproc_checker::{AtomicU32, Data, Loads, Search, Weak, mutant, mutants, thread};

/// A lock over a futex, and the number that it guards.
struct Lock(AtomicU32, Node, Data);

impl Lock {
    fn new() -> Self {
        let word = AtomicU32::new(0);
        let node = Node::of(&word);
        Lock(word, node, Data::new(0))
    }

    fn lock(&self) {
        let Lock(word, node, _) = self;
        robust::set_pending(*node);
        loop {
            let seen = word.load(Relaxed);
            let next =
                if seen & OWNER == 0 { seen & WAITERS | thread::name() } else { seen | WAITERS };
            let is_next = word.compare_exchange(seen, next, Acquire, Relaxed).is_ok();
            match seen & OWNER {
                0 if is_next => break,
                1.. if is_next => drop(futex::wait(word, next, Timeouts::default())),
                _ => {}
            }
        }
        if mutant!("lock.link", true => false) {
            robust::link(*node);
        }
        robust::clear_pending();
    }

    fn unlock(&self) {
        let Lock(word, node, _) = self;
        robust::set_pending(*node);
        robust::unlink(*node);
        if word.swap(0, mutant!("unlock.release", Release => Relaxed)) & WAITERS != 0 {
            futex::wake(word, u32::MAX);
        }
        robust::clear_pending();
    }
}

/// Two threads add under the lock, one of which may be killed at any step.
fn two_add() {
    let lock = Arc::new(Lock::new());
    let add = |lock: &Lock| {
        lock.lock();
        lock.2.add(1);
        lock.unlock();
    };
    let other = lock.clone();
    let other = thread::spawn_mortal(move || add(&other));
    add(&lock);
    if other.ended().is_some() {
        assert_eq!(lock.2.read(), 2, "nothing is lost");
    }
}

fn main() {
    let search = Search { deaths: 1, ..Search::default() };
    // Whoever is killed: nobody waits for ever, and nothing is lost.
    let searched = search.clone().run(two_add);
    assert!(searched.complete && searched.failure.is_none());
    assert!(searched.deaths > 10);
    println!("it holds in {} states, with {} deaths", searched.states, searched.deaths);

    // Without its place on the robust list, it strands who waits: the shortest way there.
    let failure = mutants::with("lock.link", || search.explain(two_add)).expect("it strands");
    assert!(failure.message.starts_with("deadlock: thread 0 sleeps on"));
    println!("not on the list: {failure}");

    // What a weak ordering does, loom shows.
    let explore = || Weak::with(Loads::Stale).run(two_add).failure;
    assert!(explore().is_none());
    assert!(mutants::with("unlock.release", explore).is_some());
}
