//! What was spent today, for the caps of routes and keys.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::unix_seconds;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// US dollars that were spent since midnight, UTC. It is kept in memory: a new start begins at 0.
#[derive(Debug, Default)]
pub(super) struct Spending(Mutex<(u64, f64)>);

impl Spending {
    /// Adds what an answer cost.
    pub(super) fn add(&self, usd: f64) {
        self.today(unix_seconds()).1 += usd;
    }

    /// Whether so many dollars are spent.
    pub(super) fn has_reached(&self, cap: Option<f64>) -> bool {
        cap.is_some_and(|cap| self.today(unix_seconds()).1 >= cap)
    }

    fn today(&self, unix_seconds: u64) -> MutexGuard<'_, (u64, f64)> {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = unix_seconds / DAY;
        if spent.0 != day {
            *spent = (day, 0.0);
        }
        spent
    }
}

/// Seconds until the next midnight, UTC.
pub(super) fn seconds_until_tomorrow() -> u64 {
    DAY - unix_seconds() % DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_at_nothing() {
        let spending = Spending::default();
        spending.today(DAY * 7 + 5).1 += 1.5;
        spending.today(DAY * 8 - 1).1 += 1.0;
        assert!((spending.today(DAY * 8 - 1).1 - 2.5).abs() < 1e-9);
        assert!(spending.today(DAY * 8).1.abs() < 1e-9);
    }

    #[test]
    fn without_a_cap_nothing_is_reached() {
        let spending = Spending::default();
        spending.add(2.0);
        assert!(!spending.has_reached(None));
        assert!(spending.has_reached(Some(2.0)));
        assert!(!spending.has_reached(Some(2.1)));
        assert!((1..=DAY).contains(&seconds_until_tomorrow()));
    }
}
