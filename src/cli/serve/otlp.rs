//! Traces and metrics of the gateway, for an OpenTelemetry collector.
//!
//! A request is one span, with the parent that its client names by `traceparent`. What is the gateway's own begins with
//! `tokenscope.`. Nothing of what was asked or answered is sent.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
    propagation::TextMapPropagator as _,
    trace::{Span as _, SpanKind, Status, Tracer as _},
};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracer};
use url::Url;

use crate::{
    cli::otlp::{Collector, SECONDS, seconds, token_usage},
    clock::wall_clock_ns,
    gateway::{AuditRecord, AuditSink},
};

/// Bounds of times that are short.
const SHORT: [f64; 10] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25,
];

/// What sends to a collector; it must be ended, so that nothing is lost.
pub(super) struct Telemetry {
    collector: Collector,
    instruments: Arc<Instruments>,
}

struct Instruments {
    tracer: SdkTracer,
    requests: Counter<u64>,
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    ttft: Histogram<f64>,
    added: Histogram<f64>,
    network: Histogram<f64>,
    provider: Histogram<f64>,
    cost: Counter<f64>,
}

impl Telemetry {
    /// Sends to the collector at this URL.
    pub(super) fn to(collector: &Url) -> anyhow::Result<Self> {
        let collector = Collector::at(collector)?;
        let instruments = Instruments::new(collector.tracer(), &collector.meter());
        Ok(Self {
            collector,
            instruments: Arc::new(instruments),
        })
    }

    /// Takes the lines of the audit.
    pub(super) fn sink(&self) -> AuditSink {
        let instruments = Arc::clone(&self.instruments);
        Box::new(move |record| instruments.record(record))
    }

    /// Sends what is left, and ends.
    pub(super) fn end(&self) {
        self.collector.end();
    }
}

impl Instruments {
    fn new(tracer: SdkTracer, meter: &Meter) -> Self {
        Self {
            tracer,
            requests: meter
                .u64_counter("tokenscope.gateway.requests")
                .with_description("Requests that are over")
                .build(),
            tokens: token_usage(meter),
            duration: seconds(
                meter,
                "gen_ai.server.request.duration",
                "Time from the request to the end of its answer",
                &SECONDS,
            ),
            ttft: seconds(
                meter,
                "gen_ai.server.time_to_first_token",
                "Time from the request to the first token handed on",
                &SECONDS,
            ),
            added: seconds(
                meter,
                "tokenscope.gateway.added",
                "Time to the first token that the gateway itself took",
                &SHORT,
            ),
            network: seconds(
                meter,
                "tokenscope.gateway.network",
                "Time to the first token that connecting and one round trip took",
                &SECONDS,
            ),
            provider: seconds(
                meter,
                "tokenscope.gateway.provider",
                "Time to the first token that the provider took",
                &SECONDS,
            ),
            cost: meter
                .f64_counter("tokenscope.gateway.cost")
                .with_unit("{USD}")
                .with_description(
                    "US dollars as far as prices are known, the prompts of beaten targets included",
                )
                .build(),
        }
    }

    fn record(&self, record: &AuditRecord) {
        self.measure(record);
        self.trace(record);
    }

    fn measure(&self, record: &AuditRecord) {
        let mut labels = labels(record);
        self.requests.add(1, &labels);
        let seconds = |ms: f64| ms / 1e3;
        self.duration.record(seconds(record.total_ms), &labels);
        for (histogram, ms) in [
            (&self.ttft, record.ttft_ms),
            (&self.added, record.added_ms),
            (&self.network, record.network_ms),
            (&self.provider, record.provider_ms),
        ] {
            if let Some(ms) = ms {
                histogram.record(seconds(ms), &labels);
            }
        }
        if let Some(cost) = record.charged_usd() {
            self.cost.add(cost, &labels);
        }
        for (kind, tokens) in [
            ("input", record.input_tokens),
            ("output", record.output_tokens),
        ] {
            if let Some(tokens) = tokens {
                labels.push(KeyValue::new("gen_ai.token.type", kind));
                self.tokens.record(tokens, &labels);
                labels.pop();
            }
        }
    }

    fn trace(&self, record: &AuditRecord) {
        let since = u64::try_from(wall_clock_ns()).unwrap_or_default();
        let ended = UNIX_EPOCH + Duration::from_nanos(since);
        let took = Duration::try_from_secs_f64(record.total_ms / 1e3).unwrap_or_default();
        let parent = record.trace_parent.iter();
        let parent = parent
            .map(|parent| ("traceparent".to_owned(), parent.clone()))
            .collect();
        let parent: std::collections::HashMap<String, String> = parent;
        let parent = TraceContextPropagator::new().extract(&parent);
        let builder = self
            .tracer
            .span_builder(format!("chat {}", record.model))
            .with_kind(SpanKind::Server)
            .with_start_time(ended.checked_sub(took).unwrap_or(ended))
            .with_attributes(attributes(record));
        let mut span = self.tracer.build_with_context(builder, &parent);
        if record.outcome != "ok" {
            span.set_status(Status::error(record.outcome.clone()));
        }
        span.end_with_timestamp(ended);
    }
}

/// The labels of a request's figures: few values each.
fn labels(record: &AuditRecord) -> Vec<KeyValue> {
    let mut labels = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.request.model", record.model.clone()),
        KeyValue::new("tokenscope.route", record.route.clone()),
        KeyValue::new("tokenscope.target", record.target.clone()),
    ];
    if record.outcome != "ok" {
        labels.push(KeyValue::new("error.type", record.outcome.clone()));
    }
    labels
}

/// The attributes of a request's span.
fn attributes(record: &AuditRecord) -> Vec<KeyValue> {
    let mut attributes = labels(record);
    attributes.push(KeyValue::new(
        "http.response.status_code",
        i64::from(record.status),
    ));
    attributes.push(KeyValue::new("tokenscope.key", record.key.clone()));
    attributes.push(KeyValue::new(
        "tokenscope.attempts",
        i64::from(record.attempts),
    ));
    attributes.push(KeyValue::new("tokenscope.hedges", i64::from(record.hedges)));
    for (name, tokens) in [
        ("gen_ai.usage.input_tokens", record.input_tokens),
        ("gen_ai.usage.output_tokens", record.output_tokens),
    ] {
        let tokens = tokens.and_then(|tokens| i64::try_from(tokens).ok());
        attributes.extend(tokens.map(|tokens| KeyValue::new(name, tokens)));
    }
    for (name, figure) in [
        ("tokenscope.ttft_ms", record.ttft_ms),
        ("tokenscope.added_ms", record.added_ms),
        ("tokenscope.network_ms", record.network_ms),
        ("tokenscope.provider_ms", record.provider_ms),
        ("tokenscope.lost_ms", record.lost_ms),
        ("tokenscope.cost_usd", record.cost_usd),
        ("tokenscope.beaten_cost_usd", record.beaten_cost_usd),
    ] {
        attributes.extend(figure.map(|figure| KeyValue::new(name, figure)));
    }
    attributes
}
