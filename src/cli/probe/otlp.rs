//! Traces and metrics of probes, for an OpenTelemetry collector.
//!
//! A probe is one span, with events where its phases end and with all its figures. What is our own begins with
//! `tokenscope.`. Nothing of what was asked or answered is sent.

mod checks;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, KeyValue, StringValue, Value,
    metrics::{Counter, Histogram},
    trace::{Span as _, SpanKind, Status, Tracer as _},
};
use opentelemetry_sdk::trace::SdkTracer;
use url::Url;

use self::checks::CheckInstruments;
use crate::{
    cli::otlp::{Collector, SECONDS, operation_duration, seconds, target_labels, token_usage},
    endpoint::TargetPlace,
    history::{EndpointCheck, ProbeGap},
    measure::{cost, figure, figures},
    price::{PriceTable, Usd},
    run::{ConnectionKind, Run},
};

/// What sends probes to a collector; it must be ended, so that nothing is lost.
pub(super) struct ProbeTelemetry {
    collector: Collector,
    tracer: SdkTracer,
    duration: Histogram<f64>,
    /// The times of probes that answered, each with the figure that it is made from.
    times: [(Histogram<f64>, &'static str); 2],
    gaps: Histogram<f64>,
    tokens: Histogram<u64>,
    cost: Counter<f64>,
    checks: CheckInstruments,
    prices: PriceTable,
}

impl ProbeTelemetry {
    /// Sends to the collector at this URL.
    pub(super) fn to(collector: &Url, prices: PriceTable) -> anyhow::Result<Self> {
        let collector = Collector::at(collector)?;
        let meter = collector.meter();
        let ttft = seconds(
            &meter,
            "tokenscope.probe.ttft",
            "Time from the start to the first token",
            &SECONDS,
        );
        let net = seconds(
            &meter,
            "tokenscope.probe.ttft_net",
            "Time from the sent request to the first token",
            &SECONDS,
        );
        Ok(Self {
            tracer: collector.tracer(),
            duration: operation_duration(&meter),
            times: [(ttft, "ttft_ms"), (net, "ttft_net_ms")],
            gaps: seconds(
                &meter,
                "tokenscope.probe.gap",
                "Times in which a target was not asked although it was due",
                &SECONDS,
            ),
            tokens: token_usage(&meter),
            cost: meter
                .f64_counter("tokenscope.probe.cost")
                .with_unit("{USD}")
                .with_description("Cost of probes whose price is known")
                .build(),
            checks: CheckInstruments::of(&meter),
            collector,
            prices,
        })
    }

    /// A probe is over.
    pub(super) fn take(&self, run: &Run) {
        self.measure(run);
        self.trace(run);
    }

    /// An endpoint was checked.
    pub(super) fn check(&self, check: &EndpointCheck) {
        self.checks.take(check);
    }

    /// A gap; one that lasts is told once it is over.
    pub(super) fn gap(&self, gap: &ProbeGap) {
        let Some(to) = gap.to_unix_ns else {
            return;
        };
        let target = gap.target.as_ref();
        let target = target.map_or_else(|| "all".to_owned(), ToString::to_string);
        let labels = [
            KeyValue::new("tokenscope.target", target),
            KeyValue::new("tokenscope.gap.reason", gap.why.as_str()),
        ];
        let lasted = u64::try_from(to.saturating_sub(gap.from_unix_ns)).unwrap_or_default();
        let lasted = Duration::from_nanos(lasted);
        self.gaps.record(lasted.as_secs_f64(), &labels);
        let span = self.tracer.span_builder("gap");
        let span = span
            .with_start_time(at(gap.from_unix_ns, 0))
            .with_attributes(labels);
        self.tracer.build(span).end_with_timestamp(at(to, 0));
    }

    /// Sends what is left, and ends.
    pub(super) fn end(&self) {
        self.collector.end();
    }

    fn measure(&self, run: &Run) {
        let mut labels = labels(run);
        let lasted = Duration::from_nanos(run.stamps.closed.unwrap_or_default());
        self.duration.record(lasted.as_secs_f64(), &labels);
        if run.answer.fault.is_none() {
            for (histogram, key) in &self.times {
                let ms = figure(key).and_then(|figure| (figure.value)(run, &self.prices));
                if let Some(ms) = ms {
                    histogram.record(ms / 1e3, &labels);
                }
            }
        }
        if let Ok(cost) = cost::of(run, &self.prices) {
            self.cost.add(Usd::dollars(cost), &labels);
        }
        for (kind, tokens) in tokens(run) {
            labels.push(KeyValue::new("gen_ai.token.type", kind));
            self.tokens.record(tokens, &labels);
            labels.pop();
        }
    }

    fn trace(&self, run: &Run) {
        let begin = run.stamps.started_unix_ns;
        let model = &run.head.target.model;
        let builder = self
            .tracer
            .span_builder(format!("chat {model}"))
            .with_kind(SpanKind::Client)
            .with_start_time(at(begin, 0))
            .with_attributes(self.attributes(run));
        let mut span = self.tracer.build(builder);
        let stamps = &run.stamps;
        for (name, stamp) in [
            ("dns", stamps.dns.map(|span| span.end)),
            ("tcp", stamps.tcp.map(|span| span.end)),
            ("tls", stamps.tls.map(|span| span.end)),
            ("request_sent", stamps.request_sent),
            ("headers", stamps.headers),
            ("first_byte", stamps.first_byte),
            ("first_token", stamps.first_token),
            ("last_token", stamps.last_token),
        ] {
            if let Some(stamp) = stamp {
                span.add_event_with_timestamp(name, at(begin, stamp), Vec::new());
            }
        }
        if let Some(fault) = &run.answer.fault {
            span.set_status(Status::error(fault.class.as_str()));
        }
        span.end_with_timestamp(at(begin, stamps.closed.unwrap_or_default()));
    }

    /// The attributes of a probe's span.
    fn attributes(&self, run: &Run) -> Vec<KeyValue> {
        let mut all = labels(run);
        if let Some(id) = &run.answer.response_id {
            all.push(KeyValue::new("gen_ai.response.id", id.clone()));
        }
        if let Some(finish) = &run.answer.finish {
            let reasons = vec![StringValue::from(finish.raw.clone())];
            let reasons = Value::Array(Array::String(reasons));
            all.push(KeyValue::new("gen_ai.response.finish_reasons", reasons));
        }
        if let Some(status) = run.status {
            all.push(KeyValue::new(
                "http.response.status_code",
                i64::from(status),
            ));
        }
        if let Some(fault) = &run.answer.fault {
            all.push(KeyValue::new("tokenscope.phase", fault.phase.as_str()));
        }
        for (kind, tokens) in tokens(run) {
            let name = format!("gen_ai.usage.{kind}_tokens");
            let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
            all.push(KeyValue::new(name, tokens));
        }
        for figure in figures() {
            let value = (figure.value)(run, &self.prices);
            let name = format!("tokenscope.{}", figure.key);
            all.extend(value.map(|value| KeyValue::new(name, value)));
        }
        all
    }
}

/// The labels of a probe's figures: few values each.
fn labels(run: &Run) -> Vec<KeyValue> {
    let head = &run.head;
    let place = TargetPlace {
        dialect: Some(head.dialect),
        url: head.url.clone(),
        route: head.route.clone(),
        simulated: head.simulated,
    };
    let mut labels = target_labels(&head.target, &place);
    if let Some(model) = &run.answer.model {
        labels.push(KeyValue::new("gen_ai.response.model", model.clone()));
    }
    if let Some(connection) = run.connection.map(ConnectionKind::as_str) {
        labels.push(KeyValue::new("tokenscope.connection", connection));
    }
    if let Some(fault) = &run.answer.fault {
        labels.push(KeyValue::new("error.type", fault.class.as_str()));
    }
    labels
}

/// The tokens that were reported.
fn tokens(run: &Run) -> impl Iterator<Item = (&'static str, u64)> {
    let usage = run.answer.usage;
    let all = [
        ("input", usage.and_then(|usage| usage.input)),
        ("output", usage.and_then(|usage| usage.generated())),
    ];
    all.into_iter()
        .filter_map(|(kind, tokens)| Some((kind, tokens?)))
}

/// A time so long after another, which is in nanoseconds since 1970.
fn at(unix_ns: i64, offset_ns: u64) -> SystemTime {
    let since = u64::try_from(unix_ns).unwrap_or_default();
    UNIX_EPOCH + Duration::from_nanos(since.saturating_add(offset_ns))
}
