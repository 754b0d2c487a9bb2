//! What was seen of a type so far.

use std::any::type_name;

use std::collections::{HashMap, VecDeque};

use serde::de::{self, Visitor};

use crate::error::{CodecError, FormatDemand};
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::probe::echo::Finding;
use crate::ipc::codec::probe::enums::EnumTrace;
use crate::ipc::codec::probe::graph::{Graph, NodeId};
use crate::ipc::codec::probe::guess::{GUESSES, Guess};
use crate::ipc::codec::probe::log::{Leaf, Log, What};
use crate::ipc::codec::probe::sample::Sample;
use crate::ipc::codec::shapes::Shapes;

/// Values that are made up for a type at most, some milliseconds' worth.
const VALUES: usize = 100_000;

/// Of those, in one pass.
const VALUES_A_PASS: usize = 20_000;

/// How deep types are followed into each other; those that contain themselves end sooner.
const DEPTH: usize = 100;

#[derive(Clone, Debug)]
pub(super) struct Trace {
    root: &'static str,
    pub(super) sample: Sample,
    pub(super) guess: Guess,
    /// The visitors at work, outermost first.
    open: Vec<&'static str>,
    path: Vec<Step>,
    pub(super) graph: Graph,
    pub(super) enums: Vec<EnumTrace>,
    /// By the enums' places, at the beginning of the pass: how many enums on there is one with a variant
    /// that was not read yet.
    far: Vec<Option<usize>>,
    /// The variants at work, outermost first: the enum's place and the way.
    variants: Vec<(usize, usize)>,
    finding: Option<CodecError>,
    pub(super) log: Log,
    /// The ways in which the enums of the pass were read.
    ways: Vec<usize>,
    /// In which they are to be read, if they are to be as before.
    again: VecDeque<usize>,
    /// What came back otherwise, of which one value alone tells nothing: what was read, and written.
    changes: HashMap<(NodeId, usize, usize), (Leaf, Leaf)>,
    spent: usize,
    spent_before: usize,
    /// The values of the pass that were not made up.
    sampled: usize,
}

