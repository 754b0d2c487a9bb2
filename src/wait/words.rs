//! The words that this process waits for without a thread for each: see the table in `mod.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use crate::sys::{Deadline, ForkLocal, Futex, Ordering::Relaxed, WordAddress, WordsWait};
use crate::wait::wakers::{PAUSE, SLICE, pause, wake};
use crate::wait::watchers;

/// Words of one watcher, beside the one by which it is woken itself.
const WORDS: usize = WordAddress::MOST - 1;

static WATCH: ForkLocal<Watch> = ForkLocal::new(Watch::default);

/// Whom a change of a word concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    One,
    All,
}

/// What one future waits for, if it does. Dropped, it hands on what it had not made use of.
#[derive(Default)]
pub(super) struct WordWait(Option<Registration>);

#[derive(Clone, Copy)]
struct Registration {
    address: WordAddress,
    id: u64,
    watch: &'static Watch,
}

impl WordWait {
    /// The future has looked at `word`, and announced a sleeper: has it polled when the word is another than
    /// `seen`. `others_may` says that it has left something there which others on that word may have a use for.
    pub(super) fn sleep(
        &mut self,
        word: &Futex,
        seen: u32,
        wakes: Wakes,
        others_may: bool,
        waker: &Waker,
    ) {
        let (watch, address) = (WATCH.get(), WordAddress::of(word));
        let known = self.0.filter(|known| known.is_of(watch) && known.address == address);
        if known.is_none() {
            self.hand_on();
        }
        let waiter = Waiter { waker: waker.clone(), seen };
        let mut groups = watch.lock();
        let id = known.map_or_else(|| groups.fresh_id(), |known| known.id);
        let registered = groups.register(watch, address, id, waiter, wakes, others_may);
        drop(groups);
        match registered {
            Ok(after) => {
                self.0 = Some(Registration { address, id, watch });
                after.run();
            }
            Err(refused) => {
                self.0 = None;
                drop(refused);
                pause(waker);
            }
        }
    }

    /// The future has come to its end: it has taken what it was woken for.
    pub(super) fn done(&mut self) {
        self.leave(|_| ());
    }

    fn hand_on(&mut self) {
        self.leave(WordAddress::wake_one);
    }

    /// `unused` gets the word when this has the turn, and nobody here is left to have it.
    fn leave(&mut self, unused: fn(WordAddress)) {
        let Some(Registration { address, id, watch }) = self.0.take() else { return };
        // Of a parent: the thread that sleeps for it is there, and so is the lock's owner.
        if !std::ptr::eq(watch, WATCH.get()) {
            return;
        }
        let left = watch.lock().leave(address, id);
        if left.had_turn && left.next.is_none() {
            unused(address);
        }
        drop(left.waiter);
        left.next.into_iter().for_each(wake);
    }
}

impl Registration {
    fn is_of(&self, watch: &'static Watch) -> bool {
        std::ptr::eq(self.watch, watch)
    }
}

impl Drop for WordWait {
    fn drop(&mut self) {
        self.hand_on();
    }
}

/// All words that futures of this process wait for.
#[derive(Debug, Default)]
struct Watch(Mutex<Groups>);

#[derive(Debug, Default)]
struct Groups {
    by_word: HashMap<WordAddress, Group>,
    watchers: Vec<Watcher>,
    ids: u64,
}

/// Those who wait for one word.
#[derive(Debug)]
struct Group {
    /// Without the one that has the turn. Who came first has the lowest number.
    waiters: BTreeMap<u64, Waiter>,
    /// What the one saw that has looked last: there was nothing for anybody.
    expected: u32,
    wakes: Wakes,
    turn: Option<Turn>,
    watcher: usize,
    /// Whether the watcher's sleep, the one it is in, is on this word too.
    is_slept_on: bool,
}

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    /// The word when it looked.
    seen: u32,
}

#[derive(Debug)]
struct Turn {
    id: u64,
    since: Instant,
}

