//! Shared memory under a name: who meets by it, who is refused, and who wins a race for it.
//!
//! * What was created under a name is what others open by it, in programs that share nothing else.
//! * What is in use is never taken from its users; what was left by the dead is always free again.
//! * Whatever the file under a name has become, opening it says what is wrong and harms nobody.
//!
//! While a thread of this program starts a process, that one has for a moment all descriptors of
//! this one. So whatever has to be held by nobody is held in a process that starts no others.
#![cfg(not(modelled))]

#[path = "../support/alone.rs"]
mod alone;
mod races;
mod refusals;
#[path = "../support/until.rs"]
mod until;

use std::fs;
use std::time::Duration;

use multiproc::{Error, Event, Lock, NameProblem, Process, Shared};

use crate::until::until;

/// What programs meet in: a sum, and an event in each direction.
type Scene = Shared<(Lock<u64>, Event, Event)>;

/// Long enough that only a hang reaches it.
const LONG: Duration = Duration::from_secs(60);

/// A name of this run alone, which is gone with it.
struct Named(String);

impl Named {
    fn new(what: &str) -> Self {
        Named(format!("test-{what}-{}", std::process::id()))
    }

    fn path(&self) -> String {
        format!("/dev/shm/multiproc-{}", self.0)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
    }
}

fn scene() -> (Lock<u64>, Event, Event) {
    (Lock::new(0), Event::new(), Event::new())
}

/// What is wrong with the name.
#[track_caller]
fn problem<T>(result: Result<T, Error>) -> NameProblem {
    match result {
        Err(Error::Name { problem, .. }) => problem,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing is wrong with it"),
    }
}

fn create_and_wait(name: String) -> u64 {
    let scene = Scene::create(&name, scene()).unwrap();
    assert!(scene.1.wait_for(LONG), "the other came");
    *scene.0.lock().unwrap() *= 10;
    scene.2.set();
    // What was started by then is done with the name.
    Scene::unlink(&name).unwrap();
    *scene.0.lock().unwrap()
}

fn open_and_add(name: String) -> u64 {
    let mut found = None;
    until("the memory to be created", || {
        found = Scene::open(&name).ok();
        found.is_some()
    });
    let scene = found.unwrap();
    *scene.0.lock().unwrap() += 7;
    scene.1.set();
    assert!(scene.2.wait_for(LONG), "the other answered");
    *scene.0.lock().unwrap()
}

#[test]
fn programs_that_know_a_name_meet() {
    let name = Named::new("meet");
    let opener = Process::spawn(open_and_add, name.0.clone()).unwrap();
    let creator = Process::spawn(create_and_wait, name.0.clone()).unwrap();
    assert_eq!(opener.join().unwrap(), 70);
    assert_eq!(creator.join().unwrap(), 70);
    assert!(!fs::exists(name.path()).unwrap());
}

/// The creator is killed while it holds the lock: the other learns it, by the same name.
#[test]
fn a_lock_under_a_name_survives_its_owner() {
    let name = Named::new("owner");
    let hold = |name: String| {
        let scene = Scene::create(&name, scene()).unwrap();
        let _guard = scene.0.lock().unwrap();
        scene.1.set();
        Event::new().wait();
    };
    let owner = Process::spawn(hold, name.0.clone()).unwrap();
    let mut found = None;
    until("the memory to be created", || {
        found = Scene::open(&name.0).ok();
        found.is_some()
    });
    let scene = found.unwrap();
    assert!(scene.1.wait_for(LONG));
    owner.kill().unwrap();
    assert!(scene.0.lock().is_err(), "its owner died");
    assert!(Scene::open(&name.0).is_ok(), "we hold it, so it is not abandoned");
}

#[test]
fn a_name_is_in_use_while_anyone_holds_it() {
    let name = Named::new("use");
    let made = Shared::create(&name.0, 1u64).unwrap();
    assert!(matches!(problem(Shared::create(&name.0, 2u64)), NameProblem::InUse));
    let opened = Shared::<u64>::open(&name.0).unwrap();
    drop(made);
    assert!(matches!(problem(Shared::create(&name.0, 2u64)), NameProblem::InUse));
    assert_eq!(*Shared::<u64>::open(&name.0).unwrap(), 1);
    drop(opened);
}

#[test]
fn what_is_unlinked_stays_with_those_who_hold_it() {
    let name = Named::new("unlink");
    let old = Scene::create(&name.0, scene()).unwrap();
    let same = Scene::open(&name.0).unwrap();
    Scene::unlink(&name.0).unwrap();
    assert!(matches!(problem(Scene::open(&name.0)), NameProblem::NotFound));
    let new = Scene::create(&name.0, scene()).unwrap();
    *same.0.lock().unwrap() = 1;
    *Scene::open(&name.0).unwrap().0.lock().unwrap() = 2;
    assert_eq!((*old.0.lock().unwrap(), *new.0.lock().unwrap()), (1, 2));
}

#[test]
fn dropping_leaves_the_name() {
    alone::alone(|()| {
        let name = Named::new("drop");
        drop(Shared::create(&name.0, 1u64).unwrap());
        assert!(matches!(problem(Shared::<u64>::open(&name.0)), NameProblem::Abandoned));
        assert_eq!(*Shared::create(&name.0, 2u64).unwrap(), 2);
        Shared::<u64>::unlink(&name.0).unwrap();
        assert!(matches!(problem(Shared::<u64>::unlink(&name.0)), NameProblem::NotFound));
    });
}

/// It is the same memory, and whoever got it holds the name too.
#[test]
fn named_memory_is_handed_on_as_an_argument() {
    alone::alone(|()| {
        let name = Named::new("hand");
        let scene = Scene::create(&name.0, scene()).unwrap();
        let hold = |scene: Scene| {
            *scene.0.lock().unwrap() += 1;
            scene.1.set();
            Event::new().wait();
        };
        let heir = Process::spawn(hold, scene.clone()).unwrap();
        assert!(scene.1.wait_for(LONG));
        drop(scene);
        assert_eq!(*Scene::open(&name.0).unwrap().0.lock().unwrap(), 1, "the heir holds it");
        heir.kill().unwrap();
        heir.join().unwrap_err();
        assert!(matches!(problem(Scene::open(&name.0)), NameProblem::Abandoned));
    });
}

/// Also when nobody will find it by its name any more.
#[test]
fn what_was_unlinked_is_still_handed_on() {
    let name = Named::new("unlinked");
    let scene = Scene::create(&name.0, scene()).unwrap();
    Scene::unlink(&name.0).unwrap();
    let add = |scene: Scene| *scene.0.lock().unwrap() += 1;
    Process::spawn(add, scene.clone()).unwrap().join().unwrap();
    assert_eq!(*scene.0.lock().unwrap(), 1);
}

#[test]
fn a_forked_child_holds_what_it_got_by_move() {
    alone::alone(|()| {
        let name = Named::new("fork");
        let scene = Scene::create(&name.0, scene()).unwrap();
        let heir = {
            let scene = scene.clone();
            Process::fork(move || {
                scene.1.set();
                Event::new().wait();
            })
            .unwrap()
        };
        assert!(scene.1.wait_for(LONG));
        drop(scene);
        assert!(Scene::open(&name.0).unwrap().1.is_set(), "the heir holds it");
        heir.kill().unwrap();
        heir.join().unwrap_err();
        assert!(matches!(problem(Scene::open(&name.0)), NameProblem::Abandoned));
    });
}
