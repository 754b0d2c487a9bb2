//! Bytes that describe themselves to values: what [`Writer`](super::writer::Writer) writes.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;

use crate::ipc::codec::described::tag::Tag;
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::input::{Input, unzigzag, unzigzag_128};
use crate::ipc::codec::limits::Limits;

pub(super) struct Reader<'de> {
    input: Input<'de>,
    limits: Limits,
    /// Was read already.
    ahead: Option<Tag>,
}

impl<'de> Reader<'de> {
    pub(super) fn read<T: DeserializeOwned>(bytes: &'de [u8], limits: Limits) -> Result<T> {
        let mut reader = Reader { input: Input::new(bytes), limits, ahead: None };
        let value = T::deserialize(&mut reader)?;
        reader.input.end()?;
        Ok(value)
    }

    fn tag(&mut self) -> Result<Tag> {
        match self.ahead.take() {
            Some(tag) => Ok(tag),
            None => Tag::of(self.input.byte()?).ok_or_else(|| Fault::malformed("an unknown tag")),
        }
    }

    fn peek(&mut self) -> Result<Tag> {
        let tag = self.tag()?;
        self.ahead = Some(tag);
        Ok(tag)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.limits.enter()?;
        let value = read(self)?;
        self.limits.leave();
        Ok(value)
    }

    /// Reads elements and what ends them.
    fn open<T>(&mut self, read: impl FnOnce(Elements<'_, 'de>) -> Result<T>) -> Result<T> {
        self.nested(|reader| {
            let value = read(Elements(reader))?;
            match reader.tag()? {
                Tag::End => Ok(value),
                _ => Err(Fault::malformed("it has more elements than were asked for")),
            }
        })
    }

    fn bytes(&mut self) -> Result<&'de [u8]> {
        let len = self.input.len()?;
        self.input.bytes(len)
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tag()? {
            Tag::End => Err(Fault::malformed("an end where a value should be")),
            Tag::Unit => visitor.visit_unit(),
            Tag::False => visitor.visit_bool(false),
            Tag::True => visitor.visit_bool(true),
            Tag::Unsigned => visitor.visit_u64(self.input.varint::<64>()?),
            Tag::Signed => visitor.visit_i64(unzigzag(self.input.varint::<64>()?)),
            Tag::Unsigned128 => visitor.visit_u128(self.input.varint_128()?),
            Tag::Signed128 => visitor.visit_i128(unzigzag_128(self.input.varint_128()?)),
            Tag::F32 => visitor.visit_f32(f32::from_le_bytes(self.input.array()?)),
            Tag::F64 => visitor.visit_f64(f64::from_le_bytes(self.input.array()?)),
            Tag::Char => {
                let mut letters = self.input.text()?.chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) => visitor.visit_char(letter),
                    _ => Err(Fault::malformed("what is one letter has none, or several")),
                }
            }
            Tag::Text | Tag::UnitVariant => visitor.visit_borrowed_str(self.input.text()?),
            Tag::Bytes => visitor.visit_borrowed_bytes(self.bytes()?),
            Tag::None => visitor.visit_none(),
            Tag::Some => self.nested(|reader| visitor.visit_some(reader)),
            Tag::List => self.open(|elements| visitor.visit_seq(elements)),
            Tag::Map => self.open(|elements| visitor.visit_map(elements)),
            Tag::Variant => {
                let name = Some(self.input.text()?);
                self.nested(|reader| visitor.visit_map(Entry { reader, name }))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek()? {
            Tag::Some | Tag::None => self.deserialize_any(visitor),
            _ => self.nested(|reader| visitor.visit_some(reader)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        super::within(name, self.limits.depth());
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.tag()? {
            Tag::Text | Tag::UnitVariant => {
                let name = self.input.text()?;
                visitor.visit_enum(BorrowedStrDeserializer::new(name))
            }
            Tag::Variant => {
                let name = self.input.text()?;
                self.nested(|reader| visitor.visit_enum(Variant { reader, name }))
            }
            _ => Err(Fault::malformed("what is a variant is not")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of a list, or the keys and values of a map.
struct Elements<'r, 'de>(&'r mut Reader<'de>);

impl<'de> Elements<'_, 'de> {
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.0.peek()? == Tag::End {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.0)
    }
}

/// A variant with a value, to whoever asks what it is: a map of one entry.
struct Entry<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: Option<&'de str>,
}

impl<'de> de::MapAccess<'de> for Entry<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        let Some(name) = self.name.take() else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant with a value.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    name: &'de str,
}

impl<'r, 'de> de::EnumAccess<'de> for Variant<'r, 'de> {
    type Error = Fault;
    type Variant = &'r mut Reader<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant)> {
        Ok((seed.deserialize(BorrowedStrDeserializer::<Fault>::new(self.name))?, self.reader))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<()> {
        // Of a variant that has become one without a value.
        de::Deserialize::deserialize(self).map(|de::IgnoredAny| ())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}
