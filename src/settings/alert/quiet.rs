//! Quiet hours: a part of the day in which nobody is told.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A part of the day, in minutes since midnight; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Its first minute.
    pub from: u32,
    /// The minute after its last.
    pub to: u32,
}

impl QuietHours {
    /// Whether a minute of the day is in it.
    #[must_use]
    pub fn has(self, minute: u32) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// As in the file: `22:00-07:00`.
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, "{}-{}", time(self.from), time(self.to))
    }
}

impl FromStr for QuietHours {
    type Err = BadQuietHours;

    fn from_str(text: &str) -> Result<Self, BadQuietHours> {
        let ends = text
            .split_once('-')
            .map(|(from, to)| (minute(from), minute(to)));
        match ends {
            Some((Some(from), Some(to))) => Ok(Self { from, to }),
            _ => Err(BadQuietHours),
        }
    }
}

/// A text that is no quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet is written as \"22:00-07:00\"")]
pub struct BadQuietHours;

impl Serialize for QuietHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let night = QuietHours {
            from: 1_320,
            to: 420,
        };
        assert_eq!(
            [0, 419, 420, 720, 1_319, 1_320, 1_439].map(|minute| night.has(minute)),
            [true, true, false, false, false, true, true]
        );
        let noon = QuietHours { from: 720, to: 780 };
        assert_eq!(
            [719, 720, 779, 780].map(|minute| noon.has(minute)),
            [false, true, true, false]
        );
    }
}
