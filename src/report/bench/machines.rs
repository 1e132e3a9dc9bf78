//! What each machine of a bench measured, and how well their clocks are known.

use super::{
    super::{
        html::Html,
        number::{ms_text, signed_text},
        table::{row, table},
    },
    ReportedMachines,
    asked::{count, rate_text},
};
use crate::bench::merge::{CommonClock, MachineResult};

/// The table of machines.
pub(super) fn section(html: &mut Html, of: &ReportedMachines) {
    html.raw("<h3>Machines</h3>\n");
    let mut head = vec!["Machine", "Validity", "Requests", "Failed", "Sent a second"];
    head.extend(["TTFT p50, ms", "Lag p99, ms", "Clock, ms"]);
    table(html, &head, |html| {
        for machine in &of.machines {
            row(html, |html| cells(html, machine));
        }
    });
    let clocks = match of.clock {
        CommonClock::OneMachine => "There is one machine.".to_owned(),
        CommonClock::RoundTrips { uncertainty_ms } => format!(
            "Clocks are put on the driver's, to within {uncertainty_ms:.3} ms when they were measured. No latency depends on \
             it."
        ),
        CommonClock::WallClocks => {
            "Clocks are each machine's own, whose error nobody measured. No latency depends on it."
                .to_owned()
        }
    };
    html.words("p", "quiet", clocks);
    if let Some(share) = of.together_share {
        let percent = 100.0 * share;
        let words = format!("All machines sent at once for {percent:.0} % of the time.");
        html.words("p", "quiet", words);
    }
    html.end_line();
}

fn cells(html: &mut Html, machine: &MachineResult) {
    let text = |ms: Option<f64>| ms.map_or_else(String::new, ms_text);
    html.words("td", "target", &machine.machine);
    html.element("td", &[], |html| match (&machine.lost, machine.valid) {
        (Some(why), _) => html.text(format!("MISSING: {why}")),
        (None, false) => html.text("INVALID"),
        (None, true) => html.text("valid"),
    });
    html.words("td", "num", count(machine.requests.sent));
    html.words("td", "num", count(machine.requests.failed));
    let sent = machine.achieved_rate.map_or_else(String::new, rate_text);
    html.words("td", "num", sent);
    html.words("td", "num", text(machine.ttft_ms.p50));
    html.words("td", "num", text(machine.lag_ms.p99));
    let clock = machine.clock_offset_ms.zip(machine.clock_uncertainty_ms);
    let clock = clock.map_or_else(String::new, |(offset, within)| {
        let drift = machine.clock_drift_ms;
        let drift = drift.map_or_else(String::new, |drift| {
            format!(", drift {}", signed_text(drift, 3))
        });
        format!("{} ± {within:.3}{drift}", signed_text(offset, 3))
    });
    html.words("td", "num", clock);
}
