//! The values of a target that are one number each.

use super::{TargetSeries, seconds};
use crate::metrics::count;

/// A value of each target.
pub(super) struct TargetValue {
    pub name: &'static str,
    pub help: &'static str,
    /// Whether it only grows.
    pub is_sum: bool,
    /// `None` while it is not known.
    pub value: fn(&TargetSeries) -> Option<f64>,
}

pub(super) static VALUES: &[TargetValue] = &[
    TargetValue {
        name: "tokenscope_probe_success",
        help: "Whether the last probe succeeded: 1 or 0",
        is_sum: false,
        value: |series| series.is_up.map(|is_up| count(is_up.into())),
    },
    TargetValue {
        name: "tokenscope_probe_last_success_timestamp_seconds",
        help: "When the last successful probe ended, in seconds since 1970",
        is_sum: false,
        value: |series| series.last_success_unix_ns.map(seconds),
    },
    TargetValue {
        name: "tokenscope_probe_response_bytes_total",
        help: "Bytes of response bodies",
        is_sum: true,
        value: |series| Some(count(series.read_bytes)),
    },
    TargetValue {
        name: "tokenscope_probe_input_tokens_total",
        help: "Tokens of prompts, as providers reported them",
        is_sum: true,
        value: |series| Some(count(series.input_tokens)),
    },
    TargetValue {
        name: "tokenscope_probe_output_tokens_total",
        help: "Tokens of answers, as providers reported them",
        is_sum: true,
        value: |series| Some(count(series.output_tokens)),
    },
    TargetValue {
        name: "tokenscope_probe_cost_usd_total",
        help: "US dollars of probes whose cost is known",
        is_sum: true,
        value: |series| (series.priced > 0).then_some(series.cost_usd),
    },
    TargetValue {
        name: "tokenscope_probe_priced_total",
        help: "Probes whose cost is known",
        is_sum: true,
        value: |series| Some(count(series.priced)),
    },
];
