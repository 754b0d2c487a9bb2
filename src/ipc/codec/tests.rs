use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Box<Kind>),
    Tuple(i16, (), Option<f32>),
    Struct { a: u128, b: i128 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flags: (bool, bool, char, char),
    unsigned: (u8, u16, u32, u64, usize),
    signed: (i8, i16, i32, i64, isize),
    floats: [f64; 3],
    text: String,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    nested: Option<Option<()>>,
    kinds: Vec<Kind>,
    map: BTreeMap<(u8, String), Vec<u8>>,
}

fn everything() -> Everything {
    Everything {
        flags: (true, false, 'a', '🦀'),
        unsigned: (255, u16::MAX, u32::MAX, u64::MAX, 128),
        signed: (-128, i16::MIN, i32::MIN, i64::MIN, -65),
        floats: [0.1, f64::INFINITY, -0.0],
        text: "größer".into(),
        bytes: (0..200).collect(),
        nested: Some(None),
        kinds: vec![
            Kind::Unit,
            Kind::Newtype(Box::new(Kind::Unit)),
            Kind::Tuple(-1, (), Some(0.5)),
            Kind::Struct { a: u128::MAX, b: i128::MIN },
        ],
        map: BTreeMap::from([((1, "x".into()), vec![1, 2]), ((2, String::new()), vec![])]),
    }
}

#[test]
fn the_wire_is_postcards() {
    let bytes = to_bytes(&everything()).unwrap();
    assert_eq!(bytes, postcard::to_stdvec(&everything()).unwrap());
    assert_eq!(decode::<Everything>(&bytes).unwrap(), everything());
}

#[test]
fn a_number_of_any_size_comes_back() {
    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug + Copy>(number: T) {
        let bytes = to_bytes(&number).unwrap();
        assert_eq!(bytes, postcard::to_stdvec(&number).unwrap());
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(&number), "{bytes:x?}");
        // Behind it in a message there is more, or there is not.
        let pair = to_bytes(&(number, 0xffu8)).unwrap();
        assert_eq!(decode::<(T, u8)>(&pair), Ok((number, 0xff)));
        for len in 0..bytes.len() {
            assert_eq!(decode::<T>(&bytes[..len]), Err(CodecError::EndsEarly));
        }
    }
    for bit in 0..64 {
        for number in [(1u64 << bit) - 1, 1 << bit, u64::MAX >> bit, 0xa5a5_a5a5_a5a5_a5a5 >> bit] {
            comes_back(number);
            comes_back(number.cast_signed());
            comes_back(number as u32);
            comes_back(number as i16);
        }
    }
}

#[test]
fn a_part_of_the_bytes_is_no_value_and_neither_is_more() {
    let bytes = to_bytes(&everything()).unwrap();
    for len in 0..bytes.len() {
        assert!(decode::<Everything>(&bytes[..len]).is_err(), "{len} bytes");
    }
    let more = [&bytes[..], &[0, 0]].concat();
    assert_eq!(decode::<Everything>(&more), Err(CodecError::TrailingBytes { left: 2 }));
    assert_eq!(decode::<u8>(&[]), Err(CodecError::EndsEarly));
}

#[test]
fn a_number_larger_than_its_type_is_refused() {
    fn reads<T: DeserializeOwned + Debug>(bytes: &[u8]) -> bool {
        let read = decode::<T>(bytes);
        assert!(matches!(read, Ok(_) | Err(CodecError::Malformed(_))), "{read:?}");
        read.is_ok()
    }
    assert!(reads::<u16>(&[0xff, 0xff, 3]) && !reads::<u16>(&[0xff, 0xff, 4]));
    assert!(!reads::<u16>(&[0xff, 0xff, 0x83, 0]));
    assert!(
        reads::<u32>(&[0xff, 0xff, 0xff, 0xff, 0xf])
            && !reads::<u32>(&[0xff, 0xff, 0xff, 0xff, 0x10])
    );
    let nine = [0xff; 9];
    assert!(
        reads::<u64>(&[&nine[..], &[1]].concat()) && !reads::<u64>(&[&nine[..], &[2]].concat())
    );
    let eighteen = [0xff; 18];
    assert!(reads::<u128>(&[&eighteen[..], &[3]].concat()));
    assert!(!reads::<u128>(&[&eighteen[..], &[4]].concat()));
    assert!(!reads::<bool>(&[2]) && !reads::<Option<u8>>(&[2, 0]));
    assert!(!reads::<String>(&[1, 0xff]) && !reads::<char>(&[2, b'a', b'b']));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

fn chain(len: usize) -> Chain {
    (0..len).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))))
}

