//! `Event`: one waits until another says go.

use std::sync::Arc;

use anyhow::Result;
use multiproc::{Event, Lock, Thread};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "event",
    about: "the main thread waits until another has set the password",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let shared = Arc::new((Event::new(), Lock::new(String::new())));

    let setter = Arc::clone(&shared);
    let thread = Thread::spawn(move || {
        let (is_set, password) = &*setter;
        println!("thread: I think of a password");
        settings.sleep(1.0);
        *password.lock().expect("nobody panics with the password") = "open sesame".into();
        is_set.set();
    })?;

    let (is_set, password) = &*shared;
    is_set.wait();
    let password = password.lock().map_err(multiproc::Error::from)?.clone();
    println!("main: the password is {password:?}");
    thread.join()?;
    Ok(Verdict::new().claim("who waited sees the password", password == "open sesame"))
}
