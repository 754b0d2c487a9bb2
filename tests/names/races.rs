//! Several want one name at once, and some of them die.

use std::thread;

use multiproc::{Error, Event, Lock, NameProblem, Process, Semaphore, Shared};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use crate::alone::alone;
use crate::until::until;
use crate::{LONG, Named, problem};

const RACERS: usize = 8;
const ROUNDS: usize = 60;

/// Who won, a signal for each racer, and one from all of them.
type Track = Shared<(Lock<[u32; RACERS]>, [Semaphore; RACERS], Semaphore)>;

fn race((track, name, me): (Track, String, usize)) {
    let (won, go, done) = &*track;
    for _ in 0..ROUNDS {
        go[me].acquire_for(LONG).expect("the starter is there").forget();
        let made = Shared::create(&name, me as u64);
        match &made {
            Ok(_) => won.lock().unwrap()[me] = 1,
            Err(Error::Name { problem: NameProblem::InUse, .. }) => {}
            Err(other) => panic!("{other}"),
        }
        done.release(1).unwrap();
        go[me].acquire_for(LONG).expect("the starter is there").forget();
        drop(made);
        done.release(1).unwrap();
    }
}

/// For a name that is free, and for one that the last winner left.
#[test]
fn of_those_who_create_one_name_at_once_one_wins() {
    alone(|()| {
        let name = Named::new("race");
        let signals = [const { Semaphore::new(0) }; RACERS];
        let track: Track =
            Shared::new((Lock::new([0; RACERS]), signals, Semaphore::new(0))).unwrap();
        let start = |me| Process::spawn(race, (track.clone(), name.0.clone(), me)).unwrap();
        let racers = std::array::from_fn::<_, RACERS, _>(start);
        let all = || {
            track.1.iter().for_each(|go| go.release(1).unwrap());
            (0..RACERS).for_each(|_| track.2.acquire_for(LONG).expect("none is lost").forget());
        };
        for round in 0..ROUNDS {
            if round % 2 == 0 && round > 0 {
                Shared::<u64>::unlink(&name.0).unwrap();
            }
            all();
            let won = std::mem::take(&mut *track.0.lock().unwrap());
            assert_eq!(won.iter().sum::<u32>(), 1, "round {round}: {won:?}");
            let winner = *Shared::<u64>::open(&name.0).unwrap();
            assert_eq!(won[winner as usize], 1, "the name is the winner's");
            all();
        }
        racers.iter().for_each(|racer| racer.join().unwrap());
    });
}

/// The last who holds a name is killed while one opens it and one creates it anew: they never end
/// with different memory under one name.
#[test]
fn one_who_opens_and_one_who_replaces_agree_on_whether_the_last_holder_is_dead() {
    alone(|()| {
        let name = Named::new("last");
        let ready = Shared::new(Event::new()).unwrap();
        let hold = |(name, ready): (String, Shared<Event>)| {
            let _made = Shared::create(&name, 1u64).unwrap();
            ready.set();
            Event::new().wait();
        };
        let (mut opened_old, mut opened_new, mut replaced) = (0, 0, 0);
        for round in 0..150 {
            ready.clear();
            let holder = Process::spawn(hold, (name.0.clone(), ready.clone())).unwrap();
            assert!(ready.wait_for(LONG));
            let before = round % 2 == 0;
            if before {
                holder.kill().unwrap();
                (0..round % 15).for_each(|_| thread::yield_now());
            }
            let (opened, made) = thread::scope(|scope| {
                let opener = scope.spawn(|| Shared::<u64>::open(&name.0));
                let creator = scope.spawn(|| Shared::create(&name.0, 2u64));
                if !before {
                    holder.kill().unwrap();
                }
                (opener.join().unwrap(), creator.join().unwrap())
            });
            holder.join().unwrap_err();
            match (&opened, &made) {
                (Ok(opened), Ok(made)) => assert_eq!((**opened, **made), (2, 2)),
                (Ok(opened), Err(_)) => {
                    assert_eq!(**opened, 1);
                    assert_eq!(*Shared::<u64>::open(&name.0).unwrap(), 1, "it is still the name's");
                    let again = problem(Shared::create(&name.0, 3u64));
                    assert!(matches!(again, NameProblem::InUse));
                }
                (Err(_), Ok(made)) => assert_eq!(*Shared::<u64>::open(&name.0).unwrap(), **made),
                (Err(_), Err(_)) => {
                    let left = problem(Shared::<u64>::open(&name.0));
                    assert!(matches!(left, NameProblem::Abandoned));
                }
            }
            replaced += u32::from(made.is_ok());
            match opened {
                Ok(opened) if *opened == 1 => opened_old += 1,
                Ok(_) => opened_new += 1,
                Err(Error::Name {
                    problem: NameProblem::Abandoned | NameProblem::NotFound,
                    ..
                }) => {}
                Err(other) => panic!("{other}"),
            }
            if let Err(Error::Name { problem: NameProblem::InUse, .. }) | Ok(_) = made {
                Shared::<u64>::unlink(&name.0).unwrap();
            } else {
                panic!("{}", made.unwrap_err());
            }
        }
        println!(
            "150 deaths: opened the old {opened_old}, the new {opened_new}; replaced {replaced}"
        );
    });
}

