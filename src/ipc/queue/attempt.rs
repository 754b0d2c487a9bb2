//! Attempts for futures, which do not sleep here: where a call would have to wait, a sleeper is announced, and the
//! value of the ring's word is given that it sleeps on.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{GetError, PutError};
use crate::handoff;
use crate::ipc::codec;
use crate::ipc::queue::{Queue, Trouble, get_error};
use crate::ipc::ring::buffer::{Buffer, Taken};
use crate::ipc::ring::{Ring, WaitMode};

impl<T> Queue<T> {
    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// The value is encoded once, into `encoded`.
    pub(crate) fn put_or_announce(
        &self,
        value: T,
        encoded: &mut Option<Taken>,
    ) -> Result<Result<(), (T, u32)>, PutError<T>> {
        let put = match encoded {
            Some(buffer) => Ok(&**buffer),
            None => {
                let buffer = encoded.insert(Buffer::take());
                self.encode(&value, buffer).map(|()| &**buffer)
            }
        };
        match put.and_then(|buffer| self.ring.put_or_announce(buffer).map_err(Trouble::Refused)) {
            Ok(None) => Ok(Ok(())),
            Ok(Some(seen)) => Ok(Err((value, seen))),
            Err(trouble) => Err(self.put_error(value, trouble, &WaitMode::Not)),
        }
    }

    pub(crate) fn get_or_announce(&self) -> Result<Result<T, u32>, GetError> {
        let mut buffer = Buffer::take();
        match self.ring.get_or_announce(&mut buffer) {
            Ok(None) => {
                let value = handoff::not_taking(|| codec::decode(buffer.message()));
                value.map(Ok).map_err(GetError::Decode)
            }
            Ok(Some(seen)) => Ok(Err(seen)),
            Err(refusal) => Err(get_error(refusal, &WaitMode::Not)),
        }
    }
}
