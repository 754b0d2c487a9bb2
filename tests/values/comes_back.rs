//! Attributes that go one way, and leave as many values of the same kinds: found out from a made-up value
//! that is read and written again. And types that make something else of what they read, which are not
//! held for such.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use multiproc::{Lock, Process, PutError, Queue, Sender, Shared, SharedArray, pipe};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::everywhere::{arrives, refused};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Swap(#[serde(skip_serializing, default)] u8, #[serde(skip_deserializing)] u8);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn zero(n: &u8) -> bool {
    *n == 0
}

fn one() -> u8 {
    1
}

#[test]
fn one_field_is_read_and_another_is_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Plain(#[serde(skip_serializing)] u8, #[serde(skip_deserializing)] u8);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Three(#[serde(skip_serializing_if = "zero")] u8, #[serde(skip_deserializing)] u8, u8);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Named {
        #[serde(skip_serializing, rename = "x", default)]
        a: u8,
        #[serde(skip_deserializing, rename = "x")]
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Default(
        u8,
        #[serde(skip_serializing, default)] u8,
        #[serde(skip_deserializing, default = "one")] u8,
    );
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Variant {
        Good(u8),
        V(#[serde(skip_serializing)] u8, #[serde(skip_deserializing)] u8),
        N {
            #[serde(skip_serializing, rename = "x", default)]
            a: String,
            #[serde(skip_deserializing, rename = "x")]
            b: String,
        },
    }
    refused(|()| Swap(1, 2), &["`Swap`", "field 0"]);
    refused(|()| Plain(1, 2), &["`Plain`", "field 0"]);
    refused(|()| Three(0, 7, 9), &["`Three`", "3 fields", "2 of them"]);
    refused(|()| Three(1, 7, 9), &["`Three`", "a tuple of 3"]);
    refused(|()| Named { a: 1, b: 2 }, &["`Named`", "field x"]);
    refused(|()| Default(1, 2, 3), &["`Default`", "field 1"]);
    arrives(|()| Variant::Good(1));
    refused(|()| Variant::V(1, 2), &["Variant::V", "field 0"]);
    refused(|()| Variant::N { a: "a".into(), b: "b".into() }, &["`N`", "field x"]);
}

#[test]
fn whatever_the_field_is_and_wherever_the_struct() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Of<T: Default>(#[serde(skip_serializing, default)] T, #[serde(skip_deserializing)] T);
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Id(u64);
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Inner {
        n: f32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Around(Swap);
    fn of<T: Default>() -> Of<T> {
        Of(T::default(), T::default())
    }
    let words = &["field 0"];
    refused(|()| of::<bool>(), words);
    refused(|()| of::<char>(), words);
    refused(|()| of::<i64>(), words);
    refused(|()| of::<String>(), words);
    refused(|()| of::<Option<u8>>(), words);
    refused(|()| of::<Box<u8>>(), words);
    refused(|()| of::<Vec<u8>>(), words);
    refused(|()| of::<(u8, u8)>(), words);
    refused(|()| of::<BTreeMap<u8, u8>>(), words);
    refused(|()| of::<Id>(), words);
    refused(|()| of::<Inner>(), &["`Inner`", "field n"]);
    refused(|()| Around(Swap(1, 2)), &["`Swap`", "field 0"]);
    refused(|()| vec![Some(Box::new(Swap(1, 2)))], &["`Swap`", "field 0"]);
    refused(|()| BTreeMap::from([(1_u8, Swap(1, 2))]), &["`Swap`", "field 0"]);
    refused(|()| (Date("2026-11-30".into()), Swap(1, 2)), &["`Swap`", "field 0"]);
}

#[test]
fn one_variant_is_read_and_another_is_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Crossed {
        #[serde(rename(serialize = "B", deserialize = "A"))]
        A,
        #[serde(rename(serialize = "A", deserialize = "B"))]
        B,
        C,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Values {
        #[serde(rename(serialize = "B", deserialize = "A"))]
        A(u8),
        #[serde(rename(serialize = "A", deserialize = "B"))]
        B(u8),
    }
    refused(|()| Crossed::A, &["Crossed::B", "for another one"]);
    refused(|()| Crossed::B, &["Crossed::A", "for another one"]);
    arrives(|()| Crossed::C);
    refused(|()| Some(Values::A(1)), &["Values::B", "for another one"]);
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

fn clamped<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    u8::deserialize(from).map(|n| n.clamp(5, 50))
}

fn trimmed<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| text.trim_matches(['1', 'b']).to_owned())
}

