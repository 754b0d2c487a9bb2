//! What stands behind values that a type was not seen to read when it was tried with made-up ones.

use serde::{Deserialize, Deserializer, Serialize};

use crate::everywhere::{arrives, arrives_as_it_is, described, refused};

/// Refuses every value that is made up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Seven(u8);

impl TryFrom<u8> for Seven {
    type Error = String;
    fn try_from(n: u8) -> Result<Self, String> {
        if n == 7 { Ok(Seven(7)) } else { Err(format!("{n} is not seven")) }
    }
}

impl From<Seven> for u8 {
    fn from(seven: Seven) -> u8 {
        seven.0
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Skips {
    A,
    #[serde(skip)]
    #[allow(dead_code, reason = "it is there to be skipped")]
    B,
    C,
    D(u8),
    E(Seven, Inside),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Inside {
    #[serde(skip)]
    #[allow(dead_code, reason = "it is there to be skipped")]
    No,
    Yes {
        seven: Seven,
    },
    Maybe,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OneWay {
    #[serde(skip_serializing, default)]
    a: u8,
    #[serde(skip_deserializing)]
    b: u8,
}

/// Larger than what is made up for a type.
type Large = [[[u8; 32]; 32]; 32];

fn large() -> Box<Large> {
    Box::new([[[3; 32]; 32]; 32])
}

#[test]
fn an_enum_behind_a_type_that_refuses_made_up_values() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Behind {
        seven: Seven,
        skips: Vec<Skips>,
        tail: Option<Inside>,
    }
    arrives(|()| (Seven(7), Skips::C));
    arrives(|()| (Seven(7), Skips::D(1)));
    arrives(|()| (Seven(7), Seven(7), Skips::E(Seven(7), Inside::Yes { seven: Seven(7) })));
    arrives(|()| Behind {
        seven: Seven(7),
        skips: vec![Skips::A, Skips::C, Skips::D(1), Skips::E(Seven(7), Inside::Maybe)],
        tail: Some(Inside::Yes { seven: Seven(7) }),
    });
}

#[test]
fn fields_behind_a_type_that_refuses_made_up_values() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Direct {
        seven: Seven,
        #[serde(skip_serializing, default)]
        a: u8,
        #[serde(skip_deserializing)]
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Renamed {
        seven: Seven,
        #[serde(alias = "bee")]
        b: u8,
        #[serde(rename(serialize = "sea", deserialize = "c"), alias = "sea")]
        c: Skips,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Variant {
        One { seven: Seven, a: u8, b: Skips },
        Two(Seven, Skips, u8),
    }
    refused(|()| (Seven(7), OneWay { a: 1, b: 2 }), &["`OneWay`", "a field b too"]);
    refused(|()| Direct { seven: Seven(7), a: 1, b: 2 }, &["`Direct`", "a field b too"]);
    described(|()| Direct { seven: Seven(7), a: 0, b: 0 });
    arrives(|()| Renamed { seven: Seven(7), b: 1, c: Skips::C });
    arrives(|()| {
        [
            Variant::One { seven: Seven(7), a: 1, b: Skips::C },
            Variant::Two(Seven(7), Skips::D(5), 2),
        ]
    });
}

#[test]
fn what_stands_behind_more_values_than_are_made_up() {
    arrives_as_it_is(|()| (large(), Skips::C));
    arrives_as_it_is(|()| ([Skips::A, Skips::D(5)], large(), Inside::Maybe));
    refused(|()| (large(), OneWay { a: 1, b: 2 }), &["`OneWay`", "a field b too"]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Half {
        cells: Box<Large>,
        #[serde(skip_serializing, default)]
        a: u8,
        #[serde(skip_deserializing)]
        b: u8,
    }
    refused(|()| Half { cells: large(), a: 1, b: 2 }, &["`Half`", "a field b too"]);
}

/// Refuses every value in the process that sends it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Never(u8);

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u8::deserialize(from)?;
        Err(serde::de::Error::custom("not here"))
    }
}

#[test]
fn what_cannot_be_found_out_is_not_sent_by_numbers() {
    let words = &["cannot be found out", "refuses"];
    refused(|()| (Never(1), Skips::C), words);
    refused(|()| (Never(1), OneWay { a: 1, b: 2 }), words);
    refused(|()| (Never(1), vec![(1_u8, 2_u8)]), words);
}

/// One of two enums, by a number before it.
#[derive(Clone, Debug, PartialEq)]
enum Either {
    Skips(Skips),
    Inside(Inside),
}

impl Serialize for Either {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Either::Skips(skips) => (0_u8, skips).serialize(to),
            Either::Inside(inside) => (1_u8, inside).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Either {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Either;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number and an enum")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut parts: A,
            ) -> Result<Either, A::Error> {
                let short = || serde::de::Error::custom("too short");
                match parts.next_element::<u8>()?.ok_or_else(short)? {
                    0 => parts.next_element()?.map(Either::Skips).ok_or_else(short),
                    _ => parts.next_element()?.map(Either::Inside).ok_or_else(short),
                }
            }
        }
        from.deserialize_tuple(2, Visitor)
    }
}

#[test]
fn one_of_two_enums_by_what_came_before_it() {
    arrives(|()| [Either::Skips(Skips::C), Either::Inside(Inside::Maybe)]);
    arrives(|()| [Either::Inside(Inside::Yes { seven: Seven(7) }), Either::Skips(Skips::D(1))]);
}
