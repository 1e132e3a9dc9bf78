//! When each part of a capture is due in a replay.

use std::{str::FromStr, time::Duration};

use super::{Capture, CaptureDecoder, CapturedResponse};
use crate::{
    event::{Fault, FaultClass},
    run::OffsetNs,
};

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
    /// How its response ended. A fault that the body tells by itself (an error that the server sent, a missing end mark)
    /// came with a body that was over; any other is of the connection, or of who waited for it.
    #[must_use]
    pub fn body_end(&self) -> BodyEnd {
        let Some(response) = &self.response else {
            return BodyEnd::Whole;
        };
        if response.body.missing().is_some() {
            return BodyEnd::BrokeOff;
        }
        match &self.fault {
            Some(fault) if !self.is_told_by_body(fault) => match fault.class {
                FaultClass::Timeout => BodyEnd::Silent,
                _ => BodyEnd::BrokeOff,
            },
            _ if response.is_short() => BodyEnd::BrokeOff,
            _ => BodyEnd::Whole,
        }
    }

    /// Whether the body says the same as a fault of its run.
    fn is_told_by_body(&self, fault: &Fault) -> bool {
        let told = CaptureDecoder::told_by_body(self);
        told.is_some_and(|told| {
            // What is said of a missing end differs from what is said of a connection that broke.
            let is_end = told.class == FaultClass::Interrupted;
            told.class == fault.class && (!is_end || told.message == fault.message)
        })
    }
}

impl CapturedResponse {
    /// Whether the body has fewer bytes than its head promised.
    fn is_short(&self) -> bool {
        let is_coded = self.headers.get("content-encoding").is_some();
        let promised = self.headers.get("content-length").filter(|_| !is_coded);
        let promised = promised.and_then(|length| length.parse::<u64>().ok());
        promised.is_some_and(|promised| self.body.total < promised)
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
