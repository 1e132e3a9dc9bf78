//! Metrics of benches, for an OpenTelemetry collector.
//!
//! Each request is added to histograms; there are no spans, as a load of a million would make as many. What is our own
//! begins with `tokenscope.`: the conventions have times to the first token and per output token only for servers, and a
//! bench measures as a client. Nothing of what is asked or answered is sent.

use std::collections::HashMap;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};
use url::Url;

use crate::{
    bench::{BenchId, BenchPlan, BenchRequest},
    cli::otlp::{Collector, SECONDS, operation_duration, seconds, target_labels, token_usage},
    endpoint::TargetPlace,
    event::FaultClass,
    report::ReportedBench,
    run::{ConnectionKind, ms},
};

/// Bounds of times per output token in seconds, as the conventions recommend them.
const TOKEN_SECONDS: [f64; 13] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
];
/// Bounds of our own lag in seconds.
const LAG_SECONDS: [f64; 10] = [
    0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0,
];

/// What sends benches to a collector; it must be ended, so that nothing is lost.
pub(super) struct BenchTelemetry {
    collector: Collector,
    requests: RequestInstruments,
    benches: BenchInstruments,
}

/// What is measured of each request.
#[derive(Clone)]
struct RequestInstruments {
    duration: Histogram<f64>,
    ttft: Histogram<f64>,
    ttft_from_schedule: Histogram<f64>,
    per_token: Histogram<f64>,
    lag: Histogram<f64>,
    tokens: Histogram<u64>,
    count: Counter<u64>,
}

/// What is told of a bench once it is over.
struct BenchInstruments {
    requested_rate: Gauge<f64>,
    achieved_rate: Gauge<f64>,
    goodput: Gauge<f64>,
    valid: Gauge<u64>,
}

impl BenchTelemetry {
    /// Sends to the collector at this URL.
    pub(super) fn to(collector: &Url) -> anyhow::Result<Self> {
        let collector = Collector::at(collector)?;
        let meter = collector.meter();
        Ok(Self {
            requests: RequestInstruments::of(&meter),
            benches: BenchInstruments::of(&meter),
            collector,
        })
    }

    /// What takes the requests of a bench.
    pub(super) fn series(
        &self,
        id: BenchId,
        plan: &BenchPlan,
        places: &[TargetPlace],
    ) -> BenchSeries {
        BenchSeries {
            instruments: self.requests.clone(),
            is_open: plan.load.is_open(),
            labels: bench_labels(id, plan, places),
            of_kind: HashMap::new(),
        }
    }

    /// A bench is over.
    pub(super) fn over(&self, id: BenchId, bench: &ReportedBench) {
        let found = &bench.summary;
        let labels = bench_labels(id, &bench.plan, &found.places);
        let to = &self.benches;
        for (gauge, value) in [
            (&to.requested_rate, found.requested_rate),
            (&to.achieved_rate, found.achieved_rate),
            (&to.goodput, found.goodput.and_then(|goodput| goodput.share)),
        ] {
            if let Some(value) = value {
                gauge.record(value, &labels);
            }
        }
        to.valid.record(u64::from(found.valid), &labels);
    }

    /// Sends what is left, and ends.
    pub(super) fn end(&self) {
        self.collector.end();
    }
}

impl RequestInstruments {
    fn of(meter: &Meter) -> Self {
        Self {
            duration: operation_duration(meter),
            ttft: seconds(
                meter,
                "tokenscope.bench.ttft",
                "Time from the start to the first token, of complete answers",
                &SECONDS,
            ),
            ttft_from_schedule: seconds(
                meter,
                "tokenscope.bench.ttft_from_schedule",
                "Time from when the request was due to the first token, of complete answers",
                &SECONDS,
            ),
            per_token: seconds(
                meter,
                "tokenscope.bench.time_per_output_token",
                "Time for each output token after the first, of complete answers",
                &TOKEN_SECONDS,
            ),
            lag: seconds(
                meter,
                "tokenscope.bench.lag",
                "How long after it was due each request was begun here",
                &LAG_SECONDS,
            ),
            tokens: token_usage(meter),
            count: meter
                .u64_counter("tokenscope.bench.requests")
                .with_unit("{request}")
                .with_description("Requests that are over; error.type tells what failed")
                .build(),
        }
    }

