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
use crate::ipc::codec::plain::Elements;
use crate::ipc::codec::probe::To;
use crate::ipc::codec::shapes::{Form, Kind, Parts, Place, Shapes};

pub(super) struct Encoder<'s, O> {
    pub(super) out: O,
    pub(super) limits: Limits,
    /// What the receiver reads.
    pub(super) shapes: &'s Shapes,
    /// Where in it the next value is.
    pub(super) at: Place,
}

impl<'s, O: Output> Encoder<'s, O> {
    /// What is written is what is read at a place.
    #[inline]
    pub(super) fn new(out: O, shapes: &'s Shapes, at: Place) -> Self {
        Encoder { out, limits: Limits::NEW, shapes, at }
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
        let parts = self.shapes.parts(self.at);
        let (first, second) = (parts.first(), parts.second());
        Ok(Sequence { encoder: self, what, said, found: 0, begin, first, second })
    }

    /// Whether a list of such elements is read here. (Else it is written one by one, to say what is not.)
    #[inline]
    fn is_read_as(&self, elements: &Elements<'_>) -> bool {
        self.at.may_be(Kind::List)
            && (elements.count == 0 || self.shapes.parts(self.at).first().may_be(elements.kind))
    }

    /// A tuple, whose parts are compared one by one: how many are read may depend on the first.
    #[inline]
    fn tuple(&mut self, kind: Kind, name: &'static str) -> Result<Record<'_, 's, O>> {
        self.at.expect(kind)?;
        self.parts(name, self.shapes.parts(self.at), false)
    }

    #[inline(always)]
    fn parts(
        &mut self,
        name: &'static str,
        parts: &'s Parts,
        is_variant: bool,
    ) -> Result<Record<'_, 's, O>> {
        self.limits.enter()?;
        let fields = parts.fields();
        Ok(Record { encoder: self, name, is_variant, parts, fields, found: 0, passed: 0 })
    }

    /// Writes down which variant it is, as the receiver counts them.
    #[inline]
    fn variant(
        &mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        form: Form,
    ) -> Result<&'s Parts> {
        self.at.expect(Kind::Enum)?;
        let (index, parts) = self.shapes.variant(self.at, name, index, variant, form)?;
        self.out.varint(u64::from(index));
        Ok(parts)
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
        self.at.expect(Kind::Bool)?;
        self.out.push(u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.at.expect(Kind::I8)?;
        self.out.push(value.cast_unsigned());
        Ok(())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.at.expect(Kind::I16)?;
        self.out.varint(zigzag(value.into()));
        Ok(())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.at.expect(Kind::I32)?;
        self.out.varint(zigzag(value.into()));
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.at.expect(Kind::I64)?;
        self.out.varint(zigzag(value));
        Ok(())
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<()> {
        self.at.expect(Kind::I128)?;
        self.out.varint_128(zigzag_128(value));
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.at.expect(Kind::U8)?;
        self.out.push(value);
        Ok(())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.at.expect(Kind::U16)?;
        self.out.varint(value.into());
        Ok(())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.at.expect(Kind::U32)?;
        self.out.varint(value.into());
        Ok(())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.at.expect(Kind::U64)?;
        self.out.varint(value);
        Ok(())
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<()> {
        self.at.expect(Kind::U128)?;
        self.out.varint_128(value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.at.expect(Kind::F32)?;
        self.out.array(value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.at.expect(Kind::F64)?;
        self.out.array(value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<()> {
        self.at.expect(Kind::Char)?;
        self.bytes(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.at.expect(Kind::Text)?;
        self.bytes(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.at.expect(Kind::Bytes)?;
        self.bytes(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.at.expect(Kind::Option)?;
        self.out.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.at.expect(Kind::Option)?;
        self.at = self.shapes.parts(self.at).first();
        self.out.push(1);
        self.nested(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        self.at.expect(Kind::Unit)
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
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
        // Else what is in it is read without its name.
        if self.at.may_be(Kind::Newtype) {
            self.at = self.shapes.parts(self.at).first();
        }
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
        self.at = self.variant(name, index, variant, Form::Newtype)?.first();
        self.nested(value).map_err(|fault| fault.within::<T>(To::Variant(variant)))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Sequence<'e, 's, O>> {
        self.at.expect(Kind::List)?;
        self.sequence(len, Collection::List)
    }

    #[inline]
    fn collect_seq<I: IntoIterator<Item: Serialize>>(self, iterator: I) -> Result<()> {
        let mut iterator = iterator.into_iter();
        if let Some(elements) = Elements::of(&iterator)
            && self.is_read_as(&elements)
        {
            self.limits.enter()?;
            self.out.varint(elements.count as u64);
            self.out.extend(elements.bytes);
            self.limits.leave();
            return Ok(());
        }
        let (least, most) = iterator.size_hint();
        let mut list = self.serialize_seq(most.filter(|most| *most == least))?;
        iterator
            .try_for_each(|element| ser::SerializeSeq::serialize_element(&mut list, &element))?;
        ser::SerializeSeq::end(list)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Record<'e, 's, O>> {
        self.tuple(Kind::Tuple, "")
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Record<'e, 's, O>> {
        self.tuple(Kind::TupleStruct, name)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Record<'e, 's, O>> {
        let parts = self.variant(name, index, variant, Form::Tuple(len))?;
        self.parts(variant, parts, true)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Sequence<'e, 's, O>> {
        self.at.expect(Kind::Map)?;
        self.sequence(len, Collection::Map)
    }

    #[inline(always)]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Record<'e, 's, O>> {
        self.at.expect(Kind::Struct)?;
        let parts = self.shapes.structure(self.at, name, len)?;
        self.parts(name, parts, false)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Record<'e, 's, O>> {
        let parts = self.variant(name, index, variant, Form::Struct(len))?;
        self.parts(variant, parts, true)
    }
}
