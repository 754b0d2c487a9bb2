//! What the `Deserialize` of a type reads, as far as it could be found out: see [`probe`].
//!
//! On the wire a value is without names and kinds: a struct is its fields and an enum the number of
//! its variant. So what is written must be what is read, place by place; serde's derive does not see
//! to that where attributes go one way only. The encoder asks here, of each value.
//!
//! What has a name in Rust may be read without it, as where a `Deserialize` by hand, or `try_from`,
//! takes what is in a newtype: the wire is the same. Not the reverse, which is what `into` without
//! `from` does.
//!
//! [`probe`]: super::probe

mod kind;
mod parts;

use std::fmt;
use std::sync::OnceLock;

pub(super) use self::kind::{Kind, Kinds};
pub(super) use self::parts::{Changed, Field, Parts};
use crate::error::{CodecError, FieldMismatch};
use crate::ipc::codec::fault::{Fault, Result};

/// What is read of a type: its places, as a graph, for a type may contain itself.
#[derive(Debug)]
pub(crate) struct Shapes {
    root: Place,
    /// The first is for what is not known.
    nodes: Vec<Node>,
    /// Whether there may be more in the type, which the probe did not come to.
    partial: bool,
    /// Whether a value has shown all that it can: what was not seen then cannot be found out.
    all: bool,
    /// How often something was found out from values.
    turn: usize,
    /// What was found out since.
    learned: OnceLock<&'static Shapes>,
}

/// A place in a type: what is read there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// What may be written.
    kinds: Kinds,
    /// What is in it, as a place in [`Shapes::nodes`].
    node: u32,
}

#[derive(Debug)]
pub(super) enum Node {
    Parts(Parts),
    /// By the names that they are read by, of which one may have several. What is not known of one
    /// that has a name is `None`.
    Variants(Vec<(&'static str, Option<Variant>)>),
    /// By their numbers alone, of an enum whose `Deserialize` by hand knows no names.
    Numbers(Vec<Parts>),
    /// One of these.
    Several(Vec<u32>),
}

#[derive(Debug)]
pub(super) struct Variant {
    /// The number by which it is read.
    pub(super) index: u32,
    pub(super) parts: Parts,
}

/// What there is of a struct or of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Unit,
    Newtype,
    Tuple(usize),
    Struct(usize),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Unit => f.write_str("nothing"),
            Form::Newtype => f.write_str("one value"),
            Form::Tuple(len) => write!(f, "a tuple of {len}"),
            Form::Struct(1) => f.write_str("one field"),
            Form::Struct(len) => write!(f, "{len} fields"),
        }
    }
}

static UNKNOWN: Parts = Parts::nothing(Place::UNKNOWN);

impl Shapes {
    /// Of a type of which nothing is known.
    pub(super) const fn unknown() -> Self {
        Shapes {
            root: Place::UNKNOWN,
            nodes: Vec::new(),
            partial: false,
            all: false,
            turn: 0,
            learned: OnceLock::new(),
        }
    }

    pub(super) fn new(root: Place, nodes: Vec<Node>, all: bool) -> Self {
        Shapes { root, nodes, partial: false, all, turn: 0, learned: OnceLock::new() }
    }

    pub(super) fn known(self, partial: bool, turn: usize) -> Self {
        Shapes { partial, turn, ..self }
    }

    #[inline]
    pub(super) fn turn(&self) -> usize {
        self.turn
    }

    /// With what was found out since.
    #[inline]
    pub(super) fn latest(&self) -> &Shapes {
        let mut latest = self;
        while let Some(next) = latest.learned.get() {
            latest = next;
        }
        latest
    }

    /// From now on it is this that is read.
    pub(super) fn learn(&self, more: Shapes) {
        let more: &'static Shapes = Box::leak(Box::new(more));
        let _ = self.learned.set(more);
    }

    #[inline]
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    #[inline]
    pub(super) fn root(&self) -> Place {
        self.root
    }

    /// What is in a value of no fixed number of parts at `place`, or in a newtype struct.
    #[inline]
    pub(super) fn parts(&self, place: Place) -> &Parts {
        match self.nodes.get(place.node as usize) {
            Some(Node::Parts(parts)) => parts,
            Some(_) => self.unseen_parts(),
            None => &UNKNOWN,
        }
    }

    #[cold]
    fn unseen_parts(&self) -> &Parts {
        static UNSEEN: Parts = Parts::nothing(Place::UNSEEN);
        static REFUSED: Parts = Parts::nothing(Place::REFUSED);
        if self.all { &REFUSED } else { &UNSEEN }
    }

    /// What is in a struct at `place`; an error if it has not so many fields.
    #[inline(always)]
    pub(super) fn structure(&self, place: Place, name: &str, fields: usize) -> Result<&Parts> {
        match self.nodes.get(place.node as usize) {
            // It was written so before.
            Some(Node::Parts(parts)) if parts.fields().len() == fields && fields > 0 => Ok(parts),
            _ => self.compare_structure(place, name, fields),
        }
    }

    #[cold]
    fn compare_structure(&self, place: Place, name: &str, fields: usize) -> Result<&Parts> {
        let parts = match self.nodes.get(place.node as usize) {
            Some(Node::Parts(parts)) => parts,
            _ => self.one_of(place, fields),
        };
        parts.compare(Form::Struct(fields), || name.to_owned())?;
        Ok(parts)
    }

