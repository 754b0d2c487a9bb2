//! What a thread is told and asked: its name, whether it is a daemon, whether it is alive.

use anyhow::{Error, Result};
use multiproc::{Event, Process, Shared, Thread, duplex, thread};
use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "thread_attributes",
    about: "a daemon thread is renamed while it runs, and nobody waits for it",
    busy: false,
    play,
};

/// What the program found out about its thread.
#[derive(Serialize, Deserialize)]
struct Found {
    daemon: bool,
    alive: bool,
    /// The thread's name, as the main thread and as the thread itself sees it.
    names: [String; 2],
}

fn play(_: Settings) -> Result<Verdict> {
    // The program is a child process, so that there is somebody to look when it has ended.
    let last_line = Shared::new(Event::new())?;
    let child = Process::fork(|| program(last_line.clone()).map_err(|error| error.to_string()))?;
    let found = child.join()?.map_err(Error::msg)?;
    Ok(Verdict::new()
        .claim("daemon is true", found.daemon)
        .claim("both sides see the new name", found.names.iter().all(|name| name == "background"))
        .claim("alive is true", found.alive)
        .claim("its last line is never printed", !last_line.is_set()))
}

fn program(last_line: Shared<Event>) -> Result<Found> {
    let (main, worker) = duplex::<(), String>()?;
    let thread = Thread::builder().name("Thread-A").daemon(true).start(move || {
        let mut name = thread::current().name();
        println!("{name}: I run");
        worker.send(name).expect("the program listens");
        worker.recv().expect("the program renames me");
        name = thread::current().name();
        println!("{name}: so I am called now");
        worker.send(name).expect("the program listens");
        Event::new().wait(); // Nobody sets it.
        println!("this line is never printed");
        last_line.set();
    })?;

    let name = main.recv()?;
    println!("main: {name} is a daemon: {}", thread.is_daemon());
    thread.rename("background");
    main.send(())?;
    let its_own = main.recv()?;
    println!("main: {} is alive: {}", thread.name(), thread.is_alive());
    let names = [thread.name(), its_own];
    // Here the program ends. It waits for threads, but not for daemons.
    Ok(Found { daemon: thread.is_daemon(), alive: thread.is_alive(), names })
}
