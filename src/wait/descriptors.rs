//! The descriptors that this process waits for without a thread for each: one epoll, in which each is armed for
//! one event at a time. (One that is closed is taken out by the kernel.)

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::sys::{ForkLocal, Side, descriptor};
use crate::wait::wakers::{PAUSE, pause};
use crate::wait::watchers;

static WATCH: ForkLocal<Watch> = ForkLocal::new(Watch::default);

/// What one future waits for, if it does.
#[derive(Default)]
pub(super) struct DescriptorWait(Option<Registration>);

#[derive(Clone, Copy)]
struct Registration {
    number: i32,
    id: u64,
    watch: &'static Watch,
}

impl DescriptorWait {
    /// The future has looked: has it polled when the descriptor is ready on that side, or has ended.
    pub(super) fn sleep(&mut self, fd: BorrowedFd<'_>, side: Side, waker: &Waker) {
        let watch = WATCH.get();
        let waiter = (flags_of(side), waker.clone());
        let known = self.0.filter(|known| known.is_of(watch) && known.number == fd.as_raw_fd());
        if known.is_none() {
            self.done();
        }
        let mut watched = watch.lock();
        let id = known.map_or_else(|| watched.fresh_id(), |known| known.id);
        let (is_armed, left_over) = watched.register(watch, fd, id, waiter);
        drop(watched);
        self.0 = is_armed.then(|| Registration { number: fd.as_raw_fd(), id, watch });
        drop(left_over);
        if !is_armed {
            pause(waker);
        }
    }

    /// The future waits no more.
    pub(super) fn done(&mut self) {
        let Some(known) = self.0.take() else { return };
        // Of a parent: its lock is its own.
        if known.is_of(WATCH.get()) {
            let left = known.watch.lock().leave(known.number, known.id);
            drop(left);
        }
    }
}

impl Registration {
    fn is_of(&self, watch: &'static Watch) -> bool {
        std::ptr::eq(self.watch, watch)
    }
}

impl Drop for DescriptorWait {
    fn drop(&mut self) {
        self.done();
    }
}

/// What it waits for, and who is to be woken.
type Waiter = (EventFlags, Waker);

#[derive(Default)]
struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    epoll: Option<Arc<OwnedFd>>,
    /// By the number of the descriptor.
    waiters: HashMap<i32, BTreeMap<u64, Waiter>>,
    ids: u64,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        // Nothing of a user's is called under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sleep of the watcher; gives those to be woken then.
    fn round(&self, epoll: &OwnedFd) -> Vec<Waker> {
        let mut events = Vec::with_capacity(64);
        match epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) => {
                let mut watched = self.lock();
                let numbers = events.iter().map(|event| event.data.u64() as i32);
                numbers.flat_map(|number| watched.woken(number)).collect()
            }
            Err(Errno::INTR) => Vec::new(),
            Err(_) => {
                // A sandbox: all look for themselves.
                std::thread::sleep(PAUSE);
                self.lock().all_woken()
            }
        }
    }
}

impl Watched {
    fn fresh_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Whether there is somebody to wait for it; and what is to be dropped without the lock.
    fn register(
        &mut self,
        watch: &'static Watch,
        fd: BorrowedFd<'_>,
        id: u64,
        waiter: Waiter,
    ) -> (bool, [Option<Waiter>; 2]) {
        let Some(epoll) = self.epoll(watch) else { return (false, [Some(waiter), None]) };
        let number = fd.as_raw_fd();
        let waiters = self.waiters.entry(number).or_default();
        let replaced = waiters.insert(id, waiter);
        let all = waiters.values().fold(EventFlags::ONESHOT, |all, (flags, _)| all | *flags);
        let is_armed = arm(&epoll, fd, all).is_ok();
        let refused = if is_armed { None } else { self.leave(number, id) };
        (is_armed, [replaced, refused])
    }

    fn leave(&mut self, number: i32, id: u64) -> Option<Waiter> {
        let waiters = self.waiters.get_mut(&number)?;
        let left = waiters.remove(&id);
        if waiters.is_empty() {
            // It stays armed, for one event at the most: for that it wakes nobody.
            self.waiters.remove(&number);
        }
        left
    }

    fn woken(&mut self, number: i32) -> impl Iterator<Item = Waker> + use<> {
        // All, also those who wait for the other side: it is armed for nobody now.
        let waiters = self.waiters.remove(&number).unwrap_or_default();
        waiters.into_values().map(|(_, waker)| waker)
    }

    fn all_woken(&mut self) -> Vec<Waker> {
        let waiters = std::mem::take(&mut self.waiters);
        waiters.into_values().flat_map(BTreeMap::into_values).map(|(_, waker)| waker).collect()
    }

    /// The epoll, with a thread that waits there.
    fn epoll(&mut self, watch: &'static Watch) -> Option<Arc<OwnedFd>> {
        if self.epoll.is_none() {
            let epoll = Arc::new(descriptor(|| epoll::create(CreateFlags::CLOEXEC)).ok()?);
            let own = epoll.clone();
            watchers::start("multiproc-fds", move || watch.round(&own))?;
            self.epoll = Some(epoll);
        }
        self.epoll.clone()
    }
}

fn flags_of(side: Side) -> EventFlags {
    match side {
        Side::Receive => EventFlags::IN,
        Side::Send => EventFlags::OUT,
    }
}

/// Has the next event reported: at once, if it is there.
fn arm(epoll: &OwnedFd, fd: BorrowedFd<'_>, flags: EventFlags) -> Result<(), Errno> {
    let data = EventData::new_u64(fd.as_raw_fd() as u64);
    match epoll::modify(epoll, fd, data, flags) {
        // The first time, or the number was another file's.
        Err(Errno::NOENT) => epoll::add(epoll, fd, data, flags),
        armed => armed,
    }
}
