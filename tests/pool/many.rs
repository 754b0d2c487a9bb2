//! More tasks than have room in the memory that is shared with the workers.

use multiproc::Value;

use super::*;

#[test]
fn tasks_whose_results_nobody_asks_for_are_done() -> Nothing {
    let (receiver, sender) = pipe::<u64>()?;
    // In a process of its own, so that its workers' counts go one way.
    let count = |sender: Sender<u64>| {
        let pool = Pool::new(2).expect("two workers");
        let path = std::env::temp_dir().join(format!("multiproc-many-{}", std::process::id()));
        std::fs::write(&path, "").expect("a file");
        let append = |path: std::path::PathBuf| {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("a file");
            file.write_all(b"x").expect("room");
        };
        for _ in 0..3_000 {
            drop(pool.apply_async(append, path.clone()).expect("it is open"));
        }
        pool.close();
        pool.join().expect("it was closed");
        let done = std::fs::metadata(&path).expect("it is there").len();
        std::fs::remove_file(path).expect("it is there");
        sender.send(done).expect("the test receives");
    };
    let child = Process::spawn(count, sender)?;
    assert_eq!(receiver.recv_for(LONG)?, 3_000);
    child.join()?;
    Ok(())
}

/// The first to be asked for is done last: the others must not keep its place from it.
#[test]
fn results_that_are_not_fetched_do_not_hold_up_others() -> Nothing {
    let pool = Pool::new(2)?;
    let gate = gate::Gate::new();
    let first = pool.apply_async(gate::pass, (gate.way(), 0))?;
    gate.await_arrivals(1);
    let rest: Vec<_> = (0..5_000).map(|n| pool.apply_async(square, n)).collect::<Result<_, _>>()?;
    let last = rest.last().expect("there are some");
    assert_eq!(last.get_for(LONG).expect("it does not hang"), Ok(4_999 * 4_999));
    gate.let_through(1);
    assert_eq!(first.get_for(LONG).expect("it is through")?.0, 0);
    for (n, result) in (0..).zip(&rest) {
        assert_eq!(result.get()?, n * n);
    }
    Ok(())
}

#[test]
fn many_threads_give_more_than_there_is_room_for() -> Nothing {
    let pool = Arc::new(Pool::new(2)?);
    let sum = Arc::new(Value::new(0u64));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (pool, sum) = (pool.clone(), sum.clone());
            thread::spawn(move || {
                let base = thread * 1_000;
                let results: Vec<_> = (base..base + 1_000)
                    .map(|n| pool.apply_async(|n: u64| n, n).expect("it is open"))
                    .collect();
                for result in results {
                    sum.fetch_add(result.get_for(LONG).expect("it does not hang").expect("n"));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("none panics"));
    assert_eq!(sum.get(), (0..4_000).sum());
    Ok(())
}

/// Long and short ones in turn, in places that had others before.
#[test]
fn messages_of_all_lengths_come_back_as_they_were() -> Nothing {
    let pool = Pool::new(2)?;
    let echo = |text: String| text;
    let lengths = [0, 1, 47, 48, 49, 460, 463, 464, 465, 1_000, 65_535, 65_536, 100_000, 3_000_000];
    for round in 0..3 {
        let text = |len: usize| {
            let letter = char::from(b'a' + (len % 26) as u8 + round % 2);
            String::from(letter).repeat(len)
        };
        let results: Vec<_> = lengths
            .iter()
            .map(|&len| pool.apply_async(echo, text(len)))
            .collect::<Result<_, _>>()?;
        for (&len, result) in lengths.iter().zip(results) {
            assert!(result.get()? == text(len), "{len}");
        }
    }
    Ok(())
}

/// A large address space is not to be had: messages are shorter, and what is too long says why.
#[test]
fn a_pool_works_under_a_limit_of_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    in_own_process(|()| {
        let limit = Rlimit { current: Some(3 << 30), maximum: Some(3 << 30) };
        setrlimit(Resource::As, limit).unwrap();
        let pool = Pool::new(2).unwrap();
        let echo = |text: String| text;
        let text = "x".repeat(1 << 20);
        assert_eq!(pool.apply(echo, text.clone()), Ok(text));
        let error = pool.apply(echo, "x".repeat(100 << 20)).unwrap_err();
        let TaskError::Argument(why) = &error else { panic!("{error}") };
        assert!(why.to_string().contains("ulimit"), "{why}");
        assert_eq!(pool.apply(square, 4), Ok(16));
    });
}
