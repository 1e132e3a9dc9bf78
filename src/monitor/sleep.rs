//! Notices that the machine was asleep.

use std::time::Duration;

/// Shorter sleeps change nothing: connections survive them.
const SHORTEST_SLEEP: Duration = Duration::from_secs(2);

/// Compares how long the machine has slept since its start.
#[derive(Clone, Copy, Debug)]
pub struct SleepWatch {
    slept: Duration,
}

impl SleepWatch {
    /// Begins to watch, `slept` being how long the machine has slept so far.
    #[must_use]
    pub fn new(slept: Duration) -> Self {
        Self { slept }
    }

    /// How long the machine has slept since this was last called, if that is worth telling.
    pub fn since(&mut self, slept: Duration) -> Option<Duration> {
        let since = slept.saturating_sub(self.slept);
        if since < SHORTEST_SLEEP {
            return None;
        }
        self.slept = slept;
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sleep_is_told_once() {
        let secs = Duration::from_secs;
        let mut watch = SleepWatch::new(secs(100));
        assert_eq!(watch.since(secs(100)), None);
        // The two clocks are not read at the same moment.
        assert_eq!(watch.since(secs(101)), None);
        assert_eq!(watch.since(secs(99)), None);
        assert_eq!(watch.since(secs(3_700)), Some(secs(3_600)));
        assert_eq!(watch.since(secs(3_700)), None);
    }
}
