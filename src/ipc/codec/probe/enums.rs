//! What was seen of an enum: its variants, each by its number; and by its names where they are not in
//! the order of the numbers.

use crate::ipc::codec::probe::graph::{Graph, NodeId};
use crate::ipc::codec::probe::trace::Names;
use crate::ipc::codec::shapes::{Changed, Node, Parts, Place, Variant};

/// One type of enum.
#[derive(Clone, Debug)]
pub(super) struct EnumTrace {
    node: NodeId,
    name: &'static str,
    names: Names,
    /// By number, as many as there are names; then by name.
    ways: Vec<Way>,
    /// The one that was the first to end. What is in it had ended before, so whoever always goes on
    /// with the first comes to an end, also where types contain each other.
    ended: Option<usize>,
    /// How often one was chosen because there was no better one.
    turns: usize,
    /// The ways that came back as variants of these names, when what was read was written again.
    came_back: Vec<(usize, &'static str)>,
}

/// What came of reading a variant in one way.
#[derive(Clone, Debug, Default)]
struct Way {
    tried: bool,
    /// Whether a value came of it.
    whole: bool,
    /// Which variant it is, if it is one: equal for ways that lead to the same.
    which: Option<u64>,
    /// What is in it.
    node: Option<NodeId>,
    /// The places of the enums that were seen directly in it.
    inside: Vec<usize>,
}

/// How a variant is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Index(u32),
    Name(&'static str),
}

impl EnumTrace {
    pub(super) fn new(node: NodeId, name: &'static str, names: Names) -> Self {
        let ways = vec![Way::default(); 2 * names.len()];
        EnumTrace { node, name, names, ways, ended: None, turns: 0, came_back: Vec::new() }
    }

    pub(super) fn node(&self) -> NodeId {
        self.node
    }

    /// What is in it if it is read in one `way`.
    pub(super) fn inside(&mut self, way: usize, graph: &mut Graph, names: Names) -> NodeId {
        *self.ways[way].node.get_or_insert_with(|| graph.add_node(self.name, names))
    }

    fn by_index(&self) -> &[Way] {
        &self.ways[..self.names.len()]
    }

    fn by_name(&self) -> &[Way] {
        &self.ways[self.names.len()..]
    }

    /// Whether the names are those of the numbers, one for each, as far as is known.
    fn is_plain(&self) -> bool {
        let mut seen = Vec::new();
        self.by_index().iter().filter(|way| way.tried).all(|way| {
            let fresh = way.which.is_some_and(|which| !seen.contains(&which));
            seen.extend(way.which);
            fresh
        })
    }

    fn untried(&self) -> Option<usize> {
        let by_index = self.by_index().iter().position(|way| !way.tried);
        let by_name = || self.by_name().iter().position(|way| !way.tried);
        by_index.or_else(|| {
            let place = if self.is_plain() { None } else { by_name() };
            place.map(|place| place + self.names.len())
        })
    }

    /// Notes that the enum at `place` is in it.
    pub(super) fn contains(&mut self, way: usize, place: usize) {
        if !self.ways[way].inside.contains(&place) {
            self.ways[way].inside.push(place);
        }
    }

    /// Which way leads nearest to a variant that was not read yet, and how near: `far` tells that of
    /// the enums, by their places.
    pub(super) fn nearest(&self, far: &[Option<usize>]) -> Option<(usize, usize)> {
        let far = |way: &Way| way.inside.iter().filter_map(|place| far[*place]).min();
        self.ways.iter().enumerate().filter_map(|(i, way)| Some((far(way)?, i))).min()
    }

    /// Which variant to read next: one that was not read yet, else the one that leads to such variants
    /// of others, else one that is known to end. One that has not ended so far, if the enum is not in
    /// itself (`again`): what is in it may end by now.
    pub(super) fn choose(&mut self, far: &[Option<usize>], again: bool) -> Option<usize> {
        let nearest = || self.nearest(far).filter(|_| !again).map(|(_, way)| way);
        let place = self.untried().or_else(nearest).or(self.ended).or_else(|| {
            let begun = |(_, way): &(usize, &Way)| way.which.is_some();
            let begun: Vec<_> = self.ways.iter().enumerate().filter(begun).collect();
            let turn = self.turns.checked_rem(begun.len()).filter(|_| !again)?;
            Some(begun[turn].0)
        })?;
        self.turns += 1;
        self.ways[place].tried = true;
        Some(place)
    }

    /// The variant of this number, if there is one.
    pub(super) fn follow(&mut self, index: usize) -> Option<usize> {
        let way = Some(index).filter(|index| *index < self.names.len())?;
        self.ways[way].tried = true;
        Some(way)
    }

