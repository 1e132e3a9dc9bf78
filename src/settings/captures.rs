//! The `[history]` section: how much is kept of what went over the wire.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The keys of the section.
pub(super) const KEYS: &[&str] = &["capture_mib", "capture_days"];

/// How many captures of runs the history keeps; the oldest go first. Runs and their figures stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureLimits {
    /// Most MiB that all captures take together, compressed; 0 keeps none.
    #[serde(rename = "capture_mib")]
    pub mib: u32,
    /// Most days that a capture is kept; 0 keeps none.
    #[serde(rename = "capture_days")]
    pub days: u32,
}

impl Default for CaptureLimits {
    fn default() -> Self {
        Self { mib: 512, days: 30 }
    }
}

impl CaptureLimits {
    /// Most bytes that all captures take together.
    #[must_use]
    pub fn max_bytes(self) -> u64 {
        u64::from(self.mib) << 20
    }

    /// How long a capture is kept.
    #[must_use]
    pub fn max_age(self) -> Duration {
        Duration::from_secs(u64::from(self.days) * 24 * 3600)
    }

    /// Whether any capture is kept.
    #[must_use]
    pub fn keeps_any(self) -> bool {
        self.mib > 0 && self.days > 0
    }
}
