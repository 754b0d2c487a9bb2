use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::tag::Tag;
use super::*;
use crate::ipc::codec;

#[track_caller]
fn arrives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let sent = SelfDescribing(value);
    let bytes = codec::to_bytes(&sent).unwrap();
    assert_eq!(codec::decode::<SelfDescribing<T>>(&bytes).unwrap(), sent);
}

#[test]
fn every_kind_of_value_arrives() {
    arrives((true, false, (), 'x', "text".to_owned(), String::new()));
    arrives((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    arrives((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    arrives((0.1f32, 0.1f64, f64::NEG_INFINITY, -0.0));
    arrives(serde_bytes::ByteBuf::from(vec![0, 255]));
    arrives(vec![vec![1], vec![], vec![2, 3]]);
    arrives(BTreeMap::from([((1, Some(2)), [3, 4]), ((5, None), [6, 7])]));
    arrives(HashMap::from([(
        IpAddr::from([127, 0, 0, 1]),
        std::time::Duration::from_millis(1500),
    )]));
    let read = SelfDescribing(f64::NAN);
    let bytes = codec::to_bytes(&read).unwrap();
    assert!(codec::decode::<SelfDescribing<f64>>(&bytes).unwrap().0.is_nan());
}

#[test]
fn what_is_in_an_option_is_seen() {
    type Nested = Option<Option<Option<()>>>;
    for value in [None, Some(None), Some(Some(None)), Some(Some(Some(())))] {
        arrives::<Nested>(value);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(u8),
    Two(u8, u8),
    Named { x: u8, y: Option<u8> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Number(i64),
    Shape(Shape),
    Text(String),
    List(Vec<Any>),
    Map { nested: Option<Option<u8>>, shape: Shape },
}

fn shapes() -> [Shape; 4] {
    [Shape::Nothing, Shape::One(1), Shape::Two(1, 2), Shape::Named { x: 3, y: None }]
}

#[test]
fn enums_arrive_also_when_they_are_looked_at_first() {
    arrives(shapes());
    for shape in shapes() {
        arrives(Any::Shape(shape.clone()));
        arrives(Any::Map { nested: Some(None), shape });
    }
    arrives(Any::List(vec![Any::Number(-1), Any::Text("x".into()), Any::List(vec![])]));
}

#[test]
fn what_cannot_be_read_back_is_refused_before_it_is_sent() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Wide {
        Number(u128),
    }
    let refused = codec::to_bytes(&SelfDescribing(Wide::Number(u128::MAX))).unwrap_err();
    assert!(refused.to_string().contains("Wide"), "{refused}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<SelfDescribing<Chain>>>);

#[test]
fn one_inside_another_has_the_rest_of_the_depth() {
    let chain = |len| (0..len).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain.into()))));
    arrives(chain(10));
    let refused = codec::to_bytes(&SelfDescribing(chain(200))).unwrap_err();
    assert!(refused.to_string().contains("nested more than 256 deep"), "{refused}");
    let length = [0xc0, 0x84, 0x3d];
    let deep = [&length[..], &[Tag::Some as u8; 1_000_000]].concat();
    let refused = codec::decode::<SelfDescribing<Option<Chain>>>(&deep).unwrap_err();
    assert!(matches!(refused, CodecError::Custom(_)), "{refused}");
}

#[test]
fn a_part_of_the_bytes_is_no_value_and_neither_is_more() {
    let value = Any::List(shapes().into_iter().map(Any::Shape).collect());
    let bytes = Writer::write(&value, Limits::NEW).unwrap();
    for len in 0..bytes.len() {
        assert!(Reader::read::<Any>(&bytes[..len], Limits::NEW).is_err(), "{len} bytes");
    }
    assert!(Reader::read::<Any>(&[&bytes[..], &[1]].concat(), Limits::NEW).is_err());
    assert!(Reader::read::<Any>(&[99], Limits::NEW).is_err());
    assert!(Reader::read::<Any>(&[Tag::End as u8], Limits::NEW).is_err());
}
