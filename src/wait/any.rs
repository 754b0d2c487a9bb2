//! Waiting for whichever is ready first.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::error::Error;
use crate::sys::{self, Deadline, Futex, Ordering::*, Side};
use crate::wait::descriptors::DescriptorWait;
use crate::wait::waitable::{Kind, Source, Waitable, Words};
use crate::wait::words::WordWait;

/// Waits until one or more of `sources` are ready: have something to be received, are set, free or closed, have
/// ended; gives their places in the list. [`Waitable`] says of each kind when it is ready. Without a source, the
/// wait is for ever.
///
/// Nothing is taken: another may be faster. So take what is ready by the `try_` calls.
///
/// ```
/// use multiproc::{Event, Queue, wait_any};
///
/// let (receiver, sender) = multiproc::pipe::<u8>()?;
/// let (queue, stop) = (Queue::<u8>::bounded(1)?, Event::new());
/// sender.send(5)?;
/// assert_eq!(wait_any(&[&receiver, &queue, &stop])?, [0]);
/// stop.set();
/// assert_eq!(wait_any(&[&receiver, &queue, &stop])?, [0, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs
///
/// Of sources that all have descriptors, a call of the kernel's. For a queue, an event or a semaphore that is not
/// ready, this process starts a thread, once, which sleeps in the stead of all who wait so.
///
/// # Errors
///
/// [`Error::Os`] when there are more descriptors among the sources than a process may have.
///
/// # If a process dies
///
/// Its pipes end with it, unless others hold them too; its own descriptor becomes ready.
///
/// # Different from Python
///
/// `multiprocessing.connection.wait` gives the objects themselves; its timeout is an argument.
pub fn wait_any(sources: &[&dyn Waitable]) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::Never)
}

/// As [`wait_any`], but for at most `timeout`: an empty list when it came first. With
/// [`Duration::ZERO`], it only looks.
///
/// ```
/// use std::time::Duration;
///
/// let (receiver, _sender) = multiproc::pipe::<u8>()?;
/// assert_eq!(multiproc::wait_any_for(&[&receiver], Duration::from_millis(10))?, []);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Errors
///
/// As for [`wait_any`].
pub fn wait_any_for(sources: &[&dyn Waitable], timeout: Duration) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::after(timeout))
}

/// As [`wait_any_for`], up to a point in time.
///
/// # Errors
///
/// As for [`wait_any`].
pub fn wait_any_until(sources: &[&dyn Waitable], deadline: Instant) -> Result<Vec<usize>, Error> {
    wait_by(sources, Deadline::at(deadline))
}

fn wait_by(sources: &[&dyn Waitable], deadline: Deadline) -> Result<Vec<usize>, Error> {
    let mut waits: Vec<_> = sources.iter().map(|source| Wait::of(source.source())).collect();
    if waits.iter().all(|wait| matches!(wait, Wait::Descriptor { .. })) {
        // The kernel alone can wait for these.
        look(&mut waits, deadline)?;
        return Ok(ready(&waits));
    }
    let woken = Arc::new(Signal(Futex::new(0)));
    let waker = Waker::from(woken.clone());
    loop {
        look(&mut waits, Deadline::after(Duration::ZERO))?;
        let ready = ready(&waits);
        if !ready.is_empty() || deadline.has_passed() {
            return Ok(ready);
        }
        waits.iter_mut().for_each(|wait| wait.register(&waker));
        woken.wait(deadline);
    }
}

/// One of the sources, while it is waited for.
enum Wait<'a> {
    Descriptor {
        fd: BorrowedFd<'a>,
        ready: bool,
        wait: DescriptorWait,
    },
    Word {
        source: &'a dyn Words,
        first: Option<u32>,
        seen: Option<(&'a Futex, u32)>,
        wait: WordWait,
    },
}

impl<'a> Wait<'a> {
    fn of(source: Source<'a>) -> Self {
        match source.0 {
            Kind::Descriptor(fd) => {
                Wait::Descriptor { fd, ready: false, wait: DescriptorWait::default() }
            }
            Kind::Word(source) => {
                Wait::Word { source, first: None, seen: None, wait: WordWait::default() }
            }
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            Wait::Descriptor { ready, .. } => *ready,
            Wait::Word { seen, .. } => seen.is_none(),
        }
    }

    /// It has been looked at, and was not ready.
    fn register(&mut self, waker: &Waker) {
        match self {
            Wait::Descriptor { fd, wait, .. } => wait.sleep(*fd, Side::Receive, waker),
            Wait::Word { source, seen: Some((word, seen)), wait, .. } => {
                wait.sleep(word, *seen, source.wakes(), waker);
            }
            Wait::Word { .. } => {}
        }
    }
}

/// Looks at all; sleeps for the descriptors alone.
fn look(waits: &mut [Wait<'_>], deadline: Deadline) -> Result<(), Error> {
    let mut fds = Vec::new();
    for wait in &mut *waits {
        match wait {
            Wait::Descriptor { fd, .. } => fds.push(PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
            Wait::Word { source, first, seen, .. } => *seen = source.look(first),
        }
    }
    if fds.is_empty() && waits.iter().any(|wait| matches!(wait, Wait::Word { .. })) {
        return Ok(());
    }
    sys::poll(&mut fds, deadline).map_err(|errno| Error::os("poll", errno))?;
    let mut polled = fds.iter().map(|fd| !fd.revents().is_empty());
    for wait in waits {
        if let Wait::Descriptor { ready, .. } = wait {
            *ready = polled.next().unwrap_or_default();
        }
    }
    Ok(())
}

fn ready(waits: &[Wait<'_>]) -> Vec<usize> {
    let ready = waits.iter().enumerate().filter(|(_, wait)| wait.is_ready());
    ready.map(|(place, _)| place).collect()
}

/// What a thread sleeps on that waits for several things. (Not `park`: its token may be the program's own.)
struct Signal(Futex);

impl Signal {
    fn wait(&self, deadline: Deadline) {
        // Acquire: pairs with the Release in `wake`; who was woken sees what the waker saw.
        while self.0.load(Acquire) == 0 && self.0.wait(0, deadline) != sys::Wait::TimedOut {}
        // Relaxed: it looks at all again. Should this hide a wake, what it was for is found by that look, or by
        // the registration after it, which is over at once where the look was too early.
        self.0.store(0, Relaxed);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        // Release: as above.
        self.0.store(1, Release);
        self.0.wake(1);
    }
}