/// From a value to one in it, and the latter's type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) to: To,
    pub(super) type_name: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::ipc::codec) enum To {
    Field(&'static str),
    Place(usize),
    Element,
    Key,
    Value,
    Variant(&'static str),
}

impl Trace {
    pub(super) fn new(root: &'static str) -> Self {
        Trace {
            root,
            sample: Sample::default(),
            guess: GUESSES[0],
            open: Vec::new(),
            path: Vec::new(),
            graph: Graph::new(),
            enums: Vec::new(),
            far: Vec::new(),
            variants: Vec::new(),
            finding: None,
            log: Log::default(),
            ways: Vec::new(),
            again: VecDeque::new(),
            changes: HashMap::new(),
            spent: 0,
            spent_before: 0,
            sampled: 0,
        }
    }

    /// Goes on with other values.
    pub(super) fn begin(&mut self, guess: Guess) {
        self.guess = guess;
        self.enums.iter_mut().for_each(EnumTrace::retry);
        self.lead();
    }

    /// Goes on with a value that was to be sent.
    pub(super) fn begin_sample(&mut self, bytes: Vec<u8>) {
        (self.sample, self.spent) = (Sample::new(bytes), 0);
        self.rewind();
    }

    pub(super) fn end_sample(&mut self) {
        self.sample = Sample::default();
        self.rewind();
    }

    /// Goes back to the beginning of the value, whatever became of the last pass.
    pub(super) fn rewind(&mut self) {
        self.open.clear();
        self.path.clear();
        self.variants.clear();
        self.sample.rewind();
        self.sampled = 0;
        self.log.clear();
        self.ways.clear();
        self.again.clear();
        self.spent_before = self.spent;
        self.lead();
    }

    /// Finds the ways to what was not read yet.
    fn lead(&mut self) {
        self.far = self.enums.iter().map(|one| one.is_pending().then_some(0)).collect();
        for step in 0.. {
            let mut more = false;
            for (i, one) in self.enums.iter().enumerate() {
                let nearest = self.far[i].is_none().then(|| one.nearest(&self.far)).flatten();
                if nearest.is_some_and(|(far, _)| far == step) {
                    self.far[i] = Some(step + 1);
                    more = true;
                }
            }
            if !more {
                break;
            }
        }
    }

    /// The place of an enum, by its node; and the way in which it is read.
    pub(super) fn choose(
        &mut self,
        node: NodeId,
        name: &'static str,
        names: Names,
        again: bool,
    ) -> Result<(usize, usize)> {
        let sampled = self.sample.next(|input| input.varint::<32>()).map(|index| index as usize);
        let known = self.enums.iter().position(|known| known.node() == node);
        let place = known.unwrap_or_else(|| {
            self.enums.push(EnumTrace::new(node, name, names));
            self.far.push(Some(0));
            self.enums.len() - 1
        });
        if let Some((outer, way)) = self.variants.last() {
            self.enums[*outer].contains(*way, place);
        }
        let sampled = sampled.and_then(|index| self.enums[place].follow(index));
        let as_before = self.again.pop_front().and_then(|way| self.enums[place].follow_way(way));
        let way = as_before.or(sampled).or_else(|| self.enums[place].choose(&self.far, again));
        let none = || Fault::malformed("an enum without a variant that can be read");
        let way = way.ok_or_else(none)?;
        self.ways.push(way);
        Ok((place, way))
    }

    /// Goes back to the beginning of the value, to read the same variants with other values in them.
    pub(super) fn rewind_to_repeat(&mut self) {
        let ways = std::mem::take(&mut self.ways);
        let (guess, spent) = (self.guess, self.spent_before);
        self.rewind();
        (self.guess, self.spent_before) = (guess, spent);
        self.again = ways.into();
    }

    /// Notes what came back otherwise of a made-up value.
    pub(super) fn compared(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            match finding {
                Finding::Changed { node, part, place, read, written, weak } => {
                    let key = (node, part, place);
                    let before = self.changes.insert(key, (read.clone(), written.clone()));
                    // What is made of it by hand may be anything, but it depends on what was read.
                    let constant =
                        before.is_some_and(|(other, same)| other != read && same == written);
                    if !weak || constant {
                        self.graph.mark_changed(node, part, &read, &written);
                    }
                }
                Finding::More { node, read, written } => self.graph.mark_more(node, read, written),
                Finding::Variant { place, way, name } => self.enums[place].came_back(way, name),
            }
        }
    }

    /// Reads a variant, in which others may be.
    pub(super) fn variant<R>(
        &mut self,
        place: usize,
        way: usize,
        read: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let depth = self.variants.len();
        self.variants.push((place, way));
        let value = read(self);
        self.variants.truncate(depth);
        value
    }

    /// Grows when a pass has seen something for the first time.
    pub(super) fn progress(&self) -> usize {
        self.enums.iter().map(EnumTrace::progress).sum()
    }

    /// Whether every variant was read to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.enums.iter().all(EnumTrace::is_whole)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.spent >= VALUES
    }

    /// The demand for a format that describes itself, if there was one.
    pub(super) fn finding(&mut self) -> Option<CodecError> {
        self.finding.take()
    }

    /// Counts a value.
    pub(super) fn spend(&mut self) -> Result<()> {
        if self.sample.is_read() {
            self.sampled += 1;
            return Ok(());
        }
        self.spent += 1;
        // As much again as there is already: a large type is seen in few steps.
        let most = VALUES_A_PASS.max(self.sampled);
        if self.spent >= VALUES.max(most) || self.spent - self.spent_before >= most {
            return Err(Fault::malformed("the type is too large to be followed"));
        }
        Ok(())
    }

    /// Has the visitor read a value in `read`, which is told whether the visitor's type is at work
    /// further out already: a type that contains itself has to end.
    pub(super) fn visit<'de, V: Visitor<'de>, R>(
        &mut self,
        what: What,
        read: impl FnOnce(&mut Self, bool) -> Result<R>,
    ) -> Result<R> {
        self.spend()?;
        if self.open.len() >= DEPTH {
            return Err(Fault::malformed("the type is too deep to be followed"));
        }
        let name = type_name::<V>();
        let again = self.open.contains(&name);
        let depth = self.open.len();
        self.open.push(name);
        let entry = self.log.begin::<V>(what);
        let value = read(self, again);
        self.log.end(entry);
        // Not what is left there by one that failed, when the failure is passed over.
        self.open.truncate(depth);
        value
    }

    /// Reads what is one step further in.
    pub(super) fn step<R>(
        &mut self,
        step: Step,
        read: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let depth = self.path.len();
        self.path.push(step);
        let value = read(self);
        self.path.truncate(depth);
        value
    }

    /// Notes that the type asks for a format that describes itself, and gives up.
    pub(super) fn demand<'de, V: Visitor<'de>, T>(&mut self, visitor: &V, call: Call) -> Result<T> {
        // Of the helper that serde's derive makes for the names of fields and variants.
        let derived = self.path.last().filter(|step| step.type_name.contains("::__Field"));
        let is_key = derived.is_some_and(|step| matches!(step.to, To::Key));
        let is_tag = derived.is_some_and(|step| matches!(step.to, To::Field(_)));
        let attribute = match call {
            Call::Identifier if is_key => {
                // It is the struct that asks, not its key.
                self.path.pop();
                "#[serde(flatten)]".to_owned()
            }
            Call::Identifier if is_tag => {
                // It is the enum that asks, whose first element is its tag.
                self.path.pop();
                "#[serde(tag, content)]".to_owned()
            }
            call => call.attribute(visitor),
        };
        Err(self.refuse(attribute))
    }

    /// Notes that the type asks for a format that describes itself.
    pub(super) fn refuse(&mut self, attribute: String) -> Fault {
        // A helper that serde's derive puts around a field tells nothing.
        let names = self.path.iter().rev().map(|step| step.type_name);
        let told = names.chain([self.root]).find(|name| !name.contains("__"));
        let type_name = plain(told.unwrap_or(self.root));
        let place = match &self.path[..] {
            [] => String::new(),
            steps => {
                steps.iter().fold(plain(self.root), |place, step| place + &step.to.to_string())
            }
        };
        let found =
            CodecError::NeedsSelfDescribing(FormatDemand { type_name, place, attribute }.into());
        self.finding.get_or_insert_with(|| found.clone());
        found.into()
    }

    /// Grows when a type was seen to read more, or otherwise.
    pub(super) fn seen(&self) -> usize {
        self.graph.seen() + self.enums.iter().map(EnumTrace::seen).sum::<usize>()
    }

    /// What is read. Where that is not known, all may be written, if `all` says so.
    pub(super) fn shapes(&self, all: bool) -> Shapes {
        let enums =
            self.enums.iter().map(|one| (one.node(), one.turned_out(&self.graph, all))).collect();
        let (root, nodes) = self.graph.freeze(enums, all);
        Shapes::new(root, nodes, all)
    }
}

