//! What is read at each place of a type, as it becomes known.
//!
//! A type's places are a tree, and endless where it contains itself: what the same code reads in the
//! same way is one node. The code is told by the address of the visitor's method, not by the name of
//! its type: two types that are local to blocks may have one name. (Code that the compiler has merged
//! because it is the same reads the same.)

use std::any::type_name;
use std::collections::HashMap;

use crate::ipc::codec::probe::log::Leaf;
use crate::ipc::codec::probe::trace::Names;
use crate::ipc::codec::shapes::{Changed, Form, Kind, Kinds, Node, Parts, Place};

/// A place, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaceId(usize);

/// A node, by its number: the first has nothing in it, and stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

#[derive(Clone, Debug)]
pub(super) struct Graph {
    places: Vec<Seen>,
    nodes: Vec<Inside>,
    known: HashMap<Code, NodeId>,
}

/// What was asked for at a place.
#[derive(Clone, Debug)]
struct Seen {
    kinds: Kinds,
    node: NodeId,
    /// Others, of which it cannot be told which is written.
    others: Vec<NodeId>,
}

/// What was read in a value.
#[derive(Clone, Debug)]
struct Inside {
    type_name: &'static str,
    names: Names,
    places: Vec<PlaceId>,
    form: Option<Form>,
    asked: Option<Form>,
    /// Not always the same number of parts.
    varies: bool,
    /// How it comes back changed.
    changed: Option<Changed>,
}

/// What reads a value: a visitor's method, for a kind of value, with such names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Code {
    pub(super) kind: Kind,
    pub(super) address: usize,
    pub(super) names: Names,
}

const NONE: NodeId = NodeId(0);

/// In the graph that is given out: what is in bytes, as a list.
const BYTES: u32 = 1;

impl Graph {
    pub(super) const ROOT: PlaceId = PlaceId(0);

    pub(super) fn new() -> Self {
        let mut graph = Graph { places: Vec::new(), nodes: Vec::new(), known: HashMap::new() };
        graph.add_place();
        graph.add_node("", &[]);
        let bytes = graph.add_node("", &[]);
        let byte = graph.place(bytes, 0);
        graph.asked(byte, Kind::U8);
        graph
    }

    fn add_place(&mut self) -> PlaceId {
        self.places.push(Seen { kinds: Kinds::NONE, node: NONE, others: Vec::new() });
        PlaceId(self.places.len() - 1)
    }

    /// One that is told by nothing but its number.
    pub(super) fn add_node(&mut self, type_name: &'static str, names: Names) -> NodeId {
        let places = Vec::new();
        self.nodes.push(Inside {
            type_name,
            names,
            places,
            form: None,
            asked: None,
            varies: false,
            changed: None,
        });
        NodeId(self.nodes.len() - 1)
    }

    /// The place of a part.
    pub(super) fn place(&mut self, node: NodeId, part: usize) -> PlaceId {
        while self.nodes[node.0].places.len() <= part {
            let place = self.add_place();
            self.nodes[node.0].places.push(place);
        }
        self.nodes[node.0].places[part]
    }

    /// A kind of value was asked for that has nothing in it.
    pub(super) fn asked(&mut self, at: PlaceId, kind: Kind) {
        let seen = &mut self.places[at.0];
        seen.kinds = seen.kinds.with(kind);
    }

    /// A kind of value was asked for, by a `V`.
    pub(super) fn asked_by<V>(&mut self, at: PlaceId, code: Code) -> NodeId {
        let (kind, names) = (code.kind, code.names);
        let node = match self.known.get(&code) {
            Some(node) => *node,
            None => {
                let node = self.add_node(type_name::<V>(), names);
                self.known.insert(code, node);
                node
            }
        };
        self.asked(at, kind);
        self.lead(at, node);
        node
    }

    /// What is at this place is this.
    fn lead(&mut self, at: PlaceId, node: NodeId) {
        let before = self.places[at.0].node;
        if before == NONE {
            self.places[at.0].node = node;
        } else if !self.same(before, node)
            && !self.places[at.0].others.iter().any(|other| self.same(*other, node))
        {
            self.places[at.0].others.push(node);
        }
    }

    /// The compiler may have the same code twice.
    fn same(&self, one: NodeId, other: NodeId) -> bool {
        let (a, b) = (&self.nodes[one.0], &self.nodes[other.0]);
        one == other || a.type_name == b.type_name && a.names == b.names
    }

    /// So many parts are asked for.
    pub(super) fn ask(&mut self, node: NodeId, form: Form) {
        self.nodes[node.0].asked = Some(form);
    }

