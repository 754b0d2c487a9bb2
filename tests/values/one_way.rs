//! Attributes, and code by hand, by which a value is written otherwise than it is read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::everywhere::{arrives, described, refused};

#[test]
fn into_without_from() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "u16")]
    struct Half(u16);
    impl From<Half> for u16 {
        fn from(half: Half) -> u16 {
            half.0 / 2
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "(u8, u8)")]
    struct Point {
        x: u8,
        y: u8,
    }
    impl From<Point> for (u8, u8) {
        fn from(point: Point) -> (u8, u8) {
            (point.y, point.x)
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "[u8; 2]")]
    struct Pair(u8, u8);
    impl From<Pair> for [u8; 2] {
        fn from(pair: Pair) -> [u8; 2] {
            [pair.1, pair.0]
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "Swapped")]
    struct Named {
        a: u8,
        b: u8,
    }
    #[derive(Serialize)]
    struct Swapped {
        b: u8,
        a: u8,
    }
    impl From<Named> for Swapped {
        fn from(named: Named) -> Swapped {
            Swapped { a: named.a, b: named.b }
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "u8")]
    enum Level {
        Low,
        High,
    }
    impl From<Level> for u8 {
        fn from(level: Level) -> u8 {
            1 - level as u8
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        halves: BTreeMap<u8, Vec<Half>>,
    }
    refused(|()| Half(4), &["`Half`", "a u16", "a newtype struct", "into: from", "SelfDescribing"]);
    let outer = |()| Outer { halves: BTreeMap::from([(1, vec![Half(4)])]) };
    refused(outer, &["`Half`", ".halves[..][..]`"]);
    refused(|()| Point { x: 1, y: 2 }, &["`Point`", "a tuple", "a struct with named fields"]);
    refused(|()| (1, Pair(1, 2)), &["`Pair`", ".1`", "a tuple", "a tuple struct"]);
    refused(|()| Named { a: 1, b: 2 }, &["`Swapped`", "a field a too", "a, b"]);
    described(|()| Named { a: 1, b: 2 });
    refused(|()| [Level::Low, Level::High], &["`Level`", ".0`", "a u8", "an enum"]);
}

#[test]
fn from_without_into() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(from = "Seconds")]
    struct Time {
        minutes: u32,
        seconds: u32,
    }
    #[derive(Deserialize)]
    struct Seconds {
        seconds: u32,
    }
    impl From<Seconds> for Time {
        fn from(of: Seconds) -> Time {
            Time { minutes: of.seconds / 60, seconds: of.seconds % 60 }
        }
    }
    refused(|()| Time { minutes: 1, seconds: 2 }, &["`Time`", "2 fields", "one field"]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(from = "String")]
    struct Word {
        letters: Vec<u8>,
    }
    impl From<String> for Word {
        fn from(word: String) -> Word {
            Word { letters: word.into_bytes() }
        }
    }
    refused(
        |()| Some(Word { letters: vec![65] }),
        &["`Option<Word>`", "a struct with named fields", "a str"],
    );

    // What is read without its name, as this often is, is the same.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "u8")]
    struct Even(u8);
    impl TryFrom<u8> for Even {
        type Error = String;
        fn try_from(n: u8) -> Result<Self, String> {
            if n.is_multiple_of(2) { Ok(Even(n)) } else { Err(format!("{n} is odd")) }
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "(u8, u8)")]
    struct Ordered(u8, u8);
    impl TryFrom<(u8, u8)> for Ordered {
        type Error = String;
        fn try_from((a, b): (u8, u8)) -> Result<Self, String> {
            if a <= b { Ok(Ordered(a, b)) } else { Err(format!("{a} is larger than {b}")) }
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "Unchecked")]
    struct Checked {
        even: u8,
    }
    #[derive(Deserialize)]
    struct Unchecked {
        even: u8,
    }
    impl TryFrom<Unchecked> for Checked {
        type Error = String;
        fn try_from(unchecked: Unchecked) -> Result<Self, String> {
            Even::try_from(unchecked.even).map(|Even(even)| Checked { even })
        }
    }
    arrives(|()| (Even(2), Ordered(1, 2), Checked { even: 2 }));
}

