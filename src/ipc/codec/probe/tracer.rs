//! The deserializer that makes values up.

use std::borrow::Cow;

use serde::de::{Deserializer, Visitor};

use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::input::{unzigzag, unzigzag_128};
use crate::ipc::codec::probe::access::{Choice, Entries, Items};
use crate::ipc::codec::probe::graph::{Code, Graph, NodeId, PlaceId};
use crate::ipc::codec::probe::guess::Guess;
use crate::ipc::codec::probe::log::{Bits, Leaf, What};
use crate::ipc::codec::probe::trace::{Call, Names, To, Trace};
use crate::ipc::codec::shapes::{Form, Kind};

pub(super) struct Tracer<'t> {
    pub(super) trace: &'t mut Trace,
    pub(super) at: PlaceId,
}

impl<'t> Tracer<'t> {
    pub(super) fn root(trace: &'t mut Trace) -> Self {
        Tracer { trace, at: Graph::ROOT }
    }

    /// What is in the value, if the `method` of a `V` reads it.
    fn inside<V>(&mut self, kind: Kind, method: *const (), names: Names) -> NodeId {
        let code = Code { kind, address: method as usize, names };
        self.trace.graph.asked_by::<V>(self.at, code)
    }

    fn record<'de, V: Visitor<'de>>(
        mut self,
        kind: Kind,
        names: Names,
        most: usize,
        to: &dyn Fn(usize) -> To,
        form: fn(usize) -> Form,
        visitor: V,
    ) -> Result<V::Value> {
        let method = V::visit_seq::<Items<'t>> as *const ();
        let node = self.inside::<V>(kind, method, names);
        self.trace.graph.ask(node, form(most));
        self.trace.visit::<V, _>(What::Record(node, most), |trace, _| {
            let mut read = 0;
            let value = visitor.visit_seq(Items { trace, node, most, read: &mut read, to })?;
            trace.graph.read(node, form(read));
            Ok(value)
        })
    }
}

macro_rules! made_up {
    ($($deserialize:ident $kind:ident $visit:ident $made_up:expr, $sampled:expr;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.trace.graph.asked(self.at, Kind::$kind);
            self.trace.spend()?;
            let sampled = self.trace.sample.next($sampled);
            let value = sampled.unwrap_or_else(|| $made_up(self.trace.guess));
            self.trace.log.begin::<V>(What::Leaf(Kind::$kind, value.bits()));
            visitor.$visit(value)
        }
    )*};
}