    fn record(&self, request: &BenchRequest, is_open: bool, labels: &[KeyValue]) {
        self.count.add(1, labels);
        let lasted = ms(request.ended.saturating_sub(request.started)) / 1e3;
        self.duration.record(lasted, labels);
        self.lag.record(request.lag_ms() / 1e3, labels);
        if !request.is_ok() {
            return;
        }
        let from_schedule = request.ttft_from_schedule_ms().filter(|_| is_open);
        for (histogram, value) in [
            (&self.ttft, request.ttft_ms()),
            (&self.ttft_from_schedule, from_schedule),
            (&self.per_token, request.tpot_ms()),
        ] {
            if let Some(value) = value {
                histogram.record(value / 1e3, labels);
            }
        }
    }
}

impl BenchInstruments {
    fn of(meter: &Meter) -> Self {
        let gauge = |name: &'static str, unit: &'static str, help: &'static str| {
            let gauge = meter.f64_gauge(name).with_unit(unit);
            gauge.with_description(help).build()
        };
        Self {
            requested_rate: gauge(
                "tokenscope.bench.requested_rate",
                "{request}/s",
                "Requests a second that were asked for",
            ),
            achieved_rate: gauge(
                "tokenscope.bench.achieved_rate",
                "{request}/s",
                "Requests a second that were begun",
            ),
            goodput: gauge(
                "tokenscope.bench.goodput",
                "1",
                "The share of requests that kept all limits",
            ),
            valid: meter
                .u64_gauge("tokenscope.bench.valid")
                .with_description(
                    "1 if this machine kept up, so that the figures are the target's, else 0",
                )
                .build(),
        }
    }
}

/// Takes the requests of one bench.
pub(super) struct BenchSeries {
    instruments: RequestInstruments,
    is_open: bool,
    labels: Vec<KeyValue>,
    /// The labels of requests that ended alike, over the same kind of connection: they are made once.
    of_kind: HashMap<(Option<FaultClass>, Option<ConnectionKind>), Vec<KeyValue>>,
}

impl BenchSeries {
    /// A request is over; those of the warm-up are left out.
    pub(super) fn take(&mut self, request: &BenchRequest) {
        if request.is_warm_up {
            return;
        }
        let kind = (request.fault(), request.connection);
        let of_bench = &self.labels;
        let labels = self.of_kind.entry(kind).or_insert_with(|| {
            let mut labels = of_bench.clone();
            let fault = kind.0.map(FaultClass::as_str);
            labels.extend(fault.map(|class| KeyValue::new("error.type", class)));
            let connection = kind.1.map(ConnectionKind::as_str);
            labels.extend(connection.map(|kind| KeyValue::new("tokenscope.connection", kind)));
            labels
        });
        self.instruments.record(request, self.is_open, labels);
        for (kind, tokens) in [
            ("input", request.input_tokens),
            ("output", request.output_tokens),
        ] {
            if let Some(tokens) = tokens {
                labels.push(KeyValue::new("gen_ai.token.type", kind));
                self.instruments.tokens.record(tokens.into(), labels);
                labels.pop();
            }
        }
    }
}

/// The labels of a bench: few values each, and its key, which tells the levels of a sweep apart.
fn bench_labels(id: BenchId, plan: &BenchPlan, places: &[TargetPlace]) -> Vec<KeyValue> {
    // Machines that reach the target by several places have no address in common.
    let place = match places {
        [one] => one.clone(),
        several => TargetPlace {
            simulated: several.iter().any(|place| place.simulated),
            ..TargetPlace::default()
        },
    };
    let mut labels = target_labels(&plan.target, &place);
    labels.push(KeyValue::new("tokenscope.bench.id", id.0.to_string()));
    labels
}
