//! What a server saw of its clients, and what the client has read.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::{Notify, watch};

/// What a server saw.
#[derive(Default)]
pub struct Seen {
    pub(super) requests: AtomicUsize,
    taken: AtomicU64,
    /// The heads of requests, and whatever else came.
    came: Mutex<Vec<u8>>,
    /// A request has come that is to meet the fault.
    pub asked: Notify,
    /// The last act is over: whoever held on has seen the client leave.
    pub over: Notify,
}

impl Seen {
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many bytes of bodies were taken off the server's hands.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    pub fn came(&self) -> String {
        String::from_utf8_lossy(&self.came.lock().unwrap()).into_owned()
    }

    pub(super) fn note(&self, bytes: &[u8]) {
        self.came.lock().unwrap().extend(bytes);
    }

    pub(super) fn took(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

/// What the client has read: whether the head, and how often a part of the body.
pub type ClientReads = watch::Receiver<(bool, usize)>;
