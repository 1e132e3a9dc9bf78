//! What a comparison keeps of its runs: the raw stamps and counts that its figures are derived from, so that it can be
//! opened again when the runs themselves are gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ComparePlan;
use crate::{
    conformance::CheckedRun,
    event::{FaultClass, words},
    measure::{cost, late, streamed},
    price::{PriceTable, Usd},
    run::{ConnectionKind, Link, OffsetNs, RunId, Span, ms},
};

words! {
    /// Why a run that was not failed by the endpoint is in no figure.
    Exclusion {
        /// This machine read its first token too late.
        Late = "late",
        /// It was to go over an open connection and had to open one.
        NotWarm = "not_warm",
        /// The runs of its pair started too far apart.
        Apart = "apart",
        /// It was stopped here, or the machine slept.
        Stopped = "stopped",
    }
}

impl Exclusion {
    /// It in words, for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Late => "late here",
            Self::NotWarm => "not over an open connection",
            Self::Apart => "too far apart",
            Self::Stopped => "stopped",
        }
    }

    /// What that means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Late => "This machine read the first token too late: the time is our own",
            Self::NotWarm => "It was to go over an open connection, and had to open one",
            Self::Apart => "The runs of the pair started too far apart to be one",
            Self::Stopped => "It was stopped here, or the machine slept",
        }
    }
}

words! {
    /// A part of the time until the first token.
    ComparePhase {
        /// Name resolution; blank over an open connection.
        Dns = "dns_ms",
        /// TCP handshake; blank over an open connection.
        Tcp = "tcp_ms",
        /// TLS handshake; blank over an open connection.
        Tls = "tls_ms",
        /// One round trip to the nearest TCP endpoint, as the kernel measured it: no request takes less.
        Network = "network_ms",
        /// The rest of the time from the request to the first token: the provider, and what lies between it and the
        /// nearest TCP endpoint.
        Provider = "provider_ms",
    }
}

impl ComparePhase {
    /// Its name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Network => "Network",
            Self::Provider => "Provider",
        }
    }

    /// How it is made, in one sentence.
    #[must_use]
    pub fn definition(self) -> &'static str {
        match self {
            Self::Dns => "Name resolution of the run's own connection; blank over an open one",
            Self::Tcp => "TCP handshake of the run's own connection; blank over an open one",
            Self::Tls => "TLS handshake of the run's own connection; blank over an open one",
            Self::Network => {
                "One round trip of TCP, by the kernel: to the nearest TCP endpoint only, which may be an edge or a gateway"
            }
            Self::Provider => {
                "First token − request sent − one round trip: the provider, and the way to it from the nearest TCP endpoint"
            }
        }
    }

    /// How long it took, in milliseconds.
    #[must_use]
    pub fn ms(self, sample: &CompareSample) -> Option<f64> {
        match self {
            Self::Dns => sample.dns_ns.map(ms),
            Self::Tcp => sample.tcp_ns.map(ms),
            Self::Tls => sample.tls_ns.map(ms),
            Self::Network => sample.rtt_ns.map(ms),
            Self::Provider => {
                let waited = sample.first_token?.checked_sub(sample.request_sent?)?;
                waited.checked_sub(sample.rtt_ns?).map(ms)
            }
        }
    }
}

/// What a run counts as in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleOutcome {
    /// It is in the figures.
    Measured,
    /// It failed, with this class: it is in the failure rate and in no figure.
    Failed(&'static str),
    /// It is in no figure, and not failed.
    Excluded(Exclusion),
}

/// The class of a run with a clean end and no token.
const NO_TOKEN: &str = "no_token";

/// One run of a comparison. Times without another word are nanoseconds since its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareSample {
    /// The run's key in the history.
    pub run: RunId,
    /// When it started, in nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Over which connection it went; `None` if there was none.
    pub connection: Option<ConnectionKind>,
    /// How long resolving the name took.
    pub dns_ns: Option<u64>,
    /// How long the TCP handshake took.
    pub tcp_ns: Option<u64>,
    /// How long the TLS handshake took.
    pub tls_ns: Option<u64>,
    /// When the request was sent.
    pub request_sent: Option<OffsetNs>,
    /// When the first byte of the body came.
    pub first_byte: Option<OffsetNs>,
    /// When the first token came.
    pub first_token: Option<OffsetNs>,
    /// When the last token came.
    pub last_token: Option<OffsetNs>,
    /// How many tokens came from the first one to the last; `None` if that is not known.
    pub tokens: Option<u64>,
    /// The connection's shortest round trip, by the kernel.
    pub rtt_ns: Option<u64>,
    /// Segments that this side sent again during the run.
    pub retransmits: Option<u32>,
    /// Segments of the other side that came out of order during the run.
    pub out_of_order: Option<u32>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The class of its fault.
    pub fault: Option<FaultClass>,
    /// Whether this machine read its first token too late.
    pub is_late: bool,
    /// How long was waited before it, since the endpoint had answered 429.
    pub waited_ns: u64,
    /// What it cost, if that is known.
    #[serde(with = "super::saved::usd")]
    pub cost: Option<Usd>,
    /// What it is counted as where cost is limited: at most so much, where its cost is not known.
    #[serde(with = "super::saved::usd")]
    pub counted: Option<Usd>,
}

/// How runs are judged.
#[derive(Clone, Copy, Debug)]
pub struct SampleRules<'a> {
    /// The prices that hold.
    pub prices: &'a PriceTable,
    /// The share of its TTFT by which a run may be read late.
    pub late_share: f64,
}

