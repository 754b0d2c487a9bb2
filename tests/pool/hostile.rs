//! A task that writes all over the memory that the pool shares with its workers.

use super::*;

/// Where the pool's memory is mapped in this process, in words.
fn memory() -> Vec<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is there");
    let range = |line: &str| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let number = |hex| usize::from_str_radix(hex, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        // Of the rooms for long messages, of which most have no memory: a little.
        Some((start, (end - start).min(1 << 18) / 8))
    };
    maps.lines().filter(|line| line.contains("memfd:multiproc")).filter_map(range).collect()
}

/// Writes any numbers to any places.
fn scribble(seed: u64) -> u64 {
    let memory = memory();
    let mut state = seed | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..100_000 {
        let (start, words) = memory[random() as usize % memory.len()];
        let value = if random().is_multiple_of(2) { random() } else { random() % 8 };
        let place = std::ptr::with_exposed_provenance_mut::<u64>(start);
        // SAFETY: it is mapped. Who else is there, this task does not ask: that is what it is for.
        unsafe { place.add(random() as usize % words).write_volatile(value) };
    }
    memory.len() as u64
}

#[test]
fn a_task_that_scribbles_harms_no_more_than_tasks() {
    in_own_process(|()| {
        let mut ended = 0;
        for seed in 0..20 {
            let pool = Pool::new(2).unwrap();
            // Both workers are there.
            gate::all_at_work(&pool).unwrap();
            let mut tasks = vec![pool.apply_async(scribble, seed * 77 + 5).unwrap()];
            for n in 0..300 {
                tasks.push(pool.apply_async(square, n).unwrap());
                let long = |text: String| text.len() as u64;
                if n % 50 == 0 {
                    tasks.push(pool.apply_async(long, "x".repeat(3_000)).unwrap());
                }
            }
            // Some may never end: so does a task that likes to run for ever.
            for task in &tasks {
                match task.get_for(Duration::from_millis(20)) {
                    Some(_) => ended += 1,
                    None => break,
                }
            }
            pool.terminate();
            assert_eq!(pool.join(), Ok(()));
            for task in &tasks {
                assert!(task.try_get().is_some(), "all have ended, in one way or another");
            }
        }
        assert!(ended > 0, "not even the first tasks were done");
    });
}