/// A thread that sleeps on words.
#[derive(Debug)]
struct Watcher {
    words: Vec<WordAddress>,
    /// Counts what it must know at once. It sleeps on this word too.
    news: Arc<Futex>,
}

/// What is to be done without the lock.
#[derive(Default)]
struct After {
    news: Option<Arc<Futex>>,
    next: Vec<Waker>,
    replaced: Option<Waiter>,
}

impl After {
    fn run(self) {
        if let Some(news) = self.news {
            news.wake(1);
        }
        drop(self.replaced);
        self.next.into_iter().for_each(wake);
    }
}

/// What one has left that waits no more.
#[derive(Default)]
struct Left {
    waiter: Option<Waiter>,
    had_turn: bool,
    next: Option<Waker>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Groups> {
        // Nothing of a user's is called under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    fn fresh_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Gives the waiter back when there is no thread to sleep for it.
    fn register(
        &mut self,
        watch: &'static Watch,
        address: WordAddress,
        id: u64,
        waiter: Waiter,
        wakes: Wakes,
        others_may: bool,
    ) -> Result<After, Waiter> {
        if !self.by_word.contains_key(&address) {
            let Some(watcher) = self.watcher_with_room(watch) else { return Err(waiter) };
            self.watchers[watcher].words.push(address);
            self.by_word.insert(address, Group::new(wakes, watcher));
        }
        let Some(group) = self.by_word.get_mut(&address) else {
            unreachable!("a group that is missing was just made")
        };
        if wakes == Wakes::One {
            // Had another kind of word been here, whose futures were leaked: this kind goes for all.
            group.wakes = wakes;
        }
        let seen = waiter.seen;
        let had_turn = group.has_turn(id);
        let replaced = group.waiters.insert(id, waiter);
        group.expected = seen;
        // There was nothing for anybody: whoever has the turn looks in vain.
        if had_turn || !others_may {
            group.turn = None;
        }
        // The watcher will sleep on what this one has seen: whoever has not, and may find something there, looks
        // first.
        let mut next = Vec::new();
        match wakes {
            Wakes::All => group.wake_all_but(Some(seen), &mut next),
            Wakes::One if others_may && group.turn.is_none() => {
                next.extend(group.give_turn(Some(seen)))
            }
            Wakes::One => {}
        }
        let news = group.needs_watcher().then(|| self.watchers[group.watcher].tell());
        Ok(After { news, next, replaced })
    }

    fn leave(&mut self, address: WordAddress, id: u64) -> Left {
        let Some(group) = self.by_word.get_mut(&address) else { return Left::default() };
        let waiter = group.waiters.remove(&id);
        let had_turn = group.has_turn(id);
        let mut next = None;
        if had_turn {
            group.turn = None;
            next = group.give_turn(None);
        }
        if group.waiters.is_empty() && group.turn.is_none() {
            let watcher = group.watcher;
            self.by_word.remove(&address);
            self.watchers[watcher].words.retain(|&word| word != address);
        }
        Left { waiter, had_turn, next }
    }

    /// The place of a watcher that has room for another word, which is started if need be.
    fn watcher_with_room(&mut self, watch: &'static Watch) -> Option<usize> {
        let with_room = self.watchers.iter().position(|watcher| watcher.words.len() < WORDS);
        if with_room.is_some() {
            return with_room;
        }
        let place = self.watchers.len();
        let news = Arc::new(Futex::new(0));
        let own = news.clone();
        watchers::start("multiproc-words", move || watch.round(place, &own))?;
        self.watchers.push(Watcher { words: Vec::new(), news });
        Some(place)
    }

    /// What the watcher sleeps on next, and for how long: its news first.
    fn sleep_of(&mut self, place: usize) -> (Vec<(WordAddress, u32)>, Deadline) {
        let watcher = &self.watchers[place];
        // Relaxed: it is written under the lock.
        let news = (WordAddress::of(&watcher.news), watcher.news.load(Relaxed));
        let (mut sleep, mut until) = (vec![news], Deadline::Never);
        for &word in &watcher.words {
            let Some(group) = self.by_word.get_mut(&word) else { continue };
            if group.wakes == Wakes::One && !group.waiters.is_empty() {
                until = Deadline::after(SLICE);
            }
            if group.needs_watcher() && group.turn.is_none() {
                group.is_slept_on = true;
                sleep.push((word, group.expected));
            }
        }
        (sleep, until)
    }

    /// What follows from that sleep.
    fn woken(&mut self, place: usize, sleep: &[(WordAddress, u32)], changed: &[usize]) -> Woken {
        let mut woken = Woken::default();
        for (index, (word, _)) in sleep.iter().enumerate().skip(1) {
            let group = self.by_word.get_mut(word).filter(|group| group.watcher == place);
            let Some(group) = group else {
                woken.unused.push(*word);
                continue;
            };
            group.is_slept_on = false;
            if changed.contains(&index) {
                group.change(&mut woken.wakers);
            }
        }
        for word in &self.watchers[place].words {
            let Some(group) = self.by_word.get_mut(word) else { continue };
            if group.turn.as_ref().is_some_and(|turn| turn.since.elapsed() >= SLICE) {
                woken.wakers.extend(group.give_turn(None));
            }
        }
        woken
    }
}

impl Group {
    fn new(wakes: Wakes, watcher: usize) -> Self {
        let waiters = BTreeMap::new();
        Group { waiters, expected: 0, wakes, turn: None, watcher, is_slept_on: false }
    }

