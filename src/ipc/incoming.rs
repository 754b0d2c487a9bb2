//! What comes out of a queue or a pipe, as an iterator.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{GetError, RecvError};
use crate::ipc::pipe::Receiver;
use crate::ipc::queue::Queue;

/// What comes out of a [`Queue`] or a [`Receiver`], one value after the other. Made by their `iter`,
/// which waits for each, their `try_iter`, which does not, and by `for`.
///
/// ```
/// let (receiver, sender) = multiproc::pipe()?;
/// std::thread::spawn(move || (1..=3).try_for_each(|n| sender.send(n)));
/// let mut sum = 0;
/// for n in &receiver {
///     sum += n?; // until nobody can send any more
/// }
/// assert_eq!(sum, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Where it ends
///
/// | what there is | `iter` and `for` | `try_iter` |
/// |---|---|---|
/// | a value | `Some(Ok(value))` | the same |
/// | nothing yet | waits | `None`; there may be more later |
/// | nothing, and there never will be: `Closed` | `None`, for good | the same |
/// | a message that is no value of this type: `Decode` | `Some(Err(error))`; the next comes after it | the same |
/// | another error: `Corrupt`, `Os` | `Some(Err(error))`, then `None`, for good | the same |
///
/// So nothing that was sent is left out without a word, and a loop that ignores errors ends all the
/// same. The queue or the pipe can be used on after any of them: a new iterator tries again.
///
/// # If a process dies
///
/// As for [`Queue::get`] and [`Receiver::recv`]: a pipe ends with the last that could send; a queue does
/// not know who will put, and `for` waits until somebody [closes](Queue::close) it.
///
/// # Different from std
///
/// The items of `std::sync::mpsc`'s iterators are the values alone, since between threads a value always
/// arrives.
#[derive(Clone, Debug)]
#[must_use = "nothing is taken until it is asked for the next"]
pub struct Incoming<S> {
    source: S,
    waits: bool,
    has_ended: bool,
}

impl<S> Incoming<S> {
    fn new(source: S, waits: bool) -> Self {
        Incoming { source, waits, has_ended: false }
    }
}

impl<S: Source> Iterator for Incoming<S> {
    type Item = Result<S::Value, S::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let taken = self.source.take(self.waits);
        let meaning = taken.as_ref().map_or_else(S::meaning, |_| Meaning::GoesOn);
        self.has_ended = matches!(meaning, Meaning::End | Meaning::Trouble);
        match meaning {
            Meaning::GoesOn | Meaning::Trouble => Some(taken),
            Meaning::End | Meaning::NotNow => None,
        }
    }
}

/// What values come out of. Sealed: [`Queue`] and [`Receiver`], owned or borrowed.
pub trait Source {
    /// What comes out.
    type Value;
    /// Why nothing did.
    type Error;

    #[doc(hidden)]
    fn take(&self, waits: bool) -> Result<Self::Value, Self::Error>;

    #[doc(hidden)]
    fn meaning(error: &Self::Error) -> Meaning;
}

/// What an error, or a value, says of what comes after it.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// The next can be taken.
    GoesOn,
    /// Nothing is there at this moment.
    NotNow,
    /// Nothing comes any more.
    End,
    /// The next would most likely be the same.
    Trouble,
}

impl<T: Serialize + DeserializeOwned> Source for Queue<T> {
    type Value = T;
    type Error = GetError;

    fn take(&self, waits: bool) -> Result<T, GetError> {
        if waits { self.get() } else { self.try_get() }
    }

    fn meaning(error: &GetError) -> Meaning {
        match error {
            GetError::Decode(_) => Meaning::GoesOn,
            GetError::Empty | GetError::TimedOut => Meaning::NotNow,
            GetError::Closed => Meaning::End,
            GetError::Corrupt => Meaning::Trouble,
        }
    }
}

impl<T: DeserializeOwned> Source for Receiver<T> {
    type Value = T;
    type Error = RecvError;

    fn take(&self, waits: bool) -> Result<T, RecvError> {
        if waits { self.recv() } else { self.try_recv() }
    }

    fn meaning(error: &RecvError) -> Meaning {
        match error {
            RecvError::Decode(_) => Meaning::GoesOn,
            RecvError::Empty | RecvError::TimedOut => Meaning::NotNow,
            RecvError::Closed => Meaning::End,
            RecvError::Os { .. } => Meaning::Trouble,
        }
    }
}

impl<S: Source> Source for &S {
    type Value = S::Value;
    type Error = S::Error;

    fn take(&self, waits: bool) -> Result<S::Value, S::Error> {
        S::take(self, waits)
    }

