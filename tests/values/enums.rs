//! serde's attributes of enums and of their variants.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::everywhere::{arrives, arrives_as_it_is, described, refused};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    x: u8,
    nested: Option<Option<u8>>,
}

#[test]
fn untagged() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Unit,
        Number(i32),
        Text(String),
        Address { address: IpAddr },
        Inner(Inner),
        Pair(u8, bool),
    }
    let all = |()| {
        [
            Untagged::Unit,
            Untagged::Number(-5),
            Untagged::Text("x".into()),
            Untagged::Address { address: IpAddr::from([127, 0, 0, 1]) },
            Untagged::Inner(Inner { x: 1, nested: Some(None) }),
            Untagged::Pair(1, true),
        ]
    };
    refused(all, &["`Untagged`", "#[serde(untagged)]", "SelfDescribing"]);
    described(all);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Deep {
        a: u8,
        list: Vec<Option<Untagged>>,
    }
    refused(|()| Deep { a: 1, list: vec![] }, &["Untagged", "`Deep.list[..]`", "untagged"]);
    described(|()| Deep { a: 1, list: vec![None, Some(Untagged::Number(1))] });
}

#[test]
fn tag() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Unit,
        Struct { x: u8, inner: Option<Inner> },
        Newtype(Inner),
    }
    refused(|()| Tagged::Unit, &["Tagged", "#[serde(tag)]", "SelfDescribing"]);
    described(|()| Tagged::Unit);
    described(|()| Tagged::Struct { x: 1, inner: None });
    described(|()| Tagged::Newtype(Inner { x: 1, nested: Some(None) }));

    // A struct with a tag has one field more.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    struct Struct {
        x: u8,
    }
    refused(|()| Struct { x: 1 }, &["Struct", "2 fields"]);
    described(|()| Struct { x: 1 });
}

#[test]
fn tag_and_content() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "of")]
    enum Adjacent {
        Unit,
        Struct { x: u8 },
        Newtype(Inner),
        Tuple(u8, Option<()>),
    }
    refused(|()| Adjacent::Unit, &["Adjacent", "#[serde(tag, content)]", "SelfDescribing"]);
    refused(|()| Adjacent::Newtype(Inner { x: 1, nested: None }), &["Adjacent"]);
    described(|()| [Adjacent::Unit, Adjacent::Struct { x: 1 }, Adjacent::Tuple(1, Some(()))]);
    described(|()| Adjacent::Newtype(Inner { x: 1, nested: Some(None) }));
}

#[test]
fn rename_alias_and_rename_all() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", rename_all_fields = "UPPERCASE")]
    enum Renamed {
        FirstOne {
            some_field: u8,
        },
        #[serde(rename = "2", alias = "zwei", alias = "deux")]
        Second,
        #[serde(alias = "1", alias = "last", rename_all = "camelCase")]
        Third {
            a_field: u8,
        },
        Fourth(u8),
    }
    arrives(|()| {
        [
            Renamed::FirstOne { some_field: 1 },
            Renamed::Second,
            Renamed::Third { a_field: 2 },
            Renamed::Fourth(3),
        ]
    });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Differ {
        #[serde(rename(serialize = "out", deserialize = "into"))]
        One,
        Two,
    }
    refused(|()| Differ::One, &["Differ::out", "into", "rename"]);
    arrives(|()| Differ::Two);
}

#[test]
fn skip() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Skip {
        #[serde(skip)]
        No,
        One(u8),
        #[serde(skip)]
        #[allow(dead_code, reason = "it is there to be skipped")]
        Neither,
        Two(u8),
    }
    // Which have the same form: nothing but the number tells them apart.
    arrives(|()| [Skip::One(1), Skip::Two(2)]);
    refused(|()| Skip::No, &["Skip::No", "cannot be serialized"]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum OneWay {
        #[serde(skip_serializing)]
        NotWritten,
        #[serde(skip_deserializing)]
        NotRead,
        Both(u8),
    }
    arrives(|()| OneWay::Both(1));
    refused(|()| OneWay::NotWritten, &["NotWritten", "cannot be serialized"]);
    refused(|()| OneWay::NotRead, &["OneWay::NotRead", "skip_deserializing"]);
}

