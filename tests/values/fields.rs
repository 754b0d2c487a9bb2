//! serde's attributes of fields.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::everywhere::{arrives, described, refused};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    n: u8,
    v: Vec<u8>,
}

#[test]
fn skip_serializing_if() {
    arrives(|()| Note { note: Some(1), n: 0, v: vec![0] });
    let left_out = |()| Note { note: None, n: 0, v: vec![0] };
    refused(left_out, &["Note", "note", "skip_serializing_if", "SelfDescribing"]);
    described(left_out);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Either {
        Struct {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            first: Option<u8>,
            second: u8,
        },
        Tuple(u8, #[serde(default, skip_serializing_if = "Option::is_none")] Option<u8>),
    }
    arrives(|()| [Either::Struct { first: Some(1), second: 2 }, Either::Tuple(1, Some(2))]);
    let left_out = |()| Either::Struct { first: None, second: 2 };
    refused(left_out, &["Struct", "first", "skip_serializing_if"]);
    described(left_out);
    refused(|()| Either::Tuple(1, None), &["Either::Tuple", "skip_serializing_if"]);
}

#[test]
fn skip() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Skipped {
        a: u8,
        #[serde(skip)]
        b: u8,
        c: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tuple(u8, #[serde(skip)] u8, u8);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Variant {
        Struct {
            #[serde(skip)]
            a: u8,
            b: u8,
        },
        Tuple(#[serde(skip)] u8, u8),
        Newtype(#[serde(skip)] u8),
    }
    arrives(|()| (Skipped { a: 1, b: 0, c: 2 }, Tuple(1, 0, 2)));
    arrives(|()| [Variant::Struct { a: 0, b: 1 }, Variant::Tuple(0, 1), Variant::Newtype(0)]);
}

#[test]
fn skip_one_way_only() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct NotWritten {
        #[serde(skip_serializing, default)]
        a: u8,
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct NotRead {
        #[serde(skip_deserializing)]
        a: u8,
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(skip_serializing, default)]
        a: u8,
        #[serde(skip_deserializing)]
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Variant {
        One(#[serde(skip_serializing, default)] u8),
        Two(u8, #[serde(skip_deserializing)] u8),
    }
    refused(|()| NotWritten { a: 0, b: 5 }, &["NotWritten", "one field", "2 fields"]);
    described(|()| NotWritten { a: 0, b: 5 });
    refused(|()| NotRead { a: 0, b: 5 }, &["NotRead", "2 fields", "one field"]);
    described(|()| NotRead { a: 0, b: 5 });
    refused(|()| Both { a: 0, b: 0 }, &["Both", "field b", "fields a"]);
    refused(|()| Variant::One(0), &["Variant::One"]);
    refused(|()| Variant::Two(1, 0), &["Variant::Two", "tuple of 2"]);
}

#[test]
fn rename_and_alias() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename = "x")]
        a: u8,
        #[serde(alias = "bee", alias = "aah")]
        b: u8,
        #[serde(rename(serialize = "sea", deserialize = "c"), alias = "sea")]
        c: u8,
    }
    arrives(|()| Renamed { a: 1, b: 2, c: 3 });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Differ {
        #[serde(rename(serialize = "out", deserialize = "into"))]
        a: u8,
    }
    refused(|()| Differ { a: 1 }, &["Differ", "out", "into", "rename"]);
}

#[test]
fn default_of_a_field() {
    fn seven() -> u8 {
        7
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Defaults {
        #[serde(default)]
        a: u8,
        #[serde(default = "seven")]
        b: u8,
    }
    arrives(|()| Defaults { a: 1, b: 2 });
}

#[test]
fn flatten() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        b: u8,
        c: Option<String>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        a: u8,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    let outer = |()| Outer {
        a: 1,
        inner: Inner { b: 2, c: None },
        rest: BTreeMap::from([("x".to_owned(), 3)]),
    };
    refused(outer, &["Outer", "flatten", "SelfDescribing"]);
    described(outer);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Rarely {
        Often(u8),
        Seldom {
            #[serde(flatten)]
            inner: Inner,
        },
    }
    // The type is refused, whichever the variant.
    let rarely = |()| Rarely::Often(1);
    refused(rarely, &["Rarely::Seldom", "flatten"]);
    described(|()| Rarely::Seldom { inner: Inner { b: 1, c: Some("x".into()) } });
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        (time.as_millis() as u64).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[test]
fn with_and_bound() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct With {
        #[serde(with = "millis")]
        a: Duration,
        #[serde(serialize_with = "millis::serialize", deserialize_with = "millis::deserialize")]
        b: Duration,
        #[serde(with = "serde_bytes")]
        c: Vec<u8>,
    }
    arrives(|()| With { a: Duration::from_secs(1), b: Duration::ZERO, c: vec![1, 2] });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Bound<T> {
        #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
        a: Vec<T>,
    }
    arrives(|()| Bound { a: vec![1, 2] });
}

#[test]
fn borrow() {
    use std::borrow::Cow;

    // What is received is owned by whoever receives it: a type that borrows from the message cannot
    // be (`DeserializeOwned`), and one that may borrow does not.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Text {
        text: Cow<'static, str>,
    }
    arrives(|()| Text { text: Cow::Borrowed("x") });
}
