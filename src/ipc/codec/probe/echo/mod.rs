//! Writes a made-up value again, and compares that with what was read of it: what is read into one field
//! and written from another comes back changed.
//!
//! Only what must come back is compared: what serde's derive, or serde itself, put into a field as it was
//! read, and what is written from the same type. A type may make something else of what it reads (the
//! next even number, a text without blanks): that is its own, and not compared. Inside of such a type it
//! is only looked at whether what comes back depends on what was read: see `weak` of a [`Finding`].

mod serializer;

use std::any::type_name;

use serde::Serialize;

use crate::ipc::codec::fault::Result;
use crate::ipc::codec::probe::graph::NodeId;
use crate::ipc::codec::probe::log::{By, Entry, Leaf, What};
use crate::ipc::codec::shapes::Kind;

/// What came back otherwise.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    /// Something in the `part` of a struct or of a variant: the `place` of what was read.
    Changed { node: NodeId, part: usize, place: usize, read: Leaf, written: Leaf, weak: bool },
    /// More parts were written than were read.
    More { node: NodeId, read: usize, written: usize },
    /// An enum was written as this variant.
    Variant { place: usize, way: usize, name: &'static str },
}

/// How much is known of who made the value that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// It is what was read.
    Exact,
    /// It is in a newtype, which may have made it by hand.
    Newtype,
    /// It is in what may have been made by hand.
    Hand,
}

/// Writes nothing, and compares.
pub(super) struct Echo<'e> {
    log: &'e [Entry],
    findings: &'e mut Vec<Finding>,
    /// What was read where the next value is written; unless that is not known.
    at: Option<usize>,
    /// The type that was asked for there, if it is known.
    asked: Option<&'static str>,
    /// The type that is written, and where it lies if that is known.
    written: &'static str,
    lies: Option<(usize, usize)>,
    trust: Trust,
    /// The struct or the variant that it is in, and in which part.
    within: Option<(NodeId, usize)>,
}

/// Compares `value`, which was made of what is in `log`.
pub(super) fn compare<T: Serialize>(value: &T, log: &[Entry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = type_name::<T>();
    let echo = Echo {
        log,
        findings: &mut findings,
        at: (!log.is_empty()).then_some(0),
        asked: Some(name),
        written: name,
        lies: Some((std::ptr::from_ref(value).addr(), size_of::<T>())),
        trust: Trust::Exact,
        within: None,
    };
    match value.serialize(echo) {
        Ok(()) => findings,
        Err(_) => Vec::new(),
    }
}

/// Whether an `outer` is nothing but a `made`, which the std types that it is in give as it is.
fn is_same(outer: &str, made: &str) -> bool {
    const AROUND: [&str; 12] = [
        "alloc::boxed::Box<",
        "alloc::rc::Rc<",
        "alloc::sync::Arc<",
        "core::cell::Cell<",
        "core::cell::RefCell<",
        "std::sync::mutex::Mutex<",
        "std::sync::poison::mutex::Mutex<",
        "std::sync::rwlock::RwLock<",
        "std::sync::poison::rwlock::RwLock<",
        "core::num::wrapping::Wrapping<",
        "core::cmp::Reverse<",
        "alloc::borrow::Cow<",
    ];
    let outer = outer.trim_start_matches('&');
    let inner = || AROUND.iter().find_map(|around| outer.strip_prefix(around)?.strip_suffix('>'));
    outer == made
        || outer == "str" && made == "alloc::string::String"
        || inner().is_some_and(|inner| is_same(inner, made))
}

impl<'e> Echo<'e> {
    fn entry(&self) -> Option<(usize, &'e Entry)> {
        let at = self.at?;
        Some((at, &self.log[at]))
    }

    /// What is behind the head of an entry, if anything is.
    fn inside(&self, at: usize) -> Option<usize> {
        (self.log[at].end > at + 1).then_some(at + 1)
    }

    /// Whether what was read is of the type that was asked for, and is of the type that is written.
    fn is_plain(&self, entry: &Entry) -> bool {
        self.asked.is_none_or(|asked| is_same(asked, entry.made))
            && is_same(self.written, entry.made)
    }

    fn differs(&mut self, place: usize, read: Leaf, written: Leaf) {
        if let Some((node, part)) = self.within {
            let weak = self.trust > Trust::Exact;
            self.findings.push(Finding::Changed { node, part, place, read, written, weak });
        }
    }

    fn leaf(mut self, kind: Kind, written: Leaf) -> Result<()> {
        let Some((place, entry)) = self.entry() else { return Ok(()) };
        if let What::Leaf(asked, read) = &entry.what
            && (*asked, entry.by) == (kind, By::Serde)
            && self.is_plain(entry)
            && *read != written
        {
            self.differs(place, read.clone(), written);
        }
        Ok(())
    }

    /// Compares how many values are in what serde itself reads.
    fn count(&mut self, written: usize) {
        let Some((place, entry)) = self.entry() else { return };
        let read = match entry.what {
            What::Many(read) => read,
            What::Option(read) => usize::from(read),
            _ => return,
        };
        if entry.by == By::Serde && self.is_plain(entry) && read != written {
            self.differs(place, read_as_leaf(read), read_as_leaf(written));
        }
    }

    /// Goes on with one that is in it.
    fn part<T: Serialize + ?Sized>(&mut self, part: Inner, value: &T) -> Result<()> {
        let written = type_name::<T>().trim_start_matches('&');
        let known = written.len() == type_name::<T>().len();
        let lies = known.then(|| (std::ptr::from_ref(value).addr(), size_of_val(value)));
        value.serialize(Echo {
            log: self.log,
            findings: &mut *self.findings,
            at: part.at,
            asked: part.asked,
            written,
            lies,
            trust: part.trust,
            within: part.within,
        })
    }

    fn parts(
        self,
        at: Option<usize>,
        end: usize,
        is_plain: bool,
        node: Option<NodeId>,
    ) -> Parts<'e> {
        let trust = if is_plain { self.trust } else { Trust::Hand };
        let record = node.filter(|_| is_plain);
        let before = self.findings.len();
        let lie = (usize::MAX, 0);
        Parts { next: at, end, found: 0, trust, record, lie, before, echo: self }
    }

    /// The parts of a list, a map or a tuple, which may be in a field.
    fn elements(self) -> Parts<'e> {
        let Some((at, entry)) = self.entry() else { return self.parts(None, 0, false, None) };
        let (next, end) = (self.inside(at), entry.end);
        match entry.what {
            What::Record(node, _) if entry.by == By::Derive => {
                let is_plain = self.is_plain(entry);
                self.parts(next, end, is_plain, Some(node))
            }
            What::Record(..) | What::Many(_) => {
                let is_plain = entry.by == By::Serde && self.is_plain(entry);
                self.parts(next, end, is_plain, None)
            }
            _ => self.parts(None, 0, false, None),
        }
    }

    /// What is in a variant.
    fn variant(self, name: &'static str) -> Parts<'e> {
        let Some((at, entry)) = self.entry() else { return self.parts(None, 0, false, None) };
        let What::Enum(place, way) = entry.what else { return self.parts(None, 0, false, None) };
        let known = matches!(entry.by, By::Derive | By::Serde) && self.is_plain(entry);
        if known && self.trust < Trust::Hand {
            self.findings.push(Finding::Variant { place, way, name });
        }
        match self.inside(at).map(|inside| (inside, &self.log[inside])) {
            Some((inside, Entry { what: What::Variant(node, _), end, .. })) => {
                let next = self.inside(inside);
                self.parts(next, *end, known, Some(*node))
            }
            _ => self.parts(None, 0, false, None),
        }
    }
}