pub(super) type Names = &'static [&'static str];

/// What only a format that describes itself can answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::ipc::codec) enum Call {
    Any,
    Identifier,
    IgnoredAny,
}

impl Call {
    /// What has made the code of this visitor's type ask.
    pub(in crate::ipc::codec) fn attribute<'de, V: Visitor<'de>>(self, visitor: &V) -> String {
        let expected = (visitor as &dyn de::Expected).to_string();
        let visitor = type_name::<V>();
        match self {
            Call::Any if visitor.contains("::TaggedContentVisitor") => {
                format!("#[serde(tag)] ({expected})")
            }
            Call::Any if visitor.contains("::ContentVisitor") => "#[serde(untagged)]".to_owned(),
            Call::Any => format!("deserialize_any in its Deserialize ({expected})"),
            Call::Identifier => format!("deserialize_identifier in its Deserialize ({expected})"),
            Call::IgnoredAny => "deserialize_ignored_any in its Deserialize".to_owned(),
        }
    }
}

impl std::fmt::Display for To {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            To::Field(name) => write!(f, ".{name}"),
            To::Place(place) => write!(f, ".{place}"),
            To::Element => f.write_str("[..]"),
            To::Key => f.write_str("[key]"),
            To::Value => f.write_str("[..]"),
            To::Variant(name) => write!(f, "::{name}"),
        }
    }
}

/// A type's name without the modules.
pub(in crate::ipc::codec) fn plain(type_name: &str) -> String {
    let mut plain = String::new();
    for c in type_name.chars() {
        if c == ':' {
            // Back over the module's name.
            let kept = plain.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
            plain.truncate(kept);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[test]
fn a_plain_name_has_no_modules() {
    assert_eq!(plain("u8"), "u8");
    assert_eq!(plain("a::b::C"), "C");
    assert_eq!(plain("core::option::Option<a::b::C<[a::D; 3]>>"), "Option<C<[D; 3]>>");
    assert_eq!(plain("(a::B, alloc::vec::Vec<u8>)"), "(B, Vec<u8>)");
}
