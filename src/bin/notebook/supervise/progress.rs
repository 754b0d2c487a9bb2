//! The progress, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

use crate::scenario::Scenario;

const TICK: Duration = Duration::from_millis(100);

/// A line below the transcripts, on standard error; hidden where that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    playing: Vec<&'static str>,
}

impl Progress {
    pub(super) fn new(scenarios: &[&'static Scenario]) -> Self {
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::new(scenarios.len() as u64);
        let template = "{spinner} [{bar:16}] {pos}/{len} {elapsed:>3}  playing {wide_msg}";
        // If the template is wrong, the default line.
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        let playing = scenarios.iter().map(|scenario| scenario.name).collect();
        let progress = Progress { bar, playing };
        progress.show();
        progress
    }

    /// A scenario has ended.
    pub(super) fn ended(&mut self, scenario: &Scenario) {
        if let Some(index) = self.playing.iter().position(|name| *name == scenario.name) {
            self.playing.remove(index);
        }
        self.bar.inc(1);
        self.show();
    }

    /// Prints something while the line is hidden.
    pub(super) fn hidden<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    fn show(&self) {
        self.bar.set_message(self.playing.join(", "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
