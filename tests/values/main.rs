//! What becomes of values: in a queue, in a pipe, as argument and result of a process and of a
//! pool's task.
//!
//! What must hold:
//! * a value arrives equal, or is refused before it is sent, with the names of what is to blame;
//! * so with every attribute that serde documents: of fields in `fields`, of variants and enums in
//!   `enums`, of whole types in `containers`, and without any in `plain`;
//! * what is written otherwise than it is read is refused, by its place: in `one_way`; and nothing else
//!   is: every type of std, and what crates make of them, in `std_types`;
//! * so is what leaves as many values of the same kinds, and comes back changed: in `comes_back`; and what
//!   stands behind values that were not made up: in `unseen`;
//! * what needs a format that describes itself goes in a `SelfDescribing`;
//! * a message of the user's own `Serialize` or `Deserialize` comes back, word for word.
#![cfg(not(modelled))]

mod comes_back;
mod containers;
mod enums;
mod everywhere;
mod fields;
mod messages;
mod one_way;
mod plain;
mod std_types;
mod unseen;
