//! What executes a model. Two do: the search, and loom. An object asks once, when it is made, which of
//! them it is, and is that one's from then on.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::futex::{Timeouts, Wait};
use crate::trace::Label;
use crate::{search, weak};

/// Where in a program a step is.
pub(crate) type At = &'static Location<'static>;

/// The number of a thread, in the order in which they were spawned; 0 is the program's own.
pub(crate) type ThreadId = usize;

/// The number of a variable, in the order in which they were made.
pub(crate) type VariableId = usize;

/// What executes the model that the calling OS thread runs.
pub(crate) fn executor() -> &'static dyn Executor {
    if search::is_running() { &search::BySearch } else { &weak::ByLoom }
}

pub(crate) fn digest(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Makes a model's objects, and runs its threads. What has a default is of no use to loom, which kills
/// nobody and has no states.
pub(crate) trait Executor {
    /// An atomic of so many bits.
    fn atomic(&self, value: u64, bits: u32, label: Label) -> Box<dyn AtomicObject>;
    /// A number that is not atomic.
    fn plain(&self, value: u64, label: Label) -> Box<dyn PlainObject>;
    /// Sees the accesses to data that lies elsewhere.
    fn cell(&self, data: CellData) -> Box<dyn CellObject>;
    /// Has something be part of the state, until the execution ends.
    fn add_to_state(&self, _digest: Rc<dyn Fn() -> u64>) {}

    fn spawn(&self, start: Start) -> Box<dyn ThreadObject>;
    /// For threads that are alike, if that is of use.
    fn new_kind(&self) -> Option<u32> {
        None
    }
    fn current(&self) -> ThreadId;
    /// What others know the calling thread by.
    fn name(&self) -> u32;
    /// How many threads wait on a futex now.
    fn sleepers(&self) -> usize;
    /// Lets the others run until so many wait on a futex.
    fn let_sleep(&self, n: usize);
    /// Whether more than one way is to be tried from here on.
    fn explore(&self, on: bool);

    /// The caller has seen this, of which that is a digest, by other means than an object.
    fn observe(&self, what: u64);
    /// What the caller knows now.
    fn knowledge(&self) -> Knowledge {
        Knowledge::default()
    }
    /// The caller knows what it knew then, and these values.
    fn knows_again(&self, _knowledge: &Knowledge, _values: &[u64], _at: At) {}
    /// The caller knows only this.
    fn forget_all_but(&self, _what: u64) {}

    /// Whether threads may be killed, or be taken for such.
    fn has_deaths(&self) -> bool {
        false
    }
    /// Whether the thread of that name was killed, and all that it held is marked; and nobody else has got
    /// its name since.
    fn is_dead(&self, _name: u32) -> bool {
        false
    }
    /// As [`Executor::is_dead`], in a step of its own.
    fn is_dead_in_step(&self, _name: u32) -> bool {
        false
    }
    /// A step of the caller's own, which nobody else sees: it may be killed there.
    fn private_step(&self, _what: &'static str) {}
    /// Changes the caller's robust list.
    fn change_list(&self, _change: ListChange) {}

    /// Milliseconds, by the model's clock.
    fn millis(&self) -> u32;
    /// Whether a deadline of the caller's has passed, as it can at any moment.
    fn is_late(&self) -> bool {
        false
    }
}

/// An atomic number, and who waits for it to change. Values are zero-extended.
pub(crate) trait AtomicObject: Debug + Send + Sync {
    /// What it was; of a store, which nobody learns, what it is.
    fn access(&self, access: Access) -> u64;
    /// Without a value, whatever it is.
    fn wait(&self, expected: Option<u64>, timeouts: Timeouts, at: At) -> Wait;
    /// Wakes so many, in one step with the access, if there is one; gives how many it woke.
    fn wake(&self, wakes: Wakes, access: Option<Access>, at: At) -> u32;
    /// The caller sees the newest version of it.
    fn see_version(&self, at: At);
    /// Exchanges it, and makes its version another, in one step; with `since`, only where the caller has
    /// seen the newest. Else gives what it is.
    fn exchange_version(
        &self,
        old: u64,
        new: u64,
        order: Ordering,
        since: bool,
        at: At,
    ) -> Result<(), u64>;
    /// By which a robust list knows it, if there are any.
    fn id(&self) -> Option<VariableId> {
        None
    }
}

/// A number that is not atomic: two accesses that race fail the model.
pub(crate) trait PlainObject: Debug {
    /// Reads it in the same step as what comes before.
    fn read(&self) -> u64;
    fn write(&self, value: u64);
    /// Reads it in a step of its own.
    fn read_in_step(&self, _at: At) -> u64 {
        self.read()
    }
    fn write_in_step(&self, value: u64, _at: At) {
        self.write(value);
    }
}

/// Sees the accesses to data that a protocol guards: two that race fail the model.
pub(crate) trait CellObject: Debug {
    /// Begins an access, which lasts until what this gives is dropped.
    fn access(&self) -> Box<dyn CellAccess>;
    /// An access that is known to be the only one.
    fn access_alone(&self) {}
}

pub(crate) trait CellAccess: Debug {
    /// The data is given to be changed.
    fn changes(&self) {}
}

/// Where the data of a cell is: it stays there as long as the [`CellObject`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellData {
    pub(crate) bytes: *const u8,
    /// How many, if each is initialised and stands for the value.
    pub(crate) len: Option<usize>,
}

/// A thread that was spawned. When it is dropped, the thread goes on.
pub(crate) trait ThreadObject: Debug {
    /// Which it is.
    fn id(&self) -> ThreadId;
    /// Waits for its end, or for that of one that is alike: which it was, unless it was killed.
    fn join(self: Box<Self>) -> Option<ThreadId>;
}

/// A thread that is to be spawned.
pub(crate) struct Start {
    /// Threads of one kind run the same on the same.
    pub(crate) kind: Option<u32>,
    /// Whether it may be killed.
    pub(crate) mortal: bool,
    /// Whether who joins it learns something by that.
    pub(crate) gives: bool,
    /// It gets the number of this one, which was killed, and so its name.
    pub(crate) number_of: Option<ThreadId>,
    pub(crate) body: Box<dyn FnOnce()>,
}

/// What a thread knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    pub(crate) memory: u64,
    pub(crate) knows: usize,
}

/// What a thread does to its robust list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ListChange {
    SetPending(VariableId),
    ClearPending,
    Add(VariableId),
    Remove(VariableId),
}

/// How many a wake is to wake, and how many it really does: it tells of the former.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wakes {
    pub(crate) n: u32,
    pub(crate) really: u32,
}

/// One access to an atomic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// For a person.
    pub(crate) what: &'static str,
    pub(crate) change: Change,
    pub(crate) order: Ordering,
    /// Where an exchange fails.
    pub(crate) failure: Ordering,
    pub(crate) at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// Nobody learns what it was.
    Store(u64),
    Swap(u64),
    Add(u64),
    And(u64),
    Or(u64),
    Exchange {
        old: u64,
        new: u64,
    },
}

impl Change {
    /// What becomes of a value of so many bits.
    pub(crate) fn apply(self, value: u64, bits: u32) -> u64 {
        match self {
            Change::None => value,
            Change::Store(new) | Change::Swap(new) => new,
            Change::Add(more) => value.wrapping_add(more) & u64::MAX >> (64 - bits),
            Change::And(mask) => value & mask,
            Change::Or(mask) => value | mask,
            Change::Exchange { old, new } => {
                if value == old {
                    new
                } else {
                    value
                }
            }
        }
    }
}
