//! Who waits for which word, and whose turn it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use crate::sys::{Deadline, Futex, Ordering::Relaxed, WordAddress};
use crate::wait::wakers::{SLICE, wake};
use crate::wait::words::Wakes;

/// Words of one watcher, beside the one by which it is told of news.
const WORDS: usize = WordAddress::MOST - 1;

/// All futures of this process that wait for words.
#[derive(Default)]
pub(super) struct Groups {
    by_word: HashMap<WordAddress, Group>,
    watchers: Vec<Watcher>,
    ids: u64,
}

/// Those who wait for one word.
struct Group {
    /// Without the one that has the turn. Who came first has the lowest number.
    waiters: BTreeMap<u64, Waiter>,
    /// The word as it was seen last: there was nothing there.
    expected: u32,
    wakes: Wakes,
    turn: Option<Turn>,
    /// The place of its watcher.
    watcher: usize,
    /// Whether the sleep that its watcher is in is on this word too.
    is_slept_on: bool,
}

/// A future that waits.
pub(super) struct Waiter {
    pub(super) waker: Waker,
    /// The word when it looked.
    pub(super) seen: u32,
}

struct Turn {
    id: u64,
    /// The word when it looked before.
    seen: u32,
    since: Instant,
}

/// A thread that sleeps on words.
struct Watcher {
    words: Vec<WordAddress>,
    /// Counts what it must know at once. It sleeps on this word too.
    news: Arc<Futex>,
}

/// What is to be done without the lock.
#[derive(Default)]
pub(super) struct After {
    news: Option<Arc<Futex>>,
    /// Where a wake is handed on to sleepers that are no futures of this process.
    unused: Option<WordAddress>,
    next: Vec<Waker>,
    left: Option<Waiter>,
}

impl After {
    pub(super) fn run(self) {
        self.news.inspect(|news| _ = news.wake(1));
        self.unused.inspect(|word| word.wake_one());
        drop(self.left);
        self.next.into_iter().for_each(wake);
    }
}

impl Groups {
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Gives the waiter back when `start` cannot start a watcher for it.
    pub(super) fn register(
        &mut self,
        address: WordAddress,
        id: u64,
        waiter: Waiter,
        wakes: Wakes,
        start: impl FnOnce(usize, Arc<Futex>) -> Option<()>,
    ) -> Result<After, Waiter> {
        if !self.by_word.contains_key(&address) {
            let Some(watcher) = self.watcher_with_room(start) else { return Err(waiter) };
            self.watchers[watcher].words.push(address);
            self.by_word.insert(address, Group::new(wakes, watcher));
        }
        let Some(group) = self.by_word.get_mut(&address) else {
            unreachable!("a group that is missing was just made")
        };
        let after = group.add(address, id, waiter, wakes);
        let news = group.needs_watcher().then(|| self.watchers[group.watcher].tell());
        Ok(After { news, ..after })
    }

    /// A waiter that is ready or dropped leaves. If it had the turn, the next one gets it; without a next, others
    /// that sleep on the word get the wake, if it is handed on.
    pub(super) fn leave(&mut self, address: WordAddress, id: u64, hands_on: bool) -> After {
        let mut after = After::default();
        let Some(group) = self.by_word.get_mut(&address) else { return after };
        after.left = group.waiters.remove(&id);
        if group.turn.take_if(|turn| turn.id == id).is_some() {
            after.next.extend(group.give_turn(None));
            after.unused = (hands_on && after.next.is_empty()).then_some(address);
        }
        if group.waiters.is_empty() && group.turn.is_none() {
            let watcher = group.watcher;
            self.by_word.remove(&address);
            self.watchers[watcher].words.retain(|&word| word != address);
        }
        after
    }

    /// The place of a watcher that has room for another word, which is started if need be.
    fn watcher_with_room(
        &mut self,
        start: impl FnOnce(usize, Arc<Futex>) -> Option<()>,
    ) -> Option<usize> {
        let with_room = self.watchers.iter().position(|watcher| watcher.words.len() < WORDS);
        if with_room.is_some() {
            return with_room;
        }
        let (place, news) = (self.watchers.len(), Arc::new(Futex::new(0)));
        start(place, news.clone())?;
        self.watchers.push(Watcher { words: Vec::new(), news });
        Some(place)
    }

    /// What the watcher sleeps on next, its news first, and for how long.
    pub(super) fn sleep_of(&mut self, place: usize) -> (Vec<(WordAddress, u32)>, Deadline) {
        let watcher = &self.watchers[place];
        // Relaxed: it is written under the lock of all this.
        let news = (WordAddress::of(&watcher.news), watcher.news.load(Relaxed));
        let (mut sleep, mut until) = (vec![news], Deadline::Never);
        for &word in &watcher.words {
            let Some(group) = self.by_word.get_mut(&word) else { continue };
            if group.wakes != Wakes::All && !group.waiters.is_empty() {
                until = Deadline::after(SLICE);
            }
            if group.needs_watcher() && group.turn.is_none() {
                group.is_slept_on = true;
                sleep.push((word, group.expected));
            }
        }
        (sleep, until)
    }