fn as_text<S: Serializer>(n: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(n)
}

fn as_millis<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(time.as_millis() as u64)
}

fn from_text<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn from_four<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    <[u8; 4]>::deserialize(from).map(u32::from_le_bytes)
}

fn narrow<S: Serializer>(n: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32((*n / 10) as u32)
}

#[test]
fn serialize_with_or_deserialize_with_alone() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Written {
        #[serde(serialize_with = "as_text")]
        n: u32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Time {
        id: u8,
        #[serde(serialize_with = "as_millis")]
        time: Duration,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Narrow(u8, #[serde(serialize_with = "narrow")] u64);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Read {
        #[serde(deserialize_with = "from_four")]
        n: u32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Rare {
        Common(u8),
        Seldom {
            #[serde(serialize_with = "as_text")]
            n: u32,
        },
        Never(#[serde(deserialize_with = "from_text")] u32),
    }
    refused(|()| Written { n: 5 }, &["n`", "a str", "a u32", "serialize_with"]);
    refused(|()| vec![Time { id: 1, time: Duration::MAX }], &["[..].time`", "a u64", "a struct"]);
    refused(|()| Narrow(1, 50), &[".1`", "a u32", "a u64"]);
    refused(|()| Read { n: 5 }, &["`u32` (at `", "a u32", "a tuple"]);
    arrives(|()| Rare::Common(1));
    refused(|()| Rare::Seldom { n: 1 }, &["::Seldom.n`", "a str", "a u32"]);
    refused(|()| [Rare::Common(1), Rare::Never(1)], &[".1::Never`", "a u32", "a str"]);
}

#[test]
fn two_structs_of_one_name() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Item {
        a: u8,
        b: u8,
    }
    mod other {
        use serde::{Deserialize, Serialize};

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Item {
            #[serde(skip_serializing, default)]
            pub(super) a: u8,
            pub(super) b: u8,
            #[serde(skip_deserializing)]
            pub(super) c: u8,
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "Item")]
    struct Shorter {
        #[serde(skip_serializing, default)]
        a: u8,
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename(serialize = "Out", deserialize = "In"))]
    struct Renamed {
        #[serde(skip_serializing, default)]
        a: u8,
        b: u8,
    }
    let item = Item { a: 1, b: 2 };
    assert_ne!(item, Item { a: 2, b: 1 });
    refused(
        |()| (Item { a: 1, b: 2 }, other::Item { a: 0, b: 2, c: 0 }),
        &["`Item`", ".1`", "a field c too"],
    );
    refused(
        |()| (other::Item { a: 0, b: 2, c: 0 }, Item { a: 1, b: 2 }),
        &["`Item`", ".0`", "a field c too"],
    );
    refused(|()| (Item { a: 1, b: 2 }, Shorter { a: 0, b: 1 }), &["`Item`", ".1`", "one field"]);
    refused(|()| Renamed { a: 0, b: 2 }, &["`Out`", "one field", "2 fields"]);
}

#[test]
fn a_value_that_is_written_in_two_ways() {
    // Only one of them as it is read; and neither tells of the other.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "Either", from = "String")]
    struct Name(String);
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Either {
        Number(u8),
        Text(String),
    }
    impl From<Name> for Either {
        fn from(Name(name): Name) -> Either {
            name.parse().map_or(Either::Text(name), Either::Number)
        }
    }
    impl From<String> for Name {
        fn from(name: String) -> Name {
            Name(name)
        }
    }
    arrives(|()| [Name("a".to_owned()), Name("b".to_owned())]);
    refused(|()| [Name("a".to_owned()), Name("1".to_owned())], &["`Name`", ".1`", "a u8", "a str"]);
    refused(|()| vec![Name("1".to_owned())], &["`Name`", "[..]`", "a u8", "a str"]);
}

/// What is written of it is told by its type.
#[derive(Debug, PartialEq)]
struct Liar<const SAID: usize, const WRITTEN: usize>;

impl<const SAID: usize, const WRITTEN: usize> Serialize for Liar<SAID, WRITTEN> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut tuple = to.serialize_tuple(SAID)?;
        for n in 0..WRITTEN {
            tuple.serialize_element(&(n as u8))?;
        }
        tuple.end()
    }
}

