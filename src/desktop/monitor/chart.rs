//! The charts that the monitor has to choose from.

use serde::{Deserialize, Serialize};

/// A chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// Every run's TTFT over time.
    #[default]
    Ttft,
    /// Percentiles of TTFT over time.
    Bands,
    /// The parts of TTFT over time.
    Phases,
    /// The share of runs by TTFT.
    Spread,
    /// A heat map by hour of the day and weekday.
    Hours,
    /// The share of failed runs over time, by class.
    Errors,
    /// A table of targets.
    Targets,
}

impl Chart {
    /// All charts, each with the name on its button.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Ttft, "TTFT"),
        (Self::Bands, "Bands"),
        (Self::Phases, "Phases"),
        (Self::Spread, "Spread"),
        (Self::Hours, "Hours"),
        (Self::Errors, "Errors"),
        (Self::Targets, "Targets"),
    ];

    /// Its title, and what it shows in a sentence.
    #[must_use]
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Ttft => (
                "Time to first token",
                "First token − started, for every run. A cold run’s contains its handshakes",
            ),
            Self::Bands => (
                "Bands of TTFT",
                "The range shown is cut into 60 parts. The line is the median TTFT of each part; the bands reach up to \
                 its P90, P95 and P99. A percentile is blank where there are too few runs: P90 below 10, P95 below 20, \
                 P99 below 100. Where older probes were rolled up, the parts are whole hours or days",
            ),
            Self::Phases => (
                "Phases of TTFT",
                "The range shown is cut into 60 parts. For each, the medians of DNS, TCP, TLS, the wait for the first \
                 byte and from there to the first token stand on top of each other. A phase that is not known is left \
                 out; over an open connection there are no handshakes. The sum of medians is near the median of TTFT, \
                 not the same",
            ),
            Self::Spread => (
                "Spread of TTFT",
                "For each TTFT, the share of a target’s runs that had at most that (an ECDF)",
            ),
            Self::Hours => (
                "Hours of the week",
                "Median TTFT by weekday and hour of the day, in local time. Each target has its own scale: the faintest \
                 colour is its lowest median, the strongest its highest",
            ),
            Self::Errors => (
                "Errors",
                "The range shown is cut into 60 parts. Each bar is the share of a part’s runs that failed, by the class \
                 of the fault. The targets that are not hidden are counted together. Where older probes were rolled up, \
                 the parts are whole hours or days",
            ),
            Self::Targets => (
                "Targets",
                "TTFT and outcomes of each target in the range shown",
            ),
        }
    }

    /// Whether it has an axis of TTFT, which is linear or logarithmic.
    #[must_use]
    pub fn has_scale(self) -> bool {
        matches!(self, Self::Ttft | Self::Bands | Self::Spread)
    }

    /// Whether it shows either warm runs or cold ones, as chosen.
    #[must_use]
    pub fn has_connection(self) -> bool {
        matches!(
            self,
            Self::Bands | Self::Phases | Self::Spread | Self::Hours | Self::Targets
        )
    }
}