#[test]
fn what_is_nested_too_deep_is_refused_on_both_sides() {
    // A newtype and an option each.
    let (deepest, deeper) = (chain(127), chain(128));
    assert_eq!(decode::<Chain>(&to_bytes(&deepest).unwrap()), Ok(deepest));
    assert_eq!(to_bytes(&deeper), Err(CodecError::TooDeep { max: 256 }));
    assert_eq!(decode::<Chain>(&[1; 1_000_000]), Err(CodecError::TooDeep { max: 256 }));
}

#[test]
fn elements_without_bytes_are_bounded_on_both_sides() {
    let max = 1 << 20;
    let many = vec![(); max];
    assert_eq!(decode::<Vec<()>>(&to_bytes(&many).unwrap()), Ok(many));
    let refused = CodecError::TooManyEmpty { max: max as u64 };
    assert_eq!(to_bytes(&vec![(); max + 2]), Err(refused.clone()));
    assert_eq!(to_bytes(&vec![vec![(); max / 2]; 3]), Err(refused.clone()));

    let endless = [&[0xff; 9][..], &[1]].concat();
    assert_eq!(decode::<Vec<()>>(&endless), Err(refused.clone()));
    assert_eq!(decode::<BTreeMap<(), ()>>(&endless), Err(refused.clone()));
    // Many lists, each of which would be small enough.
    let half = postcard::to_stdvec(&(max as u64 / 2)).unwrap();
    let lists = [vec![100], half.repeat(100)].concat();
    assert_eq!(decode::<Vec<Vec<()>>>(&lists), Err(refused));
}

/// Says what it was told to make room for.
#[derive(Debug)]
struct Hint(usize);

impl<'de> Deserialize<'de> for Hint {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Hint;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Hint, A::Error> {
                let hint = map.size_hint().unwrap();
                while map.next_entry::<u8, u8>()?.is_some() {}
                Ok(Hint(hint))
            }
        }
        from.deserialize_map(Visitor)
    }
}

#[test]
fn nobody_makes_room_for_what_is_only_claimed() {
    assert_eq!(decode::<Hint>(&[2, 1, 1, 2, 2]).unwrap().0, 2);
    let claims = [0xff, 0xff, 0x3f, 1, 1];
    assert_eq!(decode::<HashMap<u8, u8>>(&claims), Err(CodecError::EndsEarly));
    // As many as there are bytes at most, and that is asked for before they turn out to be missing.
    assert!(decode::<Hint>(&[4, 1, 1, 2, 2]).is_err());
}

#[test]
fn a_length_that_is_not_kept_is_refused() {
    struct Liar;
    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut list = to.serialize_seq(Some(3))?;
            serde::ser::SerializeSeq::serialize_element(&mut list, &1u8)?;
            serde::ser::SerializeSeq::end(list)
        }
    }
    impl<'de> Deserialize<'de> for Liar {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Vec::<u8>::deserialize(from).map(|_| Liar)
        }
    }
    let refused = to_bytes(&Liar).unwrap_err();
    assert_eq!(refused.to_string(), "a list was said to have 3 elements, and has 1");
}

#[test]
fn an_error_goes_through_the_codec_itself() {
    let errors = [
        CodecError::Custom("own words".into()),
        CodecError::FieldLeftOut("S.f".into()),
        CodecError::TooManyEmpty { max: 7 },
        CodecError::EndsEarly,
    ];
    for error in errors {
        assert_eq!(decode(&to_bytes(&error).unwrap()), Ok(error));
    }
}
