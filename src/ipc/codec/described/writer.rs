//! Values to bytes that describe themselves.

use serde::{Serialize, ser};

use crate::ipc::codec::described::tag::Tag;
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::limits::Limits;
use crate::ipc::codec::output::{Output, zigzag, zigzag_128};

pub(super) struct Writer {
    out: Vec<u8>,
    limits: Limits,
}

impl Writer {
    pub(super) fn write<T: Serialize>(value: &T, limits: Limits) -> Result<Vec<u8>> {
        let mut writer = Writer { out: Vec::new(), limits };
        value.serialize(&mut writer)?;
        Ok(writer.out)
    }

    fn tag(&mut self, tag: Tag) {
        self.out.push(tag as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.tag(Tag::Text);
        self.bytes(text.as_bytes());
    }

    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.limits.enter()?;
        value.serialize(&mut *self)?;
        self.limits.leave();
        Ok(())
    }

    fn open(&mut self, tag: Tag) -> Result<Open<'_>> {
        self.limits.enter()?;
        self.tag(tag);
        Ok(Open(self))
    }

    fn variant(&mut self, variant: &str) {
        self.tag(Tag::Variant);
        self.bytes(variant.as_bytes());
    }
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Open<'w>;
    type SerializeTuple = Open<'w>;
    type SerializeTupleStruct = Open<'w>;
    type SerializeTupleVariant = Open<'w>;
    type SerializeMap = Open<'w>;
    type SerializeStruct = Open<'w>;
    type SerializeStructVariant = Open<'w>;

    // Human-readable, as serde takes for granted of what `untagged` and the like have looked at: if
    // it were not, an address there would be written as numbers and read as a text.

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.tag(if value { Tag::True } else { Tag::False });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<()> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<()> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<()> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<()> {
        self.tag(Tag::Signed);
        self.out.varint(zigzag(value));
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<()> {
        self.tag(Tag::Signed128);
        self.out.varint_128(zigzag_128(value));
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<()> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<()> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<()> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<()> {
        self.tag(Tag::Unsigned);
        self.out.varint(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<()> {
        self.tag(Tag::Unsigned128);
        self.out.varint_128(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.tag(Tag::F32);
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.tag(Tag::F64);
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.tag(Tag::Char);
        self.bytes(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.tag(Tag::Bytes);
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<()> {
        self.tag(Tag::None);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.tag(Tag::Some);
        self.nested(value)
    }

    fn serialize_unit(self) -> Result<()> {
        self.tag(Tag::Unit);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.tag(Tag::UnitVariant);
        self.bytes(variant.as_bytes());
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        super::within(name, self.limits.depth());
        self.nested(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(variant);
        self.nested(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w>> {
        self.open(Tag::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w>> {
        self.open(Tag::List)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'w>> {
        self.open(Tag::List)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w>> {
        self.variant(variant);
        self.open(Tag::List)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'w>> {
        self.open(Tag::Map)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'w>> {
        self.open(Tag::Map)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w>> {
        self.variant(variant);
        self.open(Tag::Map)
    }
}

/// A list or a map that is being written.
pub(super) struct Open<'w>(&'w mut Writer);

impl Open<'_> {
    fn end(self) -> Result<()> {
        self.0.tag(Tag::End);
        self.0.limits.leave();
        Ok(())
    }
}

macro_rules! list {
    ($of:ident, $element:ident) => {
        impl ser::$of for Open<'_> {
            type Ok = ();
            type Error = Fault;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<()> {
                self.end()
            }
        }
    };
}

list!(SerializeSeq, serialize_element);
list!(SerializeTuple, serialize_element);
list!(SerializeTupleStruct, serialize_field);
list!(SerializeTupleVariant, serialize_field);

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        key.serialize(&mut *self.0)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.0)
    }

    fn end(self) -> Result<()> {
        self.end()
    }
}

macro_rules! fields {
    ($of:ident) => {
        impl ser::$of for Open<'_> {
            type Ok = ();
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.0.text(key);
                value.serialize(&mut *self.0)
            }

            fn end(self) -> Result<()> {
                self.end()
            }
        }
    };
}

fields!(SerializeStruct);
fields!(SerializeStructVariant);