impl<'de, const SAID: usize, const WRITTEN: usize> Deserialize<'de> for Liar<SAID, WRITTEN> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <(u8, u8)>::deserialize(from).map(|_| Liar)
    }
}

#[test]
fn a_tuple_whose_length_is_not_what_it_said() {
    arrives(|()| Liar::<2, 2>);
    refused(|()| (Liar::<2, 1>, 5), &["Liar<2, 1>", ".0`", "a tuple of 1", "a tuple of 2"]);
    refused(|()| (Liar::<2, 3>, 5), &["Liar<2, 3>", ".0`", "a tuple of 3", "a tuple of 2"]);
    arrives(|()| (Liar::<3, 2>, 5));
}

/// What is read of it goes by its first part, which is neither of those that are made up.
#[derive(Clone, Debug, PartialEq)]
enum ByHand {
    Nothing,
    Number(u32),
    Text(String),
    Pair(u8, Option<Box<ByHand>>),
}

impl Serialize for ByHand {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            ByHand::Nothing => (7_u8, ()).serialize(to),
            ByHand::Number(n) => (8_u8, n).serialize(to),
            ByHand::Text(text) => (9_u8, text).serialize(to),
            ByHand::Pair(n, next) => (10_u8, n, next).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ByHand;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a tag and what it says")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut parts: A,
            ) -> Result<ByHand, A::Error> {
                fn next<'de, T: Deserialize<'de>, A: serde::de::SeqAccess<'de>>(
                    parts: &mut A,
                ) -> Result<T, A::Error> {
                    parts.next_element()?.ok_or_else(|| serde::de::Error::custom("too short"))
                }
                match next::<u8, A>(&mut parts)? {
                    8 => next(&mut parts).map(ByHand::Number),
                    9 => next(&mut parts).map(ByHand::Text),
                    10 => Ok(ByHand::Pair(next(&mut parts)?, next(&mut parts)?)),
                    _ => next(&mut parts).map(|()| ByHand::Nothing),
                }
            }
        }
        from.deserialize_tuple(3, Visitor)
    }
}

#[test]
fn what_is_read_by_what_came_before_it_arrives() {
    arrives(|()| {
        let text = ByHand::Text("x".to_owned());
        vec![ByHand::Nothing, text.clone(), ByHand::Number(5), ByHand::Pair(1, None), text]
    });
    arrives(|()| {
        let pair = ByHand::Pair(1, Some(Box::new(ByHand::Number(300))));
        (ByHand::Text("x".to_owned()), pair, ByHand::Nothing)
    });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holds {
        first: ByHand,
        #[serde(serialize_with = "as_text")]
        second: u32,
    }
    refused(|()| Holds { first: ByHand::Number(1), second: 1 }, &[".second`", "a str", "a u32"]);
    refused(|()| Holds { first: ByHand::Nothing, second: 1 }, &[".second`", "a str", "a u32"]);
}

/// Refuses what is made up.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Date(String);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let date = String::deserialize(from)?;
        if date.len() == 10 { Ok(Date(date)) } else { Err(serde::de::Error::custom("no date")) }
    }
}

#[test]
fn what_comes_after_one_who_refuses_made_up_values_is_compared_too() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Entry {
        dates: Vec<Date>,
        #[serde(serialize_with = "as_text")]
        n: u32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Good {
        dates: Vec<Date>,
        n: Option<Vec<u32>>,
        kind: Result<Date, String>,
    }
    fn date() -> Date {
        Date("2026-11-30".to_owned())
    }
    refused(|()| Entry { dates: vec![date()], n: 1 }, &[".n`", "a str", "a u32"]);
    refused(|()| Entry { dates: vec![], n: 1 }, &[".n`", "a str", "a u32"]);
    arrives(|()| Good { dates: vec![date()], n: None, kind: Err("x".to_owned()) });
    arrives(|()| Good { dates: vec![], n: Some(vec![1, 2]), kind: Ok(date()) });
}