    /// So many parts were read.
    pub(super) fn read(&mut self, node: NodeId, form: Form) {
        let inside = &mut self.nodes[node.0];
        inside.varies |= inside.form.is_some_and(|before| before != form);
        inside.form = Some(form);
    }

    /// Something in a part is written otherwise than it was read.
    pub(super) fn mark_changed(&mut self, node: NodeId, part: usize, read: &Leaf, written: &Leaf) {
        let inside = &mut self.nodes[node.0];
        let name = inside.names.get(part).map_or(part.to_string(), |name| (*name).to_owned());
        inside.changed.get_or_insert_with(|| Changed {
            written: format!("{written} in field {name} of a value"),
            read: format!("{read} there"),
        });
    }

    /// More parts are written than are read.
    pub(super) fn mark_more(&mut self, node: NodeId, read: usize, written: usize) {
        self.nodes[node.0].changed.get_or_insert_with(|| Changed {
            written: format!("up to {written} fields"),
            read: format!("{read} of them"),
        });
    }

    /// Whether all parts were read.
    pub(super) fn is_whole(&self, node: NodeId) -> bool {
        self.nodes[node.0].form.is_some()
    }

    /// Grows when something is asked for that was not before.
    pub(super) fn seen(&self) -> usize {
        let place = |seen: &Seen| seen.kinds.len() + seen.others.len();
        let node = |inside: &Inside| {
            inside.places.len()
                + usize::from(inside.changed.is_some())
                + usize::from(inside.form.is_some())
                + usize::from(inside.varies)
        };
        self.places.iter().map(place).sum::<usize>() + self.nodes.iter().map(node).sum::<usize>()
    }

    /// What may be written at a place.
    fn frozen_place(&self, at: PlaceId, all: bool) -> Place {
        let seen = &self.places[at.0];
        if seen.kinds == Kinds::NONE {
            return if all { Place::REFUSED } else { Place::UNSEEN };
        }
        if !seen.others.is_empty() {
            // Behind the nodes come those places of which each may be one of several.
            let before = self.places[..at.0].iter().filter(|place| !place.others.is_empty());
            let kinds = if seen.kinds.has(Kind::Tuple) {
                seen.kinds.with(Kind::TupleStruct)
            } else {
                seen.kinds
            };
            return Place::new(kinds, (self.nodes.len() + before.count()) as u32);
        }
        let node = seen.node;
        let mut kinds = seen.kinds;
        if kinds == Kinds::of(Kind::Bytes) {
            return Place::new(kinds.with(Kind::List), BYTES);
        }
        // Bytes are as a list of u8 is.
        let elements = self.nodes[node.0].places.first().map(|place| self.places[place.0].kinds);
        if kinds.has(Kind::List) && elements == Some(Kinds::of(Kind::U8)) {
            kinds = kinds.with(Kind::Bytes);
        }
        if kinds.has(Kind::Tuple) {
            kinds = kinds.with(Kind::TupleStruct);
        }
        Place::new(kinds, node.0 as u32)
    }

    /// What is in a node; what was not seen cannot be, if `all` says so.
    pub(super) fn frozen_parts(&self, node: NodeId, all: bool) -> Parts {
        let rest = if all { Place::REFUSED } else { Place::UNSEEN };
        if node == NONE {
            return Parts::nothing(rest);
        }
        let inside = &self.nodes[node.0];
        let form = inside.form.filter(|_| !inside.varies);
        let asked = inside.asked.filter(|_| inside.form.is_none());
        let places = inside.places.iter().map(|place| self.frozen_place(*place, all)).collect();
        let mut parts = Parts::new((form, asked), inside.names, places, rest);
        if let Some(changed) = &inside.changed {
            parts.refuse(changed.clone());
        }
        parts
    }

    /// What was read, with the enums as they turned out.
    pub(super) fn freeze(&self, enums: Vec<(NodeId, Node)>, all: bool) -> (Place, Vec<Node>) {
        let parts = |node| Node::Parts(self.frozen_parts(NodeId(node), all));
        let mut nodes: Vec<_> = (0..self.nodes.len()).map(parts).collect();
        for (node, turned_out) in enums {
            nodes[node.0] = turned_out;
        }
        let several = self.places.iter().filter(|place| !place.others.is_empty());
        nodes.extend(several.map(|place| {
            let all = [place.node].into_iter().chain(place.others.iter().copied());
            Node::Several(all.map(|node| node.0 as u32).collect())
        }));
        (self.frozen_place(Self::ROOT, all), nodes)
    }
}
