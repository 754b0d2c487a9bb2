//! What of pools is looked at in a process of its own.

use std::sync::OnceLock;

use super::*;

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is there").count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc is there").count()
}

fn children() -> String {
    let me = std::process::id();
    std::fs::read_to_string(format!("/proc/self/task/{me}/children")).expect("/proc is there")
}

#[test]
fn nothing_is_left_behind() -> Nothing {
    let count = |()| {
        let once = |way: u32| {
            let pool = Pool::new(3).expect("three workers");
            assert_eq!(pool.map(square, 0..4), Ok(vec![0, 1, 4, 9]));
            let long = "x".repeat(1 << 20);
            assert_eq!(pool.apply(|text: String| text.len(), long), Ok(1 << 20));
            assert!(pool.apply(|()| -> () { std::process::abort() }, ()).is_err());
            let _pending = pool.apply_async(forever, ());
            match way {
                0 => drop(pool),
                1 => pool.terminate(),
                _ => {
                    pool.close();
                    pool.terminate();
                    pool.join().expect("it was closed");
                }
            }
        };
        // The first may open what stays open once for all.
        once(0);
        let before = (open(), threads(), children());
        (0..3).for_each(once);
        (before, (open(), threads(), children()))
    };
    let (before, after) = Process::spawn(count, ())?.join()?;
    assert_eq!(before, after);
    assert_eq!(after.2, "", "no child is left");
    Ok(())
}

/// Gives a task to the pool of whose worker's end it is told.
struct Audit(OnceLock<Pool>);

static AUDIT: Audit = Audit(OnceLock::new());

impl log::Log for Audit {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        if let Some(pool) = self.0.get() {
            drop(pool.apply_async(|()| (), ()));
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_may_give_tasks_to_the_pool() {
    in_own_process(|()| {
        log::set_logger(&AUDIT).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let pool = AUDIT.0.get_or_init(|| Pool::new(2).expect("two workers"));
        let died = pool.apply(|()| -> () { std::process::abort() }, ());
        assert_eq!(died, Err(TaskError::Signaled(Signal::SIGABRT as i32)));
        assert_eq!(pool.apply(square, 3), Ok(9));
    });
}

#[test]
fn a_process_forks_after_its_pool_was_joined() -> Nothing {
    let fork = |()| {
        for _ in 0..20 {
            let pool = Pool::new(1).expect("a worker");
            pool.terminate();
            pool.join().expect("it was terminated");
            // In the child, too, the pool is dropped.
            // SAFETY: the pool's thread is joined, and its handle used up.
            let child = unsafe { Process::fork_after_threads(move || drop(pool)) };
            let child = child.expect("no thread is left");
            child.join().expect("it does not hang");
        }
    };
    Process::spawn(fork, ())?.join_for(LONG).expect("it does not hang")?;
    Ok(())
}

#[test]
fn a_pool_that_is_never_dropped_ends_with_its_process() -> Nothing {
    let forget = |()| {
        let pool = Pool::new(2).expect("two workers");
        let worker = pool.apply(pid, ()).expect("it works");
        pool.apply_async(forever, ()).expect("it is open");
        std::mem::forget(pool);
        worker
    };
    let child = Process::spawn(forget, ())?;
    let worker = child.join_for(LONG).expect("it does not hang")?;
    wait_until_gone(worker);
    Ok(())
}

#[test]
fn workers_end_when_their_program_is_killed() -> Nothing {
    let (receiver, sender) = pipe::<Vec<u32>>()?;
    let work = |sender: Sender<Vec<u32>>| {
        let pool = Pool::new(2).expect("two workers");
        let mut workers = vec![pool.apply(pid, ()).expect("it works")];
        // One is in a task, one is idle, one came in place of another.
        pool.apply(|()| -> () { std::process::abort() }, ()).unwrap_err();
        workers.push(pool.apply(pid, ()).expect("it works"));
        pool.apply_async(forever, ()).expect("it is open");
        sender.send(workers).expect("the parent receives");
        forever(());
    };
    let program = Process::spawn(work, sender)?;
    let workers = receiver.recv_for(LONG)?;
    program.kill()?;
    assert!(program.join().is_err());
    for worker in workers {
        // An orphan may stay a zombie for as long as its new parent likes.
        wait_until(|| match std::fs::read_to_string(format!("/proc/{worker}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        });
    }
    Ok(())
}

#[test]
fn random_kills_strike_single_tasks_and_nothing_hangs() -> Nothing {
    // How many were done, and how many were struck.
    let storm = |rounds: u64| {
        let pool = Pool::new(3).expect("three workers");
        let echo = |(n, text): (u64, String)| (n, text.len());
        let mut counts = (0, 0);
        for round in 0..rounds {
            let size = |n: u64| if n.is_multiple_of(10) { 100_000 } else { 10 };
            let give = |n| pool.apply_async(echo, (n, "x".repeat(size(n) as usize)));
            let results: Vec<_> = (0..20).map(|n| give(n).expect("it goes on")).collect();
            let workers: Vec<u32> = all_children();
            // Whichever: they take turns in the order of the rounds.
            if let Some(&victim) = workers.get(round as usize % workers.len().max(1)) {
                // The last round's may be gone by now.
                let victim = nix::unistd::Pid::from_raw(victim.cast_signed());
                let _ = nix::sys::signal::kill(victim, Signal::SIGKILL);
            }
            for (n, result) in (0..).zip(results) {
                match result.get_for(LONG).expect("it does not hang") {
                    Ok(echoed) => {
                        assert_eq!(echoed, (n, size(n) as usize));
                        counts.0 += 1;
                    }
                    Err(TaskError::Signaled(9)) => counts.1 += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
        counts
    };
    let (done, struck): (u64, u64) = Process::spawn(storm, 150)?.join()?;
    assert_eq!(done + struck, 150 * 20);
    assert!(struck <= 150, "{struck} tasks were struck by 150 kills");
    Ok(())
}

/// The children of all threads of this process.
fn all_children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is there");
    let lists =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let text: String = lists.collect();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
