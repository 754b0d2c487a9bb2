//! What some actors did to one thing, and whether an order explains it.

use std::fmt::{self, Debug, Write};

use serde::{Deserialize, Serialize};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::subjects::Subject;

/// An operation that has ended, between two tickets of a clock that all actors share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record<Op, Ret> {
    pub(crate) op: Op,
    pub(crate) ret: Ret,
    /// The ticket drawn before it began.
    pub(crate) invoked: u64,
    /// The ticket drawn after it had ended.
    pub(crate) responded: u64,
}

/// What one actor did, in its order.
pub(crate) type Part<S> = Vec<Record<<S as Subject>::Op, <S as Subject>::Ret>>;

/// What each actor did to one thing that was fresh at the beginning.
pub(crate) struct History<S: Subject> {
    parts: Vec<Part<S>>,
}

/// A ticket, the actor that drew it, and the operation that it begins or ends.
struct Tick<'h, S: Subject> {
    ticket: u64,
    actor: usize,
    of: &'h Record<S::Op, S::Ret>,
}

impl<S: Subject> History<S> {
    pub(crate) fn new(parts: Vec<Part<S>>) -> Self {
        History { parts }
    }

    /// How many operations there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// Whether two actors were ever at it at the same time: their intervals meet.
    pub(crate) fn overlaps(&self) -> bool {
        let ticks = self.ticks();
        // Two begin, one after the other, before either has ended.
        ticks.windows(2).any(|two| two.iter().all(Tick::begins))
    }

    /// The shortest beginning that no order explains, if there is one. An order is one of steps, a
    /// step for each operation at some point between its two tickets, which give these results;
    /// what has not ended by then may have taken its step or not.
    ///
    /// From short to long, because the search for what is not there tries every order. (Only an
    /// end can be wrong: what has just begun may have done nothing.)
    pub(crate) fn shortest_bad(&self) -> Option<Beginning<'_, S>> {
        let ticks = self.ticks();
        let ends = (1..=ticks.len()).filter(|&end| !ticks[end - 1].begins());
        let mut bad = ends.filter(|&end| !Self::explains(&ticks[..end]));
        bad.next().map(|ticks| Beginning { history: self, ticks })
    }

    /// Every ticket, in order.
    fn ticks(&self) -> Vec<Tick<'_, S>> {
        let records = self.parts.iter().enumerate();
        let records = records.flat_map(|(actor, part)| part.iter().map(move |of| (actor, of)));
        let mut ticks: Vec<_> = records
            .flat_map(|(actor, of)| {
                [of.invoked, of.responded].map(|ticket| Tick::<S> { ticket, actor, of })
            })
            .collect();
        ticks.sort_by_key(|tick| tick.ticket);
        let apart = ticks.windows(2).all(|two| two[0].ticket < two[1].ticket);
        assert!(apart, "two have drawn the same ticket: the clock is broken");
        ticks
    }

    fn explains(ticks: &[Tick<'_, S>]) -> bool {
        let mut tester = LinearizabilityTester::new(S::Spec::default());
        for tick in ticks {
            let told = if tick.begins() {
                tester.on_invoke(tick.actor, tick.of.op.clone())
            } else {
                tester.on_return(tick.actor, tick.of.ret.clone())
            };
            told.expect("an actor does one after the other");
        }
        tester.is_consistent()
    }
}

impl<S: Subject> Tick<'_, S> {
    fn begins(&self) -> bool {
        self.ticket == self.of.invoked
    }
}

/// The beginning of a history: a line for each operation, in the order in which they began, and
/// when it was under way.
pub(crate) struct Beginning<'h, S: Subject> {
    history: &'h History<S>,
    /// Its length.
    pub(crate) ticks: usize,
}

impl<S: Subject> fmt::Display for Beginning<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ticks = self.history.ticks();
        let ticks = &ticks[..self.ticks];
        let place = |ticket| ticks.iter().position(|tick| tick.ticket == ticket);
        for (from, tick) in ticks.iter().enumerate().filter(|(_, tick)| tick.begins()) {
            let Record { op, ret, responded, .. } = tick.of;
            let (said, to) = match place(*responded) {
                Some(to) => (format!("{op:?} = {ret:?}"), to),
                None => (format!("{op:?} has not ended"), ticks.len()),
            };
            let mut line = String::new();
            write!(line, "    actor {}  {said:<32}", tick.actor)?;
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
