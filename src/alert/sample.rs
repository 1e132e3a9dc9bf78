//! What runs and checks say to the rules.

use crate::{
    endpoint::TargetId,
    event::FaultClass,
    history::{EndpointCheck, ProbeBurst, ProbeOutcome},
    measure::{
        arrivals::arrivals,
        burst::{Burst, BurstVerdict},
        late,
    },
    run::{OffsetNs, Run, ms},
    settings::alert::AlertFigure,
};

/// One thing that a run or a check says to the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSample {
    /// When that started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Its target; of a check, its endpoint without a model.
    pub target: TargetId,
    /// What it tells.
    pub told: SampleKind,
}

/// What a run tells of its target, or a check of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleKind {
    /// A run answered; its TTFT in milliseconds, if it is to be trusted.
    Answered(Option<f64>),
    /// A run failed.
    Failed,
    /// A run answered at such length that it shows whether something buffers.
    Arrived {
        /// Whether something does.
        is_buffered: bool,
    },
    /// A check could tell whether the endpoint is there.
    Checked {
        /// Whether it is.
        is_up: bool,
    },
    /// A check was shown a certificate.
    Certificate {
        /// The end of its validity, in seconds since 1970.
        until_unix_s: i64,
    },
}

impl SampleKind {
    /// Whether it counts for a figure.
    pub(super) fn counts_for(self, figure: AlertFigure) -> bool {
        match figure {
            AlertFigure::TtftP50
            | AlertFigure::TtftP95
            | AlertFigure::TtftP99
            | AlertFigure::ErrorRate => matches!(self, Self::Answered(_) | Self::Failed),
            AlertFigure::Availability => {
                matches!(
                    self,
                    Self::Answered(_) | Self::Failed | Self::Checked { .. }
                )
            }
            AlertFigure::Burst => matches!(self, Self::Arrived { .. }),
            AlertFigure::CertificateDays => matches!(self, Self::Certificate { .. }),
        }
    }
}

impl AlertSample {
    /// What a run says; nothing if it was stopped, or is not over.
    #[must_use]
    pub fn of(run: &Run, late_share: f64) -> Vec<Self> {
        let ttft = run.stamps.first_token;
        let fault = run.answer.fault.as_ref().map(|fault| fault.class);
        let told = told(fault, ttft, run.stamps.first_token_delay, late_share);
        let Some(told) = told.filter(|_| run.state.is_over()) else {
            return Vec::new();
        };
        let burst = || Burst::of(run, &arrivals(&run.reads));
        let arrived = match told {
            SampleKind::Answered(_) => burst().and_then(|burst| arrived(burst.verdict)),
            _ => None,
        };
        let sample = |told| Self {
            at_unix_ns: run.stamps.started_unix_ns,
            target: run.head.target.clone(),
            told,
        };
        std::iter::once(told).chain(arrived).map(sample).collect()
    }

    /// What a probe of the history says; `None` if it was stopped.
    #[must_use]
    pub fn of_probe(probe: &ProbeOutcome, late_share: f64) -> Option<Self> {
        let ProbeOutcome {
            fault,
            first_token,
            first_token_delay,
            ..
        } = *probe;
        Some(Self {
            at_unix_ns: probe.at_unix_ns,
            target: probe.target.clone(),
            told: told(fault, first_token, first_token_delay, late_share)?,
        })
    }

    /// What the arrivals of a probe of the history say; `None` if they can't tell.
    #[must_use]
    pub fn of_burst(burst: &ProbeBurst) -> Option<Self> {
        Some(Self {
            at_unix_ns: burst.at_unix_ns,
            target: burst.target.clone(),
            told: arrived(burst.verdict)?,
        })
    }

    /// What a check of an endpoint says.
    pub fn of_check(check: &EndpointCheck) -> impl Iterator<Item = Self> {
        let is_up = check.is_up().map(|is_up| SampleKind::Checked { is_up });
        let certificate = check
            .certificate_until
            .map(|until_unix_s| SampleKind::Certificate { until_unix_s });
        let sample = |told| Self {
            at_unix_ns: check.at_unix_ns,
            target: of_endpoint(&check.endpoint),
            told,
        };
        is_up.into_iter().chain(certificate).map(sample)
    }
}

/// An endpoint, as a target without a model.
pub(super) fn of_endpoint(endpoint: &str) -> TargetId {
    TargetId {
        endpoint: endpoint.to_owned(),
        model: String::new(),
    }
}

fn told(
    fault: Option<FaultClass>,
    ttft: Option<OffsetNs>,
    delay: Option<u32>,
    late_share: f64,
) -> Option<SampleKind> {
    match fault {
        Some(class) if class.is_no_failure() => None,
        Some(_) => Some(SampleKind::Failed),
        None => {
            let trusted = ttft.filter(|ttft| !late::is_late(*ttft, delay, late_share));
            Some(SampleKind::Answered(trusted.map(ms)))
        }
    }
}

fn arrived(verdict: BurstVerdict) -> Option<SampleKind> {
    match verdict {
        BurstVerdict::Buffered => Some(SampleKind::Arrived { is_buffered: true }),
        BurstVerdict::Flowing => Some(SampleKind::Arrived { is_buffered: false }),
        BurstVerdict::Unclear => None,
    }
}