#[test]
fn other() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Other {
        #[serde(alias = "Z", alias = "A")]
        Known,
        #[serde(skip)]
        #[allow(dead_code, reason = "it is there to be skipped")]
        Hidden,
        Struct {
            x: u8,
        },
        #[serde(other)]
        Unknown,
    }
    arrives(|()| [Other::Known, Other::Struct { x: 1 }, Other::Unknown]);
}

mod halved {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(n: &u8, to: S) -> Result<S::Ok, S::Error> {
        (n / 2).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
        u8::deserialize(from).map(|n| n * 2)
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Duration,
        name: &u8,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        (time.as_secs(), name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<(Duration, u8), D::Error> {
        <(u64, u8)>::deserialize(from).map(|(s, name)| (Duration::from_secs(s), name))
    }
}

#[test]
fn with() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum With {
        #[serde(with = "halved")]
        Half(u8),
        #[serde(serialize_with = "seconds::serialize", deserialize_with = "seconds::deserialize")]
        Time(Duration, u8),
    }
    arrives(|()| [With::Half(4), With::Time(Duration::from_secs(3), 1)]);
}

#[test]
fn untagged_variant() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Mostly {
        Named(u8),
        #[serde(untagged)]
        Text(String),
    }
    refused(|()| Mostly::Named(1), &["Mostly", "untagged"]);
    described(|()| [Mostly::Named(1), Mostly::Text("x".into())]);
}

#[test]
fn identifiers() {
    // serde derives no `Serialize` for these.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(variant_identifier, rename_all = "lowercase")]
    enum Variant {
        A,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(field_identifier, rename_all = "lowercase")]
    enum Field {
        A,
        Other(String),
    }
    impl Serialize for Variant {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str("a")
        }
    }
    impl Serialize for Field {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self {
                Field::A => to.serialize_str("a"),
                Field::Other(other) => to.serialize_str(other),
            }
        }
    }
    refused(|()| Variant::A, &["Variant", "identifier", "SelfDescribing"]);
    described(|()| Variant::A);
    refused(|()| Field::A, &["Field", "identifier", "SelfDescribing"]);
    described(|()| [Field::A, Field::Other("b".into())]);
}

#[test]
fn an_enum_that_is_a_number_by_hand() {
    #[derive(Debug, PartialEq)]
    enum ByHand {
        One = 1,
        Two = 2,
    }
    impl Serialize for ByHand {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_unit_variant("ByHand", if *self == ByHand::One { 0 } else { 1 }, "any")
        }
    }
    impl<'de> Deserialize<'de> for ByHand {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = ByHand;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a number")
                }
                fn visit_enum<A: serde::de::EnumAccess<'de>>(
                    self,
                    data: A,
                ) -> Result<ByHand, A::Error> {
                    use serde::de::VariantAccess as _;
                    let (index, variant) = data.variant::<u32>()?;
                    variant.unit_variant()?;
                    Ok(if index == 0 { ByHand::One } else { ByHand::Two })
                }
            }
            from.deserialize_enum("ByHand", &["One", "Two"], Visitor)
        }
    }
    arrives_as_it_is(|()| [ByHand::One, ByHand::Two]);
}

#[test]
fn untagged_in_an_enum_in_an_enum() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Message {
        Ping,
        Data(Data),
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Data {
        Text(String),
        Any(Any),
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u8),
    }
    let any = |()| Message::Data(Data::Any(Any::Number(1)));
    refused(any, &["`Any` (at `Message::Data::Any`)", "untagged"]);
    described(any);
    refused(|()| Message::Ping, &["`Any`"]);
    refused(|()| Data::Text("x".to_owned()), &["`Any`"]);
}
