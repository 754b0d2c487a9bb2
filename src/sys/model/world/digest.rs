//! When two states are the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{OWNER, Status, Task, Thread, World, digest, named};

impl World {
    /// The state of the whole: two that are equal, but for who is who among threads that are alike,
    /// have one digest.
    pub(crate) fn state(&self) -> u128 {
        // Where each stands for the others to see.
        let mut stands = vec![0u64; self.threads.len()];
        for (var, place) in self.places.iter().enumerate() {
            if let Some(task) = named(place.value) {
                stands[task] = digest((stands[task], var));
            }
        }
        let locals: Vec<u64> = self
            .threads
            .iter()
            .zip(stands)
            .enumerate()
            .map(|(task, (thread, stands))| {
                let status = match thread.status {
                    Status::Joining(_) => Status::Ready,
                    Status::Private => Status::Ready,
                    status => status,
                };
                let Thread { memory, kind, mortal, woken, is_joined, slices, sliced, .. } = *thread;
                let waits = (woken, slices, sliced, thread.version);
                let others = (thread.number != task).then_some(thread.number);
                digest((status, memory, kind, mortal, is_joined, waits, stands, others))
            })
            .collect();
        let mut order: Vec<Task> = (0..self.threads.len()).collect();
        order.sort_by_key(|&task| match self.threads[task].kind {
            // Those of a kind stand together, where the first of them was.
            Some(kind) => (1, u64::from(kind), locals[task], task),
            None => (0, task as u64, 0, task),
        });
        let mut rank = vec![0usize; order.len()];
        for (at, &task) in order.iter().enumerate() {
            rank[task] = at;
        }
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            (seed, self.deaths, self.spurious, self.early, self.straight, self.owed)
                .hash(&mut hasher);
            for place in &self.places {
                match named(place.value) {
                    Some(task) => (1u8, place.value & !OWNER, rank[task]).hash(&mut hasher),
                    None => (0u8, place.value).hash(&mut hasher),
                }
            }
            for contents in self.contents.iter().flatten() {
                contents.digest().hash(&mut hasher);
            }
            for &task in &order {
                let thread = &self.threads[task];
                locals[task].hash(&mut hasher);
                thread.knows.len().hash(&mut hasher);
                thread.knows.iter().for_each(|&other| rank[other].hash(&mut hasher));
                if let Status::Joining(other) = thread.status {
                    match self.threads[other].kind {
                        Some(kind) => kind.hash(&mut hasher),
                        None => rank[other].hash(&mut hasher),
                    }
                }
                (&thread.held, thread.pending).hash(&mut hasher);
            }
            hasher.finish()
        };
        u128::from(half(1)) << 64 | u128::from(half(2))
    }
}