fn read_as_leaf(count: usize) -> Leaf {
    Leaf::Bits(count as u128)
}

/// Where and what one is that is in another.
struct Inner {
    at: Option<usize>,
    asked: Option<&'static str>,
    trust: Trust,
    within: Option<(NodeId, usize)>,
}

/// The parts of a value.
pub(super) struct Parts<'e> {
    echo: Echo<'e>,
    /// The next one that was read.
    next: Option<usize>,
    end: usize,
    found: usize,
    trust: Trust,
    /// If its parts are fields that serde's derive has put there.
    record: Option<NodeId>,
    /// Between these addresses they lie.
    lie: (usize, usize),
    /// So many things had come back otherwise before.
    before: usize,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let at = self.next;
        let part = self.found;
        self.found += 1;
        self.next = at.map(|at| self.echo.log[at].end).filter(|next| *next < self.end);
        // Where there is one, also nothing has an address.
        if size_of_val(value) > 0 {
            let from = std::ptr::from_ref(value).addr();
            self.lie = (self.lie.0.min(from), self.lie.1.max(from + size_of_val(value)));
        }
        let trust = self.trust;
        let within = match self.record {
            Some(node) => Some((node, part)),
            None => self.echo.within.filter(|_| trust < Trust::Hand),
        };
        let asked = at.map(|at| self.echo.log[at].made);
        let at = at.and_then(|at| self.echo.inside(at));
        self.echo.part(Inner { at, asked, trust, within }, value)
    }

    fn end(self) -> Result<()> {
        let Some((at, entry)) = self.echo.entry() else { return Ok(()) };
        let read = match (&entry.what, self.record) {
            (What::Record(node, read), Some(_)) => Some((*node, *read)),
            (What::Enum(..), Some(_)) => {
                match self.echo.inside(at).map(|at| &self.echo.log[at].what) {
                    Some(What::Variant(node, read)) => Some((*node, *read)),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some((node, read)) = read else { return Ok(()) };
        // What does not lie in the value was made to be written.
        let (begin, end) = self.lie;
        let is_in = |(from, size): (usize, usize)| from <= begin && end <= from + size;
        let its_own = match self.echo.lies.filter(|_| self.echo.written == entry.made) {
            Some(lies) => begin > end || is_in(lies),
            None => end.saturating_sub(begin) <= entry.size,
        };
        if !its_own || read != self.found {
            let of = |finding: &Finding| matches!(finding, Finding::Changed { node: of, .. } if *of == node);
            let fresh = self.echo.findings.split_off(self.before);
            self.echo.findings.extend(fresh.into_iter().filter(|finding| !of(finding)));
        }
        if its_own && read < self.found {
            self.echo.findings.push(Finding::More { node, read, written: self.found });
        }
        Ok(())
    }
}