    /// What follows from that sleep: those to be woken, and the words that nobody here waits for any more.
    pub(super) fn woken(
        &mut self,
        place: usize,
        sleep: &[(WordAddress, u32)],
        changed: &[usize],
    ) -> (Vec<Waker>, Vec<WordAddress>) {
        let (mut wakers, mut unused) = (Vec::new(), Vec::new());
        for (index, &(word, _)) in sleep.iter().enumerate().skip(1) {
            let group = self.by_word.get_mut(&word).filter(|group| group.watcher == place);
            let Some(group) = group else {
                unused.push(word);
                continue;
            };
            group.is_slept_on = false;
            if changed.contains(&index) {
                wakers.extend(group.changed());
            }
        }
        for word in &self.watchers[place].words {
            let Some(group) = self.by_word.get_mut(word) else { continue };
            if group.turn.as_ref().is_some_and(|turn| turn.since.elapsed() >= SLICE) {
                wakers.extend(group.give_turn(None));
            }
        }
        (wakers, unused)
    }
}

impl Group {
    fn new(wakes: Wakes, watcher: usize) -> Self {
        let waiters = BTreeMap::new();
        Group { waiters, expected: 0, wakes, turn: None, watcher, is_slept_on: false }
    }

    /// Adds one that has looked, for the first time or again.
    fn add(&mut self, address: WordAddress, id: u64, waiter: Waiter, wakes: Wakes) -> After {
        if wakes != Wakes::All {
            // Had an event been here whose futures were leaked, this goes for them too.
            self.wakes = wakes;
        }
        let (seen, mut after) = (waiter.seen, After::default());
        let turn = self.turn.take_if(|turn| turn.id == id);
        after.left = self.waiters.insert(id, waiter);
        self.expected = seen;
        // The watcher will sleep on what this one has seen: whoever has not seen it, and may find something
        // there, looks first.
        match self.wakes {
            // There was nothing for anybody: whoever has the turn looks in vain.
            Wakes::One => self.turn = None,
            Wakes::OneThatFits if self.turn.is_some() => {}
            Wakes::OneThatFits => {
                after.next.extend(self.give_turn(Some(seen)));
                // Elsewhere, too: unless all that has changed was seen by this one before.
                let is_new = turn.is_some_and(|turn| turn.seen != seen);
                after.unused = (is_new && after.next.is_empty()).then_some(address);
            }
            Wakes::All => {}
        }
        if wakes == Wakes::All {
            // Also where the group is of another kind, by futures that were leaked.
            after.next.extend(self.take_all_but(Some(seen)));
        }
        after
    }

    /// Whether its watcher has to see to it, and does not yet: to sleep on the word, or to see the turn end.
    fn needs_watcher(&self) -> bool {
        !self.is_slept_on && !self.waiters.is_empty()
    }

    /// Gives the turn to the first, or to the first that has not looked at `seen`.
    fn give_turn(&mut self, seen: Option<u32>) -> Option<Waker> {
        let mut waiters = self.waiters.iter();
        let next = waiters.find(|(_, waiter)| Some(waiter.seen) != seen).map(|(&id, _)| id);
        let (id, waiter) = self.waiters.remove_entry(&next?)?;
        self.turn = Some(Turn { id, seen: waiter.seen, since: Instant::now() });
        Some(waiter.waker)
    }

    /// The word has changed, or was woken.
    fn changed(&mut self) -> Vec<Waker> {
        match self.wakes {
            Wakes::All => self.take_all_but(None),
            _ if self.turn.is_some() => Vec::new(),
            _ => self.give_turn(None).into_iter().collect(),
        }
    }

    /// Those that have not looked at `seen`.
    fn take_all_but(&mut self, seen: Option<u32>) -> Vec<Waker> {
        let all = std::mem::take(&mut self.waiters).into_iter();
        let (same, others): (_, BTreeMap<u64, Waiter>) =
            all.partition(|(_, waiter)| Some(waiter.seen) == seen);
        self.waiters = same;
        others.into_values().map(|waiter| waiter.waker).collect()
    }
}

impl Watcher {
    /// The word by which it is told: it has to sleep on others.
    fn tell(&self) -> Arc<Futex> {
        // Relaxed: under the lock of all this.
        self.news.store(self.news.load(Relaxed).wrapping_add(1), Relaxed);
        self.news.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(groups: &mut Groups, word: &Futex, seen: u32, wakes: Wakes) -> usize {
        let id = groups.fresh_id();
        let waiter = Waiter { waker: Waker::noop().clone(), seen };
        let added = groups.register(WordAddress::of(word), id, waiter, wakes, |_, _| Some(()));
        added.map_or(0, |after| after.next.len())
    }

    /// A semaphore was at the place of the event, and futures that waited for it were leaked.
    #[test]
    #[cfg_attr(modelled, ignore = "a futex of its own is a model's")]
    fn all_that_wait_for_an_event_look_where_others_were_leaked() {
        for kind in [Wakes::One, Wakes::OneThatFits, Wakes::All] {
            let (mut groups, word) = (Groups::default(), Futex::new(0));
            add(&mut groups, &word, 7, kind);
            assert_eq!(add(&mut groups, &word, 7, Wakes::All), 0, "it has seen the same");
            // It was set and cleared between the looks.
            assert_eq!(add(&mut groups, &word, 9, Wakes::All), 2);
        }
    }
}
