//! Lists whose elements stand on the wire as they do in memory: bytes and floats. They are copied, not
//! visited one by one.
//!
//! serde has no word for such a list, unlike for bytes. But what it calls tells which one it is:
//!
//! * *Written*: serde's `Vec<T>` and `[T]` hand `collect_seq` an iterator, whose type says that it is that of
//!   a slice, and of what.
//! * *Read*: serde's `Vec<T>` is read by a visitor of serde's own, whose type can be found out: it is what
//!   `Vec<T>` gives a [deserializer that asks](Ask). A visitor of anybody else's may do anything with the
//!   elements, and is given one after the other.

use std::any::TypeId;
use std::fmt;
use std::mem::ManuallyDrop;
use std::slice;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

use crate::ipc::codec::fault::Result;
use crate::ipc::codec::input::Input;
use crate::ipc::codec::shapes::Kind;
use crate::sys::init_bytes;

/// A type of which each value is its bytes on the wire, in this order.
///
/// # Safety
///
/// It has no padding, and any bits are a value.
unsafe trait Plain: Deserialize<'static> + 'static {
    const KIND: Kind;
}

// SAFETY: a number.
unsafe impl Plain for u8 {
    const KIND: Kind = Kind::U8;
}
// SAFETY: a number.
unsafe impl Plain for i8 {
    const KIND: Kind = Kind::I8;
}
// SAFETY: a number, any bits of which are one (or not one, which is a value too).
#[cfg(target_endian = "little")]
unsafe impl Plain for f32 {
    const KIND: Kind = Kind::F32;
}
// SAFETY: as above.
#[cfg(target_endian = "little")]
unsafe impl Plain for f64 {
    const KIND: Kind = Kind::F64;
}

/// What a list holds that is to be written.
pub(super) struct Elements<'a> {
    pub(super) kind: Kind,
    pub(super) count: usize,
    pub(super) bytes: &'a [u8],
}

impl<'a> Elements<'a> {
    /// What `iterator` gives, if that is a slice of plain values.
    #[inline]
    pub(super) fn of<I>(iterator: &'a I) -> Option<Self> {
        let elements =
            Self::of_type::<u8, I>(iterator).or_else(|| Self::of_type::<i8, I>(iterator));
        #[cfg(target_endian = "little")]
        let elements = elements
            .or_else(|| Self::of_type::<f32, I>(iterator))
            .or_else(|| Self::of_type::<f64, I>(iterator));
        elements
    }

    #[inline]
    fn of_type<T: Plain, I>(iterator: &'a I) -> Option<Self> {
        if typeid::of::<I>() != typeid::of::<slice::Iter<'static, T>>() {
            return None;
        }
        // SAFETY: the two are one type, but for the slice's lifetime. That is as long as the iterator's at
        // least, which `'a` is not longer than.
        let iterator = unsafe { &*std::ptr::from_ref(iterator).cast::<slice::Iter<'a, T>>() };
        let slice = iterator.as_slice();
        // SAFETY: so many bytes there are, none of them padding (`Plain`).
        let bytes = unsafe { slice::from_raw_parts(slice.as_ptr().cast(), size_of_val(slice)) };
        Some(Elements { kind: T::KIND, count: slice.len(), bytes })
    }
}

/// Reads a list, if a `V` is how serde reads a `Vec` of plain values.
#[inline]
pub(super) fn read<'de, V: Visitor<'de>>(input: &mut Input<'de>) -> Option<Result<V::Value>> {
    let list = read_type::<u8, V>(input).or_else(|| read_type::<i8, V>(input));
    #[cfg(target_endian = "little")]
    let list = list.or_else(|| read_type::<f32, V>(input)).or_else(|| read_type::<f64, V>(input));
    list
}

#[inline]
fn read_type<'de, T: Plain, V: Visitor<'de>>(input: &mut Input<'de>) -> Option<Result<V::Value>> {
    if typeid::of::<V::Value>() != typeid::of::<Vec<T>>()
        || Some(typeid::of::<V>()) != visitor::<T>()
    {
        return None;
    }
    let list = ManuallyDrop::new(match list::<T>(input) {
        Ok(list) => list,
        Err(fault) => return Some(Err(fault)),
    });
    // SAFETY: the two are one type, and the original is forgotten.
    Some(Ok(unsafe { std::ptr::from_ref(&*list).cast::<V::Value>().read() }))
}

fn list<T: Plain>(input: &mut Input<'_>) -> Result<Vec<T>> {
    let count = input.len()?;
    // What is claimed is there, before there is room made for it.
    let bytes = input.bytes(count.saturating_mul(size_of::<T>()))?;
    let mut list = Vec::<T>::with_capacity(count);
    // SAFETY: the room for `count` elements, in bytes.
    let room = unsafe { slice::from_raw_parts_mut(list.as_mut_ptr().cast(), bytes.len()) };
    init_bytes(bytes, room);
    // SAFETY: so many were copied, and any bits are a value (`Plain`).
    unsafe { list.set_len(count) };
    Ok(list)
}

/// The type of the visitor by which serde reads a `Vec<T>`.
#[inline]
fn visitor<T: Plain>() -> Option<TypeId> {
    Vec::<T>::deserialize(Ask).err().and_then(|Answer(visitor)| visitor)
}

/// A deserializer that gives nothing but the type of the visitor that would read a list.
struct Ask;

/// Its error: the visitor's type, if there is one.
#[derive(Debug)]
struct Answer(Option<TypeId>);

impl<'de> Deserializer<'de> for Ask {
    type Error = Answer;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, Answer> {
        Err(Answer(None))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, Answer> {
        Err(Answer(Some(typeid::of::<V>())))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl de::Error for Answer {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Answer(None)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was only asked how a list is read")
    }
}

impl std::error::Error for Answer {}

#[cfg(test)]
mod tests;
