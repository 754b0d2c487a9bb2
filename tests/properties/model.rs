//! What a primitive must do, as a plain value that one thread plays with, and how the two are
//! compared.

use std::fmt::{self, Debug};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{RngAlgorithm, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::crew::{Crew, Seat};
use crate::panics::caught;

/// How many sit around a primitive and call it: enough for one who holds, one who waits and one who
/// comes in between.
pub(crate) const SEATS: usize = 3;

/// A call, as it is shown, and who makes it.
#[derive(Clone)]
pub(crate) struct By<C>(pub(crate) usize, pub(crate) C);

impl<C: Debug> Debug for By<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.0, self.1)
    }
}

/// What a call gave, or what it panicked with.
pub(crate) type Said<A> = Result<A, String>;

/// What must come of a call, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Answers<A>(pub(crate) Vec<(usize, Said<A>)>);

impl<A> Answers<A> {
    /// `seat` is answered: it has called just now, or waited.
    pub(crate) fn give(&mut self, seat: usize, answer: A) {
        self.0.push((seat, Ok(answer)));
    }

    /// What is answered by a part of the primitive.
    pub(crate) fn of<B>(&mut self, whole: fn(B) -> A, part: impl FnOnce(&mut Answers<B>)) {
        let mut answers = Answers(Vec::new());
        part(&mut answers);
        self.0.extend(answers.0.into_iter().map(|(seat, said)| (seat, said.map(whole))));
    }

    /// The call panics.
    pub(crate) fn panic(&mut self, seat: usize, message: &str) {
        self.0.push((seat, Err(message.to_owned())));
    }
}

/// A primitive as a plain value.
pub(crate) trait Model: Clone + Debug + Send + 'static {
    /// What can be called: shown as it is written.
    type Call: Clone + Debug + Send;
    /// What that gives.
    type Answer: Clone + Debug + PartialEq + Send;
    /// What anyone can see at any time.
    type View: Debug + PartialEq;

    /// How it can be made.
    fn begin() -> BoxedStrategy<Self>;

    /// What one who does not wait may call.
    fn calls(&self, seat: usize) -> BoxedStrategy<Self::Call>;

    /// Whether it may be called now: whatever [`Model::calls`] gives, here or in another state.
    fn may(&self, seat: usize, call: &Self::Call) -> bool {
        let _ = (seat, call);
        true
    }

    /// Plays a call. Whoever is not answered waits, until it is by someone else's call. Those who
    /// wait for the same are let in in any order, so this may choose one.
    fn play(&mut self, seat: usize, call: &Self::Call, answers: &mut Answers<Self::Answer>);

    fn view(&self) -> Self::View;
}

/// A seat from which what a model plays is called.
pub(crate) type SeatOf<M> = Seat<<M as Model>::Call, <M as Model>::Answer>;

/// A primitive, as all seats have it.
pub(crate) trait Subject: Clone + Send + 'static {
    type Model: Model;

    fn make(model: &Self::Model) -> Self;

    /// Serves a seat, by [`Seat::serve`]; holds its guards.
    fn sit(self, seat: SeatOf<Self::Model>);

    fn view(&self) -> <Self::Model as Model>::View;

    /// Lets all go who still wait when the others leave, if that takes more.
    fn free(&self) {}

    /// What can be said when all have left.
    fn end(self, model: &Self::Model) {
        let _ = model;
    }
}

/// A model, and what must come of the call that led to it.
#[derive(Clone)]
pub(crate) struct Told<M: Model> {
    model: M,
    pub(crate) answers: Answers<M::Answer>,
    pub(crate) waits: [bool; SEATS],
}

impl<M: Model> Debug for Told<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}

impl<M: Model> ReferenceStateMachine for Told<M> {
    type State = Self;
    type Transition = By<M::Call>;

    fn init_state() -> BoxedStrategy<Self> {
        let told = |model| Told { model, answers: Answers(Vec::new()), waits: [false; SEATS] };
        M::begin().prop_map(told).boxed()
    }

    fn transitions(told: &Self) -> BoxedStrategy<By<M::Call>> {
        let free = (0..SEATS).filter(|&seat| !told.waits[seat]);
        let calls = |seat| told.model.calls(seat).prop_map(move |call| By(seat, call)).boxed();
        Union::new(free.map(calls)).boxed()
    }

    fn preconditions(told: &Self, by: &By<M::Call>) -> bool {
        let may = !told.waits[by.0] && told.model.may(by.0, &by.1);
        // Someone must be left to go on.
        may && Self::apply(told.clone(), by).waits != [true; SEATS]
    }

