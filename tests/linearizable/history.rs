//! A history: the operations of some workers on one target, and whether it is linearizable.

use std::fmt::{self, Debug, Write};

use serde::{Deserialize, Serialize};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::targets::Target;

/// An operation that has ended, between two tickets of a clock that all workers share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation<Op, Ret> {
    pub(crate) op: Op,
    pub(crate) ret: Ret,
    /// The ticket drawn before it began.
    pub(crate) invoked: u64,
    /// The ticket drawn after it had ended.
    pub(crate) responded: u64,
}

/// The operations of one worker, in their order.
pub(crate) type Log<T> = Vec<Operation<<T as Target>::Op, <T as Target>::Ret>>;

/// The logs of all workers on one target, which was fresh at the beginning.
pub(crate) struct History<T: Target> {
    logs: Vec<Log<T>>,
}

/// A ticket, the worker that drew it, and the operation that it begins or ends.
struct Tick<'h, T: Target> {
    ticket: u64,
    worker: usize,
    operation: &'h Operation<T::Op, T::Ret>,
}

impl<T: Target> History<T> {
    pub(crate) fn new(logs: Vec<Log<T>>) -> Self {
        History { logs }
    }

    /// The number of operations.
    pub(crate) fn len(&self) -> usize {
        self.logs.iter().map(Vec::len).sum()
    }

    /// Whether any two operations overlap in time.
    pub(crate) fn overlaps(&self) -> bool {
        let ticks = self.ticks();
        // Two begin, one after the other, before either of them has ended.
        ticks.windows(2).any(|two| two.iter().all(Tick::begins))
    }

    /// The shortest prefix that is not linearizable, if there is one. A prefix is linearizable if each
    /// operation can take effect at one point between its two tickets so that all results follow; an
    /// operation that has not ended may have taken effect or not.
    ///
    /// From short to long, because a search that fails tries every order. (Only prefixes that end with
    /// the end of an operation are tried: one that has just begun may have had no effect.)
    pub(crate) fn shortest_invalid_prefix(&self) -> Option<Prefix<'_, T>> {
        let ticks = self.ticks();
        let ends = (1..=ticks.len()).filter(|&end| !ticks[end - 1].begins());
        let mut bad = ends.filter(|&end| !Self::explains(&ticks[..end]));
        bad.next().map(|ticks| Prefix { history: self, ticks })
    }

    /// Every ticket, in order.
    fn ticks(&self) -> Vec<Tick<'_, T>> {
        let operations = self.logs.iter().enumerate();
        let operations = operations
            .flat_map(|(worker, log)| log.iter().map(move |operation| (worker, operation)));
        let mut ticks: Vec<_> = operations
            .flat_map(|(worker, operation)| {
                [operation.invoked, operation.responded].map(|ticket| Tick::<T> {
                    ticket,
                    worker,
                    operation,
                })
            })
            .collect();
        ticks.sort_by_key(|tick| tick.ticket);
        let apart = ticks.windows(2).all(|two| two[0].ticket < two[1].ticket);
        assert!(apart, "the same ticket was drawn twice: the clock is broken");
        ticks
    }

    fn explains(ticks: &[Tick<'_, T>]) -> bool {
        let mut tester = LinearizabilityTester::new(T::Model::default());
        for tick in ticks {
            let recorded = if tick.begins() {
                tester.on_invoke(tick.worker, tick.operation.op.clone())
            } else {
                tester.on_return(tick.worker, tick.operation.ret.clone())
            };
            recorded.expect("a worker's operations do not overlap");
        }
        tester.is_consistent()
    }
}

impl<T: Target> Tick<'_, T> {
    fn begins(&self) -> bool {
        self.ticket == self.operation.invoked
    }
}

/// A prefix of a history. It is shown with a line for each operation, in the order in which they began,
/// and the interval of each.
pub(crate) struct Prefix<'h, T: Target> {
    history: &'h History<T>,
    /// Its length in tickets.
    pub(crate) ticks: usize,
}

impl<T: Target> fmt::Display for Prefix<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticks = self.history.ticks();
        let ticks = &ticks[..self.ticks];
        let place = |ticket| ticks.iter().position(|tick| tick.ticket == ticket);
        for (from, tick) in ticks.iter().enumerate().filter(|(_, tick)| tick.begins()) {
            let Operation { op, ret, responded, .. } = tick.operation;
            let (shown, to) = match place(*responded) {
                Some(to) => (format!("{op:?} = {ret:?}"), to),
                None => (format!("{op:?} has not ended"), ticks.len()),
            };
            let mut line = String::new();
            write!(line, "    worker {}  {shown:<32}", tick.worker)?;
            let bar = |at| match at {
                _ if at < from || at > to => ' ',
                _ if at == from => '├',
                _ if at == to => '┤',
                _ => '─',
            };
            line.extend((0..ticks.len()).map(bar));
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
