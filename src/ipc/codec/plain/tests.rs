use std::fmt::Debug;

use serde::de::{DeserializeOwned, SeqAccess};
use serde::{Serialize, Serializer};

use super::*;
use crate::error::CodecError;
use crate::ipc::codec::{decode, to_bytes};

/// How these lists are read and written is serde's own matter: if this fails, they still arrive, one
/// element after the other.
#[test]
fn serdes_own_lists_are_known() {
    assert!(visitor::<u8>().is_some() && visitor::<f64>().is_some());
    assert_ne!(visitor::<u8>(), visitor::<i8>());
    assert!(Elements::of(&[1.5f32, 2.5].iter()).is_some_and(|found| found.bytes.len() == 8));
    assert!(Elements::of(&[1u8; 3][1..].iter()).is_some_and(|found| found.bytes == [1, 1]));
    assert!(Elements::of(&[1u16].iter()).is_none() && Elements::of(&[1u8].into_iter()).is_none());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Batch(Vec<f32>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Holds {
    bytes: Vec<u8>,
    signed: Option<Vec<i8>>,
    boxed: Box<[f64]>,
    batches: Vec<Batch>,
    others: (Vec<u8>, [Vec<f64>; 2]),
    empty: Vec<f32>,
}

fn holds() -> Holds {
    Holds {
        bytes: (0..=255).cycle().take(3000).collect(),
        signed: Some((-128..=127).collect()),
        boxed: [0.1, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE].into(),
        batches: (0..3).map(|n| Batch(vec![0.5; n * 100])).collect(),
        others: (vec![7], [vec![1.0; 130], vec![]]),
        empty: vec![],
    }
}

#[test]
fn the_wire_is_postcards_wherever_a_list_stands() {
    let bytes = to_bytes(&holds()).unwrap();
    assert_eq!(bytes, postcard::to_stdvec(&holds()).unwrap());
    assert_eq!(decode::<Holds>(&bytes), Ok(holds()));
    let not_a_number = f32::from_bits(0x7fa0_1234);
    let back = decode::<Vec<f32>>(&to_bytes(&vec![not_a_number]).unwrap()).unwrap();
    assert_eq!(back[0].to_bits(), not_a_number.to_bits());
}

#[test]
fn a_list_that_is_cut_off_or_only_claimed_is_refused() {
    let bytes = to_bytes(&vec![1.5f64; 3]).unwrap();
    for len in 0..bytes.len() {
        assert_eq!(decode::<Vec<f64>>(&bytes[..len]), Err(CodecError::EndsEarly));
    }
    let more = [&bytes[..], &[0]].concat();
    assert_eq!(decode::<Vec<f64>>(&more), Err(CodecError::TrailingBytes { left: 1 }));

    fn is_refused<T: DeserializeOwned + Debug + PartialEq>(claim: u64) {
        let bytes = [&postcard::to_stdvec(&claim).unwrap()[..], &[0; 64]].concat();
        assert_eq!(decode::<Vec<T>>(&bytes), Err(CodecError::EndsEarly), "{claim}");
        assert_eq!(
            decode::<Option<Vec<T>>>(&[&[1], &bytes[..]].concat()),
            Err(CodecError::EndsEarly)
        );
    }
    // The last ones overflow when they are made bytes.
    for claim in [65, 1 << 20, 1 << 40, u64::MAX / 8 + 1, u64::MAX / 4 + 1, u64::MAX] {
        is_refused::<u8>(claim);
        is_refused::<i8>(claim);
        is_refused::<f32>(claim);
        is_refused::<f64>(claim);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Deep {
    Bytes(Vec<u8>),
    Deeper(Box<Deep>),
}

#[test]
fn a_list_is_a_level_as_any_other() {
    let deep = |levels| (0..levels).fold(Deep::Bytes(vec![1]), |deep, _| Deep::Deeper(deep.into()));
    // The variants', and the list's.
    let bytes = to_bytes(&deep(254)).unwrap();
    assert_eq!(decode::<Deep>(&bytes), Ok(deep(254)));
    let too_deep = CodecError::TooDeep { max: 256 };
    assert_eq!(to_bytes(&deep(255)), Err(too_deep.clone()));
    assert_eq!(decode::<Deep>(&[&[1], &bytes[..]].concat()), Err(too_deep));
}

/// Reads a list backwards, by a visitor of its own that makes the same type as serde's.
#[derive(Debug, PartialEq)]
struct Backwards(Vec<u8>);

impl Serialize for Backwards {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().rev())
    }
}

impl<'de> Deserialize<'de> for Backwards {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Reversing;
        impl<'de> Visitor<'de> for Reversing {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element()? {
                    bytes.insert(0, byte);
                }
                Ok(bytes)
            }
        }
        from.deserialize_seq(Reversing).map(Backwards)
    }
}

#[test]
fn who_reads_otherwise_than_serde_reads_each_element() {
    let bytes = to_bytes(&Backwards(vec![1, 2, 3])).unwrap();
    assert_eq!(bytes, [3, 3, 2, 1]);
    assert_eq!(decode::<Backwards>(&bytes), Ok(Backwards(vec![1, 2, 3])));
    assert_eq!(decode::<Vec<u8>>(&bytes), Ok(vec![3, 2, 1]));
}

/// Is written as a list of `f32`, by serde's own way, and read as one of something else.
#[derive(Debug, PartialEq)]
struct OneWay<T>(Vec<T>);

impl<T> Serialize for OneWay<T> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq(vec![1.5f32; self.0.len()].iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneWay<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        Vec::deserialize(from).map(OneWay)
    }
}

#[test]
fn a_list_that_is_read_as_another_is_refused() {
    assert!(to_bytes(&OneWay(vec![1.5f32])).is_ok());
    for refused in [to_bytes(&OneWay(vec![1u32])), to_bytes(&OneWay(vec![0.5f64]))] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("an f32") && refused.contains("[..]"), "{refused}");
    }
}
