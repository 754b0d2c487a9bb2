//! What a child logs, in its parent's logger.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};

use crate::logger::Logger;
use crate::until::until;
use crate::{Nothing, alone};
use log::{Level, LevelFilter};
use multiproc::{Event, Process, ProcessBuilder, ProcessError, Queue, Shared};

/// A record as the logger of this process had it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    level: Level,
    target: String,
    text: String,
    module: Option<String>,
    place: Option<(String, u32)>,
}

static HEARD: Mutex<Vec<Heard>> = Mutex::new(Vec::new());

fn heard() -> MutexGuard<'static, Vec<Heard>> {
    HEARD.lock().unwrap()
}

fn texts() -> Vec<String> {
    heard().iter().map(|heard| heard.text.clone()).collect()
}

fn hear(record: &log::Record<'_>) {
    heard().push(Heard {
        level: record.level(),
        target: record.target().to_owned(),
        text: record.args().to_string(),
        module: record.module_path().map(str::to_owned),
        place: record.file().map(str::to_owned).zip(record.line()),
    });
}

fn levi() -> ProcessBuilder {
    Process::builder().name("Levi").forward_logs(true)
}

#[test]
fn a_record_comes_whole_and_with_the_name_of_the_process() {
    alone(|()| {
        Logger::set(LevelFilter::Info, hear);
        let line = line!() + 2;
        let speak = |number: u32| {
            log::info!("hello {number}");
            log::debug!("nobody asked for that");
            log::error!(target: "elsewhere", "{}", "x".repeat(200_000));
        };
        levi().spawn(speak, 7).unwrap().join().unwrap();
        let heard = heard().clone();
        assert_eq!(heard.len(), 2);
        let module = Some(module_path!().to_owned());
        let place = Some((file!().to_owned(), line));
        let (level, text) = (Level::Info, "Levi: hello 7".to_owned());
        let target = module_path!().to_owned();
        assert_eq!(heard[0], Heard { level, target, text, module, place });
        assert_eq!((heard[1].level, heard[1].target.as_str()), (Level::Error, "elsewhere"));
        assert_eq!(heard[1].text.len(), "Levi: ".len() + 200_000);
    });
}

#[test]
fn the_last_words_come_however_the_child_ends() {
    alone(|()| {
        Logger::set(LevelFilter::Info, hear);
        let ends: [fn(u32); 4] = [
            |n| {
                log::warn!("last words {n}");
                panic!("on purpose")
            },
            |n| {
                log::warn!("last words {n}");
                std::process::abort()
            },
            |n| {
                log::warn!("last words {n}");
                // SAFETY: it ends the process.
                unsafe { libc::_exit(3) }
            },
            |n| {
                log::warn!("last words {n}");
                nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap()
            },
        ];
        for (n, end) in (0..).zip(ends) {
            levi().spawn(end, n).unwrap().join().unwrap_err();
            assert_eq!(texts().last().unwrap(), &format!("Levi: last words {n}"));
        }
    });
}

#[test]
fn children_and_their_children_come_under_their_names() {
    alone(|()| {
        Logger::set(LevelFilter::Info, hear);
        let child = levi().spawn(
            |()| {
                log::info!("one");
                // It has a copy of its parent's logger.
                Process::builder()
                    .name("forked")
                    .fork(|| log::info!("two"))
                    .unwrap()
                    .join()
                    .unwrap();
                let third = Process::builder().name("third").forward_logs(true);
                third.spawn(|()| log::info!("three"), ()).unwrap().join().unwrap();
                // Nobody asked for this one's.
                Process::spawn(|()| log::info!("four"), ()).unwrap().join().unwrap();
                std::thread::spawn(|| log::info!("five")).join().unwrap();
            },
            (),
        );
        child.unwrap().join().unwrap();
        let expected = ["Levi: one", "forked: two", "Levi: third: three", "Levi: five"];
        assert_eq!(texts(), expected);
    });
}

#[test]
fn where_nothing_is_logged_nothing_is_sent() {
    alone(|()| {
        log::set_max_level(LevelFilter::Off);
        let look = |()| {
            log::error!("nobody hears it");
            log::max_level() as usize
        };
        assert_eq!(levi().spawn(look, ()).unwrap().join().unwrap(), LevelFilter::Off as usize);
        // No thread was started for it, nor for a forked child: this process can still fork.
        log::set_max_level(LevelFilter::Info);
        for n in 0..2 {
            assert_eq!(levi().fork(|| n).unwrap().join().unwrap(), n);
        }
    });
}

/// Where the logger of a process tells what it hears, to another.
static FAR: OnceLock<Queue<String>> = OnceLock::new();

