//! The command line.

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::scenario::Scenario;
use crate::scenarios::SCENARIOS;
use crate::settings::Settings;

/// Replays the teaching notebook on real processes and real threads.
///
/// Without a name, all scenarios are played side by side, and told in the notebook's order. The
/// program ends with 0 when every verdict holds, with 1 when one does not, with 2 when it was
/// asked wrongly, and with 130 after Ctrl-C.
#[derive(Parser)]
#[command(name = "notebook", version)]
pub(crate) struct Cli {
    /// What to play, in this order; all if none is named
    #[arg(value_name = "NAME", value_parser = known())]
    pub(crate) scenarios: Vec<&'static Scenario>,

    /// Name the scenarios, with a line on each, and play nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Divide every sleep of the notebook by this
    ///
    /// Above 50 the sleeps are as short as the delays of the scheduler: then the order that only
    /// sleeps give is not judged.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,

    /// Let `lock` look this often, between threads and again between processes, instead of for 2 s
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,

    /// Play the one that is named in this process, for the supervisor with this process id
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) supervisor: Option<i32>,
}

impl Cli {
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(self.speed, self.rounds)
    }
}

/// Parses a scenario's name; an unknown name is refused with all known names, and the most similar.
fn known() -> impl TypedValueParser<Value = &'static Scenario> {
    let names = SCENARIOS.iter().map(|one| PossibleValue::new(one.name).help(one.about));
    PossibleValuesParser::new(names).try_map(|name| {
        let mut all = SCENARIOS.iter();
        all.find(|scenario| scenario.name == name).ok_or("it is not in the notebook")
    })
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        Ok(_) => Err("it must be more than 0, and finite".into()),
        Err(error) => Err(error.to_string()),
    }
}
