//! What free checks found of endpoints, for an OpenTelemetry collector: metrics alone, since a check asks no model.

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter},
};

use crate::{
    cli::{
        otlp::{SECONDS, seconds},
        probe::metrics::{PHASES, unix_seconds},
    },
    history::EndpointCheck,
};

/// The instruments of free checks.
pub(super) struct CheckInstruments {
    checks: Counter<u64>,
    up: Gauge<u64>,
    phases: Histogram<f64>,
    certificate: Gauge<f64>,
}

impl CheckInstruments {
    pub(super) fn of(meter: &Meter) -> Self {
        Self {
            checks: meter
                .u64_counter("tokenscope.endpoint.checks")
                .with_unit("{check}")
                .with_description("Free checks that are over")
                .build(),
            up: meter
                .u64_gauge("tokenscope.endpoint.up")
                .with_unit("1")
                .with_description("Whether an endpoint was there at its last free check")
                .build(),
            phases: seconds(
                meter,
                "tokenscope.endpoint.check.phase",
                "Parts of free checks: dns, tcp and tls of a new connection, and the list of models",
                &SECONDS,
            ),
            certificate: meter
                .f64_gauge("tokenscope.endpoint.certificate.expiry")
                .with_unit("s")
                .with_description("When the certificate of an endpoint ends, in seconds since 1970")
                .build(),
        }
    }

    /// A check is over.
    pub(super) fn take(&self, check: &EndpointCheck) {
        let mut labels = vec![KeyValue::new("tokenscope.endpoint", check.endpoint.clone())];
        if let Some(is_up) = check.is_up() {
            self.up.record(is_up.into(), &labels);
        }
        if let Some(until) = check.certificate_until {
            self.certificate.record(unix_seconds(until), &labels);
        }
        for (phase, took) in PHASES {
            if let Some(took) = took(check) {
                labels.push(KeyValue::new("tokenscope.phase", phase));
                self.phases.record(took, &labels);
                labels.pop();
            }
        }
        if let Some(class) = check.fault {
            labels.push(KeyValue::new("error.type", class.as_str()));
        }
        self.checks.add(1, &labels);
    }
}
