//! What made-up values are like.

/// Such values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    /// Whether lists and maps have no element, and options no value.
    pub(super) bare: bool,
    pub(super) number: u8,
    pub(super) text: &'static str,
    pub(super) bytes: &'static [u8],
}

/// Tried one after another, as long as a type refuses the values. The first sees the most. (Bytes of a
/// fixed number mostly are 16: an identifier, an address.)
pub(super) const GUESSES: [Guess; 4] = [
    Guess { bare: false, number: 1, text: "1", bytes: b"1" },
    Guess { bare: true, number: 1, text: "1", bytes: b"1" },
    Guess { bare: false, number: 0, text: "", bytes: &[0; 16] },
    Guess { bare: true, number: 0, text: "a", bytes: b"" },
];

/// With these a value is read once more that came back otherwise than it was read.
pub(super) const OTHERS: Guess = Guess { bare: false, number: 100, text: "b", bytes: b"b" };
