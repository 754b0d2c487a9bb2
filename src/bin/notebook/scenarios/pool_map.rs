//! `Pool::map`: one function over many values.

use anyhow::Result;
use multiproc::Pool;

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "pool_map",
    about: "a pool of one worker a core squares five numbers",
    busy: false,
    play,
};

fn square((settings, n): (Settings, u64)) -> u64 {
    settings.sleep(1.0);
    n * n
}

fn play(settings: Settings) -> Result<Verdict> {
    // As many workers as there are cores.
    let pool = Pool::builder().build()?;
    let squares = pool.map(square, (1..=5).map(|n| (settings, n)))?;
    println!("{squares:?}");
    pool.close();
    pool.join()?;
    Ok(Verdict::new()
        .claim("the squares, in the order of the numbers", squares == [1, 4, 9, 16, 25]))
}