/// Whoever looks whether a name is abandoned is no holder, neither to those who look with it nor
/// to one who replaces it.
#[test]
fn looking_together_at_what_nobody_holds_does_not_revive_it() {
    alone(|()| {
        let name = Named::new("look");
        for round in 0..200 {
            drop(Shared::create(&name.0, round).unwrap());
            let look = || problem(Shared::<i32>::open(&name.0));
            thread::scope(|scope| {
                let lookers = [(); 4].map(|()| scope.spawn(|| [(); 5].map(|()| look())));
                for looker in lookers {
                    for seen in looker.join().unwrap() {
                        assert!(matches!(seen, NameProblem::Abandoned), "round {round}: {seen}");
                    }
                }
            });
        }
    });
}

/// Does everything that can be done with a name, until it is killed.
fn meddle((name, seed): (String, u64)) {
    let mut rng = StdRng::seed_from_u64(seed);
    loop {
        let result = match rng.random_range(0..4) {
            0 | 1 => Shared::create(&name, [seed; 600]).map(drop),
            2 => Shared::<[u64; 600]>::open(&name).map(|value| {
                assert!(value.iter().all(|word| *word == value[0]), "it is whole");
            }),
            _ => Shared::<[u64; 600]>::unlink(&name),
        };
        match result {
            Ok(()) => {}
            Err(Error::Name {
                problem: NameProblem::NotFound | NameProblem::InUse | NameProblem::Abandoned,
                ..
            }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// `MULTIPROC_SEED` replays one.
#[test]
fn a_storm_of_kills_leaves_the_name_usable() {
    let seed = std::env::var("MULTIPROC_SEED").ok().map(|text| text.parse().unwrap());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().next_u64());
    println!("MULTIPROC_SEED={seed} replays this storm");
    let name = Named::new("storm");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut start = || Process::spawn(meddle, (name.0.clone(), seed ^ rng.next_u64())).unwrap();
    let mut meddlers = [(); 3].map(|()| start());
    let mut order = StdRng::seed_from_u64(!seed);
    for _ in 0..100 {
        (0..order.random_range(0..20)).for_each(|_| thread::yield_now());
        let doomed = &mut meddlers[order.random_range(0..3)];
        doomed.kill().unwrap();
        let ended = doomed.join().unwrap_err().to_string();
        assert!(ended.contains("SIGKILL"), "{ended}");
        *doomed = start();
    }
    for meddler in &meddlers {
        meddler.kill().unwrap();
        meddler.join().unwrap_err();
    }
    // They hold nothing any more, and none is stuck on the way to a decision.
    let mut made = None;
    until("the name to be free", || {
        made = Shared::create(&name.0, [0u64; 600]).ok();
        made.is_some()
    });
    assert_eq!(*Shared::<[u64; 600]>::open(&name.0).unwrap(), [0; 600]);
}
