//! Every type of std that serde knows, and what crates make of its traits: none is refused.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{
    NonZeroI8, NonZeroI64, NonZeroI128, NonZeroU8, NonZeroU32, NonZeroU128, NonZeroUsize,
    Saturating, Wrapping,
};
use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, SystemTime};

use multiproc::{Queue, pipe};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::everywhere::{arrives, arrives_as_it_is};

#[test]
fn numbers() {
    type Whole = (NonZeroI8, NonZeroI64, NonZeroI128, NonZeroU8);
    type More = (NonZeroU32, NonZeroU128, NonZeroUsize);
    arrives(|()| -> Whole { (NonZeroI8::MIN, NonZeroI64::MIN, NonZeroI128::MIN, NonZeroU8::MAX) });
    arrives(|()| -> More { (NonZeroU32::MAX, NonZeroU128::MAX, NonZeroUsize::MAX) });
    arrives(|()| (Wrapping(300_u16), Saturating(-5_i8), Reverse(7_u64), Reverse(Wrapping(1_u8))));
}

#[test]
fn texts_and_bytes() {
    arrives(|()| -> (Box<str>, Cow<'static, str>, String, char) {
        ("a".into(), Cow::Borrowed("b"), "c".into(), 'd')
    });
    arrives(|()| -> (Box<[u8]>, Cow<'static, [u8]>) { (Box::new([1, 200]), Cow::Borrowed(&[3])) });
    arrives(|()| ([4_u8; 3], vec![5_u8]));
    arrives(|()| (PathBuf::from("/a"), Box::<Path>::from(Path::new("b"))));
    arrives_as_it_is(|()| (OsString::from("a"), CString::new("b").unwrap()));
    arrives_as_it_is(|()| CString::new("b").unwrap().into_boxed_c_str());
    arrives(|()| (serde_bytes::ByteBuf::from([1, 2]), serde_bytes::ByteArray::new([3; 16])));

    // Bytes are as a list of u8 is.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Mixed {
        #[serde(serialize_with = "serde_bytes::serialize")]
        written: Vec<u8>,
        #[serde(deserialize_with = "serde_bytes::deserialize")]
        read: Vec<u8>,
    }
    arrives_as_it_is(|()| Mixed { written: vec![1, 200], read: vec![3, 255] });
}

#[test]
fn collections() {
    arrives(|()| (LinkedList::from([1_u8]), VecDeque::from(['a']), vec![Some(())]));
    arrives(|()| (BTreeSet::from([1_i16]), HashSet::from([(1_u8, true)])));
    arrives(|()| (BTreeMap::from([(1_u8, 'a')]), HashMap::from([("x".to_owned(), [0.5_f32])])));
    arrives(|()| BTreeMap::from([(Some(1_u8), BTreeMap::from([((), Vec::<u8>::new())]))]));
    arrives(|()| -> ([u8; 0], [u16; 32], [(); 2], (u8,)) { ([], [300; 32], [(); 2], (1,)) });
    arrives(|()| -> Vec<Vec<Option<Vec<u8>>>> { vec![vec![None], vec![], vec![Some(vec![1])]] });
}

#[test]
fn time_addresses_and_ranges() {
    arrives(|()| (Duration::MAX, SystemTime::UNIX_EPOCH + Duration::from_nanos(1)));
    arrives(|()| (IpAddr::from([1, 2, 3, 4]), IpAddr::from([5_u16; 8])));
    arrives(|()| (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST));
    arrives(|()| {
        let (four, six) = (SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1), Ipv6Addr::LOCALHOST);
        (four, SocketAddrV6::new(six, 2, 0, 0), SocketAddr::from(four))
    });
    arrives(|()| -> (Range<u8>, RangeInclusive<i64>, RangeFrom<char>, RangeTo<u8>) {
        (1..2, -3..=4, 'a'.., ..5)
    });
    arrives(|()| [Bound::Included(1_u8), Bound::Excluded(2), Bound::Unbounded]);
    arrives(|()| [Ok(1_u8), Err("x".to_owned())]);
}

#[test]
fn what_is_around_a_value() {
    arrives(|()| (Cell::new(1_u8), RefCell::new("x".to_owned()), Box::new(Some(Box::new(2_u16)))));
    arrives(|()| (PhantomData::<String>, ((), Some(()), Some(PhantomData::<u8>))));
    arrives(|()| -> Cow<'static, [Cow<'static, str>]> { Cow::Owned(vec![Cow::Borrowed("x")]) });
}

fn through<T: Serialize + DeserializeOwned>(value: T) -> T {
    let queue = Queue::bounded(1).unwrap();
    assert!(queue.put(value).is_ok());
    let (receiver, sender) = pipe().unwrap();
    assert!(sender.send(queue.get().unwrap()).is_ok());
    receiver.recv().unwrap()
}

#[test]
fn what_cannot_be_compared() {
    assert_eq!(through(BinaryHeap::from([1_u8, 3, 2])).into_sorted_vec(), [1, 2, 3]);
    assert_eq!(through(Mutex::new(300_u16)).into_inner().unwrap(), 300);
    assert_eq!(*through(RwLock::new(vec![1_u8])).read().unwrap(), [1]);
    assert!(through(f64::NAN).is_nan());
}

#[test]
fn popular_shapes() {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Empty {}
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Nothing();
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Id<T>(u64, PhantomData<T>);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(Id<Nothing>);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Twice(Wrapped);
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Clear<T> {
        of: T,
        #[serde(skip)]
        other: u8,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Node {
        value: Clear<Option<Empty>>,
        children: Vec<Node>,
        next: Option<Box<Node>>,
        by_name: BTreeMap<String, Tree>,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        One(Box<Tree>),
        Two(Box<Tree>, Nothing),
        Named { node: Box<Node>, pairs: [(u8, Option<Twice>); 2] },
    }
    arrives(|()| {
        let node = Node {
            value: Clear { of: Some(Empty {}), other: 0 },
            children: vec![],
            next: None,
            by_name: BTreeMap::new(),
        };
        let twice = Twice(Wrapped(Id(5, PhantomData)));
        let named =
            Tree::Named { node: Box::new(node.clone()), pairs: [(1, None), (2, Some(twice))] };
        let two = Tree::Two(Box::new(Tree::One(Box::new(named))), Nothing());
        Node {
            value: Clear { of: None, other: 0 },
            children: vec![node.clone(), node.clone()],
            next: Some(Box::new(node)),
            by_name: BTreeMap::from([("a".to_owned(), two), ("b".to_owned(), Tree::Leaf)]),
        }
    });

    // By hand on one side only: the value as the derive on the other has it.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    struct Percent(u8);
    impl<'de> Deserialize<'de> for Percent {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            u8::deserialize(from).map(|n| Percent(n.min(100)))
        }
    }
    arrives(|()| (Percent(5), Some(Percent(6)), vec![Percent(7)]));
}