fn sorted<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let mut all = Vec::<u8>::deserialize(from)?;
    all.sort_unstable();
    all.retain(|n| *n > 1);
    Ok(all)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn tens<S: Serializer>(n: &u8, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u8(n / 10 * 10)
}

#[test]
fn types_that_normalise_what_they_read_arrive() {
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(from = "u8")]
    struct Rounded(u8);
    impl From<u8> for Rounded {
        fn from(n: u8) -> Self {
            Rounded(n / 7 * 7)
        }
    }
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "f64", into = "f64")]
    struct Whole(f64);
    impl TryFrom<f64> for Whole {
        type Error = String;
        fn try_from(n: f64) -> Result<Self, String> {
            Ok(Whole(n.round() + 3.0))
        }
    }
    impl From<Whole> for f64 {
        fn from(whole: Whole) -> f64 {
            whole.0 - 3.0
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(deserialize_with = "clamped")]
        clamped: u8,
        #[serde(deserialize_with = "trimmed")]
        trimmed: String,
        #[serde(deserialize_with = "sorted")]
        sorted: Vec<u8>,
        #[serde(serialize_with = "tens")]
        tens: u8,
        rounded: (Rounded, Whole),
        set: (BTreeSet<Rounded2>, HashSet<u8>),
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Rounded2(#[serde(deserialize_with = "clamped")] u8);
    arrives(|()| Fields {
        clamped: 6,
        trimmed: "x".into(),
        sorted: vec![2, 3],
        tens: 20,
        rounded: (Rounded(14), Whole(5.0)),
        set: (BTreeSet::from([Rounded2(7), Rounded2(8)]), HashSet::from([1, 2])),
    });
    arrives(|()| (Rounded2(9), Some(Rounded2(10)), Rounded(7)));

    /// What is read is a struct of another type, with the same fields.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(from = "Raw")]
    struct Ratio {
        of: u32,
        to: u32,
    }
    #[derive(Deserialize)]
    #[serde(rename = "Ratio")]
    struct Raw {
        of: u32,
        to: u32,
    }
    impl From<Raw> for Ratio {
        fn from(Raw { of, to }: Raw) -> Self {
            let by = (1..=of).rev().find(|n| of % n == 0 && to % n == 0).unwrap_or(1);
            Ratio { of: of / by, to: to / by }
        }
    }
    arrives(|()| [Ratio { of: 2, to: 3 }, Ratio { of: 1, to: 1 }]);

    /// What is written says which edition it is, whatever was read.
    #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
    struct Edition {
        edition: u8,
        n: u8,
    }
    impl Serialize for Edition {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct as _;
            let mut fields = to.serialize_struct("Edition", 2)?;
            fields.serialize_field("edition", &3_u8)?;
            fields.serialize_field("n", &self.n)?;
            fields.end()
        }
    }
    arrives(|()| Edition { edition: 3, n: 1 });

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Known {
        #[serde(alias = "Primary", alias = "First")]
        One,
        Two(Rounded, #[serde(deserialize_with = "clamped")] u8),
        #[serde(other)]
        Other,
    }
    arrives(|()| [Known::One, Known::Two(Rounded(0), 5), Known::Other]);
}

/// Panics when it is written, or fails, if it is made up.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Brittle(u8);

impl Serialize for Brittle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1 => std::panic::resume_unwind(Box::new("quietly")),
            100 => Err(serde::ser::Error::custom("no")),
            n => to.serialize_newtype_struct("Brittle", &n),
        }
    }
}

#[test]
fn one_who_cannot_write_what_is_made_up_is_not_refused() {
    arrives(|()| (Brittle(2), 1_u8, "x".to_owned()));
}

type Handed = (Shared<Lock<u8>>, Queue<u8>, Sender<u8>, SharedArray<u8>);

/// How many descriptors are open.
fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// How many more descriptors are open after a value was refused that has some.
fn left_open(given: Handed) -> usize {
    let queue = Queue::bounded(1).unwrap();
    let before = open();
    let refused = queue.put(given).unwrap_err();
    let after = open();
    assert!(matches!(refused, PutError::Encode { .. }));
    after - before
}

#[test]
fn what_a_made_up_value_hands_over_is_closed() {
    let (_receiver, sender) = pipe().unwrap();
    let shared = Shared::new(Lock::new(1)).unwrap();
    let given = (shared, Queue::bounded(1).unwrap(), sender, SharedArray::new(&[1]).unwrap());
    // In a process of its own, where nobody else opens any.
    assert_eq!(Process::spawn(left_open, given).unwrap().join().unwrap(), 0);
}
