//! serde's attributes of whole types.

use serde::{Deserialize, Serialize};

use crate::everywhere::{arrives, refused};

#[test]
fn names_and_strictness() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "other", rename_all = "camelCase", deny_unknown_fields, default)]
    #[serde(expecting = "something strict")]
    struct Strict {
        first_field: u8,
        second_field: Option<u8>,
    }
    arrives(|()| Strict { first_field: 1, second_field: None });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all(serialize = "UPPERCASE", deserialize = "lowercase"))]
    struct Differ {
        field: u8,
    }
    refused(|()| Differ { field: 1 }, &["Differ", "FIELD", "field"]);
}

#[test]
fn transparent_and_bound() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Transparent {
        inner: Vec<u8>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(bound = "T: Serialize + serde::de::DeserializeOwned", crate = "serde")]
    struct Bound<T>(T, T);
    arrives(|()| Bound(Transparent { inner: vec![1, 2] }, Transparent { inner: vec![] }));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wire {
    low: u8,
    high: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
struct Word(u16);

impl From<Wire> for Word {
    fn from(wire: Wire) -> Self {
        Word(u16::from_le_bytes([wire.low, wire.high]))
    }
}

impl From<Word> for Wire {
    fn from(word: Word) -> Self {
        let [low, high] = word.0.to_le_bytes();
        Wire { low, high }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Even(u8);

impl TryFrom<u8> for Even {
    type Error = String;

    fn try_from(n: u8) -> Result<Self, String> {
        if n.is_multiple_of(2) { Ok(Even(n)) } else { Err(format!("{n} is odd")) }
    }
}

impl From<Even> for u8 {
    fn from(even: Even) -> u8 {
        even.0
    }
}

#[test]
fn from_try_from_and_into() {
    arrives(|()| (Word(0x1234), Even(4)));
}

/// As of another crate: without serde, and with private fields.
mod foreign {
    #[derive(Debug, PartialEq)]
    pub(super) struct Point {
        x: i32,
        pub(super) y: i32,
    }

    impl Point {
        pub(super) fn new(x: i32, y: i32) -> Self {
            Point { x, y }
        }

        pub(super) fn x(&self) -> &i32 {
            &self.x
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "foreign::Point")]
struct PointDef {
    #[serde(getter = "foreign::Point::x")]
    x: i32,
    y: i32,
}

impl From<PointDef> for foreign::Point {
    fn from(def: PointDef) -> Self {
        foreign::Point::new(def.x, def.y)
    }
}

#[test]
fn remote_and_getter() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        #[serde(with = "PointDef")]
        from: foreign::Point,
        #[serde(with = "PointDef")]
        to: foreign::Point,
    }
    arrives(|()| Line { from: foreign::Point::new(1, -2), to: foreign::Point::new(3, 4) });
}
