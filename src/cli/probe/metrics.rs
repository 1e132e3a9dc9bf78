//! What probes found, as metrics for Prometheus.
//!
//! In: runs that are over, and gaps. Out: the families of a scrape. Only probes with a clean end and a token have times:
//! failures are counted by their class. Times are those of [`figures`](crate::measure::figures), in seconds.

mod endpoints;
mod times;
mod values;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[cfg(feature = "otlp")]
pub(super) use self::endpoints::{PHASES, unix_seconds};
use self::{
    endpoints::EndpointMetrics,
    times::{BUCKETS, ProbeTime, TIMES},
    values::VALUES,
};
use crate::{
    endpoint::TargetId,
    history::{EndpointCheck, ProbeGap},
    measure::{
        cost, figure,
        lost::{self, LostConnections},
    },
    metrics::{Histogram, Labels, MetricFamily, count},
    price::{PriceTable, Usd},
    run::{ConnectionKind, Run},
    transport::ConnectionLoss,
};

/// The outcome of a probe with a clean end and a token.
const OK: &str = "ok";
/// The outcome of a probe with a clean end and no token: its TTFT is not known.
const NO_TOKEN: &str = "no_token";
/// The label of a probe that failed before it had a connection.
const NO_CONNECTION: &str = "none";

/// The probes of a target over one kind of connection.
struct ConnectionProbes {
    outcomes: BTreeMap<&'static str, u64>,
    times: [Histogram; TIMES.len()],
}

impl ConnectionProbes {
    fn new() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            times: TIMES.each_ref().map(|_| Histogram::new(&BUCKETS)),
        }
    }
}

/// The gaps of a target for one reason.
#[derive(Default)]
struct GapSeries {
    gaps: u64,
    seconds: f64,
    is_open: bool,
}

/// All that is known of a target.
#[derive(Default)]
struct TargetSeries {
    /// What its last run said of it.
    info: Option<Labels>,
    connections: BTreeMap<&'static str, ConnectionProbes>,
    /// Whether its last probe succeeded.
    is_up: Option<bool>,
    last_success_unix_ns: Option<i64>,
    read_bytes: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// Probes whose cost is known, and what they cost.
    priced: u64,
    cost_usd: f64,
    /// Connections that failed probes lost.
    lost: LostConnections,
    gaps: BTreeMap<&'static str, GapSeries>,
}

/// The metrics of a monitor.
pub(super) struct ProbeMetrics {
    targets: Mutex<BTreeMap<String, TargetSeries>>,
    endpoints: EndpointMetrics,
    prices: PriceTable,
}

impl ProbeMetrics {
    /// Of these targets, none of which was asked yet.
    pub(super) fn new(targets: &[TargetId], prices: PriceTable) -> Self {
        let series = |target: &TargetId| {
            let mut series = TargetSeries::default();
            for kind in ConnectionKind::ALL {
                let connection = series.connections.entry(kind.as_str());
                let connection = connection.or_insert_with(ConnectionProbes::new);
                // A count that begins at 0 shows its first step.
                connection.outcomes.insert(OK, 0);
            }
            (target.to_string(), series)
        };
        Self {
            targets: Mutex::new(targets.iter().map(series).collect()),
            endpoints: EndpointMetrics::default(),
            prices,
        }
    }

    /// A probe is over.
    pub(super) fn take(&self, run: &Run) {
        let mut targets = self.targets();
        let series = targets.entry(run.head.target.to_string()).or_default();
        let outcome = match &run.answer.fault {
            Some(fault) => fault.class.as_str(),
            None if run.stamps.first_token.is_none() => NO_TOKEN,
            None => OK,
        };
        let kind = run.connection.map_or(NO_CONNECTION, ConnectionKind::as_str);
        let connection = series.connections.entry(kind);
        let connection = connection.or_insert_with(ConnectionProbes::new);
        *connection.outcomes.entry(outcome).or_default() += 1;
        if outcome == OK {
            for (histogram, time) in connection.times.iter_mut().zip(&TIMES) {
                let ms = figure(time.figure).and_then(|figure| (figure.value)(run, &self.prices));
                if let Some(ms) = ms {
                    histogram.add(ms / 1e3);
                }
            }
        }
        series.count(run, outcome, &self.prices);
    }

