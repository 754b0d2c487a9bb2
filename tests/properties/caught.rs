//! That the properties can fail: models that take some calls for others are told apart from the
//! primitives, by few calls.

use std::fmt::{self, Debug};
use std::sync::Arc;

use multiproc::{Event, Lock, Queue, Semaphore, Shared, SharedArray};
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};

use crate::event::{self, Flag, OnEvent};
use crate::lock::{self, OnLock, Owned};
use crate::model::{Answers, Model, SeatOf, Subject, config, difference};
use crate::pipe::{self, Ends, OnPipe};
use crate::queue::{self, Deque};
use crate::semaphore::{self, OnSemaphore, Permits, Plain};
use crate::shared_array::{self, Elements};
use crate::text::Text;
use crate::wait::{Span, Wait};

/// A model that takes some calls for others.
#[derive(Clone)]
struct Deaf<M>(M);

trait Mishears: Model {
    fn heard(call: Self::Call) -> Self::Call;
}

macro_rules! mishears {
    ($model:ty: $call:pat => $heard:expr) => {
        impl Mishears for $model {
            fn heard(call: Self::Call) -> Self::Call {
                match call {
                    $call => $heard,
                    other => other,
                }
            }
        }
    };
}

// Who waits is not let go by a set that a clear follows at once.
mishears! { Flag: event::Call::Pulse => event::Call::Clear }
// A panic poisons nothing.
mishears! { Owned<false>: lock::Call::Panic => lock::Call::Unlock }
// However many permits are given, one arrives.
mishears! { Permits<Plain>: semaphore::Call::Release(2..) => semaphore::Call::Release(1) }
// Whoever waits for a while does not wait.
mishears! { Deque: queue::Call::Put(text, Wait::For(Span::Short)) => queue::Call::Put(text, Wait::Not) }
// Adding is writing.
mishears! { Elements<i8>: shared_array::Call::FetchAdd(at, n) => shared_array::Call::Swap(at, n) }
// Whoever does not want to wait does, for no time.
mishears! { Ends<false>: pipe::Call::Recv(Wait::Not) => pipe::Call::Recv(Wait::For(Span::Zero)) }

impl<M: Debug> Debug for Deaf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Mishears> Model for Deaf<M> {
    type Call = M::Call;
    type Answer = M::Answer;
    type View = M::View;

    fn begin() -> BoxedStrategy<Self> {
        M::begin().prop_map(Deaf).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<M::Call> {
        self.0.calls(seat)
    }

    fn may(&self, seat: usize, call: &M::Call) -> bool {
        self.0.may(seat, call)
    }

    fn play(&mut self, seat: usize, call: &M::Call, answers: &mut Answers<M::Answer>) {
        self.0.play(seat, &M::heard(call.clone()), answers);
    }

    fn view(&self) -> M::View {
        self.0.view()
    }
}

/// A primitive whose model is deaf.
#[derive(Clone)]
struct Against<S>(S);

impl<S: Subject<Model: Mishears>> Subject for Against<S> {
    type Model = Deaf<S::Model>;

    fn make(model: &Deaf<S::Model>) -> Self {
        Against(S::make(&model.0))
    }

    fn sit(self, seat: SeatOf<S::Model>) {
        self.0.sit(seat);
    }

    fn view(&self) -> <S::Model as Model>::View {
        self.0.view()
    }

    fn free(&self) {
        self.0.free();
    }
}

/// The calls by which the model is caught, the same each time.
fn caught<S: Subject<Model: Mishears>>() -> String {
    let config = ProptestConfig { cases: 1000, ..config() };
    let rng = TestRng::from_seed(config.rng_algorithm, &[7; 16]);
    let difference = difference::<Against<S>>(TestRunner::new_with_rng(config, rng));
    difference.expect("they differ, and some sequence shows it").0
}

#[test]
fn of_lock() {
    insta::assert_snapshot!(caught::<OnLock<Arc<Lock<u8>>>>(), @r#"
    Lock::new(0)
    2: try_lock()
    1: lock_for(LONG)
    2: drop(guard)
    1: panic!()
    "#);
}

#[test]
fn of_event() {
    insta::assert_snapshot!(caught::<OnEvent<Shared<Event>>>(), @r#"
    Event::new()
    0: wait()
    1: set(), clear()
    "#);
}

#[test]
fn of_semaphore() {
    insta::assert_snapshot!(caught::<OnSemaphore<Arc<Semaphore>>>(), @r#"
    Semaphore::new(0)
    2: release(2)
    "#);
}

#[test]
fn of_queue() {
    insta::assert_snapshot!(caught::<Queue<Text>>(), @r#"
    Queue::with_bytes(1, 1)
    1: try_put("")
    2: put_for("", SHORT)
    "#);
}

#[test]
fn of_shared_array() {
    insta::assert_snapshot!(caught::<SharedArray<i8>>(), @r#"
    SharedArray::new(&[1])
    0: fetch_add(0, 0)
    "#);
}

#[test]
fn of_pipe() {
    insta::assert_snapshot!(caught::<OnPipe<false>>(), @r#"
    pipe(), texts of 0, end 0 sends
    2: try_recv()
    "#);
}
