//! A logger that a test makes of a function.

/// Gives each record to the function.
pub(crate) struct Logger(fn(&log::Record<'_>));

impl Logger {
    /// Makes it the logger of this process.
    pub(crate) fn set(level: log::LevelFilter, tell: fn(&log::Record<'_>)) {
        log::set_logger(Box::leak(Box::new(Logger(tell)))).unwrap();
        log::set_max_level(level);
    }
}

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        (self.0)(record);
    }

    fn flush(&self) {}
}
