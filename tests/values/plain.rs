//! Types without attributes.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::everywhere::arrives;

/// std's own, some of which have no `Deserialize` without a feature.
type Boxed = (Box<str>, Box<[u8]>, Box<u8>);

#[test]
fn numbers_and_texts() {
    arrives(|()| (u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    arrives(|()| (i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    arrives(|()| (0.1f32, f64::MAX, f64::NEG_INFINITY, -0.0, true, 'é', "é".to_owned()));
    arrives(|()| -> Boxed { ("text".into(), Box::new([1, 2]), Box::new(3)) });
}

#[test]
fn options_in_options_and_around_nothing() {
    type Nested = (Option<Option<u8>>, Option<()>, Option<Option<()>>, Result<Option<u8>, ()>);
    arrives(|()| -> Nested { (Some(None), Some(()), Some(None), Err(())) });
    arrives(|()| -> Nested { (None, None, Some(Some(())), Ok(None)) });
}

#[test]
fn collections() {
    arrives(|()| BTreeMap::from([((1, 'a'), vec![1]), ((2, 'b'), vec![])]));
    arrives(|()| HashMap::from([(Some(1u8), [1u8; 3]), (None, [0; 3])]));
    arrives(|()| (BTreeSet::from([1, 2]), VecDeque::from([3, 4]), [5; 32], ()));
    arrives(|()| vec![(); 1000]);
}

#[test]
fn types_of_std() {
    arrives(|()| (Duration::from_nanos(1), SystemTime::UNIX_EPOCH, 1..2));
    arrives(|()| -> (Range<u8>, Bound<u8>, Bound<u8>) {
        (1..2, Bound::Excluded(3), Bound::Unbounded)
    });
    arrives(|()| (IpAddr::from([127, 0, 0, 1]), PathBuf::from("/tmp"), NonZeroU16::MAX));
    arrives(|()| std::num::Wrapping(std::cell::Cell::new(5)));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, Option<Unit>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Generic<T> {
    value: T,
    more: Vec<Generic<T>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Box<Kind>),
    Tuple(u8, Pair),
    Struct { kind: Box<Kind>, other: Option<Box<Kind>> },
}

#[test]
fn structs_and_enums() {
    arrives(|()| (Unit, Newtype("x".into()), Pair(1, Some(Unit))));
    arrives(|()| Generic { value: 1, more: vec![Generic { value: 2, more: vec![] }] });
    arrives(|()| {
        let kind = Kind::Newtype(Box::new(Kind::Tuple(1, Pair(2, None))));
        [Kind::Struct { kind: Box::new(kind.clone()), other: None }, kind, Kind::Unit]
    });
}

#[test]
fn two_types_of_one_name() {
    mod other {
        use serde::{Deserialize, Serialize};

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub(super) struct Pair {
            pub(super) left: u8,
        }

        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        pub(super) enum Kind {
            Struct,
            Other(u8),
        }
    }
    arrives(|()| (Pair(1, None), other::Pair { left: 2 }, other::Kind::Other(3), Kind::Unit));
    arrives(|()| (other::Kind::Struct, other::Pair { left: 2 }, Pair(1, Some(Unit)), Kind::Unit));
}

#[test]
fn two_enums_of_one_name_with_variants_of_the_same_names() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Step {
        Go,
        Turn(u8),
        Jump { far: u8 },
    }
    mod other {
        use serde::{Deserialize, Serialize};

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) enum Step {
            Turn(u8),
            Go,
            Jump { high: u8 },
            Stop,
        }
    }
    use other::Step as Other;
    arrives(|()| [(Step::Go, Other::Go), (Step::Turn(1), Other::Turn(2))]);
    arrives(|()| [(Other::Go, Step::Go), (Other::Turn(1), Step::Turn(2))]);
    arrives(|()| (Step::Jump { far: 1 }, Other::Jump { high: 2 }, Other::Stop));
    arrives(|()| (Other::Jump { high: 2 }, Step::Jump { far: 1 }));
}

#[test]
fn two_types_whose_whole_names_are_the_same() {
    arrives(|()| {
        let one = {
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            enum Local {
                First,
                Second(u8),
            }
            [Local::First, Local::Second(1)]
        };
        let other = {
            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            enum Local {
                Third(Option<u8>),
                Second(u8),
                Fourth { of: String },
            }
            [Local::Third(None), Local::Second(2), Local::Fourth { of: "x".to_owned() }]
        };
        (one, other)
    });
}
