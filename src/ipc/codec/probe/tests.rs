use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU8;

use serde::{Deserialize, Deserializer, Serialize};

use super::*;
use crate::ipc::codec::{self, shapes::Form};
use crate::ipc::{Connection, Queue, Sender, SharedArray};
use crate::shm::Shared;
use crate::sync::Lock;

#[track_caller]
fn refused<T: Message>(what: &str, at: &str, because: &str) {
    let error = Reads::of::<T>().unwrap_err();
    let CodecError::NeedsSelfDescribing(demand) = error else { panic!("{error}") };
    assert_eq!((&demand.type_name[..], &demand.place[..]), (what, at));
    assert!(demand.attribute.contains(because), "{}", demand.attribute);
}

#[track_caller]
fn passes<T: Message>() {
    Reads::of::<T>().unwrap();
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
#[allow(dead_code)]
enum Tagged {
    A { x: u8 },
    B,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
#[allow(dead_code)]
enum Adjacent {
    A { x: u8 },
    B,
}

#[derive(Serialize, Deserialize)]
#[allow(dead_code)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: HashMap<String, u8>,
}

#[derive(Serialize, Deserialize)]
#[allow(dead_code)]
enum Rare {
    Common,
    Other(Option<u8>),
    Seldom { deep: Vec<(u8, Untagged)> },
}

#[test]
fn what_asks_for_names_is_found_wherever_it_is() {
    refused::<Untagged>("Untagged", "", "untagged");
    refused::<Tagged>("Tagged", "", "internally tagged enum Tagged");
    refused::<Adjacent>("Adjacent", "", "tag, content");
    refused::<Flat>("Flat", "", "flatten");
    refused::<Rare>("Untagged", "Rare::Seldom.deep[..].1", "untagged");
    refused::<Vec<Option<Tagged>>>("Option<Tagged>", "Vec<Option<Tagged>>[..]", "tag");
    refused::<BTreeMap<u8, Flat>>("Flat", "BTreeMap<u8, Flat>[..]", "flatten");
    refused::<Result<u8, Adjacent>>("Adjacent", "Result<u8, Adjacent>::Err", "tag, content");
}

#[test]
fn variants_are_found_however_far_inside_of_others() {
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Outer {
        Nothing,
        Middle(u8, Middle),
        Last,
    }
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Middle {
        Nothing,
        One(u8),
        Inner { inner: Option<Inner> },
    }
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Inner {
        A,
        B,
        Back(Box<Outer>),
        C(Untagged),
    }
    refused::<Outer>("Untagged", "Outer::Middle.1::Inner.inner::C", "untagged");
    refused::<(Inner, Outer)>("Untagged", "(Inner, Outer).0::C", "untagged");
}

#[test]
fn a_type_that_contains_itself_comes_to_an_end() {
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    struct List {
        next: Option<Box<List>>,
        end: NonZeroU8,
    }
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Left {
        Both(Box<Right>, Box<Left>),
        Many(Vec<Left>),
    }
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Right {
        Back(Box<Left>),
        Last(Untagged),
    }
    passes::<List>();
    refused::<Left>("Untagged", "Left::Both.0::Last", "untagged");
}

#[test]
fn what_was_read_of_an_enum_goes_by_the_names_it_is_read_by() {
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Named {
        #[serde(skip)]
        Skipped,
        #[serde(alias = "a", alias = "z")]
        First(u8),
        #[serde(rename = "second")]
        Second { x: u8, y: u8 },
        #[serde(other)]
        Other,
    }
    let shapes = Reads::of::<Named>().unwrap();
    let variant = |written, name, form| shapes.variant(shapes.root(), "Named", written, name, form);
    let index = |written, name, form| variant(written, name, form).unwrap().0;
    assert_eq!(index(1, "First", Form::Newtype), 0);
    assert_eq!(index(1, "z", Form::Newtype), 0);
    assert_eq!(index(2, "second", Form::Struct(2)), 1);
    assert_eq!(index(3, "Other", Form::Unit), 2);
    assert!(variant(0, "Skipped", Form::Unit).is_err());
    assert!(variant(1, "First", Form::Unit).is_err());
}

/// Refuses every value but one.
#[derive(Debug, PartialEq, Serialize)]
struct Choosy(u32);

impl<'de> Deserialize<'de> for Choosy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            12_345 => Ok(Choosy(12_345)),
            _ => Err(serde::de::Error::custom("not the one")),
        }
    }
}

