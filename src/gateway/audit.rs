//! The line of a request in the audit.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::{price::usd_digits, visible::visible_line};

/// The line of a request in the audit. It has nothing of what was asked or answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AuditRecord {
    /// When the request came (RFC 3339).
    pub at: String,
    /// The name of the key that it was asked with; empty without a valid one.
    pub key: String,
    /// Method and path.
    pub request: String,
    /// The model that was asked for.
    pub model: String,
    /// The route that it took.
    pub route: String,
    /// The target that answered, or failed last.
    pub target: String,
    /// HTTP status of the response.
    pub status: u16,
    /// `ok`, or the class of the fault.
    pub outcome: String,
    /// How many targets were asked, one after another or at once.
    pub attempts: u32,
    /// How many of these were asked beside another one.
    pub hedges: u32,
    /// Milliseconds from the request to the first token as it was handed on.
    pub ttft_ms: Option<f64>,
    /// Milliseconds of these that the gateway itself took.
    pub added_ms: Option<f64>,
    /// Milliseconds of these that the network took: connecting, and one round trip.
    pub network_ms: Option<f64>,
    /// Milliseconds of these that the provider took.
    pub provider_ms: Option<f64>,
    /// Milliseconds of these that were lost to targets that failed or were too slow.
    pub lost_ms: Option<f64>,
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: Option<u64>,
    /// US dollars, if the price is known.
    pub cost_usd: Option<f64>,
    /// Tokens of the prompt at targets that were beaten by the one that answered, and charge for them all the same:
    /// as many for each as that one counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beaten_input_tokens: Option<u64>,
    /// US dollars that the beaten targets charge for these at least, if a price is known. What they had begun to
    /// answer is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beaten_cost_usd: Option<f64>,
    /// Milliseconds until it was over.
    pub total_ms: f64,
    /// The trace that its client says it is part of: the header `traceparent` (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<String>,
}

impl AuditRecord {
    /// US dollars that the request cost as far as is known, those of beaten targets included.
    #[must_use]
    pub fn charged_usd(&self) -> Option<f64> {
        let known = [self.cost_usd, self.beaten_cost_usd];
        known.into_iter().flatten().reduce(|sum, cost| sum + cost)
    }
}

impl fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = format!("{} {} {}", self.request, self.status, self.outcome);
        for (name, value) in [
            ("key", &self.key),
            ("model", &self.model),
            ("route", &self.route),
            ("target", &self.target),
        ] {
            if !value.is_empty() {
                // Writing to a string can't fail.
                let _ = write!(line, " {name}={}", visible_line(value));
            }
        }
        if self.attempts > 1 {
            let _ = write!(line, " attempts={}", self.attempts);
        }
        for (name, ms) in [("ttft", self.ttft_ms), ("added", self.added_ms)] {
            if let Some(ms) = ms {
                let _ = write!(line, " {name}={ms:.1}ms");
            }
        }
        for (name, tokens) in [("in", self.input_tokens), ("out", self.output_tokens)] {
            if let Some(tokens) = tokens {
                let _ = write!(line, " {name}={tokens}");
            }
        }
        if let Some(cost) = self.cost_usd {
            let _ = write!(line, " cost=${}", usd_digits(cost));
        }
        if let Some(cost) = self.beaten_cost_usd {
            let _ = write!(line, " beaten_cost=${}", usd_digits(cost));
        }
        f.write_str(&line)
    }
}
