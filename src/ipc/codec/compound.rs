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
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let place = self.found;
        self.found += 1;
        self.encoder.at = self.parts.part(place, self.name)?;
        let written = value.serialize(&mut *self.encoder);
        let variant = self.variant();
        written.map_err(|fault| within(fault.within::<T>(To::Place(place)), variant))
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        let place = self.found;
        self.found += 1;
        self.encoder.at = match self.fields.get(place) {
            Some(field) if field.is(key) => field.place,
            _ => {
                // By value, and back: a record that is lent would be in memory throughout.
                let passed = match self.fields.get(..place).and_then(<[_]>::last) {
                    Some(last) => last.passed as usize,
                    None => self.passed,
                };
                self.fields = &[];
                let (at, passed) = compare(self.parts, self.name, passed, place, key)?;
                self.passed = passed;
                at
            }
        };
        let written = value.serialize(&mut *self.encoder);
        let variant = self.variant();
        written.map_err(|fault| within(fault.within::<T>(To::Field(key)), variant))
    }

    /// The variant's name, if it is one.
    #[inline(always)]
    fn variant(&self) -> Option<&'static str> {
        self.is_variant.then_some(self.name)
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

/// Compares the name of a field that was not written so before: where it is, and how many of the names that
/// are read are passed with it.
#[cold]
fn compare(
    parts: &Parts,
    name: &str,
    passed: usize,
    place: usize,
    key: &'static str,
) -> Result<(Place, usize)> {
    let passed = parts.pass(passed, key, name)?;
    let at = parts.part(place, name)?;
    parts.is_written(place, key, passed, at);
    Ok((at, passed))
}

/// Says of an error in which variant that is, if it is in one.
#[cold]
fn within(fault: Fault, variant: Option<&'static str>) -> Fault {
    match variant {
        Some(name) => fault.at(To::Variant(name)),
        None => fault,
    }
}

macro_rules! unnamed {
    ($of:ident, $element:ident) => {
        impl<O: Output> ser::$of for Record<'_, '_, O> {
            type Ok = ();
            type Error = Fault;

            #[inline(always)]
            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
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
