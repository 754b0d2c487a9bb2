//! `SharedArray`: elements that processes share, each an atomic.

use anyhow::Result;
use multiproc::{Process, SharedArray};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "shared_array",
    about: "a child writes into an array that its parent sees",
    busy: false,
    play,
};

fn play(_: Settings) -> Result<Verdict> {
    let array = SharedArray::new(b"Hello")?;
    let letters = || array.iter().map(char::from).collect::<Vec<_>>();

    let child = Process::fork(|| {
        let seen = letters();
        seen.iter().for_each(|letter| println!("child: {letter}"));
        array.set(0, b'h').expect("there is an element 0");
        seen
    })?;
    let child_saw = child.join()?;
    let parent_saw = letters();
    parent_saw.iter().for_each(|letter| println!("parent: {letter}"));
    let value = array.value();
    println!("as a whole: {}", String::from_utf8_lossy(&value));

    let numbers = SharedArray::new(&[1, 2, 3, 4])?;
    println!("numbers: {:?}", numbers.to_vec());
    let zeros = SharedArray::<i32>::zeroed(5)?;
    println!("zeros: {:?}", zeros.to_vec());

    Ok(Verdict::new()
        .claim("the child saw H e l l o", child_saw == ['H', 'e', 'l', 'l', 'o'])
        .claim(
            "the parent sees h e l l o",
            parent_saw == ['h', 'e', 'l', 'l', 'o'] && value == b"hello",
        )
        .claim(
            "other numbers and zeros too",
            numbers.to_vec() == [1, 2, 3, 4] && zeros.to_vec() == [0; 5],
        ))
}
