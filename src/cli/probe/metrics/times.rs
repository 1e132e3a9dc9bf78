//! The times of a probe: metrics' names and helps, and the figures that they are made from.

/// Upper bounds of the classic buckets of times, in seconds.
pub(super) const BUCKETS: [f64; 20] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0,
    10.0, 20.0, 60.0, 120.0,
];

const PHASE_HELP: &str = "Parts of probes: dns, tcp and tls of a new connection; headers and first_byte since the \
                          request was sent";

/// A time of a probe, from a figure in milliseconds.
pub(super) struct ProbeTime {
    pub name: &'static str,
    pub help: &'static str,
    pub phase: Option<&'static str>,
    pub figure: &'static str,
}

/// A time that is a metric of its own.
const fn time(name: &'static str, help: &'static str, figure: &'static str) -> ProbeTime {
    ProbeTime {
        name,
        help,
        phase: None,
        figure,
    }
}

/// A time that is a phase.
const fn phase(phase: &'static str, figure: &'static str) -> ProbeTime {
    ProbeTime {
        phase: Some(phase),
        ..time("tokenscope_probe_phase_seconds", PHASE_HELP, figure)
    }
}

/// Those of one name stand together.
pub(super) const TIMES: [ProbeTime; 8] = [
    time(
        "tokenscope_probe_ttft_seconds",
        "Time from the start to the first token; cold probes include their handshakes",
        "ttft_ms",
    ),
    time(
        "tokenscope_probe_ttft_net_seconds",
        "Time from the sent request to the first token, without connecting",
        "ttft_net_ms",
    ),
    time(
        "tokenscope_probe_duration_seconds",
        "Time from the start to the last token",
        "total_ms",
    ),
    phase("dns", "dns_ms"),
    phase("tcp", "tcp_ms"),
    phase("tls", "tls_ms"),
    phase("headers", "headers_ms"),
    phase("first_byte", "ttfb_ms"),
];
