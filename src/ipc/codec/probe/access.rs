//! What made-up values are made of.

use std::any::type_name;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::probe::enums::Asked;
use crate::ipc::codec::probe::graph::{NodeId, PlaceId};
use crate::ipc::codec::probe::log::What;
use crate::ipc::codec::probe::trace::{Names, Step, To, Trace};
use crate::ipc::codec::probe::tracer::Tracer;
use crate::ipc::codec::shapes::Form;

impl Trace {
    /// Reads a field or an element.
    fn part<'de, S: DeserializeSeed<'de>>(
        &mut self,
        step: Step,
        at: PlaceId,
        seed: S,
    ) -> Result<S::Value> {
        let entry = self.log.part(type_name::<S::Value>());
        let value = self.step(step, |trace| seed.deserialize(Tracer { trace, at }));
        self.log.end(entry);
        value
    }
}

/// The elements of a list or the fields of a struct.
pub(super) struct Items<'t> {
    pub(super) trace: &'t mut Trace,
    pub(super) node: NodeId,
    /// So many there are.
    pub(super) most: usize,
    /// So many were asked for.
    pub(super) read: &'t mut usize,
    pub(super) to: &'t dyn Fn(usize) -> To,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if *self.read == self.most {
            return Ok(None);
        }
        let step = Step { to: (self.to)(*self.read), type_name: type_name::<S::Value>() };
        let at = self.trace.graph.place(self.node, *self.read);
        *self.read += 1;
        self.trace.part(step, at, seed).map(Some)
    }
}

/// The entries of a map.
pub(super) struct Entries<'t> {
    pub(super) trace: &'t mut Trace,
    pub(super) node: NodeId,
    /// So many are left.
    pub(super) left: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let step = Step { to: To::Key, type_name: type_name::<S::Value>() };
        let at = self.trace.graph.place(self.node, 0);
        self.trace.part(step, at, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let step = Step { to: To::Value, type_name: type_name::<S::Value>() };
        let at = self.trace.graph.place(self.node, 1);
        self.trace.part(step, at, seed)
    }
}

/// A variant of the enum at `place`, read in one `way`.
pub(super) struct Choice<'t> {
    pub(super) trace: &'t mut Trace,
    pub(super) place: usize,
    pub(super) way: usize,
}

impl<'de> de::EnumAccess<'de> for Choice<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let variant = match self.trace.enums[self.place].asked(self.way) {
            Asked::Index(index) => {
                let index: U32Deserializer<Fault> = index.into_deserializer();
                seed.deserialize(index)?
            }
            Asked::Name(name) => seed.deserialize(StrDeserializer::<Fault>::new(name))?,
        };
        // Of an enum, which it is in code that serde derives, this tells which variant it is. (Of
        // what is none it says something, and the same each time.)
        let mut which = DefaultHasher::new();
        discriminant(&variant).hash(&mut which);
        self.trace.enums[self.place].found(self.way, which.finish());
        if self.trace.enums[self.place].is_by_name_only() {
            return Err(self.trace.refuse("reading its variants by their names".to_owned()));
        }
        Ok((variant, self))
    }
}

impl<'t> Choice<'t> {
    /// What is in it.
    fn inside(&mut self, names: Names) -> NodeId {
        let trace = &mut *self.trace;
        trace.enums[self.place].inside(self.way, &mut trace.graph, names)
    }

    fn name(&self) -> &'static str {
        self.trace.enums[self.place].name_of(self.way)
    }

    fn items<'de, V: Visitor<'de>>(
        mut self,
        names: Names,
        most: usize,
        to: &dyn Fn(usize) -> To,
        form: fn(usize) -> Form,
        visitor: V,
    ) -> Result<V::Value> {
        let step = Step { to: To::Variant(self.name()), type_name: type_name::<V::Value>() };
        let node = self.inside(names);
        self.trace.graph.ask(node, form(most));
        let entry = self.trace.log.begin::<V>(What::Variant(node, most));
        let value = self.trace.step(step, |trace| {
            let mut read = 0;
            let value = visitor.visit_seq(Items { trace, node, most, read: &mut read, to })?;
            trace.graph.read(node, form(read));
            Ok(value)
        });
        self.trace.log.end(entry);
        value
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_> {
    type Error = Fault;

    fn unit_variant(mut self) -> Result<()> {
        let node = self.inside(&[]);
        self.trace.graph.read(node, Form::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value> {
        let step = Step { to: To::Variant(self.name()), type_name: type_name::<S::Value>() };
        let node = self.inside(&[]);
        self.trace.graph.read(node, Form::Newtype);
        let at = self.trace.graph.place(node, 0);
        let entry = self.trace.log.variant(node);
        let value = self.trace.part(step, at, seed);
        self.trace.log.end(entry);
        value
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.items(&[], len, &To::Place, Form::Tuple, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Names, visitor: V) -> Result<V::Value> {
        self.items(fields, fields.len(), &|i| To::Field(fields[i]), Form::Struct, visitor)
    }
}
