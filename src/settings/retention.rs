//! The `[history]` section: how long probes and checks are kept one by one.

use serde::{Deserialize, Serialize};

use super::gateway::BadValue;

/// How long the history keeps probes and checks one by one. Older ones are rolled up: hours stay. Other runs are kept
/// until somebody deletes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// How many days probes are kept.
    pub probes_days: u32,
    /// How many days free checks of endpoints are kept.
    pub checks_days: u32,
}

/// The keys of the section; a test compares them with the fields.
pub(super) const KEYS: &[&str] = &["probes_days", "checks_days"];

/// The longest time: a hundred years.
pub const LONGEST_DAYS: u32 = 36_500;

// With these, a year of 20 targets, each probed every five minutes and each endpoint checked every 30 seconds, stays
// under 200 MB: `tests/all/history/year.rs` measures it.
impl Default for Retention {
    fn default() -> Self {
        Self {
            probes_days: 14,
            checks_days: 3,
        }
    }
}

impl Retention {
    /// Says what is wrong with it.
    pub(super) fn check(self) -> Result<(), BadValue> {
        for (key, days) in [
            ("probes_days", self.probes_days),
            ("checks_days", self.checks_days),
        ] {
            if !(1..=LONGEST_DAYS).contains(&days) {
                return Err((key, format!("{key} is from 1 to {LONGEST_DAYS} days")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_keys_matches_the_fields() {
        let written = toml_edit::ser::to_document(&Retention::default()).unwrap();
        let keys: Vec<&str> = written.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, KEYS);
    }

    #[test]
    fn what_is_kept_for_less_than_a_day_is_refused() {
        let of = |probes_days, checks_days| {
            let retention = Retention {
                probes_days,
                checks_days,
            };
            retention.check().err().map(|(key, _)| key)
        };
        assert_eq!(of(1, 36_500), None);
        assert_eq!(of(0, 1), Some("probes_days"));
        assert_eq!(of(1, 36_501), Some("checks_days"));
    }
}
