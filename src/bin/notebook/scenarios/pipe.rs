//! `pipe`: many send into one end, one receives at the other.

use anyhow::Result;
use multiproc::{Process, RecvError, pipe};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "pipe",
    about: "five children send a list each into one end of a pipe",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let (receiver, sender) = pipe::<Vec<i32>>()?;
    let send = || {
        settings.sleep(3.0);
        sender.send(vec![1, 2, 3, 4, 5]).expect("the parent receives");
    };
    let children = (0..5).map(|_| Process::fork(send)).collect::<Result<Vec<_>, _>>()?;
    // From now on only the children can send: when they have ended, so has the pipe.
    drop(sender);

    let mut lists = Vec::new();
    for _ in 0..5 {
        let list = receiver.recv()?;
        println!("received {list:?}");
        lists.push(list);
    }
    for child in &children {
        child.join()?;
    }
    let end = receiver.recv();
    Ok(Verdict::new()
        .claim("five equal lists, none torn", lists.iter().all(|list| *list == [1, 2, 3, 4, 5]))
        .claim("then the end of the pipe", matches!(end, Err(RecvError::Closed))))
}
