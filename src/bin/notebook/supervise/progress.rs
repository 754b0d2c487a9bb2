//! How far the playing is, for who looks at a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

use crate::scenario::Scenario;

const TICK: Duration = Duration::from_millis(100);

/// A line below the transcripts, on standard error; none where that is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    playing: Vec<&'static str>,
}

impl Progress {
    pub(super) fn new(playbill: &[&'static Scenario]) -> Self {
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::new(playbill.len() as u64);
        let template = "{spinner} [{bar:16}] {pos}/{len} {elapsed:>3}  playing {wide_msg}";
        // Without the template, the default: it is the wrong line rather than none.
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        let playing = playbill.iter().map(|scenario| scenario.name).collect();
        let progress = Progress { bar, playing };
        progress.show();
        progress
    }

    /// One is over.
    pub(super) fn over(&mut self, scenario: &Scenario) {
        if let Some(place) = self.playing.iter().position(|name| *name == scenario.name) {
            self.playing.remove(place);
        }
        self.bar.inc(1);
        self.show();
    }

    /// Does something that prints, with the line out of its way.
    pub(super) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
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
