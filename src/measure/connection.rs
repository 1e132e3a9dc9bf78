//! The figures of a run's connection, and of this program as its reader.

use std::time::Duration;

use super::{Better, Figure, FigureGroup, percentile};
use crate::{
    run::{Run, ms},
    transport::TcpInfo,
};

/// They show how reliable the other figures are, and how much of them is the network's.
pub static CONNECTION_FIGURES: &[Figure] = &[
    Figure {
        key: "our_delay_p50_ms",
        group: FigureGroup::OurDelay,
        label: "Our delay, median",
        unit: "ms",
        definition: "How much later than the kernel this program received a read of the answer; blank if the \
                     kernel does not stamp reads",
        better: Better::Lower,
        value: |run, _| percentile::percentile(delays(run), 0.5).value,
    },
    Figure {
        key: "our_delay_max_ms",
        group: FigureGroup::OurDelay,
        label: "Our delay, longest",
        unit: "ms",
        definition: "The longest such delay of the run; times of reads are the kernel's, so it is in none of them",
        better: Better::Lower,
        value: |run, _| delays(run).into_iter().reduce(f64::max),
    },
    Figure {
        key: "acknowledged_ms",
        group: FigureGroup::Connection,
        label: "Acknowledged",
        unit: "ms",
        definition: "TCP's acknowledgement of the request's last byte − request sent: from the nearest TCP \
                     endpoint, which may be a proxy or an edge; blank if the kernel does not stamp it",
        better: Better::Lower,
        value: |run, _| {
            let at = run.stamps.link.as_ref()?.acknowledged?;
            at.checked_sub(run.stamps.request_sent?).map(ms)
        },
    },
    Figure {
        key: "tcp_rtt_ms",
        group: FigureGroup::Connection,
        label: "Round trip",
        unit: "ms",
        definition: "Smoothed round-trip time of TCP at the run's end, by the kernel: to the nearest TCP \
                     endpoint, which may be a proxy or an edge",
        better: Better::Lower,
        value: |run, _| tcp(run, |tcp| ms_of(tcp.rtt)),
    },
    Figure {
        key: "tcp_min_rtt_ms",
        group: FigureGroup::Connection,
        label: "Shortest round trip",
        unit: "ms",
        definition: "The shortest round-trip time of TCP that the kernel measured lately on the connection",
        better: Better::Lower,
        value: |run, _| tcp(run, |tcp| ms_of(tcp.min_rtt)),
    },
    Figure {
        key: "tcp_retransmits",
        group: FigureGroup::Connection,
        label: "Retransmits",
        unit: "",
        definition: "TCP segments that this side retransmitted during the run; retransmissions of the server are not visible here",
        better: Better::Lower,
        value: |run, _| tcp(run, |tcp| tcp.retransmits.into()),
    },
    Figure {
        key: "tcp_congestion_window",
        group: FigureGroup::Connection,
        label: "Congestion window",
        unit: "",
        definition: "How many TCP segments this side might have under way, unacknowledged, at the run's end: a \
                     request that is larger takes further round trips",
        better: Better::Higher,
        value: |run, _| {
            let window = run.stamps.link.as_ref()?.tcp()?.congestion_window?;
            Some(window.into())
        },
    },
    Figure {
        key: "tcp_lost",
        group: FigureGroup::Connection,
        label: "Lost",
        unit: "",
        definition: "TCP segments of this side that the kernel considered lost at the run's end",
        better: Better::Lower,
        value: |run, _| tcp(run, |tcp| tcp.lost.into()),
    },
    Figure {
        key: "tcp_out_of_order",
        group: FigureGroup::Connection,
        label: "Out of order",
        unit: "",
        definition: "TCP segments of the server that came out of order during the run: others before them were lost \
                     or overtaken on the way",
        better: Better::Lower,
        value: |run, _| tcp(run, |tcp| tcp.out_of_order.into()),
    },
];

/// How much later than the kernel this program received the reads, in milliseconds.
fn delays(run: &Run) -> Vec<f64> {
    let delays = run.reads.iter().filter_map(|read| read.delay);
    delays.map(|ns| ms(ns.into())).collect()
}

fn ms_of(span: Duration) -> f64 {
    ms(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

fn tcp(run: &Run, value: fn(TcpInfo) -> f64) -> Option<f64> {
    run.stamps.link.as_ref()?.tcp().map(value)
}