    /// Targets are not asked, or are asked again.
    pub(super) fn gap(&self, gap: &ProbeGap) {
        let mut targets = self.targets();
        let named = gap.target.as_ref().map(ToString::to_string);
        for (target, series) in targets.iter_mut() {
            if named.as_ref().is_none_or(|named| named == target) {
                series.gaps.entry(gap.why.as_str()).or_default().take(gap);
            }
        }
    }

    /// An endpoint was checked.
    pub(super) fn check(&self, check: &EndpointCheck) {
        self.endpoints.take(check);
    }

    /// All of it.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        let targets = self.targets();
        let info = |series: &TargetSeries| series.info.as_ref().map(|_| 1.0);
        let mut families = vec![
            MetricFamily::gauges(
                "tokenscope_build_info",
                "The version of Tokenscope; always 1",
                vec![(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0)],
            ),
            MetricFamily::gauges(
                "tokenscope_probe_target_info",
                "What is known of a target; always 1",
                of_targets(&targets, info, |series| {
                    series.info.clone().unwrap_or_default()
                }),
            ),
            MetricFamily::counters(
                "tokenscope_probes_total",
                "Probes that are over, by outcome: ok, no_token, or the class of the fault",
                outcomes(&targets),
            ),
        ];
        families.extend(times(&targets));
        families.extend(VALUES.iter().map(|row| {
            let samples = of_targets(&targets, row.value, |_| Vec::new());
            if row.is_sum {
                MetricFamily::counters(row.name, row.help, samples)
            } else {
                MetricFamily::gauges(row.name, row.help, samples)
            }
        }));
        families.push(MetricFamily::counters(
            "tokenscope_probe_connections_lost_total",
            "Connections to the nearest TCP endpoint that failed probes lost, by how: reset, or half_open",
            losses(&targets),
        ));
        families.extend(gaps(&targets));
        families.extend(self.endpoints.families());
        families
    }

    fn targets(&self) -> MutexGuard<'_, BTreeMap<String, TargetSeries>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TargetSeries {
    /// Counts what does not depend on the connection.
    fn count(&mut self, run: &Run, outcome: &str, prices: &PriceTable) {
        let head = &run.head;
        self.info = Some(vec![
            ("dialect", head.dialect.as_str().to_owned()),
            ("route", head.route.clone()),
            ("simulated", head.simulated.to_string()),
        ]);
        // What ended here says nothing of its target.
        let fault = run.answer.fault.as_ref();
        if fault.is_none_or(|fault| !fault.class.is_no_failure()) {
            self.is_up = Some(outcome == OK);
        }
        if let Some(loss) = lost::of(run) {
            self.lost.add(loss, 1);
        }
        if outcome == OK {
            let lasted = i64::try_from(run.stamps.closed.unwrap_or_default()).unwrap_or(i64::MAX);
            self.last_success_unix_ns = Some(run.stamps.started_unix_ns.saturating_add(lasted));
        }
        let bytes = run.reads.iter().map(|read| u64::from(read.bytes));
        self.read_bytes += bytes.sum::<u64>();
        if let Some(usage) = &run.answer.usage {
            self.input_tokens += usage.input.unwrap_or(0);
            self.output_tokens += usage.generated().unwrap_or(0);
        }
        if let Ok(cost) = cost::of(run, prices) {
            self.priced += 1;
            self.cost_usd += Usd::dollars(cost);
        }
    }
}