    /// Of several that may be read, one that has as many fields.
    #[cold]
    fn one_of(&self, place: Place, fields: usize) -> &Parts {
        let Some(Node::Several(nodes)) = self.nodes.get(place.node as usize) else {
            return self.parts(place);
        };
        let parts = nodes.iter().map(|node| self.parts(Place::new(Kinds::ALL, *node)));
        let mut same = parts.filter(|parts| parts.form == Some(Form::Struct(fields)));
        match (same.next(), same.next()) {
            (Some(parts), None) => parts,
            _ => self.unseen_parts(),
        }
    }

    /// The number by which a variant of the enum at `place` is read, and what is in it.
    #[inline]
    pub(super) fn variant(
        &self,
        place: Place,
        name: &str,
        index: u32,
        variant: &'static str,
        form: Form,
    ) -> Result<(u32, &Parts)> {
        let variants = match self.nodes.get(place.node as usize) {
            Some(Node::Variants(variants)) => variants,
            other => return self.other_enum(other, name, index, variant, form),
        };
        let likely = variants.get(index as usize).filter(|(name, _)| same(name, variant));
        let found = likely.or_else(|| variants.iter().find(|(name, _)| same(name, variant)));
        match found {
            Some((_, Some(read))) => {
                read.parts.compare(form, || format!("{name}::{variant}"))?;
                if read.parts.changed.is_some() && !matches!(form, Form::Struct(_)) {
                    read.parts.is_changed(&format!("{name}::{variant}"))?;
                }
                Ok((read.index, &read.parts))
            }
            Some((_, None)) => Err(unseen(&format!("{name}::{variant}"), &"it", self.all)),
            None => {
                let names: Vec<_> = variants.iter().map(|(name, _)| *name).collect();
                let read = format!("one of {}", names.join(", "));
                Err(asymmetric(&format!("{name}::{variant}"), &format_args!("{variant}"), &read))
            }
        }
    }

    /// A variant of an enum that is not read by the names of its variants, or not known to be.
    #[cold]
    fn other_enum<'a>(
        &'a self,
        node: Option<&'a Node>,
        name: &str,
        index: u32,
        variant: &'static str,
        form: Form,
    ) -> Result<(u32, &'a Parts)> {
        match node {
            None => Ok((index, &UNKNOWN)),
            Some(Node::Numbers(all)) => {
                let parts = all.get(index as usize).unwrap_or_else(|| self.unseen_parts());
                parts.compare(form, || format!("{name}::{variant}"))?;
                Ok((index, parts))
            }
            Some(Node::Several(nodes)) => {
                let at = |node: &u32| Place::new(Kinds::ALL, *node);
                let has = |place: &Place| match &self.nodes[place.node as usize] {
                    Node::Variants(variants) => variants.iter().any(|(name, _)| *name == variant),
                    _ => false,
                };
                let mut found = nodes.iter().map(at).filter(has);
                match (found.next(), found.next()) {
                    (Some(place), None) => self.variant(place, name, index, variant, form),
                    _ => Err(unseen(&format!("{name}::{variant}"), &"an enum", true)),
                }
            }
            Some(_) => Err(unseen(&format!("{name}::{variant}"), &"an enum", self.all)),
        }
    }
}

impl Place {
    /// What is read is not known.
    pub(super) const UNKNOWN: Place = Place { kinds: Kinds::ALL, node: 0 };

    /// What is read was not seen so far: a value that has something there tells more.
    pub(super) const UNSEEN: Place = Place { kinds: Kinds::NONE, node: 0 };

    /// What is read cannot be found out, not even from a value: what goes by names or by a number of parts
    /// is refused, for it could arrive as another value.
    pub(super) const REFUSED: Place = Place { kinds: Kinds::WHOLE, node: 0 };

    pub(super) fn new(kinds: Kinds, node: u32) -> Self {
        Place { kinds, node }
    }

    /// An error if what is read here is nothing of this kind.
    #[inline(always)]
    pub(super) fn expect(self, kind: Kind) -> Result<()> {
        if self.kinds.has(kind) { Ok(()) } else { Err(self.other_kind(kind)) }
    }

    #[cold]
    fn other_kind(self, kind: Kind) -> Fault {
        if self.kinds == Kinds::WHOLE {
            return unseen("", &kind, true);
        }
        asymmetric("", &kind, &self.kinds)
    }

    #[inline]
    pub(super) fn may_be(self, kind: Kind) -> bool {
        self.kinds.has(kind)
    }
}

/// The type is told later if it has no `name`, the place always is.
#[cold]
fn asymmetric(name: &str, written: &dyn fmt::Display, read: &dyn fmt::Display) -> Fault {
    let (written, read) = (written.to_string(), read.to_string());
    let (type_name, place) = (name.to_owned(), String::new());
    CodecError::Asymmetric(Box::new(FieldMismatch { type_name, place, written, read })).into()
}

/// What is read was not seen: nothing is told if a value may tell more.
#[cold]
fn unseen(name: &str, written: &dyn fmt::Display, settled: bool) -> Fault {
    let read = "what cannot be found out, as its Deserialize, or that of what comes before it, refuses \
                also this value where it is sent";
    asymmetric(name, written, if settled { &read } else { &"" })
}

/// Names mostly are one and the same constant.
#[inline]
fn same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b) || a == b
}
