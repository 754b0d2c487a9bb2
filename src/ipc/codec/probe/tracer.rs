//! The deserializer that makes values up.

use serde::de::{Deserializer, Visitor};

use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::probe::access::{Choice, Entries, Items};
use crate::ipc::codec::probe::trace::{Call, Guess, Names, To, Trace};
use crate::ipc::codec::shapes::Form;

pub(super) struct Tracer<'t>(pub(super) &'t mut Trace);

impl<'t> Tracer<'t> {
    pub(super) fn root(trace: &'t mut Trace) -> Self {
        Tracer(trace)
    }

    fn record<'de, V: Visitor<'de>>(
        self,
        most: usize,
        to: impl Fn(usize) -> To,
        visitor: V,
    ) -> Result<(V::Value, usize)> {
        self.0.visit::<V, _>(|trace, _| {
            let mut read = 0;
            let items = Items { trace, most, read: &mut read, to: &to };
            Ok((visitor.visit_seq(items)?, read))
        })
    }
}

macro_rules! made_up {
    ($($deserialize:ident $visit:ident $value:expr;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.0.spend()?;
            visitor.$visit($value(self.0.guess))
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    made_up! {
        deserialize_bool visit_bool |guess: Guess| guess.number == 1;
        deserialize_i8 visit_i8 |guess: Guess| guess.number.cast_signed();
        deserialize_i16 visit_i16 |guess: Guess| guess.number.into();
        deserialize_i32 visit_i32 |guess: Guess| guess.number.into();
        deserialize_i64 visit_i64 |guess: Guess| guess.number.into();
        deserialize_i128 visit_i128 |guess: Guess| guess.number.into();
        deserialize_u8 visit_u8 |guess: Guess| guess.number;
        deserialize_u16 visit_u16 |guess: Guess| guess.number.into();
        deserialize_u32 visit_u32 |guess: Guess| guess.number.into();
        deserialize_u64 visit_u64 |guess: Guess| guess.number.into();
        deserialize_u128 visit_u128 |guess: Guess| guess.number.into();
        deserialize_f32 visit_f32 |guess: Guess| guess.number.into();
        deserialize_f64 visit_f64 |guess: Guess| guess.number.into();
        deserialize_char visit_char |guess: Guess| guess.text.chars().next().unwrap_or('a');
        deserialize_str visit_borrowed_str |guess: Guess| guess.text;
        deserialize_string visit_borrowed_str |guess: Guess| guess.text;
        deserialize_bytes visit_borrowed_bytes |guess: Guess| guess.bytes;
        deserialize_byte_buf visit_borrowed_bytes |guess: Guess| guess.bytes;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.demand(&visitor, Call::Any)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.demand(&visitor, Call::Identifier)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.demand(&visitor, Call::IgnoredAny)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.visit::<V, _>(|trace, again| {
            if again || trace.guess.bare {
                visitor.visit_none()
            } else {
                visitor.visit_some(Tracer(trace))
            }
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.spend()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.0.add_struct(name, Form::Unit, &[]);
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.0.add_struct(name, Form::Newtype, &[]);
        self.0.visit::<V, _>(|trace, _| visitor.visit_newtype_struct(Tracer(trace)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.visit::<V, _>(|trace, again| {
            let most = usize::from(!again && !trace.guess.bare);
            visitor.visit_seq(Items { trace, most, read: &mut 0, to: &|_| To::Element })
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        Ok(self.record(len, To::Place, visitor)?.0)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        let (value, read) = self.again().record(len, To::Place, visitor)?;
        self.0.add_struct(name, Form::Tuple(read), &[]);
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.visit::<V, _>(|trace, again| {
            let more = !again && !trace.guess.bare;
            visitor.visit_map(Entries { trace, more })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: Names,
        visitor: V,
    ) -> Result<V::Value> {
        let to = |i: usize| To::Field(fields[i]);
        let (value, read) = self.again().record(fields.len(), to, visitor)?;
        self.0.add_struct(name, Form::Struct(read), fields);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: Names,
        visitor: V,
    ) -> Result<V::Value> {
        self.0.visit::<V, _>(|trace, again| {
            let (place, way) = trace.choose::<V>(name, variants, again)?;
            let value = trace
                .variant(place, way, |trace| visitor.visit_enum(Choice { trace, place, way }))?;
            trace.enums[place].whole(way);
            Ok(value)
        })
    }
}

impl Tracer<'_> {
    fn again(&mut self) -> Tracer<'_> {
        Tracer(self.0)
    }
}
