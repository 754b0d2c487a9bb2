//! What a process or a thread can be started with.

/// Work of a type of your own: what subclassing `Process` and `Thread` is in Python.
///
/// Closures implement it too.
///
/// ```
/// use multiproc::{Process, Run};
///
/// struct Clock {
///     ticks: u32,
/// }
///
/// impl Run for Clock {
///     type Output = u32;
///
///     fn run(self) -> u32 {
///         (0..self.ticks).sum()
///     }
/// }
///
/// let clock = Process::spawn(|ticks| Clock { ticks }.run(), 5)?;
/// assert_eq!(clock.join()?, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Run {
    /// What it gives.
    type Output;

    /// Does the work.
    fn run(self) -> Self::Output;
}

impl<F, R> Run for F
where
    F: FnOnce() -> R,
{
    type Output = R;

    fn run(self) -> R {
        self()
    }
}