    fn meaning(error: &S::Error) -> Meaning {
        S::meaning(error)
    }
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// The values that are put, waiting for each, until the queue is closed and empty. `for value in
    /// &queue` is the same.
    ///
    /// ```
    /// let queue = multiproc::Queue::bounded(8)?;
    /// let producer = queue.clone();
    /// std::thread::spawn(move || {
    ///     (1..=3).for_each(|n| producer.put(n).unwrap());
    ///     producer.close();
    /// });
    /// assert_eq!(queue.iter().sum::<Result<i32, _>>()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Incoming<&Self> {
        Incoming::new(self, true)
    }

    /// The values that are there, without waiting for more.
    ///
    /// ```
    /// let queue = multiproc::Queue::bounded(8)?;
    /// queue.put(1)?;
    /// queue.put(2)?;
    /// assert_eq!(queue.try_iter().collect::<Result<Vec<i32>, _>>()?, [1, 2]);
    /// assert!(queue.try_iter().next().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&self) -> Incoming<&Self> {
        Incoming::new(self, false)
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// The messages that come, waiting for each, until nobody can send any more. `for message in
    /// &receiver` is the same.
    pub fn iter(&self) -> Incoming<&Self> {
        Incoming::new(self, true)
    }

    /// The messages that are there, without waiting for more.
    ///
    /// ```
    /// let (receiver, sender) = multiproc::pipe()?;
    /// sender.send(1)?;
    /// sender.send(2)?;
    /// assert_eq!(receiver.try_iter().collect::<Result<Vec<i32>, _>>()?, [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_iter(&self) -> Incoming<&Self> {
        Incoming::new(self, false)
    }
}

impl<'a, T: Serialize + DeserializeOwned> IntoIterator for &'a Queue<T> {
    type Item = Result<T, GetError>;
    type IntoIter = Incoming<&'a Queue<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize + DeserializeOwned> IntoIterator for Queue<T> {
    type Item = Result<T, GetError>;
    type IntoIter = Incoming<Queue<T>>;

    fn into_iter(self) -> Self::IntoIter {
        Incoming::new(self, true)
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Receiver<T> {
    type Item = Result<T, RecvError>;
    type IntoIter = Incoming<&'a Receiver<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: DeserializeOwned> IntoIterator for Receiver<T> {
    type Item = Result<T, RecvError>;
    type IntoIter = Incoming<Receiver<T>>;

    fn into_iter(self) -> Self::IntoIter {
        Incoming::new(self, true)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use super::*;
    use crate::error::CodecError;

    /// Gives what stands in it, the last first.
    struct Script(RefCell<Vec<Result<u8, RecvError>>>);

    impl Source for Script {
        type Value = u8;
        type Error = RecvError;

        fn take(&self, _: bool) -> Result<u8, RecvError> {
            self.0.borrow_mut().pop().expect("nothing is asked for after the end")
        }

        fn meaning(error: &RecvError) -> Meaning {
            Receiver::<u8>::meaning(error)
        }
    }

    fn of<const N: usize>(mut answers: [Result<u8, RecvError>; N]) -> Incoming<Script> {
        answers.reverse();
        Incoming::new(Script(RefCell::new(answers.into())), true)
    }

    #[test]
    fn it_ends_for_good_where_nothing_comes_any_more() {
        let mut values = of([Ok(1), Err(RecvError::Closed)]);
        assert!(matches!(values.next(), Some(Ok(1))));
        assert!(values.next().is_none() && values.next().is_none());
    }

    #[test]
    fn trouble_is_the_last_item_and_garbage_is_not() {
        let garbage = || Err(RecvError::Decode(CodecError::Custom("odd".into())));
        let trouble = || Err(RecvError::Os { call: "poll", source: io::ErrorKind::Other.into() });
        let mut values = of([garbage(), Ok(2), trouble()]);
        assert!(matches!(values.next(), Some(Err(RecvError::Decode(_)))));
        assert!(matches!(values.next(), Some(Ok(2))));
        assert!(matches!(values.next(), Some(Err(RecvError::Os { .. }))));
        assert!(values.next().is_none() && values.next().is_none());
        assert!(matches!(Queue::<u8>::meaning(&GetError::Corrupt), Meaning::Trouble));
    }

    #[test]
    fn nothing_yet_is_not_the_end() {
        let mut values = of([Err(RecvError::Empty), Ok(3), Err(RecvError::Empty)]);
        assert!(values.next().is_none());
        assert!(matches!(values.next(), Some(Ok(3))));
        assert!(values.next().is_none());
    }
}
