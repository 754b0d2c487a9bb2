//! When two states are the same.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Execution, Status, Thread};
use crate::executor::{ThreadId, digest};
use crate::robust::{thread_named, without_name};

impl Execution {
    /// The state of the whole: two that are equal, but for who is who among threads that are alike,
    /// have one digest.
    pub(crate) fn state(&self) -> u128 {
        // Where each stands for the others to see.
        let mut stands = vec![0u64; self.threads.len()];
        for (var, variable) in self.variables.iter().enumerate() {
            if let Some(id) = thread_named(variable.value) {
                stands[id] = digest((stands[id], var));
            }
        }
        let locals: Vec<u64> = self
            .threads
            .iter()
            .zip(stands)
            .enumerate()
            .map(|(id, (thread, stands))| {
                let status = match thread.status {
                    Status::Joining(_) => Status::Ready,
                    Status::Private => Status::Ready,
                    status => status,
                };
                let Thread { memory, kind, mortal, woken, is_joined, slices, sliced, .. } = *thread;
                let waits = (woken, slices, sliced, thread.version);
                let others = (thread.number != id).then_some(thread.number);
                digest((status, memory, kind, mortal, is_joined, waits, stands, others))
            })
            .collect();
        let mut order: Vec<ThreadId> = (0..self.threads.len()).collect();
        order.sort_by_key(|&id| match self.threads[id].kind {
            // Those of a kind stand together, where the first of them was.
            Some(kind) => (1, u64::from(kind), locals[id], id),
            None => (0, id as u64, 0, id),
        });
        let mut rank = vec![0usize; order.len()];
        for (at, &id) in order.iter().enumerate() {
            rank[id] = at;
        }
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            (seed, self.deaths, self.spurious, self.early, self.single_path, self.pending_wakes)
                .hash(&mut hasher);
            for variable in &self.variables {
                match thread_named(variable.value) {
                    Some(id) => (1u8, without_name(variable.value), rank[id]).hash(&mut hasher),
                    None => (0u8, variable.value).hash(&mut hasher),
                }
            }
            for contents in self.contents.iter().flatten() {
                contents().hash(&mut hasher);
            }
            for &id in &order {
                let thread = &self.threads[id];
                locals[id].hash(&mut hasher);
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
