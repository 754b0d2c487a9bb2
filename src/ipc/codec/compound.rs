//! Lists, maps, tuples and structs, while they are being written.

use serde::{Serialize, ser};

use crate::error::{CodecError, Collection};
use crate::ipc::codec::encoder::Encoder;
use crate::ipc::codec::fault::{Fault, Result};
use crate::ipc::codec::output::Output;
use crate::ipc::codec::probe::To;
use crate::ipc::codec::shapes::{Field, Parts, Place};

/// A list or a map that is being written.
pub(super) struct Sequence<'e, 's, O> {
    pub(super) encoder: &'e mut Encoder<'s, O>,
    pub(super) what: Collection,
    pub(super) said: usize,
    pub(super) found: usize,
    /// Where its elements begin.
    pub(super) begin: usize,
    /// What is read of an element, or of a key and its value.
    pub(super) first: Place,
    pub(super) second: Place,
}

impl<O: Output> Sequence<'_, '_, O> {
    #[inline]
    fn end(self) -> Result<()> {
        let Sequence { encoder, what, said, found, begin, .. } = self;
        if said != found {
            let (said, found) = (said as u64, found as u64);
            return Err(CodecError::WrongLength { what, said, found }.into());
        }
        encoder.limits.count(found, encoder.out.len() - begin)?;
        encoder.limits.leave();
        Ok(())
    }
}

impl<O: Output> ser::SerializeSeq for Sequence<'_, '_, O> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.found += 1;
        self.encoder.at = self.first;
        value.serialize(&mut *self.encoder).map_err(|fault| fault.within::<T>(To::Element))
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end()
    }
}

impl<O: Output> ser::SerializeMap for Sequence<'_, '_, O> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.found += 1;
        self.encoder.at = self.first;
        key.serialize(&mut *self.encoder).map_err(|fault| fault.within::<T>(To::Key))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.encoder.at = self.second;
        value.serialize(&mut *self.encoder).map_err(|fault| fault.within::<T>(To::Value))
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end()
    }
}

/// A tuple or a struct that is being written, by itself or as a variant.
pub(super) struct Record<'e, 's, O> {
    pub(super) encoder: &'e mut Encoder<'s, O>,
    /// The struct's, or the variant's.
    pub(super) name: &'static str,
    pub(super) is_variant: bool,
    /// What is read of it.
    pub(super) parts: &'s Parts,
    /// Its fields, as they were written before, as long as these are the same.
    pub(super) fields: &'s [Field],
    pub(super) found: usize,
    /// So many of the names that are read have been passed.
    pub(super) passed: usize,
}

impl<O: Output> Record<'_, '_, O> {
    #[inline(always)]
    fn element<T: Serialize + ?Sized>(
        &mut self,
        to: impl FnOnce(usize) -> To,
        at: impl FnOnce(&mut Self, usize) -> Result<Place>,
        value: &T,
    ) -> Result<()> {
        let place = self.found;
        self.found += 1;
        self.encoder.at = at(self, place)?;
        value.serialize(&mut *self.encoder).map_err(|fault| {
            let fault = fault.within::<T>(to(place));
            if self.is_variant { fault.at(To::Variant(self.name)) } else { fault }
        })
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        let at = |record: &mut Self, place: usize| match record.fields.get(place) {
            Some(field) if field.is(key) => Ok(field.place),
            _ => record.compare(place, key),
        };
        self.element(|_| To::Field(key), at, value)
    }

    /// Compares the name of a field that was not written so before.
    #[cold]
    fn compare(&mut self, place: usize, key: &'static str) -> Result<Place> {
        if let Some(last) = std::mem::take(&mut self.fields).get(..place).and_then(<[_]>::last) {
            self.passed = last.passed as usize;
        }
        self.passed = self.parts.pass(self.passed, key, self.name)?;
        let at = self.parts.part(place, self.name)?;
        self.parts.is_written(place, key, self.passed, at);
        Ok(at)
    }

    /// A field is not written because of `skip_serializing_if`.
    #[cold]
    fn left_out(&self, field: &str) -> Result<()> {
        Err(CodecError::FieldLeftOut(format!("{}.{field}", self.name)).into())
    }

    #[inline]
    fn end(self) -> Result<()> {
        if self.found == 0 || self.found != self.fields.len() {
            self.parts.end(self.found, self.passed, self.name)?;
        }
        self.encoder.limits.leave();
        Ok(())
    }
}

macro_rules! unnamed {
    ($of:ident, $element:ident) => {
        impl<O: Output> ser::$of for Record<'_, '_, O> {
            type Ok = ();
            type Error = Fault;

            #[inline(always)]
            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(To::Place, |record, at| record.parts.part(at, record.name), value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.end()
            }
        }
    };
}

unnamed!(SerializeTuple, serialize_element);
unnamed!(SerializeTupleStruct, serialize_field);
unnamed!(SerializeTupleVariant, serialize_field);

macro_rules! named {
    ($of:ident) => {
        impl<O: Output> ser::$of for Record<'_, '_, O> {
            type Ok = ();
            type Error = Fault;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.field(key, value)
            }

            fn skip_field(&mut self, key: &'static str) -> Result<()> {
                self.left_out(key)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.end()
            }
        }
    };
}

named!(SerializeStruct);
named!(SerializeStructVariant);