impl GapSeries {
    fn take(&mut self, gap: &ProbeGap) {
        // One that ends was told when it began.
        if !self.is_open {
            self.gaps += 1;
        }
        self.is_open = gap.to_unix_ns.is_none();
        if let Some(to) = gap.to_unix_ns {
            self.seconds += seconds(to.saturating_sub(gap.from_unix_ns).max(0));
        }
    }
}

type Targets = BTreeMap<String, TargetSeries>;

/// A sample of each target whose value is known, with these further labels.
fn of_targets(
    targets: &Targets,
    value: fn(&TargetSeries) -> Option<f64>,
    further: fn(&TargetSeries) -> Labels,
) -> Vec<(Labels, f64)> {
    let sample = |(target, series): (&String, &TargetSeries)| {
        let labels = [vec![("target", target.clone())], further(series)].concat();
        Some((labels, value(series)?))
    };
    targets.iter().filter_map(sample).collect()
}

fn outcomes(targets: &Targets) -> Vec<(Labels, f64)> {
    let mut samples = Vec::new();
    for (target, series) in targets {
        for (kind, connection) in &series.connections {
            for (outcome, probes) in &connection.outcomes {
                let mut labels = of_connection(target, kind);
                labels.push(("outcome", (*outcome).to_owned()));
                samples.push((labels, count(*probes)));
            }
        }
    }
    samples
}

fn losses(targets: &Targets) -> Vec<(Labels, f64)> {
    let of_target = |(target, series): (&String, &TargetSeries)| {
        let LostConnections { reset, half_open } = series.lost;
        let counts = [
            (ConnectionLoss::Reset, reset),
            (ConnectionLoss::HalfOpen, half_open),
        ];
        counts.map(|(how, runs)| {
            let how = ("how", how.as_str().to_owned());
            (vec![("target", target.clone()), how], count(runs as u64))
        })
    };
    targets.iter().flat_map(of_target).collect()
}

/// The histograms, by their names.
fn times(targets: &Targets) -> Vec<MetricFamily> {
    let numbered: Vec<(usize, &ProbeTime)> = TIMES.iter().enumerate().collect();
    let families = numbered.chunk_by(|(_, one), (_, next)| one.name == next.name);
    let family = |times: &[(usize, &ProbeTime)]| {
        let mut samples = Vec::new();
        for (target, series) in targets {
            for (kind, connection) in &series.connections {
                for (at, time) in times {
                    let mut labels = of_connection(target, kind);
                    labels.extend(time.phase.map(|phase| ("phase", phase.to_owned())));
                    samples.push((labels, connection.times[*at].clone()));
                }
            }
        }
        let (_, time) = times[0];
        MetricFamily::histograms(time.name, time.help, samples)
    };
    families.map(family).collect()
}

fn of_connection(target: &str, kind: &str) -> Labels {
    vec![
        ("target", target.to_owned()),
        ("connection", kind.to_owned()),
    ]
}

fn gaps(targets: &Targets) -> [MetricFamily; 3] {
    let samples = |value: fn(&GapSeries) -> f64| {
        let mut samples = Vec::new();
        for (target, series) in targets {
            for (reason, gap) in &series.gaps {
                let labels = vec![("target", target.clone()), ("reason", (*reason).to_owned())];
                samples.push((labels, value(gap)));
            }
        }
        samples
    };
    [
        MetricFamily::counters(
            "tokenscope_probe_gaps_total",
            "Times in which a target was not asked although it was due, by reason",
            samples(|gap| count(gap.gaps)),
        ),
        MetricFamily::counters(
            "tokenscope_probe_gap_seconds_total",
            "How long the gaps that are over lasted",
            samples(|gap| gap.seconds),
        ),
        MetricFamily::gauges(
            "tokenscope_probe_gap_open",
            "Whether a gap lasts now: 1 or 0",
            samples(|gap| count(gap.is_open.into())),
        ),
    ]
}

/// Nanoseconds as seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a time of day to a fraction of a microsecond"
)]
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}
