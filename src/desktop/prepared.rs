//! What takes too long for a frame, and is prepared on a thread of its own.

use std::sync::mpsc::{self, Receiver, TryRecvError};

use egui::Context;

use super::parts::in_background;

/// A value that is prepared from a key. One is prepared at a time.
#[derive(Debug)]
pub struct Prepared<K, T> {
    /// What is prepared, or was prepared last.
    key: Option<K>,
    coming: Option<Receiver<T>>,
    value: Option<T>,
}

impl<K, T> Default for Prepared<K, T> {
    fn default() -> Self {
        Self {
            key: None,
            coming: None,
            value: None,
        }
    }
}

impl<K: Clone + PartialEq + Send + 'static, T: Send + 'static> Prepared<K, T> {
    /// A value that was at hand.
    #[must_use]
    pub fn at_hand(key: K, value: T) -> Self {
        Self {
            key: Some(key),
            coming: None,
            value: Some(value),
        }
    }

    /// Begins to prepare the value of a key, unless that is there or another one is on its way; gives whether it began.
    pub fn begin(
        &mut self,
        key: K,
        ctx: &Context,
        prepare: impl FnOnce(&K) -> T + Send + 'static,
    ) -> bool {
        if self.is_coming() || self.key.as_ref() == Some(&key) {
            return false;
        }
        (self.key, self.value) = (Some(key.clone()), None);
        let (send, receive) = mpsc::channel();
        self.coming = Some(receive);
        let ctx = ctx.clone();
        in_background("prepare", move || {
            // Nobody waits for it once the view is gone.
            let _ = send.send(prepare(&key));
            ctx.request_repaint();
        });
        true
    }

    /// Takes in the value if it has come just now, and gives it.
    pub fn take_in(&mut self) -> Option<&T> {
        match self.coming.as_ref()?.try_recv() {
            Ok(value) => self.value = Some(value),
            Err(TryRecvError::Empty) => return None,
            // No thread could be started.
            Err(TryRecvError::Disconnected) => self.key = None,
        }
        self.coming = None;
        self.value.as_ref()
    }

    /// Forgets the value, so that it is prepared again, unless one is on its way; gives whether there was anything.
    pub fn forget(&mut self) -> bool {
        let is_known = self.key.is_some() && !self.is_coming();
        if is_known {
            *self = Self::default();
        }
        is_known
    }

    /// Whether a value is on its way.
    #[must_use]
    pub fn is_coming(&self) -> bool {
        self.coming.is_some()
    }

    /// The key of the value, or of that which is on its way.
    #[must_use]
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The value; `None` until it is there.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }
}