#[test]
fn what_cannot_be_decided_is_not_refused() {
    passes::<(Choosy, Untagged)>();
    assert_eq!(codec::decode(&codec::to_bytes(&Choosy(12_345)).unwrap()), Ok(Choosy(12_345)));
}

#[test]
fn a_large_type_is_followed_as_far_as_is_cheap() {
    type Large<T> = Vec<[[T; 32]; 32]>;
    passes::<Large<Large<Large<u8>>>>();
    // Without that one's elements it is seen what comes after it.
    let error = Reads::of::<(Large<Large<u8>>, Untagged)>().unwrap_err();
    assert!(error.to_string().starts_with("`Untagged` (at `("), "{error}");
}

#[test]
#[cfg_attr(modelled, ignore = "what a model shares is not handed over")]
fn what_is_handed_over_does_not_hide_what_comes_after_it() {
    type Handed = (Shared<Lock<u8>>, Queue<u8>, Sender<u8>);
    type All = (Handed, SharedArray<u8>, Connection<u8, u8>, Untagged);
    let error = Reads::of::<All>().unwrap_err();
    assert!(error.to_string().starts_with("`Untagged` (at `("), "{error}");
}

#[test]
fn a_panic_over_a_made_up_value_is_no_verdict() {
    #[derive(Serialize)]
    struct Brittle;
    impl<'de> Deserialize<'de> for Brittle {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            std::panic::resume_unwind(Box::new("quietly"));
        }
    }
    passes::<Brittle>();
}

#[test]
fn types_that_refuse_nothing_are_seen_whole() {
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Tree {
        Node(Box<Tree>, Box<Tree>),
        Other(Box<Mutual>),
        Leaf,
    }
    #[derive(Serialize, Deserialize)]
    #[allow(dead_code)]
    enum Mutual {
        Pair(Box<Mutual>, Box<Tree>),
        Trees(Vec<Tree>),
        Map(BTreeMap<String, Mutual>),
    }
    let partial = [
        Reads::of::<Tree>().unwrap().is_partial(),
        Reads::of::<Mutual>().unwrap().is_partial(),
        Reads::of::<(Mutual, Result<Tree, NonZeroU8>)>().unwrap().is_partial(),
        Reads::of::<(std::net::SocketAddr, std::time::SystemTime, char)>().unwrap().is_partial(),
        Reads::of::<(serde_bytes::ByteArray<16>, String)>().unwrap().is_partial(),
    ];
    assert_eq!(partial, [false; 5]);
    assert!(Reads::of::<(Choosy, Tree)>().unwrap().is_partial());
}

#[test]
fn what_was_learned_from_a_value_stays_known() {
    type Dated = (Choosy, Vec<(u8, String)>);
    let dated = || -> Dated { (Choosy(12_345), vec![(1, "x".to_owned()), (2, String::new())]) };
    let before = Reads::of::<Dated>().unwrap();
    assert!(before.is_partial());
    let bytes = codec::to_bytes(&dated()).unwrap();
    assert_eq!(codec::decode(&bytes), Ok(dated()));
    let learned = Reads::of::<Dated>().unwrap();
    assert!(learned.turn() > before.turn());
    // By shapes from before, what another thread has learned since is seen.
    assert_eq!(codec::append(&dated(), before, Vec::new()), Ok(bytes.clone()));
    assert_eq!(codec::to_bytes(&dated()), Ok(bytes));
    assert_eq!(Reads::of::<Dated>().unwrap().turn(), learned.turn());
}

#[test]
fn what_is_read_of_nothing_is_not_sent_by_its_places() {
    /// Is refused before anything of it is read.
    #[derive(Debug, PartialEq, Serialize)]
    struct Unread(u8, String);
    impl<'de> Deserialize<'de> for Unread {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("not here"))
        }
    }
    let error = codec::to_bytes(&(Choosy(1), Unread(1, "x".to_owned()))).unwrap_err();
    assert!(error.to_string().contains("cannot be found out"), "{error}");
    // What is one value by itself is what it is.
    let bytes = codec::to_bytes(&(Choosy(1), "x".to_owned())).unwrap();
    let error = codec::decode::<(Choosy, String)>(&bytes).unwrap_err();
    assert_eq!(error, CodecError::Custom("not the one".to_owned()));
}