#[test]
fn what_the_children_log_that_nobody_joins_comes_before_the_program_ends() -> Nothing {
    let far = Queue::bounded(100)?;
    let program = |(far, daemon): (Queue<String>, bool)| {
        assert!(FAR.set(far).is_ok());
        let tell = |record: &log::Record<'_>| {
            FAR.get().expect("it is set").put(record.args().to_string()).expect("there is room");
        };
        Logger::set(LevelFilter::Info, tell);
        let speak = |daemon: bool| {
            log::info!("hello");
            if daemon {
                crate::for_ever();
            }
        };
        drop(levi().daemon(daemon).spawn(speak, daemon).unwrap());
        if daemon {
            // It would be told to end before it has said anything.
            until("what the daemon says", || FAR.get().is_some_and(|far| !far.is_empty()));
        }
    };
    for daemon in [false, true] {
        Process::spawn(program, (far.clone(), daemon))?.join()?;
        assert_eq!(far.try_get()?, "Levi: hello");
    }
    Ok(())
}

/// Whether the logger of this process may go on.
static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn wait_and_hear(record: &log::Record<'_>) {
    let (open, changed) = (&OPEN.0, &OPEN.1);
    drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    hear(record);
}

#[test]
fn a_child_does_not_wait_for_ever_for_a_parent_that_takes_nothing() {
    alone(|()| {
        Logger::set(LevelFilter::Info, wait_and_hear);
        let [said, go] = [(); 2].map(|()| Shared::new(Event::new()).unwrap());
        let speak = |(said, go): (Shared<Event>, Shared<Event>)| {
            (0..5000).for_each(|n| log::info!("number {n}"));
            said.set();
            go.wait();
            log::info!("the end");
            7
        };
        let silent = levi()
            .name("silent")
            .spawn(|()| (0..5000).map(|n| log::info!("{n}")).count(), ())
            .unwrap();
        let child = levi().spawn(speak, (said.clone(), go.clone())).unwrap();
        said.wait();
        // Its result is not lost, and is not waited for, for ever, by whoever the logger waits for.
        assert_eq!(silent.join().unwrap(), 5000);
        *OPEN.0.lock().unwrap() = true;
        OPEN.1.notify_all();
        // All that there was room for is there, in order; then it says how much is missing.
        let numbers = || texts().iter().filter(|text| text.starts_with("Levi: number ")).count();
        let mut last = 0;
        until("some records", || numbers() > 0);
        until("all that was sent", || std::mem::replace(&mut last, numbers()) == numbers());
        go.set();
        assert_eq!(child.join().unwrap(), 7);
        let told: Vec<_> = texts().into_iter().filter(|text| text.starts_with("Levi: ")).collect();
        let sent = told.len() - 2;
        assert!(sent > 100 && sent < 5000, "{sent}");
        (0..sent).for_each(|n| assert_eq!(told[n], format!("Levi: number {n}")));
        let missing = format!(
            "Levi: {} records of this process were not sent: its parent took none",
            5000 - sent
        );
        assert_eq!(told[sent..], [missing, "Levi: the end".to_owned()]);
    });
}

fn start_and_hear(record: &log::Record<'_>) {
    hear(record);
    if record.args().to_string().ends_with("start another") {
        let other = Process::builder().name("other").forward_logs(true);
        other.spawn(|()| log::info!("from the other"), ()).unwrap().join().unwrap();
    }
}

#[test]
fn a_logger_may_itself_start_and_join_children() {
    alone(|()| {
        Logger::set(LevelFilter::Info, start_and_hear);
        levi().spawn(|()| log::info!("start another"), ()).unwrap().join().unwrap();
        until("the other's record", || texts().len() == 2);
        assert_eq!(texts(), ["Levi: start another", "other: from the other"]);
    });
}

#[test]
fn a_logger_that_panics_hears_the_next_record() {
    fn panic_once(record: &log::Record<'_>) {
        hear(record);
        assert!(texts().len() != 1, "the first");
    }
    alone(|()| {
        Logger::set(LevelFilter::Info, panic_once);
        let speak = |()| (0..2).for_each(|n| log::info!("{n}"));
        levi().spawn(speak, ()).unwrap().join().unwrap();
        assert_eq!(texts(), ["Levi: 0", "Levi: 1"]);
    });
}

#[test]
fn a_child_lives_on_when_nobody_hears_it_any_more() -> Nothing {
    let done = Shared::new(Event::new())?;
    let parent = Process::spawn(
        |done: Shared<Event>| -> () {
            Logger::set(LevelFilter::Info, hear);
            let speak = |done: Shared<Event>| {
                multiproc::process::parent().unwrap().expect("it is a child").wait();
                (0..5000).for_each(|_| log::info!("to nobody"));
                done.set();
            };
            drop(levi().spawn(speak, done).unwrap());
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
        },
        done.clone(),
    )?;
    assert!(matches!(parent.join(), Err(ProcessError::Signaled(9))));
    assert!(done.wait_for(crate::LONG));
    Ok(())
}
