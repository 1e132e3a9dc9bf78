//! Which target has which colour: the same one for as long as it is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint::TargetId;

/// Colours that are told apart; see [`Theme::series`](crate::desktop::theme::Theme).
const COLORS: usize = 8;

/// Places in the theme's list of colours, by target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Colors(BTreeMap<TargetKey, usize>);

/// A target as text, so that the table can be kept as JSON.
type TargetKey = String;

impl Colors {
    /// The place of a target's colour; a new one gets the least used.
    pub fn place(&mut self, target: &TargetId) -> usize {
        let key = target.to_string();
        if let Some(place) = self.0.get(&key) {
            return *place;
        }
        let used = |place: usize| self.0.values().filter(|taken| **taken == place).count();
        let place = (0..COLORS)
            .min_by_key(|place| used(*place))
            .unwrap_or_default();
        self.0.insert(key, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: usize) -> TargetId {
        TargetId {
            endpoint: "e".into(),
            model: name.to_string(),
        }
    }

    #[test]
    fn colours_are_spread_and_stay() {
        let mut colors = Colors::default();
        let first: Vec<_> = (0..COLORS).map(|n| colors.place(&target(n))).collect();
        let mut sorted = first.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), COLORS);
        colors.place(&target(99));
        let again: Vec<_> = (0..COLORS).map(|n| colors.place(&target(n))).collect();
        assert_eq!(first, again);
    }
}
