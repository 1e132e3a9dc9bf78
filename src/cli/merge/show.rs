//! A bench of several machines in words and as JSON.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use serde::Serialize;

use crate::{
    bench::{
        BenchId,
        merge::{CommonClock, MachineResult, MergedBench},
    },
    cli::{
        bench::{BenchLine, summary_text},
        terminal::stdout,
    },
    record,
    visible::visible_line,
};

/// The line of JSON: that of a bench, and its machines.
#[derive(Serialize)]
struct MergedLine<'a> {
    #[serde(flatten)]
    bench: BenchLine<'a>,
    machines: &'a [MachineResult],
    clock: CommonClock,
    together_share: Option<f64>,
}

/// Prints a merged bench.
pub(in crate::cli) fn print(
    id: Option<BenchId>,
    merged: &MergedBench,
    json: bool,
) -> io::Result<()> {
    let mut out = stdout();
    if json {
        let line = MergedLine {
            bench: BenchLine::new(id, &merged.plan, &merged.summary),
            machines: &merged.machines,
            clock: merged.clock,
            together_share: merged.together_share,
        };
        record::write_line(&mut out, &line)?;
    } else {
        out.write_all(summary_text(&merged.plan, &merged.summary).as_bytes())?;
        out.write_all(machines(merged).as_bytes())?;
    }
    out.end()
}

/// What each machine measured, and how well their clocks are known.
fn machines(merged: &MergedBench) -> String {
    let mut out = format!(
        "\n{:24}{:>9}{:>8}{:>10}{:>12}{:>12}   clock ms\n",
        "machine", "requests", "failed", "sent/s", "TTFT p50", "lag p99"
    );
    for machine in &merged.machines {
        out.push_str(&row(machine));
    }
    let clocks = match merged.clock {
        CommonClock::OneMachine => String::new(),
        CommonClock::RoundTrips { uncertainty_ms } => format!(
            "Clocks: put on the driver’s, to within {uncertainty_ms:.3} ms when they were measured. No latency depends on it.\n"
        ),
        CommonClock::WallClocks => {
            "Clocks: each machine’s own, whose error nobody measured. No latency depends on it.\n"
                .to_owned()
        }
    };
    out.push_str(&clocks);
    if let Some(share) = merged.together_share.filter(|_| merged.machines.len() > 1) {
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "All machines sent at once for {:.0} % of the time.",
            share * 100.0
        );
    }
    out
}

fn row(machine: &MachineResult) -> String {
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.1}"));
    let counts = machine.requests;
    let clock = match (machine.clock_offset_ms, machine.clock_uncertainty_ms) {
        (Some(offset), Some(within)) => {
            let drift = machine.clock_drift_ms;
            let drift = drift.map_or_else(String::new, |drift| format!(", drift {drift:+.3}"));
            format!("   {offset:+.3} ± {within:.3}{drift}")
        }
        _ => String::new(),
    };
    let state = match (&machine.lost, machine.valid) {
        (Some(_), _) => "   MISSING",
        (None, false) => "   INVALID",
        (None, true) => "",
    };
    format!(
        "{:24}{:>9}{:>8}{:>10}{:>12}{:>12}{clock}{state}\n",
        visible_line(&machine.machine),
        counts.sent,
        counts.failed,
        cell(machine.achieved_rate),
        cell(machine.ttft_ms.p50),
        cell(machine.lag_ms.p99),
    )
}