    fn apply(mut told: Self, By(seat, call): &By<M::Call>) -> Self {
        told.answers.0.clear();
        told.model.play(*seat, call, &mut told.answers);
        told.waits[*seat] = true;
        told.answers.0.iter().for_each(|(answered, _)| told.waits[*answered] = false);
        told
    }
}

/// A subject in play.
struct Play<S: Subject> {
    subject: S,
    crew: Crew<S::Model>,
}

impl<S: Subject> StateMachineTest for Play<S> {
    type SystemUnderTest = Self;
    type Reference = Told<S::Model>;

    fn init_test(told: &Told<S::Model>) -> Self {
        let subject = S::make(&told.model);
        Play { crew: Crew::around(&subject), subject }
    }

    fn apply(mut play: Self, told: &Told<S::Model>, call: By<CallOf<S>>) -> Self {
        play.crew.play(call, told);
        play
    }

    fn check_invariants(play: &Self, told: &Told<S::Model>) {
        assert_eq!(play.subject.view(), told.model.view(), "what anyone sees (left)");
    }

    fn teardown(play: Self, told: Told<S::Model>) {
        play.crew.leave(|| play.subject.free());
        play.subject.end(&told.model);
    }
}

type CallOf<S> = <<S as Subject>::Model as Model>::Call;

/// Plays sequences of calls, as many as `PROPTEST_CASES` says or 256.
///
/// # Panics
/// When the subject does otherwise than its model in one, with the shortest such sequence found.
pub(crate) fn agrees<S: Subject>() {
    if let Some((calls, reason)) = difference::<S>(TestRunner::new(config())) {
        panic!("{calls}\n{reason}");
    }
}

/// No file of what failed before: a sequence that is worth keeping is a test of its own.
/// (`PROPTEST_RNG_SEED` repeats a run.)
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        // Of calls that may not be made in the state: there are some in each sequence.
        max_local_rejects: u32::MAX,
        max_shrink_time: LIMIT.as_millis() as u32,
        // The default one would take most of the time of a debug build.
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

/// The shortest sequence found in which the subject does otherwise than its model, and how.
pub(crate) fn difference<S: Subject>(mut runner: TestRunner) -> Option<(String, String)> {
    let config = runner.config().clone();
    let play = |begin: Told<S::Model>, calls, seen| {
        caught(|| Play::<S>::test_sequential(config.clone(), begin, calls, seen))
    };
    let sequences = Told::<S::Model>::sequential_strategy(1..LONGEST);
    let ran = runner.run(&sequences, |(begin, calls, seen)| {
        play(begin, calls, seen).map_err(TestCaseError::fail)
    });
    match ran {
        Ok(()) => None,
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Err(TestError::Fail(reason, (begin, calls, _))) => {
            let differs = |calls: &[_]| play(begin.clone(), calls.to_vec(), None).err();
            let (calls, shorter) = cut(&begin, calls, differs);
            let lines = calls.iter().map(|call| format!("\n{call:?}"));
            let lines = lines.fold(format!("{begin:?}"), |lines, line| lines + &line);
            Some((lines, shorter.unwrap_or_else(|| reason.to_string())))
        }
    }
}

/// Leaves out each call without which the others still differ, and how they do then: proptest tries
/// that once, and makes the calls simpler after that. (Not for ever: each that hangs takes long.)
fn cut<M: Model>(
    begin: &Told<M>,
    mut calls: Vec<By<M::Call>>,
    differs: impl Fn(&[By<M::Call>]) -> Option<String>,
) -> (Vec<By<M::Call>>, Option<String>) {
    let (start, mut reason, mut at) = (Instant::now(), None, 0);
    while at < calls.len() && start.elapsed() < LIMIT {
        let mut fewer = calls.clone();
        fewer.remove(at);
        match may(begin, &fewer).then(|| differs(&fewer)).flatten() {
            Some(why) => (calls, reason, at) = (fewer, Some(why), 0),
            None => at += 1,
        }
    }
    (calls, reason)
}

/// Whether each call may be made when its turn comes.
fn may<M: Model>(begin: &Told<M>, calls: &[By<M::Call>]) -> bool {
    let mut told = begin.clone();
    calls.iter().all(|call| {
        let may = Told::preconditions(&told, call);
        if may {
            told = Told::apply(told.clone(), call);
        }
        may
    })
}

/// How long a sequence is cut down: each that hangs takes a while.
const LIMIT: Duration = Duration::from_secs(100);

/// Calls of a sequence: enough to fill and empty things a few times.
const LONGEST: usize = 40;