    fn has_turn(&self, id: u64) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.id == id)
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
        self.turn = Some(Turn { id, since: Instant::now() });
        Some(waiter.waker)
    }

    /// The word has changed, or was woken.
    fn change(&mut self, wakers: &mut Vec<Waker>) {
        match self.wakes {
            Wakes::One if self.turn.is_some() => {}
            Wakes::One => wakers.extend(self.give_turn(None)),
            Wakes::All => self.wake_all_but(None, wakers),
        }
    }

    /// All but those that have looked at `seen`.
    fn wake_all_but(&mut self, seen: Option<u32>, wakers: &mut Vec<Waker>) {
        let all = std::mem::take(&mut self.waiters).into_iter();
        let (same, others): (_, BTreeMap<u64, Waiter>) =
            all.partition(|(_, waiter)| Some(waiter.seen) == seen);
        self.waiters = same;
        wakers.extend(others.into_values().map(|waiter| waiter.waker));
    }
}

impl Watcher {
    /// The word by which it is to be woken: it has to sleep on others.
    fn tell(&self) -> Arc<Futex> {
        // Relaxed: under the lock.
        self.news.store(self.news.load(Relaxed).wrapping_add(1), Relaxed);
        self.news.clone()
    }
}

#[derive(Default)]
struct Woken {
    wakers: Vec<Waker>,
    /// Words that nobody here waits for any more.
    unused: Vec<WordAddress>,
}

impl Watch {
    /// One sleep of a watcher; gives those to be woken then.
    fn round(&self, place: usize, news: &Futex) -> Vec<Waker> {
        let (sleep, until) = self.lock().sleep_of(place);
        let ended = WordAddress::wait_any(&sleep, until);
        let changed: Vec<usize> = match ended {
            WordsWait::Woken(index) => vec![index],
            WordsWait::TimedOut => Vec::new(),
            WordsWait::Changed => changed_of(&sleep),
            WordsWait::Refused => {
                let until = if sleep.len() > 1 { Deadline::after(PAUSE) } else { until };
                news.wait(sleep[0].1, until);
                changed_of(&sleep)
            }
        };
        let woken = self.lock().woken(place, &sleep, &changed);
        if let WordsWait::Woken(_) = ended {
            // The wake of any of them may have come here, where nobody is left that waited for it.
            woken.unused.into_iter().for_each(WordAddress::wake_one);
        }
        woken.wakers
    }
}

fn changed_of(sleep: &[(WordAddress, u32)]) -> Vec<usize> {
    let is_changed = |&index: &usize| !sleep[index].0.is(sleep[index].1);
    (1..sleep.len()).filter(is_changed).collect()
}
