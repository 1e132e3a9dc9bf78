//! Which item an event is about: its stated index, else the item's id, else the order they came in.

use std::{borrow::Cow, collections::HashMap};

/// The items that were streamed, as far as their events tell them apart.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_id: HashMap<String, u64>,
    last: Option<u64>,
    /// Behind all that were seen.
    next: u64,
}

/// An index and an id, as far as an event states them.
#[derive(Debug, Default)]
pub(super) struct Stated<'a> {
    pub index: Option<u64>,
    pub id: Option<Cow<'a, str>>,
}

impl Places {
    /// The index of an item that begins.
    pub(super) fn begin(&mut self, stated: Stated<'_>) -> u64 {
        let index = stated.index.unwrap_or(self.next);
        self.know(index, stated.id)
    }

    /// The index of an item that goes on.
    pub(super) fn go_on(&mut self, stated: Stated<'_>) -> u64 {
        let index = self.find(&stated).or(self.last).unwrap_or(0);
        self.know(index, stated.id)
    }

    /// The index of an item that ends: the last one if it is open, else one that nothing announced.
    pub(super) fn end(&mut self, stated: Stated<'_>, is_open: impl Fn(u64) -> bool) -> u64 {
        let open = || self.last.filter(|last| is_open(*last));
        let index = self.find(&stated).or_else(open).unwrap_or(self.next);
        self.know(index, stated.id)
    }

    /// What an event states, by itself or by its id.
    pub(super) fn find(&self, stated: &Stated<'_>) -> Option<u64> {
        let by_id = || self.by_id.get(stated.id.as_deref()?).copied();
        stated.index.or_else(by_id)
    }

    /// The index of an item that stands in the finished response: servers may count it anew there.
    pub(super) fn in_output(&self, position: u64, id: Option<&str>) -> u64 {
        let known = id.and_then(|id| self.by_id.get(id));
        known.copied().unwrap_or(position)
    }

    fn know(&mut self, index: u64, id: Option<Cow<'_, str>>) -> u64 {
        if let Some(id) = id.filter(|id| !id.is_empty() && !self.by_id.contains_key(&**id)) {
            self.by_id.insert(id.into_owned(), index);
        }
        self.last = Some(index);
        self.next = self.next.max(index.saturating_add(1));
        index
    }
}
