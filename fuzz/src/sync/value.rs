//! `Value`.

use std::mem::replace;

use arbitrary::Arbitrary;
use multiproc::Value;

use super::lock;

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Set(i16),
    Swap(i16),
    FetchAdd(i16),
    CompareExchange {
        /// What is there, or something else.
        right: bool,
        new: i16,
    },
    Lock(lock::Turn),
}

/// What a value should be.
pub(super) struct Model<'a> {
    pub(super) number: i16,
    pub(super) lock: lock::Model<'a, Value<i16>>,
}

impl<'a> Model<'a> {
    pub(super) fn play(&mut self, turn: &Turn, value: &'a Value<i16>) {
        let was = self.number;
        match *turn {
            Turn::Set(new) => {
                value.set(new);
                self.number = new;
            }
            Turn::Swap(new) => assert_eq!(value.swap(new), replace(&mut self.number, new)),
            Turn::FetchAdd(more) => {
                assert_eq!(value.fetch_add(more), was);
                self.number = was.wrapping_add(more);
            }
            Turn::CompareExchange { right, new } => {
                let old = if right { was } else { !was };
                let exchanged = value.compare_exchange(old, new);
                assert_eq!(exchanged, if right { Ok(was) } else { Err(was) });
                self.number = if right { new } else { was };
            }
            Turn::Lock(ref turn) => self.lock.play(turn, value),
        }
        assert_eq!(value.get(), self.number);
    }
}
