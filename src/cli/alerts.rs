//! `tokenscope alerts`: when the alerts of the settings would have fired on the probes of the past.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use anyhow::Context as _;
use jiff::{SignedDuration, SpanRound, Timestamp, Unit, tz::TimeZone};
use serde::Serialize;

use super::{UsageError, since::since, stored, terminal::stdout};
use crate::{
    alert::{AlertPeriod, AlertSample, periods},
    clock::wall_clock_ns,
    record,
    settings::{self, Paths, alert::AlertSettings},
    visible::visible_line,
};

/// Arguments of `tokenscope alerts`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct AlertsArgs {
    /// On probes since then: 12h, 7d, 2026-11-30 or 2026-11-30T08:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = since, default_value = "7d")]
    since: i64,

    /// Prints a line of JSON for each time that one fired.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 the settings or the history can't be read; 2 wrong arguments, or the settings
have no alert.

An alert is a section of the settings file, which `tokenscope probe` and the desktop's monitor follow:
  [alert.slow]
  figure = \"ttft_p95\"
  above = 2000

Example:
  tokenscope alerts --since 30d";

/// A time in which an alert fired, as a line of JSON.
#[derive(Serialize)]
struct AlertPeriodLine<'a> {
    rule: &'a str,
    target: String,
    from_unix_ns: i64,
    to_unix_ns: Option<i64>,
}

pub(super) fn run(args: &AlertsArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user()?;
    let settings = settings::load(&paths)?;
    if settings.alerts.is_empty() {
        let file = paths.settings.display();
        let why = format!("{file} has no section [alert.NAME]: `tokenscope help alerts` shows one");
        return Err(UsageError::new(why).into());
    }
    let since = args.since;
    let probes = stored::read(&paths, async |history| {
        Ok(history.probe_outcomes(since).await?)
    })?;
    let late_share = settings.measuring.late_share;
    let samples = probes
        .iter()
        .filter_map(|probe| AlertSample::of_probe(probe, late_share));
    let samples: Vec<_> = samples.collect();
    let mut out = stdout();
    for rule in &settings.alerts {
        let found = periods(rule, &samples);
        if args.json {
            found
                .iter()
                .try_for_each(|period| record::write_line(&mut out, &line(rule, period)))?;
        } else {
            write!(out, "{}", told(rule, &found, &samples))?;
        }
    }
    out.end().context("standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn line<'a>(rule: &'a AlertSettings, period: &AlertPeriod) -> AlertPeriodLine<'a> {
    AlertPeriodLine {
        rule: &rule.name,
        target: period.target.to_string(),
        from_unix_ns: period.from_unix_ns,
        to_unix_ns: period.to_unix_ns,
    }
}

/// How often a rule would have fired, and a line for each time.
fn told(rule: &AlertSettings, found: &[AlertPeriod], samples: &[AlertSample]) -> String {
    let probes = samples
        .iter()
        .filter(|sample| rule.is_for(&sample.target.to_string()))
        .count();
    let times = match found.len() {
        0 => "would not have fired".to_owned(),
        1 => "would have fired once".to_owned(),
        times => format!("would have fired {times} times"),
    };
    let probes = if probes == 1 {
        "1 probe".to_owned()
    } else {
        format!("{probes} probes")
    };
    let mut text = format!("{}: {times} in {probes}\n", visible_line(&rule.name));
    for period in found {
        let to = period.to_unix_ns.unwrap_or_else(wall_clock_ns);
        let lasted = lasted(to.saturating_sub(period.from_unix_ns));
        let lasts = if period.to_unix_ns.is_some() {
            "for"
        } else {
            "and fires since,"
        };
        let target = visible_line(&period.target.to_string()).into_owned();
        let from = local(period.from_unix_ns);
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {from}  {target}  {lasts} {lasted}");
    }
    text
}

/// A time of day by this machine's time zone.
fn local(unix_ns: i64) -> String {
    let at = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// A length of time in minutes, hours and days.
fn lasted(ns: i64) -> String {
    let minutes = SignedDuration::from_nanos(ns).as_mins().max(1);
    let span = jiff::Span::new().minutes(minutes);
    let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    span.round(round)
        .map(|span| format!("{span:#}"))
        .unwrap_or_default()
}
