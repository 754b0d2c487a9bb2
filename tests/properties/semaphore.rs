use std::fmt;
use std::marker::PhantomData;

use multiproc::{Overflow, Semaphore};
use proptest::prelude::*;

use crate::model::{Answers, Model, SEATS, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

in_both_places! { <Semaphore>; agrees_with_a_number }

fn agrees_with_a_number<P: Place<Semaphore>>() {
    agrees::<OnSemaphore<P>>();
}

/// How many permits are free, how many each seat keeps, and who waits for one.
#[derive(Clone)]
pub(crate) struct Permits<K> {
    pub(crate) value: u32,
    max: u32,
    kind: PhantomData<K>,
    kept: [u32; SEATS],
    waiting: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Call {
    Acquire(Wait),
    Release(u32),
    /// Drops a permit that this seat keeps.
    Drop,
    Forget,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Acquired(bool),
    Released(Result<(), Overflow>),
    Done,
}

/// Which semaphore.
pub(crate) trait Kind: Clone + Send + 'static {
    const NAME: &str;

    /// How many there can be at first.
    fn first() -> BoxedStrategy<u32> {
        prop_oneof![8 => 0..4u32, 1 => Just(Semaphore::MAX)].boxed()
    }

    /// The most permits that can be free, of so many at first.
    fn max(first: u32) -> u32;
    /// Whether those that are kept are known, and count too when more are released.
    const COUNTS_KEPT: bool = false;
}

#[derive(Clone)]
pub(crate) struct Plain;

impl Kind for Plain {
    const NAME: &str = "Semaphore";

    fn max(_: u32) -> u32 {
        Semaphore::MAX
    }
}

impl<K: Kind> Permits<K> {
    /// How many more can be released.
    fn room(&self) -> u32 {
        let kept = if K::COUNTS_KEPT { self.kept.iter().sum() } else { 0 };
        self.max - self.value - kept
    }

    fn give(&mut self, permits: u32, answers: &mut Answers<Answer>) {
        self.value += permits;
        while self.value > 0 && !self.waiting.is_empty() {
            let next = self.waiting.remove(0);
            self.take(next, answers);
        }
    }

    fn take(&mut self, seat: usize, answers: &mut Answers<Answer>) {
        self.value -= 1;
        self.kept[seat] += 1;
        answers.give(seat, Answer::Acquired(true));
    }
}

impl<K: Kind> Model for Permits<K> {
    type Call = Call;
    type Answer = Answer;
    /// How many are free, and the most that can be.
    type View = (u32, u32);

    fn begin() -> BoxedStrategy<Self> {
        let begin = |value| Permits {
            value,
            max: K::max(value),
            kind: PhantomData,
            kept: [0; SEATS],
            waiting: Vec::new(),
        };
        K::first().prop_map(begin).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call> {
        const MAX: u32 = Semaphore::MAX;
        let permits = prop_oneof![
            9 => 0..5u32,
            1 => prop_oneof![Just(MAX), Just(MAX - 1), Just(MAX + 1), Just(u32::MAX)],
        ];
        let acquire = Wait::any().prop_map(Call::Acquire);
        let release = permits.prop_map(Call::Release);
        match self.kept[seat] > 0 {
            true => prop_oneof![
                3 => acquire, 2 => release, 2 => Just(Call::Drop), 1 => Just(Call::Forget)
            ]
            .boxed(),
            false => prop_oneof![3 => acquire, 1 => release].boxed(),
        }
    }

    fn may(&self, seat: usize, call: &Call) -> bool {
        match call {
            // Those who wait keep nothing, so that they can change seats; and not in vain.
            Call::Acquire(wait) => {
                !wait.is_long() || self.value > 0 || self.kept[seat] == 0 && self.max > 0
            }
            Call::Drop | Call::Forget => self.kept[seat] > 0,
            Call::Release(_) => true,
        }
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        let Permits { value, max, .. } = *self;
        match *call {
            Call::Acquire(_) if value > 0 => self.take(seat, answers),
            Call::Acquire(wait) if wait.is_long() => self.waiting.push(seat),
            Call::Acquire(_) => answers.give(seat, Answer::Acquired(false)),
            Call::Release(released) if released > self.room() => {
                let overflow = Overflow { released, value: max - self.room(), max };
                answers.give(seat, Answer::Released(Err(overflow)));
            }
            Call::Release(released) => {
                answers.give(seat, Answer::Released(Ok(())));
                self.give(released, answers);
            }
            Call::Drop | Call::Forget => {
                self.kept[seat] -= 1;
                answers.give(seat, Answer::Done);
                // With as many free as can be, there is nothing to give back.
                if matches!(call, Call::Drop) && value < max {
                    self.give(1, answers);
                }
            }
        }
    }

    fn view(&self) -> (u32, u32) {
        (self.value, self.max)
    }
}

/// A subject of a semaphore's type, and how it says the most permits that can be free.
macro_rules! subject {
    ($name:ident: $semaphore:ty, $kind:ty, $max:expr) => {
        #[derive(Clone)]
        pub(crate) struct $name<P>(P);

        impl<P: Place<$semaphore>> Subject for $name<P> {
            type Model = Permits<$kind>;

            fn make(model: &Permits<$kind>) -> Self {
                $name(P::of(<$semaphore>::new(model.value)))
            }

            fn sit(self, seat: SeatOf<Permits<$kind>>) {
                let (semaphore, mut kept) = (&*self.0, Vec::new());
                seat.serve(|call| match call {
                    Call::Acquire(wait) => {
                        let permit = match wait {
                            Wait::Ever => Some(semaphore.acquire()),
                            Wait::Not => semaphore.try_acquire(),
                            Wait::For(span) => semaphore.acquire_for(span.duration()),
                            Wait::Until(span) => semaphore.acquire_until(span.instant()),
                        };
                        let acquired = permit.is_some();
                        kept.extend(permit);
                        Answer::Acquired(acquired)
                    }
                    Call::Release(permits) => Answer::Released(semaphore.release(permits)),
                    Call::Drop => {
                        drop(kept.pop().expect("only who keeps one drops it"));
                        Answer::Done
                    }
                    Call::Forget => {
                        kept.pop().expect("only who keeps one forgets it").forget();
                        Answer::Done
                    }
                });
            }

            fn view(&self) -> (u32, u32) {
                (self.0.value(), $max(&*self.0))
            }

            fn free(&self) {
                // For each who waits. Of a bounded one, others have them, and give them back.
                while self.0.release(1).is_ok() && self.0.value() < SEATS as u32 {}
            }
        }
    };
}
pub(crate) use subject;

subject! { OnSemaphore: Semaphore, Plain, |_| Semaphore::MAX }

impl<K: Kind> fmt::Debug for Permits<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::new({})", K::NAME, self.value)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Acquire(wait) => wait.written(f, "acquire", ""),
            Call::Release(permits) => write!(f, "release({permits})"),
            Call::Drop => f.write_str("drop(permit)"),
            Call::Forget => f.write_str("permit.forget()"),
        }
    }
}
