//! Waiting for words without a thread for each: see the table in `mod.rs`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::sys::{Deadline, ForkLocal, Futex, WordAddress, WordsWait};
use crate::wait::groups::{Groups, Waiter};
use crate::wait::wakers::{PAUSE, pause};
use crate::wait::watchers;

static WATCH: ForkLocal<Watch> = ForkLocal::new(Watch::default);

/// Whom a change of a word concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wakes {
    /// One of those who wait, by a turn.
    One,
    /// As `One`; and who finds nothing may have left something there that others have a use for.
    OneThatFits,
    /// All of them.
    All,
}

/// What one future waits for, if it does. Dropped, it hands on a wake that it has made no use of.
#[derive(Default)]
pub(crate) struct WordWait(Option<Registration>);

#[derive(Clone, Copy)]
struct Registration {
    address: WordAddress,
    id: u64,
    watch: &'static Watch,
}

impl WordWait {
    /// The future has looked at `word`, and announced a sleeper: has it polled when the word is another than
    /// `seen`.
    pub(crate) fn sleep(&mut self, word: &Futex, seen: u32, wakes: Wakes, waker: &Waker) {
        if word.sleeps_here(seen, wakes != Wakes::All) {
            return waker.wake_by_ref();
        }
        let (watch, address) = (WATCH.get(), WordAddress::of(word));
        let known = self.0.filter(|known| known.is_of(watch) && known.address == address);
        if known.is_none() {
            self.leave(true);
        }
        let waiter = Waiter { waker: waker.clone(), seen };
        let mut groups = watch.lock();
        let id = known.map_or_else(|| groups.fresh_id(), |known| known.id);
        let registered = groups.register(address, id, waiter, wakes, |place, news| {
            watchers::start("multiproc-words", move || watch.round(place, &news))
        });
        drop(groups);
        match registered {
            Ok(after) => {
                self.0 = Some(Registration { address, id, watch });
                after.run();
            }
            Err(waiter) => {
                self.0 = None;
                drop(waiter);
                pause(waker);
            }
        }
    }

    /// The future is ready: it has taken what it was woken for.
    pub(crate) fn done(&mut self) {
        self.leave(false);
    }

    fn leave(&mut self, hands_on: bool) {
        let Some(Registration { address, id, watch }) = self.0.take() else { return };
        // Of a parent: the thread that sleeps for it is there.
        if std::ptr::eq(watch, WATCH.get()) {
            let after = watch.lock().leave(address, id, hands_on);
            after.run();
        }
    }
}

impl Registration {
    fn is_of(&self, watch: &'static Watch) -> bool {
        std::ptr::eq(self.watch, watch)
    }
}

impl Drop for WordWait {
    fn drop(&mut self) {
        self.leave(true);
    }
}

/// All words that futures of this process wait for.
#[derive(Default)]
struct Watch(Mutex<Groups>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Groups> {
        // Nothing of a user's is called under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sleep of a watcher; gives those to be woken then.
    fn round(&self, place: usize, news: &Arc<Futex>) -> Vec<Waker> {
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
        let (wakers, unused) = self.lock().woken(place, &sleep, &changed);
        if let WordsWait::Woken(_) = ended {
            // The wake of any of these may have come here.
            unused.into_iter().for_each(WordAddress::wake_one);
        }
        wakers
    }
}

/// The first is the watcher's news.
fn changed_of(sleep: &[(WordAddress, u32)]) -> Vec<usize> {
    let is_changed = |&index: &usize| !sleep[index].0.is(sleep[index].1);
    (1..sleep.len()).filter(is_changed).collect()
}
