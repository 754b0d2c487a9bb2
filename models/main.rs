//! Models: what loom explores to the end. See README.md in this folder.
#![cfg(loom)]

mod harness;

mod event;
mod lock;
mod pipe;
mod semaphore;