impl CompareSample {
    /// What is kept of a run that is over. `most` is what it could have cost.
    #[must_use]
    pub fn of(run: &CheckedRun, by: SampleRules<'_>, waited: Duration, most: Option<Usd>) -> Self {
        let (stamps, fault) = (&run.stamps, run.answer.fault.as_ref());
        let length = |span: Option<Span>| span.map(|span| span.end.saturating_sub(span.begin));
        let tcp = stamps.link.as_ref().and_then(Link::tcp);
        let cost = cost::of(run, by.prices).ok();
        let is_free = cost::is_free(run);
        Self {
            run: run.head.id,
            started_unix_ns: stamps.started_unix_ns,
            connection: run.connection,
            dns_ns: length(stamps.dns),
            tcp_ns: length(stamps.tcp),
            tls_ns: length(stamps.tls),
            request_sent: stamps.request_sent,
            first_byte: stamps.first_byte,
            first_token: stamps.first_token,
            last_token: stamps.last_token,
            tokens: streamed(run).map(|(tokens, _)| tokens),
            rtt_ns: tcp.map(|tcp| nanoseconds(tcp.min_rtt)).filter(|ns| *ns > 0),
            retransmits: tcp.map(|tcp| tcp.retransmits),
            out_of_order: tcp.map(|tcp| tcp.out_of_order),
            status: run.status.or(fault.and_then(|fault| fault.status)),
            fault: fault.map(|fault| fault.class),
            is_late: late::of(run, by.late_share),
            waited_ns: nanoseconds(waited),
            cost: if is_free { Some(Usd::default()) } else { cost },
            counted: if is_free {
                Some(Usd::default())
            } else {
                cost.or(most)
            },
        }
    }

    /// What it counts as, where it was to go over this kind of connection.
    #[must_use]
    pub fn outcome(&self, asked: ConnectionKind) -> SampleOutcome {
        match self.fault {
            Some(class) if class.is_no_failure() => SampleOutcome::Excluded(Exclusion::Stopped),
            Some(class) => SampleOutcome::Failed(class.as_str()),
            None if self.first_token.is_none() => SampleOutcome::Failed(NO_TOKEN),
            None if self.connection != Some(asked) => SampleOutcome::Excluded(Exclusion::NotWarm),
            None if self.is_late => SampleOutcome::Excluded(Exclusion::Late),
            None => SampleOutcome::Measured,
        }
    }

    /// Whether it failed; `None` if it tells nothing of that.
    #[must_use]
    pub fn has_failed(&self) -> Option<bool> {
        match self.fault {
            Some(class) if class.is_no_failure() => None,
            Some(_) => Some(true),
            None => Some(self.first_token.is_none()),
        }
    }

    /// The time per output token, in milliseconds.
    #[must_use]
    pub(super) fn tpot_ms(&self) -> Option<f64> {
        let gaps = u32::try_from(self.tokens?.checked_sub(1)?).ok()?;
        let streaming = self.last_token?.checked_sub(self.first_token?)?;
        (gaps > 0).then(|| ms(streaming) / f64::from(gaps))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A round that is over: each arm was asked once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareRound {
    /// Its number, counted from 0; numbers may be left out.
    pub index: u64,
    /// Over which kind of connection it was to go.
    pub connection: ConnectionKind,
    /// The prompt, by its place in the plan.
    pub prompt: usize,
    /// The arms in the order in which they were asked.
    pub order: Vec<usize>,
    /// What is kept of the run of each arm, by the arm's place in the plan.
    pub samples: Vec<CompareSample>,
    /// Whether no connection was open at its begin: the comparison began or was resumed with it, or the machine had slept.
    #[serde(default)]
    pub is_first: bool,
    /// How long the comparison had been under way when it was over, pauses between two processes left out.
    pub elapsed: Duration,
}

impl CompareRound {
    /// What an arm's run counts as, as the half of a pair with the first arm.
    #[must_use]
    pub fn outcome(&self, arm: usize, plan: &ComparePlan) -> Option<SampleOutcome> {
        let sample = self.samples.get(arm)?;
        let outcome = sample.outcome(self.connection);
        let is_apart = outcome == SampleOutcome::Measured && arm > 0 && self.is_apart(arm, plan);
        Some(if is_apart {
            SampleOutcome::Excluded(Exclusion::Apart)
        } else {
            outcome
        })
    }

    /// Whether the arm's run and the first arm's started too far apart to be a pair.
    #[must_use]
    pub fn is_apart(&self, arm: usize, plan: &ComparePlan) -> bool {
        let started = |arm: usize| self.samples.get(arm).map(|sample| sample.started_unix_ns);
        let apart = started(0).zip(started(arm));
        let apart = apart.map(|(first, other)| Duration::from_nanos(first.abs_diff(other)));
        apart.is_none_or(|apart| apart > plan.window)
    }

    /// Whether the arm and the first one make a pair that counts: each was measured, or failed.
    #[must_use]
    pub fn is_counted(&self, arm: usize, plan: &ComparePlan) -> bool {
        let is_counted = |arm| {
            !matches!(
                self.outcome(arm, plan),
                None | Some(SampleOutcome::Excluded(_))
            )
        };
        is_counted(0) && is_counted(arm) && !self.is_apart(arm, plan)
    }

    /// The two values of a figure or phase, each `None` unless its run was measured and they are a pair.
    pub(super) fn values(
        &self,
        arm: usize,
        plan: &ComparePlan,
        value: impl Fn(&CompareSample) -> Option<f64>,
    ) -> (Option<f64>, Option<f64>) {
        if self.is_apart(arm, plan) {
            return (None, None);
        }
        let of = |arm: usize| {
            let is_measured = self.outcome(arm, plan) == Some(SampleOutcome::Measured);
            self.samples
                .get(arm)
                .filter(|_| is_measured)
                .and_then(&value)
        };
        (of(0), of(arm))
    }
}

#[cfg(test)]
pub(super) mod tests;
