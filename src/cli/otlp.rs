//! Traces and metrics for an OpenTelemetry collector, by OTLP over HTTP: what the commands that send them have in common.
//!
//! Names follow the semantic conventions for generative AI, version 1.37.0:
//! <https://opentelemetry.io/docs/specs/semconv/gen-ai/>. The SDK keeps at most some thousand spans while the collector is
//! down, and then drops new ones: nothing waits for it.

use anyhow::Context as _;
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter, MeterProvider as _},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{SdkTracer, SdkTracerProvider},
};
use url::Url;

use crate::{
    dialect::DialectId,
    endpoint::{TargetId, TargetPlace},
};

/// The schema of the names.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
/// Bounds of times in seconds, as the conventions recommend them for generative AI.
pub(super) const SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Bounds of counts of tokens, as the conventions recommend them.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What sends to a collector; it must be ended, so that nothing is lost.
pub(super) struct Collector {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Collector {
    /// The collector at this URL, to which `/v1/traces` and `/v1/metrics` are added.
    pub(super) fn at(url: &Url) -> anyhow::Result<Self> {
        // reqwest has no TLS of its own here. Who set another one already has one that serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = url.as_str().trim_end_matches('/');
        let spans = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{base}/v1/traces"))
            .build()
            .with_context(|| format!("can't send traces to {base}"))?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_endpoint(format!("{base}/v1/metrics"))
            .build()
            .with_context(|| format!("can't send metrics to {base}"))?;
        let resource = Resource::builder()
            .with_service_name("tokenscope")
            .with_schema_url(
                [KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))],
                SCHEMA,
            )
            .build();
        Ok(Self {
            traces: SdkTracerProvider::builder()
                .with_batch_exporter(spans)
                .with_resource(resource.clone())
                .build(),
            metrics: SdkMeterProvider::builder()
                .with_periodic_exporter(metrics)
                .with_resource(resource)
                .build(),
        })
    }

    /// Makes spans.
    pub(super) fn tracer(&self) -> SdkTracer {
        self.traces.tracer("tokenscope")
    }

    /// Makes counts and histograms.
    pub(super) fn meter(&self) -> Meter {
        self.metrics.meter("tokenscope")
    }

    /// Sends what is left, and ends.
    pub(super) fn end(&self) {
        for ended in [self.traces.shutdown(), self.metrics.shutdown()] {
            if let Err(error) = ended {
                tracing::warn!(%error, "the collector did not get everything");
            }
        }
    }
}

/// A histogram of times.
pub(super) fn seconds(
    meter: &Meter,
    name: &'static str,
    help: &'static str,
    bounds: &[f64],
) -> Histogram<f64> {
    let histogram = meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(help);
    histogram.with_boundaries(bounds.to_vec()).build()
}

/// The histogram of whole operations.
pub(super) fn operation_duration(meter: &Meter) -> Histogram<f64> {
    seconds(
        meter,
        "gen_ai.client.operation.duration",
        "Time from the start to the end of the response, or to the fault",
        &SECONDS,
    )
}

/// The histogram of tokens, whose attribute `gen_ai.token.type` is `input` or `output`.
pub(super) fn token_usage(meter: &Meter) -> Histogram<u64> {
    meter
        .u64_histogram("gen_ai.client.token.usage")
        .with_unit("{token}")
        .with_description("Tokens of prompts and answers")
        .with_boundaries(TOKENS.to_vec())
        .build()
}

/// The labels that tell who is asked: few values each. What is not known is left out.
pub(super) fn target_labels(target: &TargetId, place: &TargetPlace) -> Vec<KeyValue> {
    let mut labels = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.request.model", target.model.clone()),
        KeyValue::new("tokenscope.target", target.to_string()),
        KeyValue::new("tokenscope.simulated", place.simulated),
    ];
    let provider = place.dialect.map(provider);
    labels.extend(provider.map(|name| KeyValue::new("gen_ai.provider.name", name)));
    if let Ok(url) = Url::parse(&place.url) {
        let host = url.host_str().map(str::to_owned);
        labels.extend(host.map(|host| KeyValue::new("server.address", host)));
        let port = url.port_or_known_default();
        labels.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
    }
    labels
}

/// The conventions' word for who speaks this protocol: what answers may be another one that speaks it, too.
fn provider(dialect: DialectId) -> &'static str {
    match dialect {
        DialectId::OpenaiChat | DialectId::OpenaiResponses => "openai",
        DialectId::Anthropic => "anthropic",
        DialectId::Gemini => "gcp.gemini",
        DialectId::VertexGrpc => "gcp.vertex_ai",
        DialectId::Ollama => "ollama",
    }
}
