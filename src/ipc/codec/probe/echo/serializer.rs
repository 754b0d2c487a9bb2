//! The serializer that compares what it is given.

use std::borrow::Cow;

use serde::{Serialize, ser};

use super::{Echo, Inner, Parts, Trust};
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::probe::log::{Bits, By, Leaf, What};
use crate::ipc::codec::shapes::Kind;

macro_rules! leaves {
    ($($serialize:ident $type:ty, $kind:ident;)*) => {$(
        fn $serialize(self, value: $type) -> Result<()> {
            self.leaf(Kind::$kind, value.bits())
        }
    )*};
}

impl<'e> ser::Serializer for Echo<'e> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Parts<'e>;
    type SerializeTuple = Parts<'e>;
    type SerializeTupleStruct = Parts<'e>;
    type SerializeTupleVariant = Parts<'e>;
    type SerializeMap = Parts<'e>;
    type SerializeStruct = Parts<'e>;
    type SerializeStructVariant = Parts<'e>;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        serialize_bool bool, Bool;
        serialize_i8 i8, I8;
        serialize_i16 i16, I16;
        serialize_i32 i32, I32;
        serialize_i64 i64, I64;
        serialize_i128 i128, I128;
        serialize_u8 u8, U8;
        serialize_u16 u16, U16;
        serialize_u32 u32, U32;
        serialize_u64 u64, U64;
        serialize_u128 u128, U128;
        serialize_f32 f32, F32;
        serialize_f64 f64, F64;
        serialize_char char, Char;
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        self.leaf(Kind::Text, Leaf::Text(Cow::Owned(value.to_owned())))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.leaf(Kind::Bytes, Leaf::Bytes(Cow::Owned(value.to_owned())))
    }

    fn serialize_none(mut self) -> Result<()> {
        self.count(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<()> {
        self.count(1);
        let inside = self.entry().filter(|(_, entry)| matches!(entry.what, What::Option(true)));
        let (at, trust, asked) = match inside {
            Some((at, entry)) if entry.by == By::Serde && self.is_plain(entry) => {
                let asked = entry.made.strip_prefix("core::option::Option<");
                (self.inside(at), self.trust, asked.and_then(|name| name.strip_suffix('>')))
            }
            Some((at, _)) => (self.inside(at), Trust::Hand, None),
            None => (None, Trust::Hand, None),
        };
        let within = self.within;
        self.part(Inner { at, asked, trust, within }, value)
    }

    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.variant(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        let inside = self.entry().filter(|(_, entry)| matches!(entry.what, What::Newtype));
        let (at, trust) = match inside {
            Some((at, entry)) if entry.by == By::Derive && self.is_plain(entry) => {
                (self.inside(at), self.trust.max(Trust::Newtype))
            }
            Some((at, _)) => (self.inside(at), Trust::Hand),
            None => (None, Trust::Hand),
        };
        let within = self.within;
        self.part(Inner { at, asked: None, trust, within }, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut parts = self.variant(variant);
        parts.part(value)?;
        parts.end()
    }

    fn serialize_seq(mut self, len: Option<usize>) -> Result<Parts<'e>> {
        len.into_iter().for_each(|len| self.count(len));
        Ok(self.elements())
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'e>> {
        Ok(self.elements())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'e>> {
        Ok(self.elements())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'e>> {
        Ok(self.variant(variant))
    }

    fn serialize_map(mut self, len: Option<usize>) -> Result<Parts<'e>> {
        len.into_iter().for_each(|len| self.count(len));
        Ok(self.elements())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'e>> {
        Ok(self.elements())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'e>> {
        Ok(self.variant(variant))
    }
}

macro_rules! compound {
    ($($of:ident $part:ident $(, $key:ident)?;)*) => {$(
        impl ser::$of for Parts<'_> {
            type Ok = ();
            type Error = Fault;

            fn $part<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<()> {
                $(let _ = $key;)?
                self.part(value)
            }

            fn end(self) -> Result<()> {
                self.end()
            }
        }
    )*};
}

compound! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeStruct serialize_field, key;
    SerializeStructVariant serialize_field, key;
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.part(value)
    }

    fn end(self) -> Result<()> {
        self.end()
    }
}
