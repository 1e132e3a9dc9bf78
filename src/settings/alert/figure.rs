//! What a rule looks at, in which unit, and on which side of its limit it fires.

use std::ops::RangeInclusive;

use crate::event::words;

/// The most days of a certificate that a rule may ask for: no authority of the Web signs for more.
const MOST_DAYS: f64 = 398.0;

/// The largest number below 1.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

words! {
    #[derive(Default)]
    /// What a rule looks at, within its minutes.
    AlertFigure {
        #[default]
        /// The median of a target's TTFT, in milliseconds.
        TtftP50 = "ttft_p50",
        /// The 95th percentile of a target's TTFT, in milliseconds.
        TtftP95 = "ttft_p95",
        /// The 99th percentile of a target's TTFT, in milliseconds.
        TtftP99 = "ttft_p99",
        /// The share of a target's probes that failed, from 0 to 1. Free checks do not count.
        ErrorRate = "error_rate",
        /// The share of a target's probes, and of the free checks of its endpoint, that ended well, from 0 to 1: a probe
        /// without a fault, a check in which the endpoint was there. Checks are many, so that an endpoint that is away
        /// shows within a minute; an error that only a model has shows in the error rate.
        Availability = "availability",
        /// The share of a target's probes in which something buffered, from 0 to 1, of those that can tell: a short
        /// answer can't.
        Burst = "burst",
        /// How many days the certificate of an endpoint is still valid, by its last free check.
        CertificateDays = "certificate_days",
    }
}

/// In what a figure is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertUnit {
    /// Milliseconds.
    Ms,
    /// A share, from 0 to 1.
    Share,
    /// Days.
    Days,
}

impl AlertFigure {
    /// Whether it is a figure of probes, alone or among others.
    #[must_use]
    pub fn looks_at_probes(self) -> bool {
        self != Self::CertificateDays
    }

    /// Whether it is a figure of free checks, alone or among others.
    #[must_use]
    pub fn looks_at_checks(self) -> bool {
        matches!(self, Self::Availability | Self::CertificateDays)
    }

    /// Its unit.
    #[must_use]
    pub fn unit(self) -> AlertUnit {
        match self {
            Self::TtftP50 | Self::TtftP95 | Self::TtftP99 => AlertUnit::Ms,
            Self::ErrorRate | Self::Availability | Self::Burst => AlertUnit::Share,
            Self::CertificateDays => AlertUnit::Days,
        }
    }

    /// Whether low values are bad, so that a rule fires below its limit; else it fires above.
    #[must_use]
    pub fn fires_below(self) -> bool {
        matches!(self, Self::Availability | Self::CertificateDays)
    }

    /// On which side of its limit a rule fires, as the key of the settings that sets the limit: `above` or `below`.
    #[must_use]
    pub fn side(self) -> &'static str {
        if self.fires_below() { "below" } else { "above" }
    }

    /// A limit as the two values of the settings, `above` and `below`: it is the one that this figure has.
    #[must_use]
    pub fn sides(self, limit: Option<f64>) -> (Option<f64>, Option<f64>) {
        if self.fires_below() {
            (None, limit)
        } else {
            (limit, None)
        }
    }

    /// The limits that a rule may have, in the unit of the settings.
    #[must_use]
    pub fn limits(self) -> RangeInclusive<f64> {
        match self {
            Self::TtftP50 | Self::TtftP95 | Self::TtftP99 => 0.0..=f64::MAX,
            Self::ErrorRate | Self::Burst => 0.0..=BELOW_ONE,
            Self::Availability => f64::MIN_POSITIVE..=1.0,
            Self::CertificateDays => 1.0..=MOST_DAYS,
        }
    }

    /// Whether it is known of an endpoint, for all its models.
    #[must_use]
    pub fn is_of_endpoint(self) -> bool {
        self == Self::CertificateDays
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TtftP50 => "median TTFT",
            Self::TtftP95 => "TTFT P95",
            Self::TtftP99 => "TTFT P99",
            Self::ErrorRate => "error rate",
            Self::Availability => "availability",
            Self::Burst => "share of buffered answers",
            Self::CertificateDays => "remaining time of the certificate",
        }
    }

    /// A value with its unit: `2310 ms`, `20 %`, `99.50 %`, `13.0 days`.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self.unit() {
            AlertUnit::Ms => format!("{value:.0} ms"),
            AlertUnit::Share => {
                let percent = value * 100.0;
                let is_whole = (percent - percent.round()).abs() < 0.005;
                if is_whole {
                    format!("{percent:.0} %")
                } else {
                    format!("{percent:.2} %")
                }
            }
            AlertUnit::Days => format!("{value:.1} days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_unit() {
        for (figure, value, text) in [
            (AlertFigure::TtftP95, 2_310.4, "2310 ms"),
            (AlertFigure::ErrorRate, 0.2, "20 %"),
            (AlertFigure::Availability, 0.995, "99.50 %"),
            (AlertFigure::Availability, 0.999_99, "100 %"),
            (AlertFigure::CertificateDays, 13.04, "13.0 days"),
        ] {
            assert_eq!(figure.text(value), text);
        }
    }
}
