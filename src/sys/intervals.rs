//! When somebody who waits looks again, and how closely. A model knows neither: to it, all of them are one.

use std::time::Duration;

/// Lengths of time, each twice as long as the one before, up to the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubling {
    next: Duration,
    longest: Duration,
}

impl Doubling {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Doubling { next: first, longest }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = self.longest.min(now * 2);
        now
    }
}

/// The first of each so many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OneIn {
    many: u32,
    times: u32,
}

impl OneIn {
    pub(crate) fn new(many: u32) -> Self {
        OneIn { many, times: 0 }
    }

    /// Whether it is one of those.
    pub(crate) fn next(&mut self) -> bool {
        let is_first = self.times == 0;
        self.times = (self.times + 1) % self.many;
        is_first
    }
}

#[cfg(modelled)]
impl std::hash::Hash for Doubling {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[cfg(modelled)]
impl std::hash::Hash for OneIn {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_twice_as_long_up_to_the_longest() {
        let mut lengths = Doubling::new(Duration::from_millis(5), Duration::from_millis(18));
        assert_eq!([(); 4].map(|()| lengths.next().as_millis()), [5, 10, 18, 18]);
    }

    #[test]
    fn the_first_of_so_many_is_one() {
        let mut closely = OneIn::new(3);
        assert_eq!([(); 5].map(|()| closely.next()), [true, false, false, true, false]);
    }
}
