//! Values to bytes, on postcard's wire: nothing but the values, one after another.
//!
//! ```text
//! bool, u8, i8         one byte              char, str, bytes   length, bytes
//! larger integers      varint, zigzag        Option             0, or 1 and the value
//! floats               little-endian         list, map          length, elements
//! unit, struct, tuple  the fields, if any    enum               the variant's index, its fields
//! ```

use serde::{Serialize, ser};

use crate::error::{CodecError, Collection};
use crate::ipc::codec::compound::{Record, Sequence};
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::limits::Limits;
use crate::ipc::codec::output::{Output, zigzag, zigzag_128};
use crate::ipc::codec::shapes::{Form, Keys, Shapes};

pub(super) struct Encoder<'s, O> {
    pub(super) out: O,
    pub(super) limits: Limits,
    /// What the receiver reads.
    pub(super) shapes: &'s Shapes,
}

impl<'s, O: Output> Encoder<'s, O> {
    #[inline]
    pub(super) fn new(out: O, shapes: &'s Shapes) -> Self {
        Encoder { out, limits: Limits::NEW, shapes }
    }

    #[inline]
    pub(super) fn into_output(self) -> O {
        self.out
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.out.varint(bytes.len() as u64);
        self.out.extend(bytes);
    }

    #[inline]
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.limits.enter()?;
        value.serialize(&mut *self)?;
        self.limits.leave();
        Ok(())
    }

    #[inline]
    fn sequence(&mut self, len: Option<usize>, what: Collection) -> Result<Sequence<'_, 's, O>> {
        let said = len.ok_or(CodecError::UnknownLength(what))?;
        self.limits.enter()?;
        self.out.varint(said as u64);
        let begin = self.out.len();
        Ok(Sequence { encoder: self, what, said, found: 0, begin })
    }

    #[inline]
    fn record(&mut self, name: &'static str, keys: Option<Keys<'s>>) -> Result<Record<'_, 's, O>> {
        self.limits.enter()?;
        Ok(Record { encoder: self, name, keys })
    }

    /// Writes down which variant it is, as the receiver counts them.
    #[inline]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        form: Form,
    ) -> Result<Option<Keys<'s>>> {
        let (index, keys) = self.shapes.variant(name, index, variant, form)?;
        self.out.varint(u64::from(index));
        Ok(keys)
    }
}

impl<'e, 's, O: Output> ser::Serializer for &'e mut Encoder<'s, O> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Sequence<'e, 's, O>;
    type SerializeTuple = Record<'e, 's, O>;
    type SerializeTupleStruct = Record<'e, 's, O>;
    type SerializeTupleVariant = Record<'e, 's, O>;
    type SerializeMap = Sequence<'e, 's, O>;
    type SerializeStruct = Record<'e, 's, O>;
    type SerializeStructVariant = Record<'e, 's, O>;

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.out.push(u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.out.push(value.cast_unsigned());
        Ok(())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.out.varint(zigzag(value));
        Ok(())
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<()> {
        self.out.varint_128(zigzag_128(value));
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.out.push(value);
        Ok(())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.out.varint(value);
        Ok(())
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<()> {
        self.out.varint_128(value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.out.extend(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.out.extend(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.bytes(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.bytes(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.out.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.out.push(1);
        self.nested(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<()> {
        self.shapes.structure(name, Form::Unit)?;
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.variant(name, index, variant, Form::Unit)?;
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        self.shapes.structure(name, Form::Newtype)?;
        super::described::within(name, self.limits.depth());
        self.nested(value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(name, index, variant, Form::Newtype)?;
        self.nested(value)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Sequence<'e, 's, O>> {
        self.sequence(len, Collection::List)
    }

    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Record<'e, 's, O>> {
        self.record("", None)
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Record<'e, 's, O>> {
        let keys = self.shapes.structure(name, Form::Tuple(len))?;
        self.record(name, keys)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Record<'e, 's, O>> {
        let keys = self.variant(name, index, variant, Form::Tuple(len))?;
        self.record(variant, keys)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Sequence<'e, 's, O>> {
        self.sequence(len, Collection::Map)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Record<'e, 's, O>> {
        let keys = self.shapes.structure(name, Form::Struct(len))?;
        self.record(name, keys)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Record<'e, 's, O>> {
        let keys = self.variant(name, index, variant, Form::Struct(len))?;
        self.record(variant, keys)
    }
}