    /// The same way once more.
    pub(super) fn follow_way(&mut self, way: usize) -> Option<usize> {
        let way = Some(way).filter(|way| *way < self.ways.len())?;
        self.ways[way].tried = true;
        Some(way)
    }

    /// What was read in one way was written as the variant of this name.
    pub(super) fn came_back(&mut self, way: usize, name: &'static str) {
        if !self.came_back.contains(&(way, name)) {
            self.came_back.push((way, name));
        }
    }

    pub(super) fn asked(&self, way: usize) -> Asked {
        match way.checked_sub(self.names.len()) {
            None => Asked::Index(way as u32),
            Some(place) => Asked::Name(self.names[place]),
        }
    }

    /// Its name, as far as it is known before it is read.
    pub(super) fn name_of(&self, way: usize) -> &'static str {
        self.names[way % self.names.len()]
    }

    /// The variant is known: it is this one.
    pub(super) fn found(&mut self, way: usize, which: u64) {
        self.ways[way].which = Some(which);
    }

    pub(super) fn whole(&mut self, way: usize) {
        self.ways[way].whole = true;
        self.ended.get_or_insert(way);
    }

    /// Reads once more what was not read whole.
    pub(super) fn retry(&mut self) {
        self.ways.iter_mut().for_each(|way| way.tried &= way.whole);
    }

    pub(super) fn progress(&self) -> usize {
        self.ways.iter().map(|way| usize::from(way.tried) + usize::from(way.whole)).sum()
    }

    /// Grows when a variant was seen for the first time.
    pub(super) fn seen(&self) -> usize {
        self.ways.iter().filter(|way| way.which.is_some()).count()
    }

    /// Whether there are variants that were not read yet.
    pub(super) fn is_pending(&self) -> bool {
        self.untried().is_some()
    }

    /// Whether every variant was read, and to its end.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_pending() && self.ways.iter().all(|way| way.whole || way.which.is_none())
    }

    /// Whether it knows no variant by number, but some by name.
    pub(super) fn is_by_name_only(&self) -> bool {
        let unknown = |way: &Way| way.tried && way.which.is_none();
        self.by_index().iter().all(unknown) && self.by_name().iter().any(|way| way.which.is_some())
    }

    /// Whether the numbers lead to different variants, and those beyond them to none; or all to the
    /// last one, which is `other`. It is not so where a number is read as what is no enum.
    fn is_enum(&self) -> bool {
        let which: Vec<_> = self.by_index().iter().map(|way| way.which).collect();
        let repeats = |i: &usize| which[*i].is_none() || which[..*i].contains(&which[*i]);
        let count = (0..which.len()).find(repeats).unwrap_or(which.len());
        let beyond = &which[count..];
        match count {
            0 => false,
            1 => beyond.iter().all(Option::is_none),
            _ => beyond.iter().all(|way| way.is_none() || *way == which[count - 1]),
        }
    }

    /// What is read.
    pub(super) fn turned_out(&self, graph: &Graph, all: bool) -> Node {
        let names_lead_nowhere =
            || self.by_name().iter().all(|way| way.tried && way.which.is_none());
        if !self.is_pending() && (!self.is_enum() || !self.is_plain() && names_lead_nowhere()) {
            let rest = if all { Place::REFUSED } else { Place::UNSEEN };
            let parts = |way: &Way| way.node.map(|node| graph.frozen_parts(node, all));
            let parts =
                self.by_index().iter().map(|way| parts(way).unwrap_or(Parts::nothing(rest)));
            return Node::Numbers(parts.collect());
        }
        let plain = self.is_plain();
        let variant = |place: usize| {
            let index = if plain {
                self.by_index()[place].which.map(|_| place)
            } else {
                let which = self.by_name()[place].which?;
                self.by_index().iter().position(|way| way.which == Some(which))
            }?;
            let ways = [&self.by_index()[index], &self.by_name()[place]];
            let mut nodes = ways.into_iter().filter_map(|way| way.node);
            let whole = nodes.clone().find(|node| graph.is_whole(*node));
            let node = whole.or_else(|| nodes.next())?;
            let mut parts = graph.frozen_parts(node, all);
            let which = self.by_index()[index].which;
            let other = self
                .came_back
                .iter()
                .find(|(way, name)| *name == self.names[place] && self.ways[*way].which != which);
            if let Some((way, name)) = other {
                parts.refuse(Changed {
                    written: format!("variant {name} for another one"),
                    read: format!("variant {}", self.name_of(*way)),
                });
            }
            Some(Variant { index: index as u32, parts })
        };
        let variants = self.names.iter().enumerate().map(|(i, name)| (*name, variant(i)));
        Node::Variants(variants.collect())
    }
}
