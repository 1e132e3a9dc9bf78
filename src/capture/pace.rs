//! When each part of a capture is due in a replay.

use std::{str::FromStr, time::Duration};

use super::Capture;
use crate::{event::FaultClass, run::OffsetNs};

/// How fast a capture is replayed: so many times faster than it came, or all at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times faster; 1 is its true pace.
    Times(f64),
    /// Without any wait.
    Max,
}

/// The slowest and the fastest replay that has a pace.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

impl Speed {
    /// How long after the beginning something is due that came at this offset, where the replay begins with `from`.
    #[must_use]
    pub fn due(self, at: OffsetNs, from: OffsetNs) -> Duration {
        match self {
            Self::Times(times) => Duration::from_nanos(at.saturating_sub(from)).div_f64(times),
            Self::Max => Duration::ZERO,
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(times) if SPEEDS.contains(&times) => Ok(Self::Times(times)),
            _ => Err("write a number from 0.001 to 1000000, or max for no wait at all".to_owned()),
        }
    }
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// Its body was whole.
    Whole,
    /// Its connection broke off, or what follows is not kept.
    BrokeOff,
    /// Nothing more came, and the connection stayed open.
    Silent,
}

impl Capture {
    /// How its response ended.
    #[must_use]
    pub fn body_end(&self) -> BodyEnd {
        let response = self.response.as_ref();
        let class = self.fault.as_ref().map(|fault| fault.class);
        match class {
            Some(FaultClass::Timeout) => BodyEnd::Silent,
            Some(FaultClass::Reset | FaultClass::Interrupted | FaultClass::Cancelled) => {
                BodyEnd::BrokeOff
            }
            _ if response.is_some_and(|response| response.body.missing().is_some()) => {
                BodyEnd::BrokeOff
            }
            _ => BodyEnd::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_capture_divided() {
        let ms = Duration::from_millis;
        for (text, due) in [
            ("1", ms(40)),
            ("4", ms(10)),
            ("0.5", ms(80)),
            ("max", ms(0)),
        ] {
            let speed: Speed = text.parse().unwrap();
            assert_eq!(speed.due(50_000_000, 10_000_000), due, "{text}");
            assert_eq!(
                speed.due(5, 10_000_000),
                ms(0),
                "what came before is due at once"
            );
        }
        for text in ["0", "-1", "fast", "", "inf", "NaN"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