impl<'de, 't> Deserializer<'de> for Tracer<'t> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    made_up! {
        deserialize_bool Bool visit_bool |guess: Guess| guess.number > 0, |input| input.flag();
        deserialize_i8 I8 visit_i8 |guess: Guess| guess.number.cast_signed(), |input| Ok(input.byte()?.cast_signed());
        deserialize_i16 I16 visit_i16 |guess: Guess| guess.number.into(), |input| Ok(unzigzag(input.varint::<16>()?) as i16);
        deserialize_i32 I32 visit_i32 |guess: Guess| guess.number.into(), |input| Ok(unzigzag(input.varint::<32>()?) as i32);
        deserialize_i64 I64 visit_i64 |guess: Guess| guess.number.into(), |input| input.varint::<64>().map(unzigzag);
        deserialize_i128 I128 visit_i128 |guess: Guess| guess.number.into(), |input| input.varint_128().map(unzigzag_128);
        deserialize_u8 U8 visit_u8 |guess: Guess| guess.number, |input| input.byte();
        deserialize_u16 U16 visit_u16 |guess: Guess| guess.number.into(), |input| Ok(input.varint::<16>()? as u16);
        deserialize_u32 U32 visit_u32 |guess: Guess| guess.number.into(), |input| Ok(input.varint::<32>()? as u32);
        deserialize_u64 U64 visit_u64 |guess: Guess| guess.number.into(), |input| input.varint::<64>();
        deserialize_u128 U128 visit_u128 |guess: Guess| guess.number.into(), |input| input.varint_128();
        deserialize_f32 F32 visit_f32 |guess: Guess| guess.number.into(), |input| input.array().map(f32::from_le_bytes);
        deserialize_f64 F64 visit_f64 |guess: Guess| guess.number.into(), |input| input.array().map(f64::from_le_bytes);
        deserialize_char Char visit_char |guess: Guess| guess.text.chars().next().unwrap_or('a'), |input| Ok(input.text()?.chars().next().unwrap_or('a'));
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.graph.asked(self.at, Kind::Text);
        self.trace.spend()?;
        let sampled = self.trace.sample.next(|input| input.text().map(str::to_owned));
        let text = sampled.map_or(Cow::Borrowed(self.trace.guess.text), Cow::Owned);
        self.trace.log.begin::<V>(What::Leaf(Kind::Text, Leaf::Text(text.clone())));
        match text {
            Cow::Owned(text) => visitor.visit_string(text),
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.graph.asked(self.at, Kind::Bytes);
        self.trace.spend()?;
        let sampled = self.trace.sample.next(|input| {
            let len = input.len()?;
            input.bytes(len).map(<[u8]>::to_vec)
        });
        let bytes = sampled.map_or(Cow::Borrowed(self.trace.guess.bytes), Cow::Owned);
        self.trace.log.begin::<V>(What::Leaf(Kind::Bytes, Leaf::Bytes(bytes.clone())));
        match bytes {
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
            Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.demand(&visitor, Call::Any)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.demand(&visitor, Call::Identifier)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.demand(&visitor, Call::IgnoredAny)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let method = V::visit_some::<Self> as *const ();
        let node = self.inside::<V>(Kind::Option, method, &[]);
        self.trace.visit::<V, _>(What::Option(false), |trace, again| {
            let made_up = || !again && !trace.guess.bare;
            let some = trace.sample.next(|input| input.flag()).unwrap_or_else(made_up);
            trace.log.turned_out(What::Option(some));
            if !some {
                visitor.visit_none()
            } else {
                let at = trace.graph.place(node, 0);
                visitor.visit_some(Tracer { trace, at })
            }
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.trace.graph.asked(self.at, Kind::Unit);
        self.trace.spend()?;
        self.trace.log.begin::<V>(What::Leaf(Kind::Unit, Leaf::Nothing));
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        let method = V::visit_newtype_struct::<Self> as *const ();
        let node = self.inside::<V>(Kind::Newtype, method, &[]);
        self.trace.visit::<V, _>(What::Newtype, |trace, _| {
            let at = trace.graph.place(node, 0);
            visitor.visit_newtype_struct(Tracer { trace, at })
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let method = V::visit_seq::<Items<'t>> as *const ();
        let node = self.inside::<V>(Kind::List, method, &[]);
        self.trace.visit::<V, _>(What::Many(0), |trace, again| {
            let made_up = || usize::from(!again && !trace.guess.bare);
            let most = trace.sample.next(|input| input.len()).unwrap_or_else(made_up);
            trace.log.turned_out(What::Many(most));
            visitor.visit_seq(Items { trace, node, most, read: &mut 0, to: &|_| To::Element })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.record(Kind::Tuple, &[], len, &To::Place, Form::Tuple, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.record(Kind::TupleStruct, &[], len, &To::Place, Form::Tuple, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let method = V::visit_map::<Entries<'t>> as *const ();
        let node = self.inside::<V>(Kind::Map, method, &[]);
        self.trace.visit::<V, _>(What::Many(0), |trace, again| {
            let made_up = || usize::from(!again && !trace.guess.bare);
            let left = trace.sample.next(|input| input.len()).unwrap_or_else(made_up);
            trace.log.turned_out(What::Many(left));
            visitor.visit_map(Entries { trace, node, left })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Names,
        visitor: V,
    ) -> Result<V::Value> {
        let to = |i: usize| To::Field(fields[i]);
        self.record(Kind::Struct, fields, fields.len(), &to, Form::Struct, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: Names,
        visitor: V,
    ) -> Result<V::Value> {
        let method = V::visit_enum::<Choice<'t>> as *const ();
        let node = self.inside::<V>(Kind::Enum, method, variants);
        self.trace.visit::<V, _>(What::Enum(0, 0), |trace, again| {
            let (place, way) = trace.choose(node, name, variants, again)?;
            trace.log.turned_out(What::Enum(place, way));
            let value = trace
                .variant(place, way, |trace| visitor.visit_enum(Choice { trace, place, way }))?;
            trace.enums[place].whole(way);
            Ok(value)
        })
    }
}
