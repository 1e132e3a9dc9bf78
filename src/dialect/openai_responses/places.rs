//! Finds the item that an event refers to: by its index, else by the item's id, else by the order of events.

use std::{borrow::Cow, collections::HashMap};

/// The indices and ids of the streamed items.
#[derive(Debug, Default)]
pub(super) struct StreamedItems {
    by_id: HashMap<String, u64>,
    last: Option<u64>,
    /// One more than the largest index so far.
    next: u64,
}

/// A reference to an item: the index and the id, as far as an event states them.
#[derive(Debug, Default)]
pub(super) struct ItemRef<'a> {
    pub index: Option<u64>,
    pub id: Option<Cow<'a, str>>,
}

impl StreamedItems {
    /// The index of an item that starts.
    pub(super) fn begin(&mut self, stated: ItemRef<'_>) -> u64 {
        let index = stated.index.unwrap_or(self.next);
        self.remember(index, stated.id)
    }

    /// The index of an item that continues.
    pub(super) fn continued(&mut self, stated: ItemRef<'_>) -> u64 {
        let index = self.find(&stated).or(self.last).unwrap_or(0);
        self.remember(index, stated.id)
    }

    /// The index of an item that ends: the last one if it is open, else a new one.
    pub(super) fn end(&mut self, stated: ItemRef<'_>, is_open: impl Fn(u64) -> bool) -> u64 {
        let open = || self.last.filter(|last| is_open(*last));
        let index = self.find(&stated).or_else(open).unwrap_or(self.next);
        self.remember(index, stated.id)
    }

    /// The index that an event states, directly or by the item's id.
    pub(super) fn find(&self, stated: &ItemRef<'_>) -> Option<u64> {
        let by_id = || self.by_id.get(stated.id.as_deref()?).copied();
        stated.index.or_else(by_id)
    }

    /// The index of an item in the final response, where servers may number items differently.
    pub(super) fn in_output(&self, position: u64, id: Option<&str>) -> u64 {
        let known = id.and_then(|id| self.by_id.get(id));
        known.copied().unwrap_or(position)
    }

    fn remember(&mut self, index: u64, id: Option<Cow<'_, str>>) -> u64 {
        if let Some(id) = id.filter(|id| !id.is_empty() && !self.by_id.contains_key(&**id)) {
            self.by_id.insert(id.into_owned(), index);
        }
        self.last = Some(index);
        self.next = self.next.max(index.saturating_add(1));
        index
    }
}
