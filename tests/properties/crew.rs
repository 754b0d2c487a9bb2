//! The threads that sit around a primitive, and call it one at a time.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::gettid;

use crate::asleep::sleeps;
use crate::model::{By, Model, SEATS, Said, Subject, Told};
use crate::panics::caught;
use crate::until::until;

/// Only a hang takes so long.
const EVER: Duration = Duration::from_secs(60);

/// Where a thread gets its calls.
pub(crate) struct Seat<C, A> {
    number: usize,
    calls: Receiver<C>,
    answers: Sender<(usize, Said<A>)>,
}

impl<C, A> Seat<C, A> {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Makes each call that comes, until all are to leave.
    pub(crate) fn serve(self, mut make: impl FnMut(C) -> A) {
        for call in self.calls {
            let said = caught(|| make(call));
            if self.answers.send((self.number, said)).is_err() {
                return;
            }
        }
    }
}

struct Member<M: Model> {
    /// The thread, by its number.
    number: usize,
    calls: Sender<M::Call>,
    /// Where /proc has the thread.
    task: String,
    thread: JoinHandle<()>,
}

/// All seats, and who sits there. (One who waits for ever when a play has failed is left.)
pub(crate) struct Crew<M: Model> {
    members: Vec<Member<M>>,
    answers: Receiver<(usize, Said<M::Answer>)>,
}

impl<M: Model> Crew<M> {
    pub(crate) fn around<S: Subject<Model = M>>(subject: &S) -> Self {
        let (answer, answers) = channel();
        let member = |number| {
            let (calls, called) = channel();
            let seat = Seat { number, calls: called, answers: answer.clone() };
            let (subject, (task, its_task)) = (subject.clone(), channel());
            let thread = thread::spawn(move || {
                task.send(format!("self/task/{}", gettid())).expect("someone waits for it");
                subject.sit(seat);
            });
            Member { number, calls, task: its_task.recv().expect("it has begun"), thread }
        };
        Crew { members: (0..SEATS).map(member).collect(), answers }
    }

    /// Has a call made. What the model has told must come of it, nothing else, and whoever waits
    /// must sleep.
    pub(crate) fn play(&mut self, By(caller, call): By<M::Call>, told: &Told<M>) {
        self.members[caller].calls.send(call).expect("the seat is served");
        let due = &told.answers.0;
        let mut said: Vec<_> =
            due.iter().map_while(|_| self.answers.recv_timeout(EVER).ok()).collect();
        let mut agrees = self.takes(caller, due, said.clone());
        for (member, _) in self.members.iter().zip(told.waits).filter(|(_, waits)| *waits) {
            until("one who waits to sleep", || {
                said.extend(self.answers.try_iter());
                agrees &= said.len() == due.len();
                !agrees || sleeps(&member.task)
            });
        }
        let mut said: Vec<_> =
            said.into_iter().map(|(number, said)| (self.seat_of(number), said)).collect();
        said.sort_by_key(|(seat, _)| *seat);
        assert!(agrees, "answers: {said:?}, but it must be {due:?}");
    }

    fn seat_of(&self, number: usize) -> usize {
        let found = self.members.iter().position(|member| member.number == number);
        found.expect("every thread has a seat")
    }

    /// Whether the answers that are due have come. Who of several that wait goes on is not the
    /// model's to say: the one who does changes seats with the one who was to.
    fn takes(
        &mut self,
        caller: usize,
        due: &[(usize, Said<M::Answer>)],
        mut said: Vec<(usize, Said<M::Answer>)>,
    ) -> bool {
        let the_caller = self.members[caller].number;
        for (seat, answer) in due {
            let own = self.members[*seat].number;
            said.sort_by_key(|(number, _)| *number != own);
            let found = said.iter().position(|(number, said)| {
                said == answer && (*number == own || *seat != caller && *number != the_caller)
            });
            let Some(found) = found else { return false };
            let (number, _) = said.remove(found);
            let theirs = self.seat_of(number);
            self.members.swap(*seat, theirs);
        }
        true
    }

    /// All leave their seats, and drop what they hold; those who wait, once they are freed.
    pub(crate) fn leave(self, free: impl FnOnce()) {
        let (calls, threads): (Vec<_>, Vec<_>) =
            self.members.into_iter().map(|member| (member.calls, member.thread)).unzip();
        drop(calls);
        free();
        until("all to leave", || threads.iter().all(JoinHandle::is_finished));
        threads.into_iter().for_each(|thread| thread.join().expect("it has only served"));
    }
}
